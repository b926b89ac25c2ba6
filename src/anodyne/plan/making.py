"""From a head, a target, a protocol, a coil and a motor threshold to a plan."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

import anodyne
from anodyne.certainty import Certainty
from anodyne.coil import Coil
from anodyne.errors import PlacementRefused, SafetyRefusal
from anodyne.field import ConductivityRange, ConductivityStudy, ElectricField, FieldModel, find_solver
from anodyne.head import Conductivities, Head, Target, TargetSite, Tissue, place_target, tissue_name
from anodyne.plan.plan import CeilingKept, CoilUsed, FieldSummary, HeadUsed, Objective, Placement, Plan, SearchSummary
from anodyne.plan.search.choosing import SearchResult, search_placement
from anodyne.plan.search.goal import Ceiling, Goal
from anodyne.plan.search.placement import SearchGrid, casing_clearance, winding_clearance
from anodyne.plan.search.pose_error import POSE_ERRORS, PoseError
from anodyne.plan.search.robustness import Rest, robustness
from anodyne.plan.summary import summarise_field
from anodyne.plan.uncertainty import field_uncertainty
from anodyne.progress import SILENT, Progress
from anodyne.protocol import (
    Circumstances,
    CoilInUse,
    Dose,
    Fact,
    NamedAim,
    Protocol,
    check_dose,
    is_deep_coil,
    prescribe,
)
from anodyne.units import mm

LARGEST_DISAGREEMENT = 0.03
"""Between reciprocity and the full solve, above which a plan says so in its warnings."""

FAR_HOTSPOT = 20 * mm
FAR_CENTRE = 20 * mm


@dataclass(frozen=True, kw_only=True)
class Prescription:
    """What is wanted for one person.

    Attributes
    ----------
    target : where to stimulate
    protocol : how
    rmt : resting motor threshold, fraction of stimulator output, 0.20 to 1.00
    intensity : relative to the threshold instead of the protocol's own; None keeps that
    inter_train_interval : s, where the protocol's source reports none or another is wanted; None keeps that
    objective : what the placement search maximises
    direction : in head space, for `Objective.DIRECTION`
    ceilings : what must stay weak elsewhere at the prescribed strength
    error : how the coil will be misplaced, for `Objective.EXPECTED_MAGNITUDE`
    grid : which placements it tries
    conductivities : by tissue
    solver : of the field at the chosen placement, by its name in `anodyne.field.SOLVERS`; None for the default
    conductivity_ranges : within which they may really lie; None leaves that out of the plan
    """

    target: Target
    protocol: Protocol
    rmt: float
    intensity: float | None = None
    inter_train_interval: float | None = None
    objective: Objective = Objective.MAGNITUDE
    direction: tuple[float, float, float] | None = None
    ceilings: tuple[Ceiling, ...] = ()
    error: PoseError | None = None
    grid: SearchGrid = field(default_factory=SearchGrid)
    conductivities: Conductivities = field(default_factory=Conductivities)
    solver: str | None = None
    conductivity_ranges: tuple[ConductivityRange, ...] | None = None

    @property
    def protocol_given(self) -> Protocol:
        """The protocol with the operator's own inter-train interval marked as such."""
        if self.inter_train_interval is None:
            return self.protocol
        interval = Fact(
            value=self.inter_train_interval,
            certainty=Certainty.ASSUMED,
            source="chosen for this plan; the protocol's source reports "
            + (
                "none"
                if self.protocol.inter_train_interval.value is None
                else f"{self.protocol.inter_train_interval.value:g} s"
            ),
        )
        return replace(self.protocol, inter_train_interval=interval)

    def goal(self, site: TargetSite, di_dt: float) -> Goal:
        """What a placement is to do at the target's place in a head, with this rate of current (A/s).

        Raises
        ------
        ValueError : an objective without the direction or the pose error it needs
        """
        return Goal(
            site=site,
            di_dt=di_dt,
            objective=self.objective,
            direction=None if self.direction is None else np.array(self.direction),
            ceilings=self.ceilings,
            error=self.error,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Planned:
    """A plan together with what it was made from and the field it describes.

    Attributes
    ----------
    field : the full solve at the plan's pose and prescribed di_dt
    search : every placement that was tried
    """

    plan: Plan
    head: Head
    coil: Coil
    field: ElectricField
    search: SearchResult


def make_plan(head: Head, coil: Coil, prescription: Prescription, progress: Progress = SILENT) -> Planned:
    """Find the best placement, solve the field there, and sum up what it does.

    Raises
    ------
    ValueError : a motor threshold outside 20 to 100 %, or no intensity
    SafetyRefusal : the stimulator cannot give the dose, or the coil's peak dI/dt is not known
    PlacementRefused : the coil cannot rest near the target
    NotConverged : the field solver failed
    """
    protocol = prescription.protocol_given
    dose = dose_for(coil, prescription)
    _refuse_without_cortex(head)
    site = place_target(head, prescription.target)
    model = FieldModel(head.mesh, prescription.conductivities, progress=progress)
    goal = prescription.goal(site, dose.di_dt)
    search = search_placement(model, head, coil, goal, prescription.grid, progress)
    pose = search.pose
    solver = find_solver(prescription.solver).make(head.mesh, prescription.conductivities, progress)
    solved = solver.solve(coil, pose, dose.di_dt, progress)
    del solver  # its matrices are the largest thing held here
    with progress.stage("sum up the field"):
        scalp_point = search.candidates.scalp_point[search.best]
        summary = summarise_field(head, solved, site, pose, scalp_point)
    uncertainty = None
    if prescription.conductivity_ranges is not None:
        study = ConductivityStudy(model, prescription.conductivity_ranges)
        uncertainty = field_uncertainty(study, coil, pose, dose.di_dt, summary, progress)
    placement = Placement(
        pose=pose,
        scalp_point=scalp_point,
        hair=prescription.grid.hair,
        casing_to_scalp=casing_clearance(head, coil, pose),
        centre_to_scalp=float(head.scalp_distance_at(pose.position[None])[0]),
        winding_to_scalp=winding_clearance(head, coil, pose),
    )
    searched = _search_summary(search, summary, goal, find_solver(prescription.solver).name)
    with progress.stage("misplace the coil"):
        rest = Rest(head=head, coil=coil, hair=prescription.grid.hair)
        robust = tuple(robustness(search.exterior, rest, goal, pose, scalp_point, error) for error in POSE_ERRORS)
    plan = Plan(
        created=datetime.now(UTC),
        version=anodyne.__version__,
        head=_head_used(head),
        coil=coil_used(coil),
        protocol=protocol,
        dose=dose,
        placement=placement,
        field=summary,
        search=searched,
        conductivity={
            tissue_name(int(tag)): float(prescription.conductivities.of(np.array([tag]))[0])
            for tag in np.unique(head.mesh.tissue)
        },
        warnings=_warnings(head, coil, prescription, summary, searched, placement),
        uncertainty=uncertainty,
        robustness=robust,
    )
    return Planned(plan=plan, head=head, coil=coil, field=solved, search=search)


def dose_for(coil: Coil, prescription: Prescription) -> Dose:
    """The strength of the pulses, refused if this coil's stimulator cannot give it.

    Raises
    ------
    ValueError, SafetyRefusal : as `make_plan`
    """
    return prescribe(
        prescription.protocol_given,
        rmt=prescription.rmt,
        peak_di_dt=known_peak(coil),
        intensity=prescription.intensity,
    )


def known_peak(coil: Coil) -> float:
    """The coil's rate of current at full output, A/s.

    Raises
    ------
    SafetyRefusal : it is not known
    """
    if coil.maximum_di_dt is None:
        raise SafetyRefusal(
            f"the peak dI/dt of {coil.label} is not known, so a threshold in % of output has no meaning in A/us; "
            "use a coil file that states it (dIdtmax), or say it with --maximum-di-dt"
        )
    return coil.maximum_di_dt


def _refuse_without_cortex(head: Head) -> None:
    present = set(np.unique(head.mesh.tissue).tolist())
    missing = [tissue for tissue in (Tissue.GREY_MATTER, Tissue.SCALP) if tissue not in present]
    if missing:
        words = " and no ".join(f"{tissue.label} (tag {tissue.value})" for tissue in missing)
        raise PlacementRefused(
            f"the head {head.name} has no {words}, so no coil can be placed on it; take a whole head"
        )


def _search_summary(search: SearchResult, summary: FieldSummary, goal: Goal, solver: str) -> SearchSummary:
    first, finalists = slice(0, search.first_grid), search.finalists
    kept = () if finalists is None else zip(goal.ceilings, finalists.best_readings, strict=True)
    misplacing = goal.error is not None and goal.objective is Objective.EXPECTED_MAGNITUDE
    return SearchSummary(
        objective=goal.objective,
        positions=len(np.unique(search.candidates.position[first])),
        angles=len(np.unique(np.round(search.candidates.angle[first], 6))),
        candidates=len(search.score),
        scored=float(search.score[search.best]),
        confirmed=float(goal.score(summary.mean_vector[None])[0]),
        solver=solver,
        median=float(np.median(search.score[first])),
        scoring_seconds=search.scoring_seconds,
        direction=None if goal.direction is None else (*goal.direction.tolist(),),
        finalists=0 if finalists is None else len(finalists.index),
        value=None if finalists is None else finalists.best_value,
        ceilings=tuple(CeilingKept(where=c.where, limit=c.limit, reading=float(reading)) for c, reading in kept),
        misplaced_by=goal.error.label if misplacing and goal.error is not None else None,
    )


def _head_used(head: Head) -> HeadUsed:
    return HeadUsed(
        name=head.name,
        provenance=head.provenance,
        fingerprint=head.mesh.fingerprint,
        tetrahedra=len(head.mesh.tetrahedra),
        nodes=len(head.mesh.nodes),
    )


def coil_used(coil: Coil) -> CoilUsed:
    """What a plan says of its coil; raises as `known_peak`."""
    return CoilUsed(
        name=coil.name,
        label=coil.label,
        source=coil.source,
        stimulator=coil.stimulator,
        maximum_di_dt=known_peak(coil),
        casing_assumed=coil.casing is None or coil.casing.assumed,
    )


def _against_limits(protocol: Protocol, coil: Coil, prescription: Prescription) -> tuple[str, str]:
    """The verdict of human limits, and that two people must check the tables it rests on."""
    used = CoilInUse(label=coil.label, stimulator=coil.stimulator, is_deep=is_deep_coil(f"{coil.name} {coil.label}"))
    around = Circumstances(target=prescription.target.name)
    check = check_dose(protocol, dose=dose_for(coil, prescription), coil=used, circumstances=around)
    return f"Against limits: {check.sentence}.", check.note


def _warnings(
    head: Head,
    coil: Coil,
    prescription: Prescription,
    summary: FieldSummary,
    search: SearchSummary,
    placement: Placement,
) -> tuple[str, ...]:
    protocol = prescription.protocol_given
    warnings = [*protocol.warnings(), *_against_limits(protocol, coil, prescription)]
    if isinstance(prescription.protocol.target.value, NamedAim):
        intended = prescription.protocol.target.value.name
        if prescription.target.name != intended:
            warnings.append(f"The protocol's own target is {intended}; this plan aims at {prescription.target.name}.")
    if prescription.intensity is not None and prescription.intensity != prescription.protocol.intensity.value:
        warnings.append(
            f"The intensity of {prescription.intensity:.0%} was chosen for this plan, not by the protocol's source."
        )
    if coil.casing is None or coil.casing.assumed:
        warnings.append("The coil's casing is assumed, not published: check on the patient that it clears the head.")
    if not coil.sources():
        warnings.append(
            "This coil is known by samples of its field only: the winding's distance from the scalp and its outline "
            "are estimates, not measurements."
        )
    if placement.centre_to_scalp > FAR_CENTRE:
        warnings.append(
            f"The casing's centre stays {placement.centre_to_scalp / mm:.0f} mm above the scalp: this coil's shape "
            "does not fit the head here, and a flexible coil is planned in the shape its file gives it, not bent "
            "to the head."
        )
    if search.disagreement > LARGEST_DISAGREEMENT:
        warnings.append(
            f"Reciprocity (first-order elements) and the full solve ({search.solver}) differ by "
            f"{search.disagreement:.1%} at the target: the mesh is coarse there."
        )
    if summary.hotspot_distance > FAR_HOTSPOT:
        warnings.append(
            f"The strongest field in grey matter lies {summary.hotspot_distance / mm:.0f} mm from the target: "
            "the target is not where this coil acts most."
        )
    if prescription.target.report_only:
        warnings.append(
            f"{prescription.target.label} is too deep for this coil to aim at; the field there is reported only."
        )
    if summary.unplaced:
        warnings.append(
            f"{len(summary.unplaced)} of the named regions are not reported, the first because {summary.unplaced[0]}."
        )
    if head.is_template:
        warnings.append(
            "This head is an average of many people, not a patient: an individual's field differs by perhaps a fifth "
            "(a judgement, not a measurement), and its sulci are blunter than anyone's."
        )
    return tuple(warnings)
