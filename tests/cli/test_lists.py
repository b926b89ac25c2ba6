"""Coils, protocols and targets: what can be listed and shown."""

import json

import numpy as np
import pytest

from anodyne.coil import list_coils
from anodyne.head import TARGETS
from anodyne.protocol import PROTOCOLS


@pytest.mark.parametrize(
    ("noun", "names"),
    [
        ("coil", [entry.name for entry in list_coils()]),
        ("protocol", list(PROTOCOLS)),
        ("target", list(TARGETS)),
    ],
)
def test_list_names_everything(succeed, noun, names):
    text = succeed(noun, "list")
    assert all(name in text for name in names)
    assert max(map(len, text.splitlines())) <= 80
    assert [each["name"] for each in json.loads(succeed(noun, "list", "--json"))] == names


@pytest.mark.parametrize("name", [entry.name for entry in list_coils()])
def test_built_in_coil(succeed, name):
    text = succeed("coil", "show", name)
    document = json.loads(succeed("coil", "show", name, "--json"))
    assert document["label"] in text
    assert document["numbers"]["turns"]["value"] >= 1
    assert document["source"]


def test_coil_numbers_are_in_the_units_their_keys_say(succeed):
    document = json.loads(succeed("coil", "show", "magstim-70mm", "--json"))
    entry = next(entry for entry in list_coils() if entry.name == "magstim-70mm")
    assert document["numbers"]["outer_diameter_mm"]["value"] == 87
    assert document["maximum_di_dt_a_per_us"] == pytest.approx(entry.maximum_di_dt / 1e6)
    assert document["winding_depth_mm"] == pytest.approx(entry.winding_depth / 1e-3)


@pytest.mark.parametrize("name", ["MagVenture_C-B60.ccd", "Brainsway_H7.tcd", "testcoil.nii.gz", "testcoil.ccd"])
def test_coil_from_a_file(succeed, shared, name):
    path = shared / "data" / "coil" / name
    assert name in succeed("coil", "show", path)
    assert json.loads(succeed("coil", "show", path, "--json"))["name"] == name


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_protocol_shows_evidence_and_what_is_not_known(succeed, name):
    text = " ".join(succeed("protocol", "show", name).split())
    protocol = PROTOCOLS[name]
    assert protocol.evidence.level.in_words in text
    assert "Research software, not a medical device." in text
    assert all(citation in text for citation in protocol.citations)
    assert all(item in text for item in protocol.not_known)
    document = json.loads(succeed("protocol", "show", name, "--json"))
    assert document["evidence"]["level"] == protocol.evidence.level.value


def test_protocol_by_its_alias(succeed):
    assert succeed("protocol", "show", "FM-Tanwar") == succeed("protocol", "show", "fibromyalgia-1hz-right-dlpfc")


def test_target_coordinates(succeed):
    documents = {each["name"]: each for each in json.loads(succeed("target", "list", "--json"))}
    for name, target in TARGETS.items():
        np.testing.assert_allclose(documents[name]["mni_mm"], target.mni * 1e3)
        assert documents[name]["source"] == target.source


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_figure_of_a_protocol(succeed, place, ending):
    text = succeed("protocol", "show", "fm-tanwar", "--figure", f"session.{ending}")
    assert f"Drawn in session.{ending}." in text
    assert (place / f"session.{ending}").stat().st_size > 5000


def test_figure_of_a_coil(succeed, place):
    succeed("coil", "show", "magstim-70mm", "--figure", "coil.png")
    assert (place / "coil.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("coil", "show", "magstim70"), 1, "'magstim-70mm'"),
        (("coil", "show", "nowhere.ccd"), 1, "nowhere.ccd"),
        (("protocol", "show", "fibromyalgia-right-dlpfc"), 1, "did you mean 'fibromyalgia-1hz-right-dlpfc'"),
        (("coil", "show", "magstim-70mm", "--figure", "coil.gif"), 2, "must end in .png, .pdf or .svg"),
        (("coil", "show", "magstim-70mm", "--figure", "no/such/coil.png"), 1, "no/such/coil.png"),
        (("protocol", "show", "peripheral-four-frequency", "--figure", "a.png"), 2, "pattern"),
    ],
)
def test_refusals(refuse, words, status, says):
    assert says in refuse(*words, status=status)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cut.ccd", "# number of elements\n2\n1e-3 0 0 0 0 1\n"),
        ("nan.ccd", "# number of elements\n1\n1e-3 nan 0 0 0 1\n"),
        ("garbled.ccd", "these are words\n"),
        ("garbled.tcd", "{ not json"),
        ("cut.tcd", '{"coilElementList": ['),
        ("garbled.nii.gz", "no image"),
        ("empty.ccd", ""),
    ],
)
def test_garbled_coil_file(refuse, place, name, text):
    (place / name).write_text(text)
    assert name in refuse("coil", "show", name, status=1)
