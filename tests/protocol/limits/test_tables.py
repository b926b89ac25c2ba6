"""The tables of limits: their cells as published, and the stricter cell between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anodyne.certainty import Certainty
from anodyne.errors import UnknownName
from anodyne.protocol import LIMITS, Verdict, find_modifier
from anodyne.protocol.limits.tables import CellEnd

WASSERMANN, CHEN = LIMITS.trains

rates, intensities, durations = st.floats(0.1, 40), st.floats(0.2, 1.6), st.floats(0.01, 3000)


@pytest.mark.parametrize("table", LIMITS.trains, ids=lambda table: table.name)
@given(st.tuples(rates, rates), st.tuples(intensities, intensities), st.tuples(durations, durations))
def test_faster_stronger_or_longer_is_never_judged_milder(table, rate, intensity, duration):
    mild = table.verdict(min(rate), min(intensity), min(duration))
    assert mild <= table.verdict(max(rate), max(intensity), max(duration))


@pytest.mark.parametrize("table", LIMITS.trains, ids=lambda table: table.name)
@given(rates, intensities)
def test_the_cell_lies_at_or_above_what_is_asked_or_says_that_there_is_none(table, rate, intensity):
    cell = table.cell(rate, intensity)
    assert cell.rate in table.rates
    assert cell.intensity in table.intensities
    at_or_above = cell.rate >= rate * (1 - 1e-9) and cell.intensity >= intensity * (1 - 1e-9)
    assert cell.covers == at_or_above


ROWS = {
    1: ([">1800", ">1800", ">1800", ">360", ">50"], [270, 270, 180, 50]),
    5: ([">10", ">10", ">10", ">10", ">10"], [10, 10, 10, 10]),
    10: ([">5", ">5", ">5", "4.2", "2.9"], [5, 5, 3.2, 2.2]),
    20: (["2.05", "2.05", "1.6", "1.0", "0.55"], [1.5, 1.2, 0.8, 0.4]),
    25: (["1.28", "1.28", "0.84", "0.4", "0.24"], [1.0, 0.7, 0.3, 0.2]),
}


@pytest.mark.parametrize("rate", ROWS)
def test_every_cell_is_as_recalled(rate):
    wassermann, chen = ROWS[rate]
    for intensity, words in zip((0.9, 1.0, 1.1, 1.2, 1.3), wassermann, strict=True):
        cell = WASSERMANN.cell(rate, intensity)
        end = CellEnd.TESTED if words.startswith(">") else CellEnd.LIMIT
        assert (cell.seconds, cell.end) == (float(words.lstrip(">")), end)
    for intensity, seconds in zip((1.0, 1.1, 1.2, 1.3), chen, strict=True):
        cell = CHEN.cell(rate, intensity)
        assert cell.seconds == seconds
        assert cell.end is not CellEnd.LIMIT


def test_the_tables_say_that_they_are_recalled_and_that_two_people_must_check():
    assert {table.certainty for table in LIMITS.trains} == {Certainty.RECALLED}
    assert LIMITS.interval.certainty is Certainty.RECALLED
    assert "two people must check" in LIMITS.note


def test_a_limit_blocks_and_the_end_of_a_test_does_not():
    assert WASSERMANN.verdict(10, 1.2, 4.2) is Verdict.INSIDE_TESTED
    assert WASSERMANN.verdict(10, 1.2, 4.3) is Verdict.BLOCKED
    assert WASSERMANN.verdict(10, 0.8, 10) is Verdict.NEEDS_OVERRIDE
    assert CHEN.verdict(10, 1.2, 4.0) is Verdict.NEEDS_OVERRIDE


def test_between_two_cells_the_stricter_one_holds():
    assert WASSERMANN.cell(7, 1.15) == WASSERMANN.cell(10, 1.2)
    assert CHEN.cell(1.1, 1.0) == CHEN.cell(5, 1.0)


@pytest.mark.parametrize(("rate", "intensity"), [(30, 0.9), (10, 1.35), (0.5, 1.31)])
def test_beyond_the_table_nothing_is_tested(rate, intensity):
    cell = WASSERMANN.cell(rate, intensity)
    assert not cell.covers
    assert "beyond the table" in str(cell)
    assert WASSERMANN.verdict(rate, intensity, 0.01) is Verdict.NEEDS_OVERRIDE


def test_every_modifier_of_the_reference_is_here():
    medicines = {name for name, modifier in LIMITS.modifiers.items() if modifier.kind == "medicine"}
    assert {"bupropion", "tramadol", "tricyclic", "clozapine", "stimulant", "benzodiazepine-withdrawal"} == medicines
    assert {modifier.kind for modifier in LIMITS.modifiers.values()} == {"medicine", "sleep", "alcohol", "history"}
    assert [m.name for m in LIMITS.modifiers.values() if m.blocks] == ["seizure-within-a-year", "serious-tms-event"]


def test_an_unknown_modifier_gets_its_near_misses():
    with pytest.raises(UnknownName, match="'tramadol'"):
        find_modifier("tramadoll")
