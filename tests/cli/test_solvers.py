"""``anodyne field solvers`` and ``anodyne field validate``."""

import json
from dataclasses import replace

import pytest

import anodyne.field
import anodyne.field.validation
from anodyne.field import DEFAULT_SOLVER, SOLVERS, Validation
from anodyne.units import mm


class InPlace:
    """Stands in for a process of its own, so that a test pays for no second start."""

    def __init__(self, *_, **__):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, work, *arguments):
        """The work, done at once."""
        self.done = work(*arguments)
        return self

    def result(self):
        """What the work gave."""
        return self.done


@pytest.fixture
def in_place(monkeypatch):
    monkeypatch.setattr(anodyne.field.validation, "ProcessPoolExecutor", InPlace)


def test_solvers_are_listed_with_what_they_are_for(succeed):
    text = succeed("field", "solvers")
    assert all(name in text for name in SOLVERS)
    listed = json.loads(succeed("field", "solvers", "--json"))
    assert [entry["name"] for entry in listed] == list(SOLVERS)
    assert [entry["name"] for entry in listed if entry["default"]] == [DEFAULT_SOLVER]


def test_validation_measures_and_draws(succeed, in_place, place):
    words = ["--solver", "fem1", "--solver", "fem2", "--edge", "20", "--edge", "14", "--coil", "magstim-70mm"]
    text = succeed("field", "validate", *words, "--figure", "errors.png")
    assert "magstim-70mm" in text
    assert max(map(len, text.splitlines())) <= 80
    assert (place / "errors.png").stat().st_size > 10_000


def test_validation_for_programs_and_second_order_is_closer(succeed, in_place):
    words = ["--solver", "fem1", "--solver", "fem2", "--solver", "fem1-sphere", "--edge", "14"]
    results = json.loads(succeed("field", "validate", *words, "--coil", "magstim-70mm", "--json"))
    error = {result["solver"]: result["relative_error"] for result in results}
    assert error["fem2"] < 0.02 < error["fem1"]
    assert error["fem1-sphere"] < error["fem1"]
    assert [result["accurate"] for result in results] == [False, error["fem2"] <= 0.01, False]
    for result in results:
        assert result["rdm"] <= result["relative_error"] * 1.01
        assert abs(result["magnitude_ratio"] - 1) <= result["relative_error"]


def test_cheapest_accurate_solver_stands_beside_first_order_at_twice_its_resolution(succeed, monkeypatch):
    good = Validation(
        solver="fem2", coil="figure", edge=8 * mm, tetrahedra=1, relative_error=0.004, relative_error_anywhere=0.02,
        rdm=0.004, magnitude_ratio=1.0, seconds=1.0, processor_seconds=2.0, seconds_more=0.5, memory=None,
    )  # fmt: skip
    first = replace(good, solver="fem1", edge=4 * mm, relative_error=0.045, processor_seconds=2.5)
    monkeypatch.setattr(anodyne.field, "validate", lambda *_: (good, first))
    text = succeed("field", "validate")
    assert "figure fem2 8 0.40 2.0 4 4.50 2.5" in " ".join(text[text.index("Within 1 %") :].split())


def test_unknown_solver_and_impossible_edge(refuse):
    assert "no solver is named 'fem9'" in refuse("field", "validate", "--solver", "fem9", status=1)
    assert "outside 2 to 20 mm" in refuse("field", "validate", "--edge", "0.1", status=2)
