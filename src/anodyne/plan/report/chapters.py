"""A plan told from the answer to the small print: the one content of both reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from anodyne.disclaimer import DISCLAIMER
from anodyne.head import Laterality
from anodyne.plan.plan import CHECKS_BY_TWO_PEOPLE, Plan, RegionField
from anodyne.plan.report.content import (
    Answer,
    Answers,
    Block,
    Bullets,
    Definitions,
    InteractiveHead,
    Paragraph,
    Picture,
    Report,
    Section,
    blocks,
)
from anodyne.plan.report.glossary import GLOSSARY
from anodyne.plan.report.prescribed import (
    course_answer,
    dose_section,
    evidence_answer,
    protocol_section,
    session_answer,
    strength_answer,
)
from anodyne.plan.report.robustness_chapter import robustness_sections
from anodyne.plan.report.tables import (
    conductivity_table,
    field_table,
    head_table,
    height_table,
    pose_table,
    region_table,
    search_table,
    tissue_table,
    version_table,
)
from anodyne.plan.report.uncertainty_chapter import interval_in_words, uncertainty_sections
from anodyne.plan.report.words import (
    listed,
    millimetres,
    mni_mm,
    place_in_words,
    point_mm,
    sentence,
    significant,
)
from anodyne.plan.search.placement import handle_in_words
from anodyne.protocol import patient_summary
from anodyne.units import A_per_us, cm3

if TYPE_CHECKING:
    from anodyne.plan.making import Planned

REACHED, WEAKLY_REACHED = 0.5, 0.2
"""Shares of the target's field from which a report calls a region reached, or weakly reached; our own words."""


def report_of(planned: Planned, pictures: Mapping[str, Picture]) -> Report:
    """The whole report of a plan, with those of `pictures` that there are."""
    plan = planned.plan
    target = plan.field.target.site.target
    created = plan.created
    return Report(
        banner=DISCLAIMER,
        title=f"Treatment plan: {target.label}",
        subtitle=plan.protocol.label,
        details=(
            ("Target", target.label),
            ("Coil", plan.coil.label),
            (
                "Head",
                f"{plan.head.name} (an average head: it is nobody's)" if planned.head.is_template else plan.head.name,
            ),
            ("Made", f"{created.day} {created:%B %Y, %H:%M} UTC"),
            ("Anodyne", plan.version),
        ),
        sections=(
            _answer(planned),
            _for_the_patient(plan),
            _before_use(plan),
            _placement(planned, pictures),
            _field(planned, pictures),
            _regions(plan, pictures),
            *robustness_sections(plan),
            *uncertainty_sections(plan, pictures),
            dose_section(plan.dose, plan.protocol, plan.coil.stimulator, pictures),
            protocol_section(plan.protocol),
            _making(planned),
            Section(title="Words", anchor="words", blocks=(Definitions(terms=GLOSSARY),)),
        ),
    )


def _answer(planned: Planned) -> Section:
    plan = planned.plan
    rows = (
        _where(planned),
        _handle(plan),
        strength_answer(plan.dose, plan.protocol, plan.coil.stimulator),
        session_answer(plan.protocol),
        course_answer(plan.protocol),
        _effect(plan),
        evidence_answer(plan.protocol),
    )
    return Section(title="The plan in short", anchor="plan", blocks=(Answers(rows=rows),))


def _where(planned: Planned) -> Answer:
    placement, head = planned.plan.placement, planned.head
    mni = mni_mm(head, placement.scalp_point)
    in_mni = f"; MNI152: {mni} mm" if mni is not None else ""
    return Answer(
        label="Coil on the scalp",
        value=sentence(place_in_words(head, placement.scalp_point)),
        note=(
            f"Scalp point under the casing's centre, head coordinates x, y, z: {point_mm(placement.scalp_point)} mm"
            f"{in_mni}. The casing comes no closer to the scalp than {millimetres(placement.casing_to_scalp)}, "
            f"with {millimetres(placement.hair)} allowed for hair."
        ),
    )


def _handle(plan: Plan) -> Answer:
    return Answer(
        label="Handle",
        value=sentence(handle_in_words(plan.placement.pose)),
        note="The coil lies tangentially on the head; left and right are the patient's own.",
    )


def _effect(plan: Plan) -> Answer:
    region = plan.field.target
    normal = ""
    if region.normal_component is not None:
        way = "out of" if region.normal_component > 0 else "into"
        normal = f" Along the cortex's normal: {significant(abs(region.normal_component))} V/m {way} the cortex."
    sure = ""
    if plan.uncertainty is not None:
        between = interval_in_words(plan.uncertainty.of(region.site.target.name))
        sure = f" With the published ranges of the tissues' conductivities: {between}."
    return Answer(
        label="E-field at the target",
        value=f"{significant(region.magnitude)} V/m",
        note=(
            f"Mean over {significant(region.volume / cm3, 2)} cm³ within {millimetres(region.site.target.radius, 0)} "
            f"of {region.site.target.label}, {millimetres(region.site.depth, 0)} below the scalp.{normal}{sure} "
            "How much field a treatment of pain needs is not known."
        ),
    )


def _for_the_patient(plan: Plan) -> Section:
    text = Paragraph(text=patient_summary(plan.protocol), is_lead=True)
    return Section(title="For the person treated", anchor="patient", blocks=(text,))


def _before_use(plan: Plan) -> Section:
    return Section(
        title="Before anyone acts on this",
        anchor="warnings",
        blocks=(
            Paragraph(text=f"{DISCLAIMER} Two people must still check, before any use with a person:"),
            Bullets(items=tuple(sentence(item) for item in CHECKS_BY_TWO_PEOPLE), is_checklist=True),
            Paragraph(text="Warnings that belong to this plan:"),
            Bullets(items=plan.warnings),
        ),
    )


def _placement(planned: Planned, pictures: Mapping[str, Picture]) -> Section:
    plan = planned.plan
    return Section(
        title="Where the coil goes",
        anchor="placement",
        blocks=blocks(
            InteractiveHead(
                caption=(
                    "The cortex coloured by the E-field's strength in V/m, the coil's casing and winding, its handle, "
                    "and the target's region (ball) with the cortex's outward normal. Drag to turn, scroll to zoom, "
                    "point to read the field."
                )
            ),
            pictures.get("coil-on-scalp"),
            height_table(plan),
            pose_table(plan),
        ),
    )


def _field(planned: Planned, pictures: Mapping[str, Picture]) -> Section:
    return Section(
        title="What the coil does in the head",
        anchor="field",
        blocks=blocks(
            Paragraph(
                text=(
                    "Each pulse induces an electric field (E-field) in the head, for a fraction of a millisecond. All "
                    f"values are at the prescribed strength, {significant(planned.plan.dose.di_dt / A_per_us, 4)} A/µs."
                )
            ),
            pictures.get("cortex"),
            pictures.get("slices"),
            pictures.get("depth"),
            field_table(planned.plan),
            tissue_table(planned),
        ),
    )


def _regions(plan: Plan, pictures: Mapping[str, Picture]) -> Section:
    return Section(
        title="Which regions of pain it reaches",
        anchor="regions",
        blocks=blocks(_reach(plan), pictures.get("regions"), region_table(plan)),
    )


def _reach(plan: Plan) -> list[Block]:
    """What is reached and what is not, said plainly."""
    own = plan.field.target.site.target
    others = [region for region in plan.field.regions if region.site.target.name != own.name]
    bands = (
        (f"At least half of the field at {own.label}", REACHED, np.inf),
        ("Between a fifth and a half", WEAKLY_REACHED, REACHED),
        ("Less than a fifth, so hardly reached", -np.inf, WEAKLY_REACHED),
    )
    items = tuple(
        f"{words}: {_with_shares([one for one in others if low <= round(one.share_of_target, 2) < high])}."
        for words, low, high in bands
    )
    honest = (
        "A coil outside the head cannot make the field stronger in the depth than at the surface above (Heller and "
        "van Hulsteyn 1992), so S2, insula, cingulate, thalamus and brainstem cannot be reached without exposing the "
        "cortex above them to more. A share is not an effect: whether a weak field does anything there is not known, "
        "and the treatment may act on them through connections. Half and a fifth are only our choice of words."
    )
    at_target = significant(plan.field.target.magnitude)
    lead = f"Mean |E| in every named region, as a share of the {at_target} V/m at the target."
    return [Paragraph(text=lead, is_lead=True), Bullets(items=items), Paragraph(text=honest)]


def _with_shares(regions: list[RegionField]) -> str:
    """Regions of one side and name together, strongest first: ``right insula (13 to 22 %)``."""
    if not regions:
        return "none of the named regions"
    shares: dict[str, list[float]] = {}
    for region in sorted(regions, key=lambda region: -region.share_of_target):
        target = region.site.target
        side = "" if target.laterality is Laterality.MIDDLE else f"{target.laterality.value} "
        shares.setdefault(side + target.region, []).append(round(100 * region.share_of_target))
    return listed([f"{name} ({_range(values)} %)" for name, values in shares.items()])


def _range(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{high:.0f}" if low == high else f"{low:.0f} to {high:.0f}"


def _making(planned: Planned) -> Section:
    plan = planned.plan
    return Section(
        title="How this was computed",
        anchor="computed",
        blocks=blocks(
            Paragraph(text=sentence(plan.head.provenance)),
            head_table(planned),
            conductivity_table(plan),
            search_table(planned),
            version_table(plan.version),
        ),
    )
