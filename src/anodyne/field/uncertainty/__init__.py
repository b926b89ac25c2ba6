"""What is not known of the conductivities, and what it does to the field."""

from anodyne.field.uncertainty.quantities import FieldQuantity, HighPercentile, MeanComponent, MeanMagnitude
from anodyne.field.uncertainty.ranges import ConductivityRange, meta_analysis_source, published_ranges
from anodyne.field.uncertainty.study import ConductivityStudy, ConductivityUncertainty, UncertainQuantity

__all__ = [
    "ConductivityRange",
    "ConductivityStudy",
    "ConductivityUncertainty",
    "FieldQuantity",
    "HighPercentile",
    "MeanComponent",
    "MeanMagnitude",
    "UncertainQuantity",
    "meta_analysis_source",
    "published_ranges",
]
