"""``anodyne field solve``: what it writes, and everything it refuses."""

import errno
import json
import sys

import numpy as np
import pytest

import anodyne.field.export
from anodyne.cli.field import ENDINGS
from anodyne.field import FIELD_ENDINGS
from anodyne.head import read_mesh


def test_arrays_in_the_order_of_the_file(succeed, field_words, bodies, place):
    text = succeed(*field_words, "--out", "field.npz")
    mesh = read_mesh(bodies / "sphere.msh")
    with np.load(place / "field.npz") as arrays:
        assert arrays["e_field"].shape == (len(mesh.tetrahedra), 3)
        np.testing.assert_allclose(arrays["barycentre"], mesh.barycentres)
        assert arrays["potential"].shape == (len(mesh.nodes),)
        assert "e_field_at_points" not in arrays
    assert "grey matter" in text
    assert max(map(len, text.splitlines())) <= 80


def test_json_for_programs(succeed, field_words, place):
    document = json.loads(succeed(*field_words, "--out", "field.npz", "--json"))
    stages = ("read", "assemble", "set_up", "primary", "solve", "recover", "write")
    assert set(document["timings"]) == {f"{stage}_s" for stage in stages}
    assert all(seconds >= 0 for seconds in document["timings"].values())
    assert document["iterations"] >= 1
    assert 0 <= document["residual"] < 1e-5
    with np.load(place / "field.npz") as arrays:
        magnitude = np.linalg.norm(arrays["e_field"], axis=1)
        for peak in document["peak_e_field"].values():
            highest = magnitude[arrays["tissue"] == peak["tissue"]].max()
            assert peak["highest_v_per_m"] == pytest.approx(highest)
            assert peak["percentile_99_9_v_per_m"] <= highest
    assert document["tetrahedra"] == len(magnitude)
    assert document["height_above_scalp_mm"] is None


def test_heights_are_known_where_the_scalp_is(succeed, field_words, bodies):
    words = [bodies / "sphere.head" if word == bodies / "sphere.msh" else word for word in field_words]
    heights = json.loads(succeed(*words, "--out", "f.npz", "--json"))["height_above_scalp_mm"]
    assert heights["casing_centre"] == pytest.approx(5, abs=1.5)  # a coarse polyhedron, not a sphere
    assert heights["casing"] <= heights["casing_centre"] + 0.1
    assert heights["winding"] > heights["casing"]


def test_several_poses_are_numbered_and_are_those_one_by_one(succeed, field_words, place):
    pose = field_words[field_words.index("--pose") + 1]
    table = np.loadtxt(pose)
    table[2, 3] += 6
    np.savetxt(place / "higher.txt", table)
    both = json.loads(succeed(*field_words, "--pose", "higher.txt", "--out", "field.npz", "--json"))["placements"]
    assert [document["out"] for document in both] == ["field-1.npz", "field-2.npz"]
    assert not (place / "field.npz").exists()
    succeed(*swapped(field_words, "--pose", "higher.txt"), "--out", "alone.npz")
    with np.load(place / "field-2.npz") as one, np.load(place / "alone.npz") as other:
        np.testing.assert_allclose(one["e_field"], other["e_field"], rtol=0, atol=1e-5 * abs(other["e_field"]).max())
    text = succeed(*field_words, "--pose", "higher.txt", "--out", "field.vtu")
    assert "field-1.vtu to field-2.vtu" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


def test_a_device_that_is_not_there(refuse, field_words, place, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    said = refuse(*field_words, "--device", "cuda", "--out", "field.npz", status=1)
    assert "needs PyTorch" in said
    assert list(place.iterdir()) == []
    said = refuse(*field_words, "--solver", "bem", "--device", "cuda", "--out", "field.npz", status=1)
    assert "processor only" in said


def test_a_device_of_pytorch(succeed, refuse, field_words, place):
    pytest.importorskip("torch", reason="PyTorch is not installed, so no device can be asked")
    succeed(*field_words, "--out", "here.npz")
    succeed(*field_words, "--device", "cpu", "--out", "there.npz")
    with np.load(place / "here.npz") as here, np.load(place / "there.npz") as there:
        np.testing.assert_allclose(there["e_field"], here["e_field"], rtol=0, atol=1e-4 * abs(here["e_field"]).max())
    assert "has no device 'gpu9'" in refuse(*field_words, "--device", "gpu9", "--out", "field.npz", status=1)


@pytest.mark.parametrize("ending", [ending for ending in ENDINGS if ending != ".nii"])
def test_every_ending_is_written(succeed, field_words, place, ending):
    succeed(*field_words, "--out", f"field{ending}")
    assert [path.name for path in place.iterdir()] == [f"field{ending}"]
    assert (place / f"field{ending}").stat().st_size > 10_000


@pytest.mark.parametrize(
    "table",
    [
        "x,y,z\n0,0,60\n10,0,50\n0,0,500\n",
        "0,0,60\n10,0,50\n0,0,500\n",
        "name;z_mm;y_mm;x_mm\na;60;0;0\nb;50;0;10\nc;500;0;0\n",
        "0\t0\t60\n\n10\t0\t50\n0\t0\t500\n",
    ],
)
def test_points_of_ones_own(succeed, field_words, place, table):
    (place / "points.csv").write_text(table)
    text = succeed(*field_words, "--points", "points.csv", "--out", "field.npz")
    assert "1 lie outside the mesh" in " ".join(text.split())
    with np.load(place / "field.npz") as arrays:
        np.testing.assert_allclose(arrays["points"] / 1e-3, [[0, 0, 60], [10, 0, 50], [0, 0, 500]])
        assert np.isfinite(arrays["e_field_at_points"]).all(axis=1).tolist() == [True, True, False]


def test_conductivity_of_ones_own_changes_the_field(succeed, field_words, place):
    succeed(*field_words, "--out", "usual.npz")
    succeed(*field_words, "--out", "same.npz", "--conductivity", "4=0.010")
    succeed(*field_words, "--out", "other.npz", "--conductivity", "4=1.0", "--conductivity", "2=0.1")
    fields = {}
    for name in ("usual", "same", "other"):
        with np.load(place / f"{name}.npz") as arrays:
            fields[name] = arrays["potential"]
    np.testing.assert_allclose(fields["usual"], fields["same"], atol=1e-9)
    assert np.abs(fields["usual"] - fields["other"]).max() > 1e-6


def test_linear_in_the_current(succeed, field_words, place):
    succeed(*field_words, "--out", "one.npz")
    succeed(*[word if word != "1e6" else "-3e6" for word in field_words], "--out", "three.npz")
    with np.load(place / "one.npz") as one, np.load(place / "three.npz") as three:
        scale = np.abs(three["e_field"]).max()
        np.testing.assert_allclose(three["e_field"], -3 * one["e_field"], atol=1e-6 * scale)


def test_points_of_ones_own_in_one_tissue(succeed, refuse, field_words, place):
    (place / "points.csv").write_text("0,0,60\n0,0,82\n0,0,500\n")
    at_points = {}
    for name, more in (("each", ()), ("grey", ("--tissue", 2))):
        text = " ".join(succeed(*field_words, "--points", "points.csv", *more, "--out", f"{name}.npz").split())
        assert f"the field there is {'that of the nearest grey matter' if more else 'NaN'}" in text
        with np.load(place / f"{name}.npz") as arrays:
            at_points[name] = arrays["e_field_at_points"]
    np.testing.assert_allclose(at_points["grey"][0], at_points["each"][0])
    assert np.isfinite(at_points["grey"]).all()
    assert np.linalg.norm(at_points["grey"][1] - at_points["each"][1]) > 1e-3
    said = refuse(*field_words, "--tissue", 2, "--out", "f.npz", status=2)
    assert "give --points too" in said
    said = refuse(*field_words, "--points", "points.csv", "--tissue", 6, "--out", "f.npz", status=2)
    assert "holds no tissue 6; it holds 1 (white matter), 2 (grey matter)" in said


def test_a_coil_that_faces_away_is_remarked_on(succeed, field_words, place):
    (place / "away.txt").write_text("1 0 0 0\n0 1 0 0\n0 0 1 115\n0 0 0 1\n")
    text = succeed(*field_words, "--pose", "away.txt", "--out", "f.npz")
    assert "points away from the head in placement 2; it should" in " ".join(text.split())
    both = json.loads(succeed(*field_words, "--pose", "away.txt", "--out", "f.npz", "--json"))["placements"]
    assert [["points away" in remark for remark in one["remarks"]] for one in both] == [[], [True]]
    assert "points away" in succeed(*swapped(field_words, "--pose", "away.txt"), "--out", "f.npz")


@pytest.mark.parametrize("coil", ["MagVenture_C-B60.ccd", "Magstim_70mm_Fig8.ccd"])
def test_against_another_program_on_its_own_mesh(succeed, shared, place, coil):
    data = shared / "data"
    succeed(
        *("field", "solve", data / "mesh" / "sphere3.msh", "--coil", data / "coil" / coil),
        *(
            "--pose",
            data / "reference" / "pose_oblique.txt",
            "--di-dt",
            "1e6",
            "--out",
            "field.npz",
            "--solver",
            "fem1",
        ),
    )
    reference = data / "reference" / f"sphere3_{coil.removesuffix('.ccd')}.npz"
    with np.load(place / "field.npz") as ours, np.load(reference) as theirs:
        difference = np.linalg.norm(ours["e_field"] - theirs["e_field"]) / np.linalg.norm(theirs["e_field"])
    assert difference < 0.005


def swapped(words, option, value):
    """The words with another value after an option, which is added if it is not there."""
    given = list(words)
    if option in given:
        given[given.index(option) + 1] = value
        return given
    return [*given, option, value]


@pytest.mark.parametrize(
    ("option", "value", "status", "says"),
    [
        ("--coil", "magstim-70", 1, "'magstim-70mm'"),
        ("--coil", "nowhere.tcd", 1, "nowhere.tcd"),
        ("--solver", "fem3", 1, "no solver is named 'fem3'; did you mean 'fem2'"),
        ("--pose", "nowhere.txt", 1, "nowhere.txt"),
        ("--di-dt", "nan", 2, "not a finite number"),
        ("--di-dt", "inf", 2, "not a finite number"),
        ("--di-dt", "fast", 2, "'fast' is not a number"),
        ("--di-dt", "0", 2, "induces no field"),
        ("--di-dt", "150", 2, "is this in A/µs? multiply it by 1e6"),
        ("--di-dt", "-150", 2, "is this in A/µs? multiply it by 1e6"),
        ("--di-dt", "1.5e14", 2, "more than any stimulator reaches"),
    ],
)
def test_bad_options(refuse, field_words, option, value, status, says):
    assert says in refuse(*swapped(field_words, option, value), "--out", "f.npz", status=status)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["4"], "TAG=VALUE"),
        (["four=0.1"], "TAG=VALUE"),
        (["0=0.1"], "TAG=VALUE"),
        (["-4=0.1"], "TAG=VALUE"),
        (["4="], "is not a number"),
        (["4=nan"], "not a finite number"),
        (["4=-0.1"], "not positive"),
        (["4=0"], "not positive"),
        (["2=275"], "is this in mS/m? divide it by 1000"),
        (["77=0.02"], "holds no tissue 77; it holds 1 (white matter)"),
        (["6=0.4", "2=0.3"], "holds no tissue 6; it holds"),
        (["4=0.1", "4=0.2"], "given twice"),
    ],
)
def test_bad_conductivity(refuse, field_words, given, says):
    words = [word for pair in given for word in ("--conductivity", pair)]
    assert says in refuse(*field_words, *words, "--out", "f.npz", status=2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 0 0 0\n0 1 0 0\n0 0 2 95\n0 0 0 1\n", "scaled"),
        ("1 0.5 0 0\n0 0.8660254 0 0\n0 0 1 95\n0 0 0 1\n", "sheared"),
        ("1 0 0 0\n0 1 0 0\n0 0 -1 95\n0 0 0 1\n", "mirrored"),
        ("1 0 0 0\n0 1 0 0\n0 0 1 nan\n0 0 0 1\n", "not finite"),
        ("1 0 0 0\n0 1 0 0\n0 0 1 95\n", "in mm: add the last one, 0 0 0 1"),
        ("here stands\nno pose\n", "line 1 holds something that is not a number; mend that line"),
        ("1 0 0\n0 1 0\n0 0 1\n0 0 0\n", "line 1"),
        ("one 0 0 0\n0 1 0 0\n0 0 1 95\n0 0 0 1\n", "line 1"),
        ("-1 0 0 0\n0 1 0 0\n0 0 -1 60\n0 0 0 1\n", "inside the head"),
        ("-1 0 0 0\n0 1 0 0\n0 0 -1 0.095\n0 0 0 1\n", "as if it were in metres"),
        ("-1 0 0 0\n0 1 0 0\n0 0 -1 3000\n0 0 0 1\n", "2.9 m from the head; bring it within 300 mm"),
    ],
)
def test_bad_pose(refuse, field_words, place, text, says):
    (place / "pose.txt").write_text(text)
    assert says in refuse(*swapped(field_words, "--pose", "pose.txt"), "--out", "f.npz", status=1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no points"),
        ("x,y,z\n", "no points"),
        ("x,y\n1,2\n", "no column z"),
        ("1,2\n", "line 1"),
        ("x,y,z\n1,2,3\n1,2,three\n", "line 3"),
        ("1,2,nan\n", "line 1"),
    ],
)
def test_bad_points(refuse, field_words, place, text, says):
    (place / "points.csv").write_text(text)
    assert says in refuse(*field_words, "--points", "points.csv", "--out", "f.npz", status=1)


def test_points_that_are_no_text_or_not_there(refuse, field_words, place):
    (place / "points.csv").write_bytes(b"\xff\xfe\x00")
    assert "not text" in refuse(*field_words, "--points", "points.csv", "--out", "f.npz", status=1)
    assert "nowhere.csv" in refuse(*field_words, "--points", "nowhere.csv", "--out", "f.npz", status=1)


def test_points_go_into_arrays_only(refuse, field_words, place):
    (place / "points.csv").write_text("0,0,60\n")
    assert ".npz" in refuse(*field_words, "--points", "points.csv", "--out", "f.msh", status=2)


@pytest.mark.parametrize("out", ["field", "field.mat", "field.npz.txt"])
def test_ending_that_no_writer_knows(refuse, field_words, out):
    assert "must end in .npz" in refuse(*field_words, "--out", out, status=2)


def test_place_that_cannot_be_written_is_refused_before_the_work(refuse, field_words, place, monkeypatch):
    monkeypatch.setattr("anodyne.field.FieldModel", None)  # whoever came so far would fail otherwise
    (place / "taken.npz").mkdir()
    assert "taken.npz is a folder" in refuse(*field_words, "--out", "taken.npz", status=1)
    assert "no/such" in refuse(*field_words, "--out", "no/such/f.npz", status=1)


def test_full_disk(refuse, field_words, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(anodyne.field.export.np, "savez", full)
    assert "is full" in refuse(*field_words, "--out", "f.npz", status=1)


MESH = """$MeshFormat
2.2 0 8
$EndMeshFormat
$Nodes
5
1 0 0 0
2 10 0 0
3 0 10 0
4 0 0 {height}
5 {last}
$EndNodes
$Elements
2
1 4 {tags} 1 2 3 4
2 4 {tags} 2 3 4 5
$EndElements
"""
GOOD = {"height": "10", "last": "10 10 10", "tags": "2 5 5"}


@pytest.mark.parametrize(
    ("text", "status", "says"),
    [
        (MESH.format(**{**GOOD, "tags": "0"}), 1, "tissue tag"),
        (MESH.format(**{**GOOD, "height": "0"}), 1, "no volume"),
        (MESH.format(**{**GOOD, "height": "nan"}), 1, "not a finite number"),
        (MESH.format(**{**GOOD, "last": "here and there"}), 1, "line"),
        (MESH.format(**{**GOOD, "tags": "2 77 77"}), 2, "77"),
        (MESH.format(**GOOD)[:150], 1, "cut off"),
        ("these are words\n", 1, ".msh"),
        ("", 1, ".msh"),
    ],
)
def test_bad_mesh(refuse, field_words, place, text, status, says):
    (place / "bad.msh").write_text(text)
    words = [*field_words[:2], "bad.msh", *field_words[3:]]
    assert says in refuse(*words, "--out", "f.npz", status=status)


@pytest.mark.parametrize("head", ["nowhere.msh", "nowhere", "nowhere.head"])
def test_head_that_is_not_there(refuse, field_words, head):
    words = [*field_words[:2], head, *field_words[3:]]
    assert head in refuse(*words, "--out", "f.npz", status=1)


def test_truncated_binary_mesh(refuse, field_words, bodies, place):
    whole = (bodies / "sphere.msh").read_bytes()
    (place / "cut.msh").write_bytes(whole[: len(whole) // 2])
    words = [*field_words[:2], "cut.msh", *field_words[3:]]
    assert "cut.msh" in refuse(*words, "--out", "f.npz", status=1)


def test_sampled_field_that_does_not_reach(refuse, field_words, shared):
    words = swapped(field_words, "--coil", shared / "data" / "coil" / "testcoil.nii.gz")
    assert "does not reach" in refuse(*words, "--out", "f.npz", status=1)


def test_endings_are_those_that_can_be_written():
    assert set(ENDINGS) == set(FIELD_ENDINGS)
