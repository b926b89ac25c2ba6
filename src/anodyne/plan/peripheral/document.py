"""plan.json of a plan for the body."""

from anodyne.disclaimer import DISCLAIMER
from anodyne.plan.document import SCHEMA_VERSION, coil_document, dose_document, rounded
from anodyne.plan.kinds import Document, PlanKind
from anodyne.plan.peripheral.plan import CHECKLIST_SOURCE, HEAT_MEASURED, PeripheralPlan, peripheral_checks
from anodyne.protocol import HEAT_LIMIT, protocol_to_data
from anodyne.units import CELSIUS_ZERO, percent


def peripheral_document(plan: PeripheralPlan) -> Document:
    """A plan for the body as JSON-ready data; every key that holds a quantity names its unit."""
    side = plan.site.side
    return {
        "schema": PlanKind.PERIPHERAL.value,
        "schema_version": SCHEMA_VERSION,
        "disclaimer": DISCLAIMER,
        "created": plan.created.isoformat(timespec="seconds"),
        "anodyne_version": plan.version,
        "site": {"words": plan.site.words, "side": None if side is None else side.value},
        "coil": coil_document(plan.coil),
        "stimulator": None if plan.device is None else plan.device.name,
        "protocol": {"name": plan.protocol.name, **protocol_to_data(plan.protocol)},
        "dose": {
            "threshold_percent": rounded(plan.dose.rmt / percent),
            "threshold_by": plan.threshold_by.value,
            "threshold_in_words": plan.threshold_by.threshold_in_words,
            **dose_document(plan.dose, plan.protocol),
        },
        "circumstances": {
            "modifiers": [modifier.name for modifier in plan.circumstances.modifiers],
            "sessions_per_day": plan.circumstances.sessions_per_day,
            "firmware": plan.circumstances.firmware,
        },
        "heat": {
            "words": HEAT_LIMIT.in_words,
            "measured": HEAT_MEASURED,
            "ceiling_celsius": rounded(HEAT_LIMIT.ceiling - CELSIUS_ZERO),
            "sustained_celsius": rounded(HEAT_LIMIT.sustained - CELSIUS_ZERO),
            "sustained_for_s": HEAT_LIMIT.sustained_for,
            "window_s": HEAT_LIMIT.window,
            "source": HEAT_LIMIT.source,
            "certainty": HEAT_LIMIT.certainty.value,
        },
        "dose_check": plan.check.to_data(),
        "warnings": list(plan.warnings),
        "checks_by_two_people": list(peripheral_checks(plan.threshold_by)),
        "checks_source": CHECKLIST_SOURCE,
    }
