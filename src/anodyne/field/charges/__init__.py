"""Boundary elements: charges on the tissues' interfaces, summed by a fast multipole method."""

from anodyne.field.charges.model import ChargeModel, ChargeSolution

__all__ = [
    "ChargeModel",
    "ChargeSolution",
]
