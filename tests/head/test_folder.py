"""Heads as folders, bare meshes and m2m folders."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.errors import CannotWrite, UnreadableFile
from anodyne.head import (
    Tissue,
    layered_sphere,
    load_head,
    save_head,
    write_image,
    write_mesh,
)
from anodyne.units import mm


@pytest.fixture(scope="module")
def folder(coarse_head, tmp_path_factory):
    goal = tmp_path_factory.mktemp("heads") / "mni152.head"
    save_head(coarse_head, goal)
    return goal


@pytest.fixture
def copied(folder, tmp_path):
    goal = tmp_path / "copy.head"
    goal.mkdir()
    for path in folder.rglob("*"):
        if path.is_file():
            (goal / path.relative_to(folder)).parent.mkdir(exist_ok=True)
            (goal / path.relative_to(folder)).hardlink_to(path)
    return goal


def test_folder_round_trip(coarse_head, folder):
    head = load_head(folder)
    assert (head.name, head.provenance) == (coarse_head.name, coarse_head.provenance)
    assert head.is_template
    assert_allclose(head.mesh.nodes, coarse_head.mesh.nodes, atol=1e-12)
    assert (head.mesh.tetrahedra == coarse_head.mesh.tetrahedra).all()
    assert (head.mesh.tissue == coarse_head.mesh.tissue).all()
    assert (head.tissues.data == coarse_head.tissues.data).all()
    assert_allclose(head.tissues.affine, coarse_head.tissues.affine, atol=1e-9)
    assert (head.t1.data == coarse_head.t1.data).all()
    assert_allclose(head.head_from_mni, coarse_head.head_from_mni)
    for name in ("scalp", "pial", "mid_grey"):
        assert_allclose(getattr(head, name).points, getattr(coarse_head, name).points, atol=1e-8)


def test_description_names_schema_and_units(folder):
    description = json.loads((folder / "head.json").read_text())
    assert (description["schema"], description["schema_version"]) == ("anodyne-head", 1)
    assert description["units"] == {"length": "mm"}
    assert description["tissues"]["3"] == "cerebrospinal fluid"


def test_saving_twice_gives_the_same_mesh(folder, tmp_path):
    head = load_head(folder)
    save_head(head, tmp_path / "again.head")
    assert load_head(tmp_path / "again.head").fingerprint == head.fingerprint


def test_folder_with_something_else_is_not_overwritten(coarse_head, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(CannotWrite, match="something else"):
        save_head(coarse_head, tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "dear"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "plan"}, "not the description of a head"),
        ({"schema_version": 99}, "schema version 99"),
        ({"head_from_mni_mm": [[1, 2], [3, 4]]}, "not the description"),
        ({"head_from_mni_mm": np.zeros((4, 4)).tolist()}, "whole head"),
        ({"name": 3}, "not the description"),
    ],
)
def test_garbled_descriptions_are_one_sentence(copied, change, message):
    path = copied / "head.json"
    description = json.loads(path.read_text()) | change
    path.unlink()
    path.write_text(json.dumps(description))
    with pytest.raises(UnreadableFile, match=message):
        load_head(copied)


@pytest.mark.parametrize("missing", ["mesh.msh", "tissues.nii.gz", "surfaces/scalp.gii"])
def test_missing_parts_are_named(copied, missing):
    (copied / missing).unlink()
    with pytest.raises(UnreadableFile, match=missing.split("/")[-1]):
        load_head(copied)


def test_head_without_t1_loads(copied):
    (copied / "T1.nii.gz").unlink()
    assert load_head(copied).t1 is None


@pytest.mark.parametrize("place", ["nowhere.head", "."])
def test_what_is_no_head_is_refused(tmp_path, place):
    with pytest.raises(UnreadableFile, match=r"no head|not a head folder"):
        load_head(tmp_path / place)


@pytest.fixture(scope="module")
def sphere():
    radii = np.array([80, 84, 88, 95]) * mm
    return layered_sphere(radii, [2, 3, 4, 5], 12 * mm)


def test_bare_mesh_becomes_a_head(sphere, tmp_path):
    path = tmp_path / "ball.msh"
    write_mesh(path, sphere)
    head = load_head(path)
    assert head.name == "ball"
    assert head.head_from_mni is None
    assert head.t1 is None
    assert_allclose(np.linalg.norm(head.scalp.points, axis=1), 95 * mm, rtol=1e-6)
    assert np.linalg.norm(head.pial.points, axis=1).max() < 80.1 * mm
    assert np.linalg.norm(head.mid_grey.points, axis=1).max() < 79 * mm
    voxel = abs(np.linalg.det(head.tissues.affine[:3, :3]))
    inner = sphere.volumes[sphere.tissue == Tissue.GREY_MATTER].sum()
    assert (head.tissues.data == Tissue.GREY_MATTER).sum() * voxel == pytest.approx(inner, rel=0.02)
    assert head.scalp_distance_at([[0, 0, 0.2]])[0] == pytest.approx(105 * mm, rel=0.02)


def test_surfaces_of_a_bare_mesh_of_the_template_are_close_to_its_own(coarse_head, tmp_path):
    write_mesh(tmp_path / "bare.msh", coarse_head.mesh)
    bare = load_head(tmp_path / "bare.msh")
    found = bare.mesh.locate(bare.mid_grey.points)[0]
    assert np.mean(bare.mesh.tissue[found] == Tissue.GREY_MATTER) > 0.9
    assert bare.scalp.enclosed_volume == pytest.approx(coarse_head.scalp.enclosed_volume, rel=0.01)


def test_m2m_folder_gives_mesh_and_t1(sphere, coarse_head, tmp_path):
    folder = tmp_path / "m2m_ernie"
    folder.mkdir()
    write_mesh(folder / "ernie.msh", sphere)
    write_image(folder / "T1.nii.gz", coarse_head.t1)
    head = load_head(folder)
    assert head.name == "ernie"
    assert head.t1.data.shape == coarse_head.t1.data.shape
    (folder / "ernie.msh").unlink()
    with pytest.raises(UnreadableFile, match=r"holds 0 \.msh files"):
        load_head(folder)


def test_sphere_of_simnibs_loads(shared):
    head = load_head(shared / "data" / "mesh" / "sphere3.msh")
    assert np.linalg.norm(head.scalp.points, axis=1).max() == pytest.approx(95 * mm, rel=0.01)
