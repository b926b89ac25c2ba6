"""Surfaces of triangles and the files that hold them."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial import ConvexHull

from anodyne.errors import UnreadableFile
from anodyne.head import Surface, read_surface, write_surface
from anodyne.head.surface import read_vertex_data


def ball(radius=0.08, n=400, inwards=False):
    """A ball about (0.01, 0.02, 0.03)."""
    turns = np.arange(n) * np.pi * (3 - np.sqrt(5))
    z = np.linspace(-1, 1, n)
    ring = np.sqrt(1 - z**2)
    directions = np.column_stack([ring * np.cos(turns), ring * np.sin(turns), z])
    triangles = ConvexHull(directions).simplices
    corners = directions[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = np.einsum("ij,ij->i", normals, corners[:, 0]) < 0
    flip = inward != inwards
    triangles[flip] = triangles[flip][:, ::-1]
    return Surface(points=directions * radius + [0.01, 0.02, 0.03], triangles=triangles)


def test_a_ball_has_the_area_and_volume_of_a_ball():
    surface = ball()
    assert_allclose(surface.areas.sum(), 4 * np.pi * 0.08**2, rtol=0.02)
    assert_allclose(surface.enclosed_volume, 4 / 3 * np.pi * 0.08**3, rtol=0.03)


@pytest.mark.parametrize("inwards", [False, True])
def test_normals_point_out_whichever_way_the_triangles_are_written(inwards):
    surface = ball(inwards=inwards)
    assert (surface.enclosed_volume < 0) == inwards
    outward = (surface.points - [0.01, 0.02, 0.03]) / 0.08
    assert_allclose(np.linalg.norm(surface.normals, axis=1), 1)
    assert np.einsum("ij,ij->i", surface.normals, outward).min() > 0.98


def test_a_point_that_nothing_uses_has_no_normal():
    surface = Surface(points=np.vstack([ball().points, [[1, 1, 1]]]), triangles=ball().triangles)
    assert_array_equal(surface.normals[-1], 0)


def test_compacting_leaves_the_points_in_use():
    points = np.arange(30.0).reshape(10, 3) ** 2
    surface = Surface.compact(points, [[9, 2, 4]])
    assert_array_equal(surface.points[surface.triangles[0]], points[[9, 2, 4]])
    assert len(surface.points) == 3


@pytest.mark.parametrize(
    ("points", "triangles", "message"),
    [
        (np.zeros((3, 2)), [[0, 1, 2]], "points must have shape"),
        (np.full((3, 3), np.inf), [[0, 1, 2]], "finite"),
        (np.eye(3), [[0, 1, 3]], "name points 0 to 3, but there are 3"),
        (np.eye(3), [[-1, 1, 2]], "name points -1"),
        (np.eye(3), np.empty((0, 3), int), "at least one triangle"),
        (np.eye(3), [[0, 1]], "triangles must have shape"),
    ],
)
def test_what_is_no_surface_is_refused(points, triangles, message):
    with pytest.raises(ValueError, match=message):
        Surface(points=points, triangles=triangles)


def test_a_file_gives_back_what_was_written(tmp_path, rng):
    surface = ball()
    data = {"|E|": rng.uniform(0, 100, 400), "E": rng.normal(size=(400, 3))}
    write_surface(tmp_path / "pial.gii", surface, vertex_data=data)
    again = read_surface(tmp_path / "pial.gii")
    assert_allclose(again.points, surface.points, atol=1e-8)  # 32-bit millimetres
    assert_array_equal(again.triangles, surface.triangles)
    found = read_vertex_data(tmp_path / "pial.gii")
    assert list(found) == ["|E|", "E"]
    for name, values in data.items():
        assert_allclose(found[name], values, rtol=1e-6)


def test_a_second_round_changes_nothing(tmp_path):
    write_surface(tmp_path / "a.gii", ball())
    write_surface(tmp_path / "b.gii", read_surface(tmp_path / "a.gii"))
    assert (tmp_path / "a.gii").read_bytes() == (tmp_path / "b.gii").read_bytes()


def test_files_are_in_millimetres_for_other_readers(tmp_path):
    import nibabel

    write_surface(tmp_path / "a.gii", ball())
    points, triangles = nibabel.load(tmp_path / "a.gii").agg_data(("pointset", "triangle"))
    assert_allclose(points, ball().points * 1e3, atol=1e-4)
    assert points.dtype == np.float32
    assert triangles.dtype == np.int32


def test_data_needs_a_row_per_point(tmp_path):
    with pytest.raises(ValueError, match="E has 3 rows for 400 points"):
        write_surface(tmp_path / "a.gii", ball(), vertex_data={"E": np.zeros(3)})
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_a_surface_is_refused(tmp_path):
    from nibabel.gifti import GiftiDataArray, GiftiImage

    data = GiftiDataArray(np.zeros(5, dtype=np.float32), intent="NIFTI_INTENT_SHAPE")
    (tmp_path / "thickness.gii").write_bytes(GiftiImage(darrays=[data]).to_bytes())
    with pytest.raises(UnreadableFile, match="does not hold one surface"):
        read_surface(tmp_path / "thickness.gii")


@pytest.mark.parametrize("content", [b"", b"GIfTI", b"<GIFTI>", b"\x00\xff" * 50])
def test_what_is_no_gifti_is_refused(tmp_path, content):
    (tmp_path / "x.gii").write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"x\.gii"):
        read_surface(tmp_path / "x.gii")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UnreadableFile, match="No such file"):
        read_surface(tmp_path / "none.gii")


def complaint(path):
    try:
        read_surface(path)
        read_vertex_data(path)
    except UnreadableFile as error:
        return str(error)
    return None


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_a_surface_or_refused(tmp_path, data):
    write_surface(tmp_path / "a.gii", ball(n=20), vertex_data={"E": np.arange(20)})
    content = bytearray((tmp_path / "a.gii").read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    for _ in range(data.draw(st.integers(0, 3))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "b.gii").write_bytes(content)
    text = complaint(tmp_path / "b.gii")
    assert text is None or "b.gii" in text
