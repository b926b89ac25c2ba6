"""Which of several measurements is good enough, and what it stands beside."""

from dataclasses import replace

import pytest

from anodyne.field import Validation
from anodyne.units import mm

GOOD = Validation(
    solver="fem2",
    coil="figure",
    edge=8 * mm,
    tetrahedra=40_000,
    relative_error=0.004,
    relative_error_anywhere=0.02,
    rdm=0.004,
    magnitude_ratio=1.0,
    seconds=1.0,
    processor_seconds=2.0,
    seconds_more=0.5,
    memory=None,
)


@pytest.mark.parametrize(
    "changes", [{"relative_error": 0.011}, {"rdm": 0.011}, {"magnitude_ratio": 0.989}, {"magnitude_ratio": 1.011}]
)
def test_one_measure_beyond_the_goal_is_enough_to_miss_it(changes):
    assert GOOD.accurate
    assert not replace(GOOD, **changes).accurate


def test_cheapest_counts_processor_time_of_accurate_results():
    slower = replace(GOOD, edge=4 * mm, processor_seconds=9.0, seconds=0.1)
    worse = replace(GOOD, rdm=0.2, processor_seconds=0.1)
    circle = replace(GOOD, coil="circle", processor_seconds=0.1)
    quick = replace(GOOD, solver="quick", processor_seconds=1.0)
    assert Validation.cheapest((slower, worse, GOOD, circle, quick)) == (quick, GOOD, circle)
    assert Validation.cheapest((worse,)) == ()


def test_first_order_beside_it_has_half_the_edge_or_the_next_finer():
    first = [replace(GOOD, solver="fem1", edge=edge * mm) for edge in (8, 5, 4, 3)]
    assert GOOD.finer_first_order(first) is first[2]
    assert GOOD.finer_first_order(first[:2]) is None
    assert GOOD.finer_first_order([replace(first[2], coil="circle")]) is None
