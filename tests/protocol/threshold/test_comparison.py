"""The methods compared on virtual patients, small enough for a test, and held against the reference's bands."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.protocol import (
    ACCEPTANCE_BANDS,
    CONTENDERS,
    Contender,
    ThresholdMethod,
    VirtualPatient,
    begin_search,
    compare_threshold_methods,
    virtual_patients,
)
from anodyne.protocol.threshold.plot import comparison_figure, plot_epoch, plot_search

SUBJECTS = 150


@pytest.fixture(scope="module")
def scores():
    return compare_threshold_methods(virtual_patients(SUBJECTS, seed=1))


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_every_band_belongs_to_a_method():
    labels = {contender.begin(0.6, 1.0, 0.0).label for contender in CONTENDERS}
    assert set(ACCEPTANCE_BANDS) < labels


def test_errors_are_those_of_the_reference_to_within_sampling(scores):
    """Four standard errors of the difference; the reference drew 600 patients of the same model."""
    compared = 0
    for score in scores:
        for pulses in score.checkpoints:
            summary = score.summary(pulses)
            bands = score.bands if not score.counts_answers else score.bands[:1]
            for band in bands:
                if score.counts_answers or band.pulses == pulses:
                    away = summary.deviations(band)
                    assert abs(away["median"]) < 4, (score.label, pulses, summary, band)
                    compared += 1
    assert compared >= 10


def test_counting_takes_more_pulses_than_fitting(scores):
    used = {score.label: float(np.median(score.pulses)) for score in scores}
    assert used["five-of-ten, 1 % steps"] > used["five-of-ten, 2 % steps"] > used["ML-PEST"] == 25


def test_intervals_cover(scores):
    for score in scores:
        assert 0.86 <= score.coverage <= 1.0, score.label


def test_the_same_patients_give_the_same_scores(scores):
    again = compare_threshold_methods(virtual_patients(SUBJECTS, seed=1), contenders=CONTENDERS[4:5])
    assert_allclose(again[0].final, scores[4].final)


def test_errors_shrink_with_pulses(scores):
    for score in scores:
        if not score.counts_answers:
            medians = score.median_errors
            assert medians[24] < medians[9] < medians[4]


def test_a_weak_device_leaves_some_without_a_threshold():
    patients = virtual_patients(40, seed=2)
    (score,) = compare_threshold_methods(
        patients, contenders=[Contender(method=ThresholdMethod.IFCN, step=0.02)], maximum=0.6
    )
    beyond = np.array([patient.threshold for patient in patients]) > 0.68
    assert beyond.any()
    assert np.isnan(score.final[beyond]).all()
    assert score.without >= beyond.sum()
    assert np.nanmax(score.final) <= 0.6


def test_no_patients_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        compare_threshold_methods([])


def test_the_comparison_is_drawn(scores):
    figure = comparison_figure(scores, "everyone")
    figure.canvas.draw()
    left, right = figure.axes
    assert "pulses" in left.get_xlabel()
    assert len(right.get_yticklabels()) == len(scores)


@pytest.mark.parametrize("method", ThresholdMethod)
def test_a_search_is_drawn_at_every_stage(method):
    patient = VirtualPatient(2)
    search = begin_search(method, start=0.7)
    plot_search(search)
    for _ in range(3):
        search = search.record(patient.mep(search.next_intensity) >= 50e-6)
    axes = plot_search(search)
    assert "stimulator output" in axes.get_ylabel()
    axes.figure.canvas.draw()


def test_an_epoch_is_drawn():
    axes = plot_epoch(VirtualPatient(2).emg(0.8))
    assert "ms" in axes.get_xlabel()
    axes.figure.canvas.draw()
