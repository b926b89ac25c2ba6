"""The statistical model of evoked potentials, and the people drawn from it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from anodyne.protocol import MepModel, VirtualPatient, read_mep, virtual_patients


@pytest.fixture(scope="module")
def patients():
    return virtual_patients(150, seed=3)


@settings(max_examples=15)
@given(st.integers(0, 200), st.floats(0.3, 1.1))
def test_chances_are_those_of_many_draws(seed, intensity):
    model = VirtualPatient(seed).model
    drawn = model.sample(np.full(20_000, intensity), np.random.default_rng(seed)) >= 50e-6
    chance = float(model.probability(intensity))
    assert abs(drawn.mean() - chance) < 5 * np.sqrt(max(chance * (1 - chance), 2e-3) / len(drawn)) + 0.004


def test_the_threshold_is_answered_by_half(patients):
    for patient in patients[:20]:
        assert_allclose(patient.model.probability(patient.threshold), 0.5, atol=1e-4)
        assert_allclose(patient.model.probability(patient.model.intensity_answered(0.95)), 0.95, atol=1e-4)


def test_answers_grow_with_intensity(patients):
    intensity = np.linspace(0.2, 1.3, 60)
    for patient in patients[:20]:
        assert (np.diff(patient.model.probability(intensity)) >= -1e-12).all()
        assert (np.diff(patient.model.typical(intensity)) >= 0).all()


def test_without_variation_the_threshold_is_where_the_curve_crosses():
    model = MepModel(
        floor_location=1e-6, floor_scale=1e-12, floor_shape=0.1, decades=4.5, half_point=0.2, slope=3.0,
        offset=0.4, amplitude_spread=1e-6, excitability_spread=1e-6,
    )  # fmt: skip
    assert_allclose(model.typical(model.threshold), 50e-6, rtol=1e-3)


def test_population_is_the_published_one(patients):
    """The reference: median 66 %, 5th to 95th percentile 53 to 83 %, relative spread 0.075."""
    thresholds = np.array([patient.threshold for patient in patients])
    spreads = np.array([patient.model.relative_spread for patient in patients])
    assert abs(np.median(thresholds) - 0.66) < 0.03
    assert_allclose(np.quantile(thresholds, [0.05, 0.95]), [0.53, 0.83], atol=0.05)
    assert abs(np.median(spreads) - 0.075) < 0.005


def test_the_same_seed_is_the_same_person():
    one, other, next_one = VirtualPatient(11), VirtualPatient(11), VirtualPatient(12)
    answers = [one.mep(0.7) for _ in range(5)]
    assert answers == [other.mep(0.7) for _ in range(5)]
    assert answers == [each for fresh in [one.again()] for each in (fresh.mep(0.7) for _ in range(5))]
    assert one.threshold == other.threshold != next_one.threshold


def test_an_epoch_holds_the_potential_that_the_model_gives(patients):
    """The amplitudes read from epochs are distributed as those of the model."""
    patient = patients[0]
    intensity = patient.threshold + 0.05
    read = np.array([read_mep(patient.emg(intensity)).amplitude for _ in range(300)])
    drawn = np.array([patient.mep(intensity) for _ in range(300)])
    assert abs(np.mean(read >= 50e-6) - np.mean(drawn >= 50e-6)) < 0.1
    assert_allclose(np.median(read), np.median(drawn), rtol=0.4)


def test_a_muscle_at_rest_is_seen_to_be_at_rest(patients):
    readings = [read_mep(patient.emg(0.6)) for patient in patients[:50]]
    assert not any(reading.is_preactivated for reading in readings)


def test_activity_before_the_pulse_is_seen():
    patient = VirtualPatient(5, preactivation=1.0)
    assert all(read_mep(patient.emg(0.6)).is_preactivated for _ in range(10))


def test_refusals():
    with pytest.raises(ValueError, match="fraction"):
        VirtualPatient(1, preactivation=1.5)
    with pytest.raises(ValueError, match="at least one"):
        virtual_patients(0, seed=1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        VirtualPatient(1).model.intensity_answered(1.0)
    with pytest.raises(ValueError, match="slope"):
        MepModel(
            floor_location=1e-6, floor_scale=1e-6, floor_shape=0.1, decades=4.5, half_point=0.2, slope=0.0,
            offset=0.4, amplitude_spread=0.1, excitability_spread=0.05,
        )  # fmt: skip
