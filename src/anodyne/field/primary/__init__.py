"""How a coil enters a conductor: its field in free space or in a sphere."""

from anodyne.field.primary.fields import FittedSphere, PrimaryField, VectorPotential
from anodyne.field.primary.sphere import sphere_e_field

__all__ = [
    "FittedSphere",
    "PrimaryField",
    "VectorPotential",
    "sphere_e_field",
]
