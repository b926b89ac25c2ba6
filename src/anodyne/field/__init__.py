"""From a head, a coil and a pose to the E-field, in V/m, anywhere."""

from anodyne.field.basis import (
    BASIS_NAME,
    BasisTest,
    DeviceBasis,
    FieldBasis,
    RandomPlacements,
    build_basis,
    conductivity_fingerprint,
    read_basis,
    write_basis,
)
from anodyne.field.carrying import find_device
from anodyne.field.charges import ChargeModel, ChargeSolution
from anodyne.field.conductor import refuse_placement
from anodyne.field.electric import ElectricField, current_density
from anodyne.field.elements import AdjointSources, DeviceModel, FieldModel, SecondOrderModel
from anodyne.field.export import FIELD_ENDINGS, write_field
from anodyne.field.primary import FittedSphere, PrimaryField, VectorPotential, sphere_e_field
from anodyne.field.reciprocity import (
    RING_SPACING,
    ExteriorField,
    TurnedComponents,
    placement_components,
    turned_components,
)
from anodyne.field.recovery import RecoveredField
from anodyne.field.regions import TissuePeak, mean, mean_of_highest, peak_by_tissue, percentile
from anodyne.field.solvers import DEFAULT_SOLVER, SOLVERS, Solver, SolverEntry, find_solver, solve
from anodyne.field.uncertainty import (
    ConductivityRange,
    ConductivityStudy,
    ConductivityUncertainty,
    FieldQuantity,
    HighPercentile,
    MeanComponent,
    MeanMagnitude,
    UncertainQuantity,
    meta_analysis_source,
    published_ranges,
)
from anodyne.field.validation import (
    VALIDATION_COILS,
    VALIDATION_EDGES,
    Validation,
    compare_fields,
    observed_order,
    validate,
)
from anodyne.field.volume import field_image

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
    "DEFAULT_SOLVER",
    "FIELD_ENDINGS",
    "RING_SPACING",
    "SOLVERS",
    "VALIDATION_COILS",
    "VALIDATION_EDGES",
    "AdjointSources",
    "ChargeModel",
    "ChargeSolution",
    "ConductivityRange",
    "ConductivityStudy",
    "ConductivityUncertainty",
    "DeviceModel",
    "ElectricField",
    "ExteriorField",
    "FieldModel",
    "FieldQuantity",
    "FittedSphere",
    "HighPercentile",
    "MeanComponent",
    "MeanMagnitude",
    "PrimaryField",
    "RecoveredField",
    "SecondOrderModel",
    "Solver",
    "SolverEntry",
    "TissuePeak",
    "TurnedComponents",
    "UncertainQuantity",
    "Validation",
    "VectorPotential",
    "compare_fields",
    "current_density",
    "field_image",
    "find_device",
    "find_solver",
    "mean",
    "meta_analysis_source",
    "mean_of_highest",
    "observed_order",
    "peak_by_tissue",
    "percentile",
    "placement_components",
    "published_ranges",
    "refuse_placement",
    "solve",
    "sphere_e_field",
    "turned_components",
    "validate",
    "write_field",
]
