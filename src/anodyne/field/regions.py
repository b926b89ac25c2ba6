"""Numbers that sum a field up, each with its volume taken into account."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.field.electric import ElectricField
from anodyne.head import tissue_name
from anodyne.units import cm3

Floats = NDArray[np.float64]


def percentile(values: ArrayLike, volumes: ArrayLike, fraction: float) -> float:
    """The value below which `fraction` of the volume lies.

    >>> percentile([1.0, 2.0, 3.0, 4.0], [1, 1, 1, 1], 0.5)
    2.0
    """
    value, volume = np.asarray(values, dtype=float), np.asarray(volumes, dtype=float)
    if not 0 <= fraction <= 1:
        raise ValueError(f"a percentile is a fraction from 0 to 1, not {fraction}")
    if len(value) == 0:
        return float("nan")
    order = np.argsort(value)
    below = np.cumsum(volume[order])
    place = int(np.searchsorted(below, fraction * below[-1] * (1 - 1e-12)))
    return float(value[order][min(place, len(order) - 1)])


def mean_of_highest(values: ArrayLike, volumes: ArrayLike, volume: float) -> float:
    """Mean over the `volume` (m^3) where the value is highest; over everything if there is less.

    >>> mean_of_highest([1.0, 5.0, 3.0], [1, 1, 1], 2)
    4.0
    """
    value, size = np.asarray(values, dtype=float), np.asarray(volumes, dtype=float)
    if len(value) == 0:
        return float("nan")
    order = np.argsort(value)[::-1]
    taken = np.minimum(size[order], np.maximum(0, volume - np.cumsum(size[order]) + size[order]))
    return float((value[order] * taken).sum() / taken.sum())


def mean(values: ArrayLike, volumes: ArrayLike) -> Floats:
    """Volume-weighted mean over the first axis; NaN over nothing."""
    value, size = np.asarray(values, dtype=float), np.asarray(volumes, dtype=float)
    if len(value) == 0:
        return np.full(value.shape[1:], np.nan)
    return np.asarray(np.tensordot(size / size.sum(), value, axes=(0, 0)))


@dataclass(frozen=True, kw_only=True)
class TissuePeak:
    """How strong |E| is in one tissue, V/m.

    Attributes
    ----------
    tissue : its tag
    highest : in any one tetrahedron, a number that depends on the mesh
    percentile_99_9 : exceeded in a thousandth of the tissue's volume
    top_cubic_centimetre : mean over the 1 cm^3 where |E| is highest
    """

    tissue: int
    highest: float
    percentile_99_9: float
    top_cubic_centimetre: float


def peak_by_tissue(field: ElectricField) -> dict[str, TissuePeak]:
    """How strong |E| is in every tissue of the mesh, by the tissue's name."""
    peaks = {}
    for tag in np.unique(field.mesh.tissue):
        chosen = field.mesh.tissue == tag
        values, volumes = field.magnitude[chosen], field.mesh.volumes[chosen]
        peaks[tissue_name(int(tag))] = TissuePeak(
            tissue=int(tag),
            highest=float(values.max()),
            percentile_99_9=percentile(values, volumes, 0.999),
            top_cubic_centimetre=mean_of_highest(values, volumes, 1 * cm3),
        )
    return peaks
