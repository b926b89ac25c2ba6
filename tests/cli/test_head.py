"""``anodyne head``: the embedded head as a folder, and what a head is like."""

import json

import pytest

import anodyne.head
from anodyne.cli.settings import Settings
from anodyne.head import ADULT, MNI, head_circumference, load_head
from anodyne.units import mm


def test_measures_stand_beside_published_ranges(succeed, bodies):
    text = succeed("head", "show", bodies / "sphere.head")
    document = json.loads(succeed("head", "show", bodies / "sphere.head", "--json"))
    head = load_head(bodies / "sphere.head")
    assert max(map(len, text.splitlines())) <= 80
    assert document["fingerprint"] == head.fingerprint
    circumference = document["anatomy"]["circumference"]
    assert circumference["value"] == pytest.approx(head_circumference(head.scalp) / mm)
    assert circumference["within_published"] is (520 <= circumference["value"] <= 610)
    assert circumference["published"]["source"] in " ".join(text.split())
    assert document["mesh_quality"]["inverted"] == 0
    names = {each["name"] for each in document["targets"]}
    assert names == set(anodyne.head.TARGETS)
    assert all(name in text for name in names)


def test_mesh_alone_has_no_named_targets(succeed, bodies):
    document = json.loads(succeed("head", "show", bodies / "sphere.msh", "--json"))
    assert document["targets"] == []
    assert "MNI space is unknown" in " ".join(succeed("head", "show", bodies / "sphere.msh").split())


def test_mesh_of_another_program(succeed, shared):
    text = succeed("head", "show", shared / "data" / "mesh" / "sphere3_v4_1_binary.msh")
    assert "cerebrospinal fluid" in text


def test_head_is_drawn(succeed, bodies, place):
    assert "Drawn in head.png." in succeed("head", "show", bodies / "sphere.head", "--figure", "head.png")
    assert (place / "head.png").read_bytes().startswith(b"\x89PNG")


@pytest.fixture
def template(monkeypatch, bodies):
    """What `template_head` was asked for; the sphere stands in for the embedded head."""
    asked = {}
    sphere = load_head(bodies / "sphere.head")

    def template_head(**given):
        asked.update(given)
        return sphere

    monkeypatch.setattr(anodyne.head, "template_head", template_head)
    return asked


def test_template_becomes_a_folder(succeed, template, place):
    text = succeed("head", "template", "--out", "mni152.head")
    assert "mni152.head" in text
    assert load_head(place / "mni152.head").name == "sphere"
    assert template["size"] == ADULT
    succeed("head", "template", "--out", "mni152.head")  # an earlier head is replaced


def test_template_of_another_size(succeed, template):
    succeed("head", "template", "--out", "a", "--mni-size")
    assert template["size"] == MNI
    succeed("head", "template", "--out", "b", "--circumference-mm", "600")
    assert template["size"].scale > ADULT.scale


def test_cache_is_a_setting(succeed, template, monkeypatch, tmp_path):
    monkeypatch.setenv("ANODYNE_CACHE", str(tmp_path / "mine"))
    succeed("head", "show", "template", "--json")
    assert template["cache_folder"] == tmp_path / "mine"
    assert Settings(cache=tmp_path).cache == tmp_path


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("template",), 2, "--out"),
        (("template", "--out", "x", "--circumference-mm", "300"), 2, "outside 450 to 680 mm"),
        (("template", "--out", "x", "--circumference-mm", "nan"), 2, "not a finite number"),
        (("template", "--out", "x", "--circumference-mm", "560", "--mni-size"), 2, "not both"),
        (("template", "--out", "other"), 1, "holds something else"),
        (("template", "--out", "other/cat.jpg"), 1, "is a file"),
        (("show", "nowhere"), 1, "nowhere"),
        (("show", "other"), 1, "not a head folder"),
        (("show", "other/cat.jpg"), 1, "cat.jpg"),
        (("show", "nowhere", "--figure", "x.gif"), 2, "must end in"),
        (("show", "nowhere", "--figure", "no/such/x.png"), 1, "no/such"),
    ],
)
def test_refusals(refuse, place, words, status, says):
    (place / "other").mkdir()
    (place / "other" / "cat.jpg").write_text("miaow")
    assert says in refuse("head", *words, status=status)


@pytest.mark.parametrize("lost", ["mesh.msh", "tissues.nii.gz", "surfaces/scalp.gii"])
def test_head_with_a_file_lost(refuse, bodies, place, lost):
    head = load_head(bodies / "sphere.head")
    anodyne.head.save_head(head, place / "x.head")
    (place / "x.head" / lost).unlink()
    assert "x.head" in refuse("head", "show", "x.head", status=1)


def test_head_with_a_garbled_description(refuse, bodies, place):
    anodyne.head.save_head(load_head(bodies / "sphere.head"), place / "x.head")
    (place / "x.head" / "head.json").write_text("{")
    assert "head.json" in refuse("head", "show", "x.head", status=1)
