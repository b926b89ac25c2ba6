"""``anodyne field basis`` and ``anodyne field evaluate``: kept, shown, used, and refused."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest

from anodyne.head import layered_sphere, read_surface, read_vertex_data, write_mesh
from anodyne.units import mm

UNTESTED = "held against no full solution, so its error is unknown"
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


@pytest.fixture(scope="module")
def untested(kept):
    """The same basis without its tests, as a file."""
    from anodyne.field import read_basis, write_basis

    path = kept.with_name("untested.npz")
    write_basis(path, replace(read_basis(kept), tests=()))
    return path


def in_one_line(text):
    return " ".join(text.split())


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
    assert said.endswith(", or leave --basis out\n")


def test_an_untested_basis_says_that_its_error_is_unknown(succeed, kept, untested, bodies):
    words = ("field", "evaluate", bodies / "sphere.msh", *PLACE, "--pose", bodies / "pose.txt", "--out", "e.npz")
    text = in_one_line(succeed(*words, "--basis", untested))
    assert f"{UNTESTED}; compute it anew with --tests" in text
    assert "errors above" not in text
    document = json.loads(succeed(*words, "--basis", untested, "--json"))
    assert [UNTESTED in remark for remark in document["remarks"]] == [True]
    assert document["placements"][0]["estimated_error"] is None
    assert UNTESTED not in succeed(*words, "--basis", kept)
    text = in_one_line(succeed("field", "basis", bodies / "sphere.msh", "--out", untested))
    assert "error not tested" in text
    assert UNTESTED in text
    document = json.loads(succeed("field", "basis", bodies / "sphere.msh", "--out", untested, "--json"))
    assert [UNTESTED in remark for remark in document["remarks"]] == [True]
    assert json.loads(succeed("field", "basis", bodies / "sphere.msh", "--out", kept, "--json"))["remarks"] == []


def test_an_untested_basis_is_drawn_without_empty_panels(succeed, untested, bodies, place):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        succeed("field", "basis", bodies / "sphere.msh", "--out", untested, "--figure", "basis.png")
    assert (place / "basis.png").stat().st_size > 10_000


def test_more_points_than_the_surface_has_are_all_of_them(succeed, refuse, kept, bodies):
    from anodyne.head import load_head

    most = len(load_head(bodies / "sphere.msh").mid_grey.points)
    words = ("field", "basis", bodies / "sphere.msh", "--out", kept, "--points", 20000)
    text = in_one_line(succeed(*words))
    assert f"{most} of the mid-grey surface, all that it has" in text
    assert f"20,000 points were asked for; this head's surface has only {most}" in text
    assert "has only" in json.loads(succeed(*words, "--json"))["remarks"][0]
    assert "has only" not in succeed(*words[:-2])
    text = succeed("field", "basis", bodies / "sphere.msh", "--out", kept, "--points", most)
    assert "has only" not in text


def test_a_head_without_grey_matter_has_no_mid_grey_surface(succeed, place):
    write_mesh(place / "white.msh", layered_sphere((70 * mm, 80 * mm, 90 * mm), (1, 4, 5), 20 * mm))
    (place / "pose.txt").write_text("-1 0 0 0\n0 1 0 0\n0 0 -1 100\n0 0 0 1\n")
    text = in_one_line(succeed("field", "basis", "white.msh", "--modes", 8, "--tests", 0))
    assert "of the surface that stands for mid-grey" in text
    assert "of the mid-grey surface" not in text
    assert "the mesh holds no grey matter" in text
    text = in_one_line(
        succeed("field", "evaluate", "white.msh", *PLACE, "--pose", "pose.txt", "--out", "e.npz"),
    )
    assert "the mesh holds no grey matter" in text


def test_a_damaged_basis_is_mended_by_the_command_that_its_refusal_names(succeed, refuse, bodies, place):
    (place / "half.npz").write_bytes(b"PK")
    words = ("field", "basis", bodies / "sphere.msh", "--out", "half.npz", "--modes", 8, "--tests", 0)
    assert "compute it again with 'anodyne field basis HEAD --again'" in refuse(*words, status=1)
    succeed(*words, "--again")


def test_a_coil_that_faces_away_is_remarked_on(succeed, kept, bodies, place):
    (place / "away.txt").write_text("1 0 0 0\n0 1 0 0\n0 0 1 115\n0 0 0 1\n")
    words = ("field", "evaluate", bodies / "sphere.msh", "--basis", kept, *PLACE, "--out", "e.npz", "--pose")
    assert "z axis points away from the head; it should" in in_one_line(succeed(*words, "away.txt"))
    remarks = json.loads(succeed(*words, "away.txt", "--pose", bodies / "pose.txt", "--json"))["remarks"]
    assert "points away from the head in placement 1; it should" in remarks[-1]
    assert "points away" not in succeed(*words, bodies / "pose.txt")


def test_a_basis_and_a_full_solution_are_compared_like_with_like(succeed, kept, bodies, place):
    at = (bodies / "sphere.msh", *PLACE, "--pose", bodies / "pose.txt")
    document = json.loads(succeed("field", "evaluate", *at, "--basis", kept, "--out", "basis.npz", "--json"))
    with np.load(place / "basis.npz") as stored:
        points, found = stored["points"], stored["e_field"]
    np.savetxt(place / "points.csv", points / mm, delimiter=",", fmt="%.17g")
    succeed("field", "solve", *at, "--points", "points.csv", "--tissue", 2, "--out", "full.npz")
    with np.load(place / "full.npz") as stored:
        full = stored["e_field_at_points"]
    error = np.linalg.norm(found - full) / np.linalg.norm(full)
    assert error < 3 * document["placements"][0]["estimated_error"]


@pytest.mark.parametrize("modes", [0, 5000])
def test_numbers_of_modes_that_cannot_be(refuse, bodies, modes):
    said = refuse("field", "basis", bodies / "sphere.msh", "--out", "b.npz", "--modes", modes, status=2)
    assert "1<=x<=2000" in said
