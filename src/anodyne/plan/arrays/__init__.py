"""Coils of several channels: what they cost, and the currents that give a wanted field."""

from anodyne.plan.arrays.currents import Limits, array_currents
from anodyne.plan.arrays.inductance import Turns, inductance_matrix, turns_of_winding
from anodyne.plan.arrays.model import ARRAYS, CoilArray, crossed_eights, find_array, planar_five
from anodyne.plan.arrays.steering import ArrayFields, Steered, SteeringGrid, array_fields, rest_array, steer

__all__ = [
    "ARRAYS",
    "ArrayFields",
    "CoilArray",
    "Limits",
    "Steered",
    "SteeringGrid",
    "Turns",
    "array_currents",
    "array_fields",
    "crossed_eights",
    "find_array",
    "inductance_matrix",
    "planar_five",
    "rest_array",
    "steer",
    "turns_of_winding",
]
