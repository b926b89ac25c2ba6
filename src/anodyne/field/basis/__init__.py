"""The cortex's field for any coil at any pose from one computation per head."""

from anodyne.field.basis.build import RandomPlacements, build_basis, conductivity_fingerprint
from anodyne.field.basis.field_basis import BasisTest, DeviceBasis, FieldBasis
from anodyne.field.basis.file import BASIS_NAME, read_basis, write_basis

__all__ = [
    "BASIS_NAME",
    "BasisTest",
    "DeviceBasis",
    "FieldBasis",
    "RandomPlacements",
    "build_basis",
    "conductivity_fingerprint",
    "read_basis",
    "write_basis",
]
