"""What pictures show: the right side, in front of what lies behind, with labels and units."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import Pose, find_coil
from anodyne.head import Surface, Tissue
from anodyne.plan.plot import plot_coil_on_scalp, plot_cortex, plot_depth, plot_regions, plot_slice
from anodyne.plan.report.cortex import field_on, thinned
from anodyne.plan.report.figures import report_pictures
from anodyne.plan.report.rendering import (
    FROM_ABOVE,
    FROM_FRONT,
    FROM_LEFT,
    FROM_RIGHT,
    Frame,
    View,
    averaged,
    look,
    shaded,
)
from anodyne.plan.report.slices import Plane, casing_cut, slice_through
from anodyne.protocol import find_protocol
from anodyne.units import mm


@pytest.fixture(scope="module")
def cortex(planned):
    return field_on(planned.head.pial, planned.field)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize(
    ("view", "letters"),
    [
        (FROM_LEFT, ("A", "P", "I", "S")),
        (FROM_RIGHT, ("P", "A", "I", "S")),
        (FROM_ABOVE, ("L", "R", "P", "A")),
        (FROM_FRONT, ("R", "L", "I", "S")),
    ],
)
def test_sides_of_the_patient_stand_at_the_right_edges(view, letters):
    assert view.letters() == letters
    places = {"L": [-1, 0, 0], "R": [1, 0, 0], "P": [0, -1, 0], "A": [0, 1, 0], "I": [0, 0, -1], "S": [0, 0, 1]}
    left, right, bottom, top = (view.of(np.array(places[letter])) for letter in letters)
    assert left[0] < 0 < right[0]
    assert bottom[1] < 0 < top[1]


def test_oblique_views_name_no_side():
    assert View.along("aslant", [1, 1, 0], [0, 0, 1]).letters() == (None, None, "I", "S")


def test_nearer_surface_hides_the_farther(planned):
    head = planned.head
    frame = Frame.around(FROM_LEFT, head.pial.points, pixel=2 * mm)
    seen = look(frame, head.pial.points, head.pial.triangles, head.pial.normals, head.pial.points[:, 0])
    assert seen.values[seen.hit].max() < 5 * mm  # only the left half is in sight
    assert_allclose(seen.height[seen.hit], -seen.values[seen.hit], atol=1e-9)
    left, right = np.array([[-70 * mm, 0, 0], [70 * mm, 0, 0]])[:, None]
    assert seen.shows(left, slack=6 * mm).all()
    assert not seen.shows(right, slack=6 * mm).any()


def test_silhouette_has_the_area_of_the_body(planned):
    surface = planned.head.scalp
    frame = Frame.around(FROM_ABOVE, surface.points, pixel=1 * mm)
    seen = look(frame, surface.points, surface.triangles, surface.normals)
    picture = averaged(shaded(seen, np.ones(3)))
    assert_allclose(picture[..., 3].sum() * (1 * mm) ** 2, np.pi * (89 * mm) ** 2, rtol=0.02)


def test_slices_are_neurological():
    for plane in Plane:
        right, up, cut = plane.across
        assert {right, up, cut} == {0, 1, 2}
    assert Plane.AXIAL.letters == ("L", "R", "P", "A")
    assert Plane.CORONAL.letters == ("L", "R", "I", "S")
    assert Plane.SAGITTAL.letters == ("P", "A", "I", "S")


def test_slice_shows_tissues_and_field_where_they_are(planned):
    target = planned.plan.field.target.site.position
    cut = slice_through(planned.head, planned.field, target, Plane.AXIAL, np.empty((0, 2, 2)))
    rows, columns = cut.tissue.shape
    x = np.linspace(cut.low[0], cut.high[0], 2 * columns + 1)[1::2]
    y = np.linspace(cut.low[1], cut.high[1], 2 * rows + 1)[1::2]
    radius = np.sqrt(x[None, :] ** 2 + y[:, None] ** 2 + target[2] ** 2)
    assert np.all(cut.tissue[radius < 55 * mm] == Tissue.WHITE_MATTER)
    assert np.all(cut.tissue[radius > 89.1 * mm] == 0)
    assert np.isnan(cut.magnitude[radius > 89.1 * mm]).all()
    strongest = np.unravel_index(np.nanargmax(cut.brain_magnitude), cut.tissue.shape)
    assert np.hypot(x[strongest[1]] - target[0], y[strongest[0]] - target[1]) < 30 * mm


def test_casing_is_cut_in_the_plane():
    coil = find_coil("magstim-70mm")
    pose = Pose.from_point_and_handle([0, 0, 0.1], [0, 0, -1], [0, 1, 0])
    pieces = casing_cut(coil, pose, [0, 0, 0.11], Plane.AXIAL)
    box = coil.casing.size
    assert_allclose(np.ptp(pieces.reshape(-1, 2), axis=0), box[:2], rtol=1e-6)
    assert len(casing_cut(coil, pose, [0, 0, 0.0], Plane.AXIAL)) == 0
    lengths = np.linalg.norm(pieces[:, 1] - pieces[:, 0], axis=1).sum()
    assert lengths < 2 * box[:2].sum()
    bare = replace(coil, casing=None)
    assert casing_cut(bare, pose, [0, 0, 0.11], Plane.AXIAL).shape == (0, 2, 2)


def test_thinned_surface_keeps_shape_and_values(planned):
    scalp = planned.head.scalp
    coarse, values = thinned(scalp, 12 * mm, scalp.points[:, 2])
    assert len(coarse.points) < len(scalp.points)
    assert_allclose(values, coarse.points[:, 2], atol=1e-12)
    assert_allclose(abs(coarse.enclosed_volume), abs(scalp.enclosed_volume), rtol=0.08)
    with pytest.raises(ValueError, match="no triangle is left"):
        thinned(scalp, 1.0, scalp.points[:, 2])


def test_every_plot_labels_its_axes_with_units(planned, cortex):
    field, placement = planned.plan.field, planned.plan.placement
    target = field.target.site.position
    cut = slice_through(planned.head, planned.field, target, Plane.CORONAL, np.empty((0, 2, 2)))
    drawn = [
        plot_cortex(cortex, FROM_LEFT, target=target),
        plot_slice(cut),
        plot_coil_on_scalp(planned.head.scalp, planned.coil, placement.pose, FROM_ABOVE, target=target),
        plot_depth(field.profile),
        plot_regions(field),
    ]
    for ax in drawn:
        assert any(unit in ax.get_xlabel() for unit in ("mm", "%")), ax
    assert "V/m" in drawn[3].get_ylabel()
    assert "patient's right" in drawn[1].get_xlabel()


def test_plots_draw_into_given_axes(planned):
    _, ax = plt.subplots()
    assert plot_depth(planned.plan.field.profile, ax) is ax


def test_coils_without_casing_or_sources_are_drawn(planned):
    bare = replace(planned.coil, casing=None)
    plot_coil_on_scalp(planned.head.scalp, bare, planned.plan.placement.pose, FROM_ABOVE)


def test_report_has_every_picture_with_words(planned, cortex):
    pictures = report_pictures(planned, cortex)
    assert set(pictures) == {"cortex", "slices", "coil-on-scalp", "depth", "regions", "session", "course"}
    for picture in pictures.values():
        assert picture.png.startswith(b"\x89PNG")
        assert len(picture.alternative) > 40 or picture.name == "course"
        assert len(picture.caption) > 40
    assert "no T1 image" in pictures["slices"].caption
    assert "lower bound" in pictures["session"].caption


def test_what_the_protocol_does_not_tell_is_not_drawn(planned, cortex):
    unknown = replace(planned, plan=replace(planned.plan, protocol=find_protocol("np-20")))
    pictures = report_pictures(unknown, cortex)
    assert "session" not in pictures


def test_slices_with_a_t1_show_it(planned, ball_with_t1):
    target = planned.plan.field.target.site.position
    cut = slice_through(ball_with_t1, planned.field, target, Plane.SAGITTAL, np.empty((0, 2, 2)))
    assert cut.underlay is not None
    assert 0 <= cut.underlay.min() < cut.underlay.max() <= 1
    plot_slice(cut)


def test_surface_field_is_that_of_the_grey_matter(planned, cortex):
    inner = Surface(points=cortex.surface.points * (71 / 74), triangles=cortex.surface.triangles)
    assert np.isfinite(cortex.e_field).all()
    assert_allclose(cortex.magnitude.max(), field_on(inner, planned.field).magnitude.max(), rtol=0.25)
