"""The field as a picture: three slices through the place where the brain's field is strongest."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anodyne.field.basis.plot import plot_basis as plot_basis
from anodyne.field.basis.plot import plot_cortex as plot_cortex
from anodyne.field.basis.plot import plot_modes as plot_modes
from anodyne.field.basis.plot import plot_tests as plot_tests
from anodyne.field.electric import ElectricField
from anodyne.field.regions import percentile
from anodyne.field.uncertainty.plot import plot_contributors as plot_contributors
from anodyne.field.uncertainty.plot import plot_intervals as plot_intervals
from anodyne.field.uncertainty.plot import plot_ranges as plot_ranges
from anodyne.field.validation_plot import plot_validation as plot_validation
from anodyne.field.volume import field_image
from anodyne.head import Tissue
from anodyne.units import A_per_us, mm

SPACING = 2 * mm
PLANES = (
    ("axial", "z", (0, 1), "x, to the right (mm)", "y, to the front (mm)"),
    ("coronal", "y", (0, 2), "x, to the right (mm)", "z, upwards (mm)"),
    ("sagittal", "x", (1, 2), "y, to the front (mm)", "z, upwards (mm)"),
)


def plot_field(field: ElectricField, axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """\\|E\\| in three slices through the strongest tetrahedron of the brain (of the mesh, if it has none).

    Parameters
    ----------
    axes : three axes, axial, coronal and sagittal; a new figure's if None
    """
    brain = np.isin(field.mesh.tissue, (Tissue.GREY_MATTER, Tissue.WHITE_MATTER))
    chosen = brain if brain.any() else np.ones(len(brain), bool)
    strongest = np.flatnonzero(chosen)[field.magnitude[chosen].argmax()]
    centre = field.mesh.barycentres[strongest]
    top = percentile(field.magnitude[chosen], field.mesh.volumes[chosen], 0.999)
    if axes is None:
        axes = Figure(figsize=(11, 3.8), layout="constrained").subplots(1, 3)
    image = field_image(field, spacing=SPACING)
    low = image.affine[:3, 3]
    voxel = np.round((centre - low) / SPACING).astype(int)
    for ax, (name, letter, (across, up), xlabel, ylabel) in zip(axes, PLANES, strict=True):
        through = 3 - across - up
        data = np.take(image.data, voxel[through], axis=through).T
        extent = [
            edge / mm
            for axis in (across, up)
            for edge in (low[axis] - SPACING / 2, low[axis] + SPACING * (image.data.shape[axis] - 0.5))
        ]
        drawn = ax.imshow(
            np.ma.masked_equal(data, 0), origin="lower", extent=tuple(extent), cmap="magma_r", vmin=0, vmax=top
        )
        ax.plot(centre[across] / mm, centre[up] / mm, "+", color="#0a7e8c", markersize=12)
        ax.set(title=f"{name}, {letter} = {centre[through] / mm:.0f} mm", xlabel=xlabel, ylabel=ylabel, aspect="equal")
    axes[-1].figure.colorbar(drawn, ax=axes, extend="max", label=f"|E| (V/m) at {field.di_dt / A_per_us:.4g} A/µs")
    return axes


def field_png(field: ElectricField) -> bytes:
    """The picture of `plot_field` as a PNG, for notebooks."""
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    plot_field(field, figure.subplots(1, 3))
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
