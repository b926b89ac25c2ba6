"""``anodyne field basis`` and ``anodyne field evaluate``: kept, shown, used, and refused."""

import json

import numpy as np
import pytest

from anodyne.head import layered_sphere, read_surface, read_vertex_data, write_mesh
from anodyne.units import mm

SMALL = ("--modes", 48, "--points", 150, "--tests", 2)
PLACE = ("--coil", "magstim-70mm", "--di-dt", "1e6")


@pytest.fixture(scope="module")
def kept(bodies, tmp_path_factory):
    """A small basis of the sphere, as a file."""
    from anodyne.field import build_basis, write_basis
    from anodyne.head import load_head

    path = tmp_path_factory.mktemp("basis") / "small.npz"
    write_basis(path, build_basis(load_head(bodies / "sphere.msh"), modes=48, points=150, tests=2))
    return path


def test_a_basis_is_computed_once_and_then_shown(succeed, bodies, place):
    (place / "sphere.msh").write_bytes((bodies / "sphere.msh").read_bytes())
    first = json.loads(succeed("field", "basis", "sphere.msh", *SMALL, "--json", "--figure", "basis.png"))
    assert first["modes"] == 48
    assert first["points"] >= 100
    assert [0 < test["error"] < 0.2 for test in first["tests"]] == [True, True]
    assert sorted(path.name for path in place.iterdir()) == ["basis.png", "sphere.msh", "sphere_field_basis.npz"]
    written = (place / "sphere_field_basis.npz").stat().st_mtime_ns
    text = succeed("field", "basis", "sphere.msh")
    assert (place / "sphere_field_basis.npz").stat().st_mtime_ns == written
    assert "median" in text
    assert "magstim-90mm" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_field_is_written_for_one_pose_and_for_several(succeed, kept, bodies, place):
    words = ("field", "evaluate", bodies / "sphere.msh", "--basis", kept, *PLACE, "--pose", bodies / "pose.txt")
    text = succeed(*words, "--out", "e.gii")
    assert "ms a placement" in text
    succeed(*words, "--pose", bodies / "pose.txt", "--out", "e.npz")
    with np.load(place / "e.npz") as stored:
        assert stored["e_field"].shape == (2, len(stored["points"]), 3)
        data = read_vertex_data(place / "e.gii")
        np.testing.assert_allclose(data["e_field_v_per_m"], stored["e_field"][0], rtol=1e-5, atol=1e-5)
        assert len(read_surface(place / "e.gii").points) == len(stored["points"])
    document = json.loads(succeed(*words, "--out", "e.npz", "--json"))
    assert document["placements"][0]["highest_v_per_m"] > 0.3
    assert 0 < document["placements"][0]["estimated_error"] < 0.2


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--modes", 500), "holds 48 modes, fewer than the 500 asked for"),
        (("--conductivity", "4=0.02"), "other conductivities"),
    ],
)
def test_a_basis_that_is_not_what_was_asked_for_is_refused(refuse, kept, bodies, more, sentence):
    assert sentence in refuse("field", "basis", bodies / "sphere.msh", "--out", kept, *more, status=1)


def test_what_cannot_be_is_refused_in_a_sentence(refuse, kept, bodies, place):
    words = ("field", "evaluate", bodies / "sphere.msh", *PLACE, "--pose", bodies / "pose.txt")
    assert "compute the basis" in refuse(*words, "--basis", "none.npz", "--out", "e.npz", status=1)
    (place / "half.npz").write_bytes(kept.read_bytes()[:5000])
    assert "not a whole field basis" in refuse(*words, "--basis", "half.npz", "--out", "e.npz", status=1)
    several = (*words, "--pose", bodies / "pose.txt", "--basis", kept, "--out", "e.gii")
    assert "several poses" in refuse(*several, status=2)
    assert "can tell" in refuse("field", "basis", bodies / "sphere.msh", "--modes", 1999, "--out", "b.npz", status=2)


def test_poses_and_heads_that_do_not_fit_are_refused(refuse, kept, bodies, place):
    words = ("field", "evaluate", bodies / "sphere.msh", "--basis", kept, *PLACE, "--out", "e.npz")
    for position, says in (("0 0 40", "inside the head"), ("0 0 0.095", "in millimetres"), ("0 0 3000", "2.9 m from")):
        rows = [
            f"{axes} {height}" for axes, height in zip(("-1 0 0", "0 1 0", "0 0 -1"), position.split(), strict=True)
        ]
        (place / "pose.txt").write_text("\n".join([*rows, "0 0 0 1"]))
        assert says in refuse(*words, "--pose", "pose.txt", status=1)
    write_mesh(place / "other.msh", layered_sphere((70 * mm, 90 * mm), (2, 5), 20 * mm))
    said = refuse("field", "evaluate", "other.msh", *words[3:], "--pose", bodies / "pose.txt", status=1)
    assert said.startswith(f"Error: {kept}: this field basis was computed for sphere")


@pytest.mark.parametrize("modes", [0, 5000])
def test_numbers_of_modes_that_cannot_be(refuse, bodies, modes):
    said = refuse("field", "basis", bodies / "sphere.msh", "--out", "b.npz", "--modes", modes, status=2)
    assert "1<=x<=2000" in said
