"""From a site on the body, a protocol, a coil and a threshold to a plan."""

from dataclasses import replace
from datetime import UTC, datetime

import anodyne
from anodyne.coil import Coil
from anodyne.plan.making import coil_used, known_peak
from anodyne.plan.peripheral.plan import HEAT_MEASURED, LIMITS_NOTE, PeripheralPlan, PeripheralPrescription
from anodyne.protocol import HEAT_LIMIT, CoilInUse, DoseCheck, Verdict, check_dose, is_deep_coil, prescribe


def make_peripheral_plan(coil: Coil, prescription: PeripheralPrescription) -> PeripheralPlan:
    """A plan for a site on the body, its dose checked; one that needs an override says so, and is made.

    Raises
    ------
    ValueError : a threshold outside 20 to 100 %, or no intensity
    SafetyRefusal : the dose is blocked, the stimulator cannot give it, or the protocol's pulses or the coil's peak
        dI/dt are not known
    """
    protocol = prescription.protocol_given
    dose = prescribe(
        protocol, rmt=prescription.threshold, peak_di_dt=known_peak(coil), intensity=prescription.intensity
    )
    circumstances = replace(prescription.circumstances, site=prescription.site.in_words)
    check = check_dose(
        protocol,
        dose=dose,
        device=prescription.device,
        coil=CoilInUse(label=coil.label, stimulator=coil.stimulator, is_deep=is_deep_coil(f"{coil.name} {coil.label}")),
        circumstances=circumstances,
        override=prescription.override,
    )
    if check.verdict is Verdict.BLOCKED:
        check.refuse_unless_allowed()
    return PeripheralPlan(
        created=datetime.now(UTC),
        version=anodyne.__version__,
        site=prescription.site,
        coil=coil_used(coil),
        protocol=protocol,
        dose=dose,
        device=prescription.device,
        circumstances=circumstances,
        check=check,
        warnings=_warnings(prescription, check),
    )


def _warnings(prescription: PeripheralPrescription, check: DoseCheck) -> tuple[str, ...]:
    protocol = prescription.protocol
    warnings = [*protocol.warnings(), f"Against limits: {check.sentence}.", LIMITS_NOTE]
    if check.verdict is Verdict.NEEDS_OVERRIDE:
        warnings.append(
            "This dose needs a named consultant's override with a reason; without one it is not delivered."
            if check.override is None
            else "This dose was allowed by a named consultant's override; whoever delivers it has to name it again."
        )
    if prescription.intensity is not None and prescription.intensity != protocol.intensity.value:
        warnings.append(
            f"The intensity of {prescription.intensity:.0%} was chosen for this plan, not by the protocol's source."
        )
    if prescription.device is None:
        warnings.append(
            "The coil's stimulator is not known to this program, so whether it can give this dose was not checked."
        )
    warnings.append(f"Heat at the skin: {HEAT_LIMIT.in_words}; {HEAT_MEASURED}.")
    warnings.append(
        "No field is computed for the body: how strong it is in the nerve or muscle, and what else it reaches, is not "
        "known."
    )
    return tuple(warnings)
