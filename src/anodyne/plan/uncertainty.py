"""What uncertain conductivities make of a plan's field: at the target and in every region the plan reports."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from anodyne.coil import Coil, Pose
from anodyne.field import (
    ConductivityStudy,
    ConductivityUncertainty,
    FieldQuantity,
    HighPercentile,
    MeanComponent,
    MeanMagnitude,
    UncertainQuantity,
)
from anodyne.head import Surface, TetrahedralMesh, Tissue, tissue_name
from anodyne.plan.plan import FieldSummary
from anodyne.progress import SILENT, Progress
from anodyne.units import percent

Floats = NDArray[np.float64]

NORMAL = "target, along the cortex's normal"
PEAK = "grey matter, 99.9th percentile"
"""Names of the quantities that belong to no region; the others bear their region's name."""


def field_uncertainty(
    study: ConductivityStudy, coil: Coil, pose: Pose, di_dt: float, summary: FieldSummary, progress: Progress = SILENT
) -> ConductivityUncertainty:
    """The intervals of a plan's field.

    They are found with first-order elements and moved to what the plan's own solver gives at the plan's
    conductivities: magnitudes by a factor, the component along the normal by a shift.

    Parameters
    ----------
    study : of a model at the plan's conductivities
    di_dt : rate of change of the coil current, A/s
    summary : of the plan's own field
    """
    own = summary.target
    quantities: list[FieldQuantity] = [
        MeanMagnitude(name=region.site.target.name, tetrahedra=region.site.region) for region in summary.regions
    ]
    values = {region.site.target.name: region.magnitude for region in summary.regions}
    if own.site.normal is not None and own.normal_component is not None:
        quantities.append(MeanComponent(name=NORMAL, tetrahedra=own.site.region, direction=own.site.normal))
        values[NORMAL] = own.normal_component
    grey = np.flatnonzero(study.mesh.tissue == Tissue.GREY_MATTER)
    quantities.append(HighPercentile(name=PEAK, tetrahedra=grey, fraction=0.999))
    values[PEAK] = summary.grey_matter_percentile_99_9
    found = study.run(coil, pose, di_dt, quantities, progress)
    return replace(found, quantities=tuple(one.moved_to(values[one.name]) for one in found.quantities))


def spread_on(surface: Surface, mesh: TetrahedralMesh, spread: Floats) -> Floats:
    """The relative standard deviation of \\|E\\| in the grey matter nearest to a surface's points, (n,) array.

    Parameters
    ----------
    spread : (n_tetrahedra,) array, as in `anodyne.field.ConductivityUncertainty`
    """
    grey = np.flatnonzero((mesh.tissue == Tissue.GREY_MATTER) & np.isfinite(spread))
    corners, volumes = mesh.tetrahedra[grey], mesh.volumes[grey]
    weight = np.bincount(corners.ravel(), np.repeat(volumes, 4), len(mesh.nodes))
    total = np.bincount(corners.ravel(), np.repeat(volumes * spread[grey], 4), len(mesh.nodes))
    nodal = np.divide(total, weight, out=np.zeros(len(weight)), where=weight > 0)
    _, nearest = cKDTree(mesh.barycentres[grey]).query(surface.points)
    return np.asarray(nodal[corners[nearest]].mean(axis=1))


def contributors_in_words(quantity: UncertainQuantity, least: float = 0.05) -> str:
    """The conductivities that matter, with their share of the variance: ``grey matter (65 %), white matter (34 %)``."""
    shares = [(tag, quantity.total[tag]) for tag in quantity.contributors if quantity.total[tag] >= least]
    return ", ".join(f"{tissue_name(tag)} ({share:.0%})".replace("%", " %") for tag, share in shares) or "none"


def uncertainty_document(uncertainty: ConductivityUncertainty) -> dict[str, Any]:
    """The uncertainty as plan.json holds it."""
    return {
        "solves": uncertainty.solves,
        "checks": uncertainty.checks,
        "largest_error_percent": _rounded(uncertainty.error / percent),
        "converged": uncertainty.converged,
        "draws": uncertainty.draws,
        "study_s": _rounded(uncertainty.seconds),
        "conductivities": [
            {
                "tissue": tissue_name(known.tissue),
                "plan_s_per_m": _rounded(uncertainty.nominal[known.tissue]),
                "low_s_per_m": known.low,
                "high_s_per_m": known.high,
                "beta_p": known.p,
                "beta_q": known.q,
                "source": known.source,
                "certainty": known.certainty.value,
            }
            for known in uncertainty.ranges
        ],
        "taken_as_known": [tissue_name(tag) for tag in uncertainty.fixed],
        "quantities": [_quantity(one) for one in uncertainty.quantities],
    }


def _quantity(one: UncertainQuantity) -> dict[str, Any]:
    return {
        "name": one.name,
        "plan_v_per_m": _rounded(one.nominal),
        "plan_rank": _rounded(one.rank),
        "median_v_per_m": _rounded(one.median),
        "percentile_5_v_per_m": _rounded(one.low),
        "percentile_95_v_per_m": _rounded(one.high),
        "mean_v_per_m": _rounded(one.mean),
        "standard_deviation_v_per_m": _rounded(one.standard_deviation),
        "contributors": [
            {"tissue": tissue_name(tag), "first_order": _share(one.first_order[tag]), "total": _share(one.total[tag])}
            for tag in one.contributors
        ],
        "unexplained": _share(one.unexplained),
        "error_percent": _rounded(one.error / percent),
    }


def _share(value: float) -> float:
    return round(value, 4)


def _rounded(value: float) -> float:
    """A float of five significant digits, plain for JSON."""
    return float(f"{float(value):.5g}")
