"""The built-in coils: enough of them, cited, and close to the published models at hand."""

from importlib.resources import files

import numpy as np
import pytest
import yaml

from anodyne.certainty import Certainty
from anodyne.coil import find_coil, find_entry, list_coils, read_ccd
from anodyne.coil.library import parse_library
from anodyne.errors import UnknownName, UnreadableFile
from anodyne.units import A_per_us, mm

entries = list_coils()


def test_at_least_ten_coils_of_every_shape():
    assert len(entries) >= 10
    assert {entry.shape for entry in entries} >= {"circular", "figure-of-eight", "double cone"}
    assert len({entry.brand for entry in entries}) >= 3


@pytest.mark.parametrize("entry", entries, ids=lambda entry: entry.name)
def test_every_coil_is_described(entry):
    coil = entry.wire_coil()
    assert find_coil(entry.name).label == coil.label == f"{entry.brand} {entry.model}"
    assert all((coil.source, coil.stimulator, entry.peak_source, entry.peak_certainty))
    assert 50 * A_per_us < coil.maximum_di_dt < 250 * A_per_us
    assert 0 < coil.winding_depth < 12 * mm
    assert coil.casing.assumed
    assert len(coil.elements.positions) >= 3000
    assert entry.certainty in Certainty


@pytest.mark.parametrize("entry", entries, ids=lambda entry: entry.name)
def test_every_winding_lies_inside_its_casing(entry):
    """Ray casting along y from every tenth element: an odd number of crossings means inside."""
    coil = entry.wire_coil()
    corners = coil.casing.points[coil.casing.triangles][:, :, [0, 2, 1]]
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    rng = np.random.default_rng(0)
    for x, z, y in rng.permutation(coil.elements.positions[:, [0, 2, 1]])[:200] + 1e-7:
        p = np.array([x, z])
        d = [
            (v[:, 0] - u[:, 0]) * (p[1] - u[:, 1]) - (v[:, 1] - u[:, 1]) * (p[0] - u[:, 0])
            for u, v in ((a, b), (b, c), (c, a))
        ]
        inside = np.logical_or(np.all(np.array(d) > 0, axis=0), np.all(np.array(d) < 0, axis=0))
        weights = np.array([d[1], d[2], d[0]])[:, inside]
        height = (weights * corners[inside, :, 2].T).sum(axis=0) / weights.sum(axis=0)
        assert (height > y).sum() % 2 == 1


@pytest.mark.parametrize(
    ("name", "file", "bound"),
    [
        ("magstim-70mm", "Magstim_70mm_Fig8.ccd", 0.06),
        ("magventure-c-b60", "MagVenture_C-B60.ccd", 0.03),
        ("magventure-c-100", "MagVenture_C-100.ccd", 0.065),
    ],
)
def test_fields_agree_with_the_published_models(shared, name, file, bound):
    """B from 10 to 60 mm beneath the face; the sign of the current is the file author's choice."""
    published, ours = read_ccd(shared / "data" / "coil" / file), find_coil(name)
    axes = np.linspace(-90, 90, 13) * mm, np.linspace(-70, 70, 11) * mm, np.array([10, 20, 35, 60]) * mm
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    theirs, mine = published.magnetic_field(points), ours.magnetic_field(points)
    sign = np.sign((theirs * mine).sum())
    assert np.linalg.norm(sign * mine - theirs) < bound * np.linalg.norm(theirs)


def test_peak_rates_stand_in_the_published_headers(shared):
    for name, file in [("magventure-c-b60", "C-B60"), ("magventure-c-100", "C-100")]:
        published = read_ccd(shared / "data" / "coil" / f"MagVenture_{file}.ccd")
        assert find_entry(name).maximum_di_dt == pytest.approx(published.maximum_di_dt)


def test_an_unknown_coil_names_its_neighbours():
    with pytest.raises(UnknownName, match="magstim-70mm"):
        find_coil("magstim70mm")
    with pytest.raises(UnreadableFile, match="cannot read"):
        find_coil("nowhere.ccd")


def library_with(**changes) -> str:
    text = files("anodyne.coil").joinpath("coils.yaml").read_text(encoding="utf-8")
    record = yaml.safe_load(text)["coils"][0] | changes
    return yaml.safe_dump({"coils": [{key: value for key, value in record.items() if value is not None}]})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"turns": None}, "lacks .'turns'."),
        ({"turn": [9, "read"]}, "unknown .'turn'."),
        ({"turns": 9}, "must be .number, certainty."),
        ({"turns": [9, "guessed"]}, "guessed"),
        ({"winding": "square"}, "square"),
        ({"turns": [90, "read"]}, "do not fit"),
    ],
)
def test_a_wrong_library_is_refused(changes, says):
    with pytest.raises(ValueError, match=says):
        parse_library(library_with(**changes))


def test_two_coils_of_one_name_are_refused():
    text = library_with()
    with pytest.raises(ValueError, match="two coils named"):
        parse_library(text + text.removeprefix("coils:\n"))
