"""Thousands of placements from one adjoint solution."""

from anodyne.field.reciprocity.placements import ExteriorField, placement_components
from anodyne.field.reciprocity.turning import RING_SPACING, TurnedComponents, turned_components

__all__ = [
    "ExteriorField",
    "RING_SPACING",
    "TurnedComponents",
    "placement_components",
    "turned_components",
]
