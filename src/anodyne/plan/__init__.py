"""From a target and a motor threshold to a coil on the scalp, a dose, and what it does."""

from anodyne.plan.cohort import CohortResult, plan_cohort, refuse_cohort_folder
from anodyne.plan.cohort_subjects import Subject, find_heads
from anodyne.plan.cohort_table import COHORT_COLUMNS, CohortColumn, CohortRow, SubjectStatus, table_columns
from anodyne.plan.cohort_workers import Workers, cluster_workers, local_workers
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

__all__ = [
    "CAP",
    "CHECKS_BY_TWO_PEOPLE",
    "COHORT_COLUMNS",
    "DISCLAIMER",
    "EYES",
    "NEURONAVIGATED",
    "POSE_ERRORS",
    "SCALP",
    "Candidates",
    "Ceiling",
    "CeilingKept",
    "CohortColumn",
    "CohortResult",
    "CohortRow",
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
    "Subject",
    "SubjectStatus",
    "Workers",
    "candidate_placements",
    "casing_clearance",
    "cluster_workers",
    "dose_for",
    "field_on_fsaverage",
    "find_heads",
    "find_pose_error",
    "fsaverage5",
    "group_field",
    "handle_in_words",
    "local_workers",
    "make_plan",
    "misplaced",
    "plan_cohort",
    "plan_document",
    "plan_schema",
    "read_plan",
    "refuse_cohort_folder",
    "robustness",
    "search_placement",
    "table_columns",
    "winding_clearance",
    "write_document",
    "write_plan",
]
