"""Windings and dipoles that make a vector potential, where they are, and the coils one can buy."""

from anodyne.coil.assembly import Assembly, Circular, FigureOfEight, PlacedWinding
from anodyne.coil.casing import Casing
from anodyne.coil.ccd import read_ccd, write_ccd
from anodyne.coil.coil import Coil, CompositeCoil, DipoleCoil, WireCoil
from anodyne.coil.finding import find_coil, read_coil
from anodyne.coil.library import CoilEntry, find_entry, list_coils
from anodyne.coil.pose import Pose, read_pose, write_pose
from anodyne.coil.sampled import SampledCoil, read_sampled
from anodyne.coil.sources import CurrentElements, MagneticDipoles, Sources
from anodyne.coil.stated import Stated
from anodyne.coil.tcd import read_tcd
from anodyne.coil.windings import EllipticalWinding, RoundWinding, SpiralWinding, Winding

__all__ = [
    "Assembly",
    "Casing",
    "Circular",
    "Coil",
    "CoilEntry",
    "CompositeCoil",
    "CurrentElements",
    "DipoleCoil",
    "EllipticalWinding",
    "FigureOfEight",
    "MagneticDipoles",
    "PlacedWinding",
    "Pose",
    "RoundWinding",
    "SampledCoil",
    "Sources",
    "SpiralWinding",
    "Stated",
    "Winding",
    "WireCoil",
    "find_coil",
    "find_entry",
    "list_coils",
    "read_ccd",
    "read_coil",
    "read_pose",
    "read_sampled",
    "read_tcd",
    "write_ccd",
    "write_pose",
]
