"""Coil files: what they hold is read, what they lack is said in one sentence."""

import base64
import json
import zlib

import nibabel
import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import (
    CompositeCoil,
    DipoleCoil,
    MagneticDipoles,
    SampledCoil,
    WireCoil,
    find_entry,
    read_ccd,
    read_coil,
    read_sampled,
    read_tcd,
    write_ccd,
)
from anodyne.errors import CannotWrite, UnreadableFile
from anodyne.units import A_per_us, mm

below = np.random.default_rng(0).uniform(-50, 50, (40, 3)) * mm + [0, 0, 0.08]

CCD = """# test;dIdtmax=151.5;x=-100,100;y=-100,100;z=-50,200;stimulator=MagPro X100;brand=B;coilname=C;
2
# centres and moments
-0.01 0 -0.002 0 0 1e-4
0.01 0 -0.004 0 0 -1e-4
"""


def unreadable(reader, path, says):
    with pytest.raises(UnreadableFile, match=says) as caught:
        reader(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


class TestCcd:
    def test_what_it_says(self, tmp_path):
        path = tmp_path / "two.ccd"
        path.write_text(CCD)
        coil = read_coil(path)
        assert isinstance(coil, DipoleCoil)
        assert (coil.label, coil.stimulator) == ("B C", "MagPro X100")
        assert coil.maximum_di_dt == pytest.approx(151.5 * A_per_us)
        assert coil.winding_depth == pytest.approx(2 * mm)
        assert_allclose(coil.limits, np.array([[-100, 100], [-100, 100], [-50, 200]]) * mm)
        expected = MagneticDipoles(
            positions=[[-0.01, 0, -0.002], [0.01, 0, -0.004]], moments=[[0, 0, 1e-4], [0, 0, -1e-4]]
        )
        assert_allclose(coil.vector_potential(below), expected.vector_potential(below))

    def test_round_trip(self, tmp_path):
        coil = find_entry("magstim-70mm").dipole_coil()
        write_ccd(tmp_path / "out.ccd", coil)
        again = read_ccd(tmp_path / "out.ccd")
        assert np.array_equal(again.dipoles.positions, coil.dipoles.positions)
        assert np.array_equal(again.dipoles.moments, coil.dipoles.moments)
        assert again.maximum_di_dt == pytest.approx(coil.maximum_di_dt, rel=1e-14)
        assert again.stimulator == coil.stimulator
        write_ccd(tmp_path / "again.ccd", again)
        with pytest.raises(CannotWrite, match="folder"):
            write_ccd(tmp_path, coil)

    @pytest.mark.parametrize(
        ("was", "becomes", "says"),
        [
            ("0.01 0 -0.004 0 0 -1e-4\n", "", "promises 2 dipoles in line 2 and holds 1"),
            ("0.01 0 -0.004 0 0 -1e-4", "0.01 0 -0.004 0 0", "line 5 has 5 numbers"),
            ("0.01 0 -0.004 0 0 -1e-4", "0.01 0 -0.004 0 0 nan", "line 5 holds a number that is not finite"),
            ("-0.01 0", "-0.01 zero", "line 4 holds something that is not a number"),
            ("\n2\n", "\ntwo\n", "line 2 should be the number of dipoles"),
            ("\n2\n", "\n0\n", "line 2 promises 0 dipoles"),
            ("151.5", "fast", "dIdtmax=fast"),
            ("151.5", "-3", "dIdtmax=-3"),
            ("x=-100,100", "x=100,-100", "low,high"),
            ("x=-100,100", "x=wide", "low,high"),
            (CCD, "# nothing", "ends before its second line; fetch it again"),
            ("-0.01 0", "zero", "line 4 holds something that is not a number; mend that line"),
        ],
    )
    def test_garbled(self, tmp_path, was, becomes, says):
        path = tmp_path / "garbled.ccd"
        path.write_text(CCD.replace(was, becomes, 1))
        unreadable(read_ccd, path, says)

    def test_missing_and_binary(self, tmp_path):
        unreadable(read_ccd, tmp_path / "none.ccd", "cannot read")
        (tmp_path / "binary.ccd").write_bytes(b"\x00\xff\xfe")
        unreadable(read_ccd, tmp_path / "binary.ccd", "not text")


def packed(values, dtype="<f8") -> str:
    return base64.b64encode(zlib.compress(np.asarray(values, dtype=dtype).tobytes())).decode()


def tcd_record() -> dict:
    """A dipole part, a wire part turned by 90° and shifted, and their casings."""
    return {
        "name": "T",
        "brand": "B",
        "limits": [[-100, 100], [-100, 100], [-50, 200]],
        "resolution": [2, 2, 2],
        "coilCasing": 0,
        "coilElementList": [
            {"stimulator": 0, "type": 1, "points": [[0, 0, -5.0]], "values": [[0, 0, 1e-3]]},
            {
                "stimulator": 0,
                "type": 2,
                "points": packed([[10, 0, 0.0]]),
                "values": packed([[0, 2, 0.0]]),
                "elementCasing": 0,
                "deformations": [0, 1],
            },
        ],
        "stimulatorList": [{"name": "S", "brand": "M", "maxdIdt": 1.5e8}],
        "deformList": [
            {"deformRange": 0, "type": "rot2p", "point1": [0, 0, 0], "point2": [0, 0, 1]},
            {"deformRange": 1, "type": "z"},
        ],
        "deformRangeList": [{"initial": 90, "range": [0, 90]}, {"initial": -7, "range": [-10, 0]}],
        "coilModels": [{"points": packed(10 * np.eye(3)), "faces": packed([[0, 1, 2]], "<i8")}],
    }


class TestTcd:
    def test_what_it_says(self, tmp_path):
        path = tmp_path / "test.tcd"
        path.write_text(json.dumps(tcd_record()))
        coil = read_coil(path)
        assert isinstance(coil, CompositeCoil)
        assert isinstance(coil.parts[0], DipoleCoil)
        assert isinstance(coil.parts[1], WireCoil)
        assert (coil.label, coil.stimulator, coil.maximum_di_dt) == ("B T", "M S", 1.5e8)
        assert_allclose(coil.limits, np.array([[-100, 100], [-100, 100], [-50, 200]]) * mm)
        assert coil.winding_depth == pytest.approx(5 * mm)
        wire = coil.parts[1].elements
        assert_allclose(wire.positions, [[0, 10 * mm, -7 * mm]], atol=1e-15)  # turned first, then shifted
        assert_allclose(wire.vectors, [[-2 * mm, 0, 0]], atol=1e-15)
        assert coil.casing.triangles.tolist() == [[0, 1, 2], [3, 4, 5]]
        assert_allclose(coil.casing.points[3:], [[0, 10, -7], [-10, 0, -7], [0, 0, 3]] * np.array(mm), atol=1e-15)

    def test_a_grid_is_a_sampled_coil(self, tmp_path):
        dipoles = MagneticDipoles(positions=[[0, 0, -0.05]], moments=[[0, 0, 1.0]])
        axis = np.arange(-40, 41, 5.0)
        grid = np.stack(np.meshgrid(axis, axis, axis + 60, indexing="ij"), axis=-1) * mm
        data = dipoles.vector_potential(grid.reshape(-1, 3)).reshape(grid.shape)
        affine = [[5, 0, 0, -40], [0, 5, 0, -40], [0, 0, 5, 20], [0, 0, 0, 1]]
        record = {"coilElementList": [{"type": 3, "data": data.tolist(), "affine": affine}]}
        path = tmp_path / "grid.tcd"
        path.write_text(json.dumps(record))
        coil = read_tcd(path)
        assert isinstance(coil, SampledCoil)
        assert coil.maximum_di_dt is None
        points = np.random.default_rng(0).uniform(-30, 30, (30, 3)) * mm + [0, 0, 0.06]
        expected = dipoles.vector_potential(points)
        assert_allclose(coil.vector_potential(points), expected, rtol=0, atol=1e-3 * np.abs(expected).max())

    @pytest.mark.parametrize(
        ("spoil", "says"),
        [
            (lambda r: r.pop("coilElementList"), "lacks the entry 'coilElementList' .* fetch it again"),
            (lambda r: r.update(coilElementList=[]), "no elements"),
            (lambda r: r["coilElementList"][0].pop("points"), "lacks the entry 'points'"),
            (lambda r: r["coilElementList"][0].update(type=7), "7"),
            (lambda r: r["coilElementList"][0].update(points=[[0, 0]]), "reshape"),
            (lambda r: r["coilElementList"][0].update(values=[[0, 0, float("nan")]]), "not finite"),
            (lambda r: r["coilElementList"][0].update(stimulator=1), "different stimulators"),
            (lambda r: r["coilElementList"][1].update(points="%%%"), "garbled"),
            (lambda r: r["coilElementList"][1].update(points=packed([1, 2, 3])[:-8]), "garbled"),
            (
                lambda r: r["coilElementList"][1].update(deformations=[5]),
                "number that its list does not have",
            ),
            (lambda r: r["deformList"][0].update(type="bend"), "'bend' is unknown"),
            (lambda r: r["deformList"][0].update(point2=[0, 0, 0]), "axis of length zero"),
            (lambda r: r["coilModels"][0].update(faces=[[0, 1, 3]]), "point that does not exist"),
            (lambda r: r["coilModels"][0].update(faces=[[0, 1.5, 2]]), "whole numbers"),
            (lambda r: r.update(coilCasing=-1), "not the number of an entry"),
        ],
    )
    def test_garbled(self, tmp_path, spoil, says):
        record = tcd_record()
        spoil(record)
        path = tmp_path / "garbled.tcd"
        path.write_text(json.dumps(record))
        unreadable(read_tcd, path, says)

    def test_truncated_missing_or_something_else(self, tmp_path):
        path = tmp_path / "cut.tcd"
        path.write_text(json.dumps(tcd_record(), indent=1)[:300])
        unreadable(read_tcd, path, "line .* is not JSON")
        path.write_text("[1, 2]")
        unreadable(read_tcd, path, "not a .tcd coil")
        unreadable(read_tcd, tmp_path / "none.tcd", "cannot read")

    def test_a_coil_from_the_field(self, shared):
        coil = read_coil(shared / "data" / "coil" / "Brainsway_H7.tcd")
        assert coil.maximum_di_dt == pytest.approx(114.7 * A_per_us)
        assert coil.winding_depth is None  # it reaches in front of its own origin
        assert [len(source.positions) for source in coil.sources()] == [4810, 90, 5070]
        triangles = coil.casing.points[coil.casing.triangles]
        volume = np.einsum("ij,ij->", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])) / 6
        assert abs(volume) > 1e-4


class TestSampled:
    def test_sampled_and_dipole_test_coil_agree(self, shared):
        folder = shared / "data" / "coil"
        sampled, dipoles = read_coil(folder / "testcoil.nii.gz"), read_coil(folder / "testcoil.ccd")
        assert isinstance(sampled, SampledCoil)
        assert sampled.maximum_di_dt == dipoles.maximum_di_dt == pytest.approx(100 * A_per_us)
        assert sampled.label == dipoles.label == "Test coil"
        axis = np.arange(-90, 91, 10) * mm
        nodes = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
        nodes = nodes[np.linalg.norm(nodes, axis=1) > 25 * mm]
        expected = dipoles.vector_potential(nodes)
        assert_allclose(sampled.vector_potential(nodes), expected, rtol=0, atol=1e-6 * np.abs(expected).max())
        between = np.random.default_rng(0).uniform(-0.1, 0.1, (3000, 3))
        between = between[np.linalg.norm(between, axis=1) > 60 * mm]
        error = sampled.vector_potential(between) - dipoles.vector_potential(between)
        assert np.linalg.norm(error) < 0.01 * np.linalg.norm(dipoles.vector_potential(between))

    def test_bad_images(self, tmp_path):
        path = tmp_path / "coil.nii.gz"
        unreadable(read_sampled, path, "no such file")
        nibabel.save(nibabel.Nifti1Image(np.ones((5, 5, 5), np.float32), np.eye(4)), path)
        unreadable(read_sampled, path, "shape")
        nibabel.save(nibabel.Nifti1Image(np.full((5, 5, 5, 3), np.nan, np.float32), np.eye(4)), path)
        unreadable(read_sampled, path, "not finite")
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        unreadable(read_sampled, path, "not a whole NIfTI")
        path.write_bytes(b"text")
        unreadable(read_sampled, path, "not a whole NIfTI")


def test_a_file_of_another_kind(tmp_path):
    (tmp_path / "coil.stl").write_text("solid")
    unreadable(read_coil, tmp_path / "coil.stl", "no coil file")
