"""The tables of a report."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from anodyne.field import peak_by_tissue
from anodyne.head import Conductivities, Space, tissue_name
from anodyne.plan.plan import Objective, Plan, RegionField, SearchSummary
from anodyne.plan.report.content import Table
from anodyne.plan.report.words import millimetres, percent, point_mm, significant
from anodyne.protocol import Dose, Protocol, describe
from anodyne.units import A_per_us, cm3, mm

if TYPE_CHECKING:
    from anodyne.plan.making import Planned

LIBRARIES = ("numpy", "scipy", "numba", "pyamg", "nibabel")
"""Whose versions can move a result."""

UNCERTAINTY_LEFT_OUT = (
    "Conductivities are known within tens of per cent only; what that makes of the field was not computed for this "
    "plan (anodyne plan make --uncertainty)."
)


def height_table(plan: Plan) -> Table:
    """Every height with the planes it lies between."""
    placement, target = plan.placement, plan.field.target.site
    rows = (
        ("Hair allowance", millimetres(placement.hair), "kept free between scalp and casing everywhere; an assumption"),
        (
            "Casing to scalp",
            millimetres(placement.casing_to_scalp),
            "least distance of any point of the casing; a ruler's height",
        ),
        ("Casing's centre to scalp", millimetres(placement.centre_to_scalp), "from the origin of the coil's frame"),
        (
            "Winding to scalp",
            millimetres(placement.winding_to_scalp),
            "least distance of any point of the winding; what the field depends on",
        ),
        ("Target below scalp", millimetres(target.depth), f"at {point_mm(target.position)} mm in head coordinates"),
    )
    return Table(
        caption="Heights, each with its plane",
        header=("From where to where", "Distance", "What it is"),
        rows=rows,
        widths=(3, 2, 6),
        numbers=(1,),
    )


def pose_table(plan: Plan) -> Table:
    """The pose as numbers."""
    matrix = plan.placement.pose.head_from_coil
    rows = tuple(
        (name, *(f"{value:.4f}".replace("-", "−") for value in row[:3]), f"{row[3] / mm:.2f}".replace("-", "−"))
        for name, row in zip(("to the right", "to the front", "upwards"), matrix[:3], strict=True)
    )
    return Table(
        caption="Pose: the coil's axes and position in head coordinates",
        header=(
            "Component",
            "x axis",
            "y axis (away from the handle)",
            "z axis (into the head)",
            "Casing's centre (mm)",
        ),
        rows=rows,
        widths=(2, 2, 3, 3, 3),
        numbers=(1, 2, 3, 4),
        notes=("The same stands in poses/simnibs.txt and poses/brainsight.txt. Load the same T1 into the navigator.",),
    )


def field_table(plan: Plan) -> Table:
    """What sums the field up."""
    field = plan.field
    rows = [
        (
            "Mean |E| at the target",
            f"{significant(field.target.magnitude)} V/m",
            f"over {significant(field.target.volume / cm3, 2)} cm³",
        ),
        ("Highest |E| at the target", f"{significant(field.target.highest)} V/m", "99th percentile of that volume"),
        (
            "Mean E at the target, as a vector",
            ", ".join(significant(value) for value in field.mean_vector) + " V/m",
            "to the right, to the front, upwards",
        ),
        (
            "Grey matter, peak |E|",
            f"{significant(field.grey_matter_percentile_99_9)} V/m",
            "99.9th percentile of its volume",
        ),
        ("Grey matter, highest 1 cm³", f"{significant(field.grey_matter_top_cubic_centimetre)} V/m", "mean |E| there"),
        ("Where that is", f"{point_mm(field.hotspot)} mm", f"{millimetres(field.hotspot_distance)} from the target"),
        (
            "Focality",
            f"{significant(field.focality_volume / cm3)} cm³",
            "grey matter with |E| above half of its 99.9th percentile",
        ),
        (
            "Depth of half the peak",
            millimetres(field.half_depth),
            "below the scalp, to which |E| in the brain reaches half of that percentile",
        ),
        (
            "Scalp, peak |E|",
            f"{significant(field.scalp_percentile_99_9)} V/m",
            "99.9th percentile; where the stimulation may be felt",
        ),
    ]
    if field.target.normal_component is not None:
        normal = f"{significant(field.target.normal_component)} V/m"
        rows.insert(
            2, ("E along the cortex's normal", normal, "mean over that volume; positive points out of the brain")
        )
    return Table(
        caption="The field in numbers",
        header=("Quantity", "Value", "What it is"),
        rows=tuple(rows),
        widths=(4, 3, 6),
        numbers=(1,),
    )


def tissue_table(planned: Planned) -> Table:
    """|E| by tissue."""
    rows = tuple(
        (
            name,
            significant(peak.percentile_99_9),
            significant(peak.top_cubic_centimetre),
            significant(peak.highest),
        )
        for name, peak in peak_by_tissue(planned.field).items()
    )
    return Table(
        caption="|E| by tissue (V/m)",
        header=("Tissue", "99.9th percentile", "Mean of the highest 1 cm³", "Highest element"),
        rows=rows,
        widths=(4, 3, 3, 3),
        numbers=(1, 2, 3),
        notes=("The highest single element depends on the mesh and is given only for comparison.",),
    )


def region_table(plan: Plan) -> Table:
    """E in every named target."""
    keys: dict[str, str] = {}
    rows = []
    own, *others = plan.field.regions
    for region in (own, *sorted(others, key=lambda region: -region.share_of_target)):
        target = region.site.target
        key = keys.setdefault(target.source, chr(ord("a") + len(keys)))
        place = point_mm(target.point) + ("" if target.space is Space.MNI else " (head)")
        normal = "—" if region.normal_component is None else significant(region.normal_component)
        rows.append(
            (
                target.label + _addition(region),
                significant(region.magnitude),
                percent(round(region.share_of_target, 2)),
                significant(region.highest),
                normal,
                f"{region.site.depth / mm:.0f}",
                place,
                f"{target.certainty.value} ({key})",
            )
        )
    return Table(
        caption="E-field in every named target",
        header=(
            "Region",
            "Mean |E| (V/m)",
            "Share of target",
            "99th percentile (V/m)",
            "Along normal (V/m)",
            "Below scalp (mm)",
            "MNI152 (mm)",
            "Coordinate",
        ),
        rows=tuple(rows),
        widths=(8, 2.4, 2.3, 2.9, 2.4, 2.1, 3.2, 2.9),
        numbers=(1, 2, 3, 4, 5, 6),
        notes=(
            *(f"({key}) {source}." for source, key in keys.items()),
            "Report only: too deep to aim at; the mean there is over all tissues.",
        ),
    )


def _addition(region: RegionField) -> str:
    if region.site.target.report_only:
        return " (report only)"
    return " (all tissues)" if region.site.whole_region else ""


def dose_table(dose: Dose, protocol: Protocol, stimulator: str | None) -> Table:
    """What is given."""
    session = protocol.session
    machine = stimulator or "stimulator not named"
    rows = [
        (f"Threshold ({protocol.intensity_basis.in_words})", f"{percent(dose.rmt)} of stimulator output"),
        ("Relative intensity", f"{percent(dose.intensity)} of that threshold"),
        ("Stimulator output (MSO)", percent(dose.output)),
        ("Rate of current rise, dI/dt", f"{significant(dose.di_dt / A_per_us, 4)} A/µs"),
        ("dI/dt at full output", f"{significant(dose.peak_di_dt / A_per_us, 4)} A/µs ({machine})"),
    ]
    if session is not None:
        interval = session.inter_train_interval
        pause = "not reported" if interval is None else f"{interval:g} s"
        rows += [
            ("Frequency" if session.train.burst is None else "Frequency of bursts", f"{session.train.rate:g} Hz"),
            ("Pulses in a train", f"{session.train.pulses:,}"),
            ("Trains in a session", f"{session.trains:,}"),
            ("Pause between trains (ITI)", "one train only" if session.trains == 1 else pause),
            ("Pulses in a session", f"{session.pulses:,}"),
            ("Length of a session", str(session.duration)),
        ]
    else:
        rows.append(("Pattern of a session", "not known from the source"))
    pulses = protocol.pulses_per_course
    rows += [
        ("Sessions", "not reported" if protocol.sessions.value is None else str(protocol.sessions.value)),
        ("Schedule", "not reported" if protocol.course is None else str(protocol.course)),
        ("Pulses in the course", "not known" if pulses is None else f"{pulses:,}"),
    ]
    return Table(caption="Dose", header=("Quantity", "Value"), rows=tuple(rows), widths=(4, 6))


def protocol_table(protocol: Protocol) -> Table:
    """The protocol with the certainty and source of every line."""
    citations = protocol.citations
    numbered = {citation: f"[{number}]" for number, citation in enumerate(citations, start=1)}
    rows = tuple(
        (row.label, row.value, row.certainty.in_words, numbered.get(row.source, row.source))
        for row in describe(protocol)
        if row.label != "Not known"
    )
    return Table(
        caption="The protocol, line by line",
        header=("Item", "Value", "How sure", "Source"),
        rows=rows,
        widths=(3.4, 6.4, 2.6, 3.6),
        notes=tuple(f"{number} {citation}" for citation, number in numbered.items()),
    )


def conductivity_table(plan: Plan) -> Table:
    """How well each tissue was taken to conduct."""
    defaults = Conductivities()
    usual = {tissue_name(tag): value for tag, value in defaults.values.items()}
    rows = tuple(
        (name, f"{value:g}", "default" if usual.get(name) == value else "changed for this plan")
        for name, value in plan.conductivity.items()
    )
    return Table(
        caption="Conductivity of each tissue",
        header=("Tissue", "Conductivity (S/m)", "Value"),
        rows=rows,
        widths=(4, 3, 4),
        numbers=(1,),
        notes=(
            f"Source of the defaults: {defaults.source}.",
            *(() if plan.uncertainty is not None else (UNCERTAINTY_LEFT_OUT,)),
        ),
    )


def head_table(planned: Planned) -> Table:
    """The head and the solver."""
    plan, field = planned.plan, planned.field
    seconds = "; ".join(f"{name.replace('_', ' ')} {significant(value, 2)}" for name, value in field.timings.items())
    rows = (
        ("Head", plan.head.name),
        ("Mesh", f"{plan.head.tetrahedra:,} tetrahedra, {plan.head.nodes:,} nodes"),
        ("Fingerprint of the mesh (SHA-256)", plan.head.fingerprint),
        ("Coil's geometry", plan.coil.source),
        ("Coil's casing", "assumed" if plan.coil.casing_assumed else "as published"),
        ("Equation", "∇·σ(∇φ + ∂A/∂t) = 0, quasi-static, first-order finite elements"),
        ("Solver", f"{field.iterations} iterations to a relative residual of {field.residual:.1e}"),
        ("Seconds", seconds or "not measured"),
    )
    return Table(caption="Head and solver", header=("Item", "Value"), rows=rows, widths=(3, 8))


def search_table(planned: Planned) -> Table:
    """How the placement was found and confirmed."""
    search = planned.plan.search
    rows: tuple[tuple[str, str], ...] = (
        ("Maximised", search.objective.in_words),
        ("First grid", f"{search.positions} scalp positions × {search.angles} handle angles"),
        ("Placements scored, refinement included", f"{search.candidates:,}"),
        ("Best placement by reciprocity", f"{significant(search.scored)} V/m"),
        (f"The same by a full solve ({search.solver})", f"{significant(search.confirmed)} V/m"),
        ("Difference", f"{100 * search.disagreement:.2f} %"),
        ("Median placement of the first grid", f"{significant(search.median)} V/m"),
        ("Scoring took", f"{significant(search.scoring_seconds, 2)} s"),
    )
    rows = (*rows[:1], *_closer_look(search), *rows[1:])
    return Table(caption="Search for the placement", header=("Item", "Value"), rows=rows, widths=(4, 6))


def _closer_look(search: SearchSummary) -> list[tuple[str, str]]:
    """What only some objectives have to tell."""
    told = []
    if search.direction is not None:
        told.append(("Direction (right, front, up)", ", ".join(significant(value) for value in search.direction)))
    if search.misplaced_by is not None:
        told.append(("Coil's place found by", search.misplaced_by))
    if search.finalists and search.value is not None:
        unit = "" if search.objective is Objective.FOCALITY else " V/m"
        told.append(("Placements looked at more closely", f"{search.finalists:,}"))
        told.append(("What was maximised, at the best of them", f"{significant(search.value)}{unit}"))
    told += [
        (f"Ceiling on {kept.where}", f"{significant(kept.reading)} V/m of {significant(kept.limit)} V/m allowed")
        for kept in search.ceilings
    ]
    return told


def version_table(anodyne: str, libraries: tuple[str, ...] = LIBRARIES) -> Table:
    """With what it was computed: which version of Anodyne, and of the libraries."""
    rows = [("Anodyne", anodyne), ("Python", platform.python_version())]
    for name in libraries:
        try:
            rows.append((name, version(name)))
        except PackageNotFoundError:
            rows.append((name, "version not known"))
    return Table(caption="Software", header=("Program", "Version"), rows=tuple(rows), widths=(3, 6))
