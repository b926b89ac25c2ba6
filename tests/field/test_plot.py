"""The field draws itself, with units on every axis."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from anodyne.coil import Pose, find_coil
from anodyne.field import solve
from anodyne.field.plot import plot_field
from anodyne.head import layered_sphere
from anodyne.units import A_per_us, mm


@pytest.fixture(scope="module")
def field():
    mesh = layered_sphere([70 * mm, 80 * mm, 92 * mm], [2, 4, 5], 14 * mm)
    pose = Pose.from_point_and_handle([0, 0, 96 * mm], [0, 0, -1], [0, 1, 0])
    return solve(mesh, find_coil("magstim-70mm"), pose, 1 * A_per_us)


def test_slices_pass_through_the_strongest_field_of_the_brain(field):
    axes = plot_field(field, Figure().subplots(1, 3))
    brain = field.mesh.tissue == 2
    centre = field.mesh.barycentres[brain][field.magnitude[brain].argmax()] / mm
    for ax, shown in zip(axes, (centre[[0, 1]], centre[[0, 2]], centre[[1, 2]]), strict=True):
        np.testing.assert_allclose(ax.lines[0].get_xydata()[0], shown)
        assert "(mm)" in ax.get_xlabel()
        assert "(mm)" in ax.get_ylabel()


def test_a_notebook_shows_a_picture(field):
    assert field._repr_png_()[:8] == b"\x89PNG\r\n\x1a\n"
