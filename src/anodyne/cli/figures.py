"""Figures written without a window."""

from pathlib import Path
from typing import TYPE_CHECKING

from anodyne.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH = 160


def without_windows() -> None:
    """Draw into files only, whatever the machine's display; to be called before a plot module is imported."""
    import matplotlib

    matplotlib.use("Agg")


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a figure, its format by the path's ending.

    Raises
    ------
    CannotWrite : the place cannot be written, or the disk is full
    """
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=DOTS_PER_INCH)
