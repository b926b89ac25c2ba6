"""Finite elements: matrices, their solver, first and second order, one field or many at once."""

from anodyne.field.elements.device import DeviceModel
from anodyne.field.elements.first_order import AdjointSources, FieldModel
from anodyne.field.elements.second_order import SecondOrderModel

__all__ = ["AdjointSources", "DeviceModel", "FieldModel", "SecondOrderModel"]
