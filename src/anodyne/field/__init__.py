"""From a head, a coil and a pose to the E-field, in V/m, anywhere."""

from anodyne.field.electric import ElectricField, current_density
from anodyne.field.export import FIELD_ENDINGS, write_field
from anodyne.field.model import AdjointSources, FieldModel, refuse_coil_inside, solve
from anodyne.field.reciprocity import placement_components
from anodyne.field.recovery import RecoveredField
from anodyne.field.regions import TissuePeak, mean, mean_of_highest, peak_by_tissue, percentile
from anodyne.field.sphere import sphere_e_field
from anodyne.field.volume import field_image

__all__ = [
    "FIELD_ENDINGS",
    "AdjointSources",
    "ElectricField",
    "FieldModel",
    "RecoveredField",
    "TissuePeak",
    "current_density",
    "field_image",
    "mean",
    "mean_of_highest",
    "peak_by_tissue",
    "percentile",
    "placement_components",
    "refuse_coil_inside",
    "solve",
    "sphere_e_field",
    "write_field",
]
