"""How well each method finds the thresholds of virtual patients whose thresholds are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anodyne.progress import SILENT, Progress
from anodyne.protocol.threshold.facts import ACCEPTANCE_BANDS, AcceptanceBand
from anodyne.protocol.threshold.methods import ThresholdMethod, begin_search
from anodyne.protocol.threshold.patient import VirtualPatient
from anodyne.protocol.threshold.search import SearchOutcome, ThresholdSearch
from anodyne.protocol.threshold.trial import RESPONSE_AMPLITUDE

Array = NDArray[np.float64]

START_ANSWERED = 0.95
"""The first pulse is given where this share of pulses would be answered, as in the reference simulation."""

RESAMPLES = 400
"""Bootstrap samples behind the standard error of a percentile."""

REFERENCE_SUBJECTS = 600
"""How many virtual patients the reference simulation had."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A method in a comparison, with its settings.

    Parameters
    ----------
    method : how it searches
    step : between levels for a method that counts answers, fraction of output
    """

    method: ThresholdMethod
    step: float | None = None

    def begin(self, start: float, maximum: float, resolution: float) -> ThresholdSearch:
        """Its search with this first pulse."""
        return begin_search(self.method, start=start, maximum=maximum, resolution=resolution, step=self.step)


CONTENDERS = (
    Contender(method=ThresholdMethod.IFCN, step=0.01),
    Contender(method=ThresholdMethod.IFCN, step=0.02),
    Contender(method=ThresholdMethod.MILLS_NITHI, step=0.01),
    Contender(method=ThresholdMethod.PEST),
    Contender(method=ThresholdMethod.SAMT),
    Contender(method=ThresholdMethod.SAMT_ADAPTIVE),
    Contender(method=ThresholdMethod.BAYES),
)
"""Every method with its usual settings."""


@dataclass(frozen=True, kw_only=True)
class ErrorSummary:
    """The errors of one method after a number of pulses, relative to the true thresholds.

    Parameters
    ----------
    subjects : patients with an estimate
    pulses : after how many; for a method that stops by its own rule the median at which it stopped
    median, high : median and 95th percentile of the absolute error
    bias : mean signed error
    median_error, high_error, bias_error : standard errors of these, from bootstrap samples
    """

    subjects: int
    pulses: int
    median: float
    high: float
    bias: float
    median_error: float
    high_error: float
    bias_error: float

    def deviations(self, band: AcceptanceBand) -> dict[str, float]:
        """How far median, 95th percentile and bias are from the reference's, in standard errors of the difference.

        The reference's own standard errors are taken to be those found here, brought to its number of patients.
        """
        both = (1 + self.subjects / REFERENCE_SUBJECTS) ** 0.5
        return {
            "median": (self.median - band.median) / (both * self.median_error),
            "high": (self.high - band.high) / (both * self.high_error),
            "bias": (self.bias - band.bias) / (both * self.bias_error),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class MethodScore:
    """What one method came to on every virtual patient.

    Parameters
    ----------
    label : of the method
    counts_answers : whether it stops by its own rule rather than after a fixed number of pulses
    thresholds : (n,) array, true thresholds, fractions of output
    estimates : (n, most pulses) array, the estimate after each pulse; NaN where there was none
    final : (n,) array, the estimate at the end; NaN where no threshold was found
    pulses : (n,) array, how many were given
    covered : (n,) array, 1 where the interval at the end holds the true threshold, 0 where not, NaN without estimate
    """

    label: str
    counts_answers: bool
    thresholds: Array
    estimates: Array
    final: Array
    pulses: Array
    covered: Array

    @property
    def without(self) -> int:
        """Patients for whom no threshold up to the maximum was found."""
        return int(np.isnan(self.final).sum())

    @property
    def coverage(self) -> float:
        """Share of the intervals at the end that hold the true threshold."""
        return float(np.nanmean(self.covered))

    @property
    def bands(self) -> tuple[AcceptanceBand, ...]:
        """What the reference simulation found for this method; nothing for one it did not hold."""
        return ACCEPTANCE_BANDS.get(self.label, ())

    def errors(self, pulses: int | None = None) -> Array:
        """Signed errors relative to the threshold, after so many pulses or at the end; of patients with an estimate."""
        estimates = self.final if pulses is None else self.estimates[:, pulses - 1]
        errors = estimates / self.thresholds - 1
        return errors[np.isfinite(errors)]

    def summary(self, pulses: int | None = None) -> ErrorSummary:
        """The errors in a few numbers, after so many pulses or at the end.

        Raises
        ------
        ValueError : no patient has an estimate there
        """
        errors = self.errors(pulses)
        if not len(errors):
            raise ValueError(f"{self.label} has no estimate after {pulses} pulses")
        drawn = errors[np.random.default_rng(0).integers(len(errors), size=(RESAMPLES, len(errors)))]
        return ErrorSummary(
            subjects=len(errors),
            pulses=int(np.median(self.pulses)) if pulses is None else pulses,
            median=float(np.median(np.abs(errors))),
            high=float(np.quantile(np.abs(errors), 0.95)),
            bias=float(errors.mean()),
            median_error=float(np.median(np.abs(drawn), axis=1).std()),
            high_error=float(np.quantile(np.abs(drawn), 0.95, axis=1).std()),
            bias_error=float(drawn.mean(axis=1).std()),
        )

    @property
    def checkpoints(self) -> tuple[int | None, ...]:
        """After how many pulses this method is judged: those of the reference, or the end alone."""
        if self.counts_answers:
            return (None,)
        return tuple(band.pulses for band in self.bands) or (10, 20, 25)

    @property
    def median_errors(self) -> Array:
        """The median absolute error after each pulse, relative to the threshold; NaN where under half have one."""
        errors = np.abs(self.estimates / self.thresholds[:, None] - 1)
        enough = np.isfinite(errors).mean(axis=0) >= 0.5
        medians = np.full(errors.shape[1], np.nan)
        medians[enough] = np.nanmedian(errors[:, enough], axis=0)
        return medians


def compare_threshold_methods(
    patients: Sequence[VirtualPatient],
    *,
    contenders: Sequence[Contender] = CONTENDERS,
    maximum: float = 1.0,
    resolution: float = 0.0,
    progress: Progress = SILENT,
) -> tuple[MethodScore, ...]:
    """Every method on the same virtual patients, each from its own first pulse on.

    A patient whose threshold lies above the maximum can only be told to have none; such patients are left out of
    the errors by having no estimate.

    Parameters
    ----------
    patients : at least one; they are not used up
    contenders : the methods
    maximum : the most the device gives, fraction of output
    resolution : the smallest step in which it can be set; 0 for none, as in the reference simulation
    progress : told of every patient

    Raises
    ------
    ValueError : no patients
    """
    if not patients:
        raise ValueError("a comparison needs at least one virtual patient")
    starts = [min(patient.model.intensity_answered(START_ANSWERED), maximum) for patient in patients]
    scores = []
    for contender in contenders:
        label = contender.begin(maximum, maximum, resolution).label
        with progress.stage(label, total=len(patients)) as advance:
            searches = []
            for patient, start in zip(patients, starts, strict=True):
                searches.append(_searched(contender.begin(start, maximum, resolution), patient.again()))
                advance(1)
        scores.append(_score(label, contender, patients, searches))
    return tuple(scores)


def _searched(search: ThresholdSearch, patient: VirtualPatient) -> tuple[ThresholdSearch, list[float]]:
    """The search at its end, and its estimate after each pulse."""
    estimates = []
    while not search.is_finished:
        search = search.record(patient.mep(search.next_intensity) >= RESPONSE_AMPLITUDE)
        raw = search.raw_estimate
        estimates.append(np.nan if raw is None or search.outcome is SearchOutcome.NONE_UP_TO_MAXIMUM else raw)
    return search, estimates


def _score(
    label: str,
    contender: Contender,
    patients: Sequence[VirtualPatient],
    searched: Sequence[tuple[ThresholdSearch, list[float]]],
) -> MethodScore:
    thresholds = np.array([patient.threshold for patient in patients])
    pulses = np.array([float(len(search.trials)) for search, _ in searched])
    estimates = np.full((len(patients), int(pulses.max())), np.nan)
    for row, (_, found) in zip(estimates, searched, strict=True):
        row[: len(found)] = found
    final = np.array([np.nan if search.estimate is None else search.estimate for search, _ in searched])
    covered = np.full(len(patients), np.nan)
    for index, (search, _) in enumerate(searched):
        interval = search.confidence_interval()
        if interval is not None and search.estimate is not None:
            covered[index] = interval.low <= thresholds[index] <= interval.high
    return MethodScore(
        label=label,
        counts_answers=contender.method.counts_answers,
        thresholds=thresholds,
        estimates=estimates,
        final=final,
        pulses=pulses,
        covered=covered,
    )
