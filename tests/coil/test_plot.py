"""Drawings carry their labels and units, and every kind of coil can be drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from anodyne.coil import DipoleCoil, MagneticDipoles, SampledCoil, find_entry, list_coils
from anodyne.coil.plot import coil_figure, gallery_figure, plot_coil

bare = DipoleCoil(
    name="bare",
    label="without a casing",
    source="none",
    dipoles=MagneticDipoles(positions=np.zeros((1, 3)), moments=np.eye(3)[2:]),
)

sampled = SampledCoil(
    name="sampled",
    label="known by samples",
    source="none",
    samples=np.random.default_rng(0).uniform(-1, 1, (8, 8, 4, 3)),
    coil_from_voxel=np.diag([0.01, 0.01, 0.01, 1]),
)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.mark.parametrize("coil", [find_entry("magstim-70mm").wire_coil(), bare, sampled], ids=lambda coil: coil.name)
def test_both_views_are_labelled(coil):
    facing, front = plot_coil(coil)
    assert "mm" in facing.get_ylabel()
    assert "mm" in front.get_xlabel()
    assert "mm" in front.get_ylabel()
    low, high = front.get_ylim()
    assert low > high  # z, into the head, points down


def test_a_figure_says_what_it_shows(tmp_path):
    figure = coil_figure(find_entry("magventure-cool-d-b80").dipole_coil())
    assert "MagVenture Cool D-B80" in figure.get_suptitle()
    assert "146.4 A/µs" in figure.get_suptitle()
    figure.savefig(tmp_path / "coil.png", dpi=30)


def test_the_gallery_shows_every_coil(tmp_path):
    figure = gallery_figure(list_coils())
    titles = "\n".join(axes.get_title() for axes in figure.axes)
    assert all(entry.label in titles for entry in list_coils())
    figure.savefig(tmp_path / "gallery.png", dpi=30)
