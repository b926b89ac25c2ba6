"""Many heads: planned by workers, kept row by row, seen together."""

from anodyne.plan.cohort.fsaverage import (
    FsaverageField,
    GroupField,
    Hemisphere,
    field_on_fsaverage,
    fsaverage5,
    group_field,
)
from anodyne.plan.cohort.planning import CohortResult, plan_cohort, refuse_cohort_folder
from anodyne.plan.cohort.subjects import Subject, find_heads
from anodyne.plan.cohort.table import COHORT_COLUMNS, CohortColumn, CohortRow, SubjectStatus, table_columns
from anodyne.plan.cohort.workers import Workers, cluster_workers, local_workers

__all__ = [
    "COHORT_COLUMNS",
    "CohortColumn",
    "CohortResult",
    "CohortRow",
    "FsaverageField",
    "GroupField",
    "Hemisphere",
    "Subject",
    "SubjectStatus",
    "Workers",
    "cluster_workers",
    "field_on_fsaverage",
    "find_heads",
    "fsaverage5",
    "group_field",
    "local_workers",
    "plan_cohort",
    "refuse_cohort_folder",
    "table_columns",
]
