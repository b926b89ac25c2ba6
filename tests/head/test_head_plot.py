"""Pictures of heads are drawn, labelled and whole."""

import matplotlib.image
import numpy as np
import pytest
from matplotlib import pyplot as plt

from anodyne.head.plot import draw_head, plot_cortex, plot_head_slice, plot_head_slices, plot_quality


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def test_slices_name_plane_and_sides(coarse_head):
    axes = plot_head_slices(coarse_head)
    assert [ax.get_title().split(",")[0] for ax in axes] == ["sagittal", "coronal", "axial"]
    assert {"L", "R", "5 cm"} <= {text.get_text() for text in axes[1].texts}


def test_given_axes_are_drawn_on(coarse_head):
    _, ax = plt.subplots()
    assert plot_head_slice(coarse_head, 2, 0.02, ax) is ax
    assert plot_quality(coarse_head.mesh, ax) is ax


def test_cortex_shows_the_targets_of_its_side(coarse_head):
    words = {text.get_text() for text in plot_cortex(coarse_head, "left").texts}
    assert {"m1-hand", "dlpfc", "s2"} <= words


def test_page_is_written_whole(coarse_head, tmp_path):
    draw_head(coarse_head, tmp_path / "head.png")
    picture = matplotlib.image.imread(tmp_path / "head.png")
    assert picture.shape[0] > 1000
    assert np.ptp(picture[..., :3]) > 0.9
    assert list(tmp_path.iterdir()) == [tmp_path / "head.png"]
