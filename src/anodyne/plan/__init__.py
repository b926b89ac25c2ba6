"""From a target and a motor threshold to a coil on the scalp, a dose, and what it does."""

from anodyne.plan.document import Document, plan_document, plan_schema, read_plan, write_document
from anodyne.plan.folder import write_plan
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
from anodyne.plan.search import Goal, SearchResult, search_placement

__all__ = [
    "CHECKS_BY_TWO_PEOPLE",
    "DISCLAIMER",
    "Candidates",
    "CoilUsed",
    "DepthProfile",
    "Document",
    "FieldSummary",
    "Goal",
    "HeadUsed",
    "Objective",
    "Placement",
    "Plan",
    "Planned",
    "Prescription",
    "RegionField",
    "SearchGrid",
    "SearchResult",
    "SearchSummary",
    "candidate_placements",
    "casing_clearance",
    "dose_for",
    "handle_in_words",
    "make_plan",
    "plan_document",
    "plan_schema",
    "read_plan",
    "search_placement",
    "winding_clearance",
    "write_document",
    "write_plan",
]
