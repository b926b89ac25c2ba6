"""A plan for the body told from the answer to the small print."""

from collections.abc import Mapping

from anodyne.disclaimer import DISCLAIMER
from anodyne.plan.peripheral.plan import (
    CHECKLIST_SOURCE,
    HEAT_MEASURED,
    LIMITS_NOTE,
    PeripheralPlan,
    peripheral_checks,
)
from anodyne.plan.report.content import (
    Answer,
    Answers,
    Bullets,
    Definitions,
    Paragraph,
    Picture,
    Report,
    Section,
    Table,
)
from anodyne.plan.report.glossary import GLOSSARY_OF_THE_BODY
from anodyne.plan.report.prescribed import (
    course_answer,
    dose_section,
    evidence_answer,
    protocol_section,
    session_answer,
    strength_answer,
)
from anodyne.plan.report.tables import version_table
from anodyne.plan.report.verdict_chapter import verdict_answer, verdict_section
from anodyne.plan.report.words import percent, sentence
from anodyne.protocol import HEAT_LIMIT, patient_summary
from anodyne.units import CELSIUS_ZERO, minute


def peripheral_report(plan: PeripheralPlan, pictures: Mapping[str, Picture]) -> Report:
    """The whole report of a plan for the body, with those of `pictures` that there are."""
    created = plan.created
    return Report(
        banner=DISCLAIMER,
        title=f"Treatment plan: {plan.site.in_words}",
        subtitle=plan.protocol.label,
        details=(
            ("Site", plan.site.in_words),
            ("Coil", plan.coil.label),
            ("Stimulator", "not known" if plan.device is None else plan.device.label),
            ("Made", f"{created.day} {created:%B %Y, %H:%M} UTC"),
            ("Anodyne", plan.version),
        ),
        sections=(
            _in_short(plan),
            _for_the_patient(plan),
            _before_use(plan),
            dose_section(plan.dose, plan.protocol, _stimulator(plan), pictures),
            verdict_section(plan.check, LIMITS_NOTE),
            _heat(plan),
            protocol_section(plan.protocol),
            _making(plan),
            Section(title="Words", anchor="words", blocks=(Definitions(terms=GLOSSARY_OF_THE_BODY),)),
        ),
    )


def _stimulator(plan: PeripheralPlan) -> str | None:
    return plan.coil.stimulator if plan.device is None else plan.device.label


def _in_short(plan: PeripheralPlan) -> Section:
    rows = (
        _where(plan),
        _threshold(plan),
        strength_answer(plan.dose, plan.protocol, _stimulator(plan)),
        session_answer(plan.protocol),
        course_answer(plan.protocol),
        verdict_answer(plan.check),
        Answer(
            label="Heat at the skin",
            value=sentence(HEAT_LIMIT.in_words),
            note=sentence(f"{HEAT_MEASURED} ({HEAT_LIMIT.source}; {HEAT_LIMIT.certainty.in_words})"),
        ),
        evidence_answer(plan.protocol),
    )
    return Section(title="The plan in short", anchor="plan", blocks=(Answers(rows=rows),))


def _where(plan: PeripheralPlan) -> Answer:
    side = plan.site.side
    aim = plan.protocol.target.known.name
    sides = "No side was given. " if side is None else f"The patient's own {side.value}. "
    return Answer(
        label="Coil on the body",
        value=sentence(plan.site.in_words),
        note=(
            f"{sides}The coil lies on the skin there; mark the spot, so that the next session finds it again. The "
            f"protocol's own site: {aim}."
        ),
    )


def _threshold(plan: PeripheralPlan) -> Answer:
    basis = plan.threshold_by
    return Answer(
        label="Threshold",
        value=f"{percent(plan.dose.rmt)} of stimulator output",
        note=(
            f"It is the {basis.threshold_in_words}, as this protocol's intensity is relative to it; it is no motor "
            "threshold of the head, and holds for this site, coil and stimulator only."
        ),
    )


def _for_the_patient(plan: PeripheralPlan) -> Section:
    where = Paragraph(
        text=f"The place is your {plan.site.in_words}." if plan.site.side else f"The place: {plan.site.words}."
    )
    text = Paragraph(text=patient_summary(plan.protocol_at_dose), is_lead=True)
    return Section(title="For the person treated", anchor="patient", blocks=(text, where))


def _before_use(plan: PeripheralPlan) -> Section:
    checks = peripheral_checks(plan.threshold_by)
    return Section(
        title="Before anyone acts on this",
        anchor="warnings",
        blocks=(
            Paragraph(text=f"{DISCLAIMER} Two people must still check, before any use with a person:"),
            Bullets(items=tuple(sentence(item) for item in checks), is_checklist=True),
            Paragraph(
                text="What is marked recalled was not confirmed in a source that was read for this program. "
                + CHECKLIST_SOURCE
            ),
            Paragraph(text="Warnings that belong to this plan:"),
            Bullets(items=plan.warnings),
        ),
    )


def _heat(plan: PeripheralPlan) -> Section:
    limit = HEAT_LIMIT
    rows = (
        ("Never reached", f"{limit.ceiling - CELSIUS_ZERO:.0f} °C"),
        (
            "Never for longer",
            f"above {limit.sustained - CELSIUS_ZERO:.0f} °C for {limit.sustained_for / minute:.0f} of any "
            f"{limit.window / minute:.0f} min",
        ),
        ("Source", limit.source),
        ("How sure", limit.certainty.in_words),
    )
    return Section(
        title="Heat at the skin",
        anchor="heat",
        blocks=(
            Paragraph(
                text=(
                    f"The coil lies on the skin and warms as it pulses. While 'anodyne stimulator deliver' gives this "
                    f"plan, it keeps the rule below, and disarms and pauses when it is met; {HEAT_MEASURED}. Look at "
                    "the skin in the pauses, and stop when the person says that it is hot."
                )
            ),
            Table(caption=limit.label, header=("Rule", "Value"), rows=rows, widths=(3, 8)),
        ),
    )


def _making(plan: PeripheralPlan) -> Section:
    text = (
        "The output is the threshold times the relative intensity, and dI/dt is that share of the coil's at full "
        "output. No field was computed: there is no model of the body in this program, so how strong it is in the "
        "nerve or muscle, and what else it reaches, is not known."
    )
    return Section(
        title="How this was computed",
        anchor="computed",
        blocks=(Paragraph(text=text), version_table(plan.version, ())),
    )
