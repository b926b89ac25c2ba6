"""Where the coil goes: what is wanted, every placement scored, the best one made sure of."""

from anodyne.plan.search.choosing import SearchResult, search_placement
from anodyne.plan.search.finalists import Finalists
from anodyne.plan.search.goal import EYES, SCALP, Ceiling, Goal
from anodyne.plan.search.placement import (
    Candidates,
    SearchGrid,
    candidate_placements,
    casing_clearance,
    handle_in_words,
    winding_clearance,
)
from anodyne.plan.search.pose_error import CAP, NEURONAVIGATED, POSE_ERRORS, PoseError, Robustness, find_pose_error
from anodyne.plan.search.robustness import Rest, misplaced, robustness

__all__ = [
    "CAP",
    "Candidates",
    "Ceiling",
    "EYES",
    "Finalists",
    "Goal",
    "NEURONAVIGATED",
    "POSE_ERRORS",
    "PoseError",
    "Rest",
    "Robustness",
    "SCALP",
    "SearchGrid",
    "SearchResult",
    "candidate_placements",
    "casing_clearance",
    "find_pose_error",
    "handle_in_words",
    "misplaced",
    "robustness",
    "search_placement",
    "winding_clearance",
]
