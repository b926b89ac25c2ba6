"""From a target and a motor threshold to a coil on the scalp, a dose, and what it does."""

from anodyne.plan.array import ARRAYS, CoilArray, crossed_eights, find_array, planar_five
from anodyne.plan.cohort import CohortResult, plan_cohort, refuse_cohort_folder
from anodyne.plan.cohort_subjects import Subject, find_heads
from anodyne.plan.cohort_table import COHORT_COLUMNS, CohortColumn, CohortRow, SubjectStatus, table_columns
from anodyne.plan.cohort_workers import Workers, cluster_workers, local_workers
from anodyne.plan.currents import Limits, array_currents
from anodyne.plan.document import Document, plan_document, plan_schema, read_plan, write_document
from anodyne.plan.finalists import Finalists
from anodyne.plan.folder import write_plan
from anodyne.plan.fsaverage import (
    FsaverageField,
    GroupField,
    Hemisphere,
    field_on_fsaverage,
    fsaverage5,
    group_field,
)
from anodyne.plan.goal import EYES, SCALP, Ceiling, Goal
from anodyne.plan.inductance import Turns, inductance_matrix, turns_of_winding
from anodyne.plan.making import Planned, Prescription, dose_for, make_plan
from anodyne.plan.placement import (
    Candidates,
    SearchGrid,
    candidate_placements,
    casing_clearance,
    handle_in_words,
    winding_clearance,
)
from anodyne.plan.plan import (
    CHECKS_BY_TWO_PEOPLE,
    DISCLAIMER,
    CeilingKept,
    CoilUsed,
    DepthProfile,
    FieldSummary,
    HeadUsed,
    Objective,
    Placement,
    Plan,
    RegionField,
    SearchSummary,
)
from anodyne.plan.pose_error import CAP, NEURONAVIGATED, POSE_ERRORS, PoseError, Robustness, find_pose_error
from anodyne.plan.robustness import Rest, misplaced, robustness
from anodyne.plan.search import SearchResult, search_placement
from anodyne.plan.steering import ArrayFields, Steered, SteeringGrid, array_fields, rest_array, steer

__all__ = [
    "ARRAYS",
    "CAP",
    "CHECKS_BY_TWO_PEOPLE",
    "COHORT_COLUMNS",
    "DISCLAIMER",
    "EYES",
    "NEURONAVIGATED",
    "POSE_ERRORS",
    "SCALP",
    "ArrayFields",
    "Candidates",
    "Ceiling",
    "CeilingKept",
    "CohortColumn",
    "CohortResult",
    "CohortRow",
    "CoilArray",
    "CoilUsed",
    "DepthProfile",
    "Document",
    "FieldSummary",
    "Finalists",
    "FsaverageField",
    "Goal",
    "GroupField",
    "HeadUsed",
    "Hemisphere",
    "Limits",
    "Objective",
    "Placement",
    "Plan",
    "Planned",
    "PoseError",
    "Prescription",
    "RegionField",
    "Rest",
    "Robustness",
    "SearchGrid",
    "SearchResult",
    "SearchSummary",
    "Steered",
    "SteeringGrid",
    "Subject",
    "SubjectStatus",
    "Turns",
    "Workers",
    "array_currents",
    "array_fields",
    "candidate_placements",
    "casing_clearance",
    "cluster_workers",
    "crossed_eights",
    "dose_for",
    "field_on_fsaverage",
    "find_array",
    "find_heads",
    "find_pose_error",
    "fsaverage5",
    "group_field",
    "handle_in_words",
    "inductance_matrix",
    "local_workers",
    "make_plan",
    "misplaced",
    "plan_cohort",
    "plan_document",
    "plan_schema",
    "planar_five",
    "read_plan",
    "refuse_cohort_folder",
    "rest_array",
    "robustness",
    "search_placement",
    "steer",
    "table_columns",
    "turns_of_winding",
    "winding_clearance",
    "write_document",
    "write_plan",
]
