"""Currents of an array meet what is wanted, and no others do it for less."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.linalg import null_space

from anodyne.errors import PlacementRefused
from anodyne.plan import Limits, array_currents

RNG = np.random.default_rng(7)


def arrays(seed, coils=5):
    """Fields of some coils and a matrix that could be their inductance."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(coils, coils))
    return rng.normal(size=(coils, 3)), root @ root.T + 0.1 * np.eye(coils)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 3))
def test_constraint_is_met_and_any_change_that_keeps_it_costs_energy(seed, count):
    fields, cost = arrays(seed)
    axes = np.linalg.qr(np.random.default_rng(seed + 1).normal(size=(3, 3)))[0][:count]
    wanted = np.random.default_rng(seed + 2).normal(size=count) * 100
    rates = array_currents(fields, cost, axes, wanted)
    assert_allclose(axes @ fields.T @ rates, wanted, rtol=1e-8, atol=1e-8 * np.abs(wanted).max())
    least = rates @ cost @ rates
    for change in null_space(axes @ fields.T).T:
        for size in (-0.1, 0.1):
            other = rates + size * np.linalg.norm(rates) * change
            assert_allclose(axes @ fields.T @ other, wanted, rtol=1e-6, atol=1e-6 * np.abs(wanted).max())
            assert other @ cost @ other > least


def test_a_single_coil_gets_what_it_needs():
    assert_allclose(array_currents([[0.0, 2.0, 0.0]], [[3.0]], [[0, 1, 0]], [10.0]), [5.0])


def test_currents_are_linear_in_what_is_wanted():
    fields, cost = arrays(3)
    one = array_currents(fields, cost, np.eye(3)[:2], [1.0, 0.0])
    other = array_currents(fields, cost, np.eye(3)[:2], [0.0, 1.0])
    assert_allclose(array_currents(fields, cost, np.eye(3)[:2], [3.0, -2.0]), 3 * one - 2 * other)


@pytest.fixture(scope="module")
def crowded():
    """Five coils, a target, and places whose field is too strong at least energy."""
    fields, cost = arrays(11)
    elsewhere = np.random.default_rng(12).normal(size=(5, 40, 3))
    free = array_currents(fields, cost, np.eye(3)[:1], [1.0])
    return fields, cost, elsewhere, free, np.linalg.norm(np.tensordot(free, elsewhere, axes=1), axis=1).max()


def test_limits_are_kept_at_a_price(crowded):
    fields, cost, elsewhere, free, highest = crowded
    energies = [free @ cost @ free]
    for share in (0.95, 0.9, 0.85):
        limits = Limits(elsewhere=elsewhere, highest=share * highest)
        rates = array_currents(fields, cost, np.eye(3)[:1], [1.0], limits)
        assert_allclose(fields[:, 0] @ rates, 1.0, rtol=1e-8)
        there = np.linalg.norm(np.tensordot(rates, elsewhere, axes=1), axis=1)
        assert there.max() <= share * highest * (1 + 2e-3)
        energies.append(rates @ cost @ rates)
    assert (np.diff(energies) > 0).all()


def test_no_cheaper_currents_keep_the_limits(crowded):
    """Steps from the optimum that lower the energy and keep the wanted field overstep the limit."""
    fields, cost, elsewhere, _, highest = crowded
    limit = 0.9 * highest
    rates = array_currents(fields, cost, np.eye(3)[:1], [1.0], Limits(elsewhere=elsewhere, highest=limit))
    least = rates @ cost @ rates
    steps = RNG.normal(size=(400, 4)) @ null_space(fields[:, :1].T).T
    found = 0
    for step in steps * 0.05 * np.linalg.norm(rates) / np.linalg.norm(steps, axis=1)[:, None]:
        other = rates + step
        if other @ cost @ other < least * (1 - 1e-3):
            found += 1
            assert np.linalg.norm(np.tensordot(other, elsewhere, axes=1), axis=1).max() > limit
    assert found > 10


def test_a_limit_that_does_not_bind_changes_nothing(crowded):
    fields, cost, elsewhere, free, highest = crowded
    limits = Limits(elsewhere=elsewhere, highest=2 * highest, rate=10 * np.abs(free).max())
    assert_allclose(array_currents(fields, cost, np.eye(3)[:1], [1.0], limits), free)


def test_no_coil_exceeds_its_rate(crowded):
    fields, cost, _, free, _ = crowded
    limits = Limits(rate=0.8 * np.abs(free).max())
    rates = array_currents(fields, cost, np.eye(3)[:1], [1.0], limits)
    assert np.abs(rates).max() <= limits.rate * (1 + 1e-9)
    assert_allclose(fields[:, 0] @ rates, 1.0)
    assert rates @ cost @ rates > free @ cost @ free


def test_what_cannot_be_made_is_refused(crowded):
    fields, cost, elsewhere, free, highest = crowded
    flat = fields * [1, 1, 0]
    with pytest.raises(PlacementRefused, match="no currents in this array give the wanted field there"):
        array_currents(flat, cost, [[0, 0, 1]], [1.0])
    with pytest.raises(PlacementRefused, match="anywhere beneath"):
        array_currents(fields, cost, np.eye(3), [1.0, 1, 1], Limits(elsewhere=elsewhere, highest=0.01 * highest))
    with pytest.raises(PlacementRefused, match="A/us in a coil"):
        array_currents(fields, cost, np.eye(3)[:1], [1.0], Limits(rate=0.01 * np.abs(free).max()))


def test_shapes_that_do_not_fit_are_refused():
    fields, cost = arrays(0)
    with pytest.raises(ValueError, match="do not fit together"):
        array_currents(fields, cost, np.eye(3)[:2], [1.0])
