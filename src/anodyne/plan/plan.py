"""A treatment plan: where the coil goes, how strongly it pulses, what that does, and what nobody knows."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from anodyne.coil import Pose
from anodyne.field import ConductivityUncertainty
from anodyne.head import TargetSite
from anodyne.plan.search.pose_error import Robustness
from anodyne.protocol import Dose, Protocol

Floats = NDArray[np.float64]


CHECKS_BY_TWO_PEOPLE = (
    "that this head and this target belong to this patient, and that the target site is where the clinician means it",
    "the motor threshold, how it was measured (visual twitch reads about 11 % high, Westin 2014) and for which "
    "coil and stimulator",
    "frequency, train duration, inter-train interval and pulses against the limits in Rossi 2009 (table 4), "
    "Wassermann 1998 and Chen 1997, in the papers themselves",
    "contraindications: implants and metal near the coil, epilepsy, medicines that lower the seizure threshold "
    "(tramadol and tricyclics are common in chronic pain)",
    "hearing protection for patient and operator",
)
"""What two people must still check before any use with a person, whatever the plan says."""


class Objective(Enum):
    """What the placement search maximises at the target."""

    MAGNITUDE = "magnitude"
    NORMAL_COMPONENT = "normal-component"
    DIRECTION = "direction"
    FOCALITY = "focality"
    EXPECTED_MAGNITUDE = "expected-magnitude"

    @property
    def in_words(self) -> str:
        """A phrase for reports."""
        return {
            Objective.MAGNITUDE: "magnitude of the mean E-field over the target",
            Objective.NORMAL_COMPONENT: "component of the mean E-field along the cortical normal, either way",
            Objective.DIRECTION: "component of the mean E-field over the target towards the direction given, signed "
            "for a rising coil current",
            Objective.FOCALITY: "mean |E| over the target relative to the 99.9th percentile in the rest of the cortex",
            Objective.EXPECTED_MAGNITUDE: "magnitude of the mean E-field over the target expected under pose error",
        }[self]

    @property
    def score_in_words(self) -> str:
        """What each placement is scored by, a phrase for reports: a length or a component of the mean E, in V/m."""
        return {
            Objective.NORMAL_COMPONENT: "component of the mean E along the cortical normal, either way",
            Objective.DIRECTION: "component of the mean E towards the direction given, signed for a rising current",
        }.get(self, "magnitude of the mean E over the target")


@dataclass(frozen=True, kw_only=True)
class CoilUsed:
    """The coil of a plan.

    Attributes
    ----------
    maximum_di_dt : at full output of the stimulator, A/s
    casing_assumed : whether the casing used against collisions was generated rather than published
    """

    name: str
    label: str
    source: str
    stimulator: str | None
    maximum_di_dt: float
    casing_assumed: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Placement:
    """Where the coil sits, with every height named by its plane.

    Attributes
    ----------
    pose : rigid ``head_from_coil``
    scalp_point : (3,) array, the scalp under the coil's centre, m
    hair : allowance that was kept between scalp and casing, m
    casing_to_scalp : least distance of any casing point from the scalp, m
    centre_to_scalp : distance of the casing's centre (origin of the coil frame) from the scalp, m
    winding_to_scalp : least distance of any point of the winding from the scalp, m
    """

    pose: Pose
    scalp_point: Floats
    hair: float
    casing_to_scalp: float
    centre_to_scalp: float
    winding_to_scalp: float


@dataclass(frozen=True, kw_only=True, eq=False)
class RegionField:
    """E in one named target at the prescribed intensity.

    Attributes
    ----------
    site : where the target lies in this head
    magnitude : mean of \\|E\\| over the region, V/m
    highest : 99th percentile of \\|E\\| over the region's volume, V/m
    normal_component : mean of E along the outward cortical normal, V/m; None where there is no cortex
    share_of_target : `magnitude` relative to that at the plan's own target
    volume : of the region, m^3
    scalp_to_cortex : from the scalp above the site to the nearest point of the cortex, which may be another gyrus, m
    """

    site: TargetSite
    magnitude: float
    highest: float
    normal_component: float | None
    share_of_target: float
    volume: float
    scalp_to_cortex: float


@dataclass(frozen=True, kw_only=True, eq=False)
class DepthProfile:
    """\\|E\\| along the straight line from the scalp under the coil through the target.

    Attributes
    ----------
    depth : (n,) array below the scalp, m
    magnitude : (n,) array, V/m
    tissue : (n,) array of tissue tags
    target_depth : of the target's position projected onto the line, m
    """

    depth: Floats
    magnitude: Floats
    tissue: NDArray[np.int32]
    target_depth: float


@dataclass(frozen=True, kw_only=True, eq=False)
class FieldSummary:
    """What the coil does in this head at the prescribed intensity.

    Attributes
    ----------
    target : the region aimed at
    regions : every named target, and the aim first among them
    unplaced : why named targets that are not among them have no place in this head
    mean_vector : (3,) array, mean of E over the target, V/m
    grey_matter_percentile_99_9 : of \\|E\\| over the grey matter's volume, V/m
    grey_matter_top_cubic_centimetre : mean over the 1 cm^3 of grey matter with the highest \\|E\\|, V/m
    scalp_percentile_99_9 : of \\|E\\| over the scalp's volume, V/m
    focality_volume : grey matter with \\|E\\| above half of its 99.9th percentile, m^3
    half_depth : depth below the scalp to which \\|E\\| in the brain reaches half of that percentile, m
    hotspot : (3,) array, centre of the 1 cm^3 of grey matter with the highest \\|E\\|, m
    hotspot_distance : from the target, m
    profile : along the line through the target
    """

    target: RegionField
    regions: tuple[RegionField, ...]
    unplaced: tuple[str, ...]
    mean_vector: Floats
    grey_matter_percentile_99_9: float
    grey_matter_top_cubic_centimetre: float
    scalp_percentile_99_9: float
    focality_volume: float
    half_depth: float
    hotspot: Floats
    hotspot_distance: float
    profile: DepthProfile


@dataclass(frozen=True, kw_only=True)
class CeilingKept:
    """A limit on \\|E\\| elsewhere, and what the plan's placement gives there.

    Attributes
    ----------
    where : "scalp" or "eyes" (99.9th percentile by volume), or the name of a target (mean over its region)
    limit, reading : V/m
    """

    where: str
    limit: float
    reading: float


@dataclass(frozen=True, kw_only=True)
class SearchSummary:
    """How the placement was found.

    Attributes
    ----------
    direction : unit vector along which E was wanted, in head space; None for other objectives
    positions, angles : on the first grid
    candidates : placements scored, refinement included
    scored : score of the best placement by reciprocity, V/m at the prescribed intensity
    confirmed : the same from one full solve, V/m
    solver : of that full solve, by its name in `anodyne.field.SOLVERS`
    median : score of the median candidate, V/m; near nothing for a direction, since every handle has an opposite one
    scoring_seconds : for all candidates, adjoint solves not included
    finalists : placements that were looked at more closely; 0 where the objective did not ask for that
    value : the objective at the best of them: a ratio for focality, else V/m; None without finalists
    ceilings : what was to stay weak elsewhere
    misplaced_by : label of the pose error under which the objective was expected, if it was
    """

    objective: Objective
    positions: int
    angles: int
    candidates: int
    scored: float
    confirmed: float
    solver: str
    median: float
    scoring_seconds: float
    direction: tuple[float, float, float] | None = None
    finalists: int = 0
    value: float | None = None
    ceilings: tuple[CeilingKept, ...] = ()
    misplaced_by: str | None = None

    @property
    def disagreement(self) -> float:
        """How far reciprocity and the full solve differ, relative to the latter."""
        return abs(self.scored - self.confirmed) / abs(self.confirmed)


@dataclass(frozen=True, kw_only=True)
class HeadUsed:
    """The head of a plan: its name, where it comes from, and the fingerprint of its mesh."""

    name: str
    provenance: str
    fingerprint: str
    tetrahedra: int
    nodes: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """Everything a plan says; the field itself lies beside it.

    Attributes
    ----------
    created : UTC
    version : of Anodyne
    head, coil, protocol, dose, placement, field, search : what their names say
    conductivity : S/m by tissue name
    uncertainty : what the conductivities' ranges make of the field, where that was asked for
    robustness : what is left of the field at the target if the coil is misplaced, for each way of finding its place
    warnings : sentences that belong beside the plan wherever it is shown
    """

    created: datetime
    version: str
    head: HeadUsed
    coil: CoilUsed
    protocol: Protocol
    dose: Dose
    placement: Placement
    field: FieldSummary
    search: SearchSummary
    conductivity: dict[str, float]
    warnings: tuple[str, ...]
    uncertainty: ConductivityUncertainty | None = None
    robustness: tuple[Robustness, ...] = ()
