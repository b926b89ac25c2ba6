"""Thresholds from a model of the answers: maximum likelihood (ML-PEST) and a Bayesian posterior."""

from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anodyne.protocol.threshold.likelihood import equal_tails, log_likelihood
from anodyne.protocol.threshold.search import PROGRESS, ThresholdSearch
from anodyne.protocol.threshold.trial import HIGHEST_TRIED, IntervalBasis, ThresholdInterval, ThresholdTrial

Array = NDArray[np.float64]

PULSES = 25
"""How many pulses a method without a stopping rule of its own takes, from the reference's 20 to 25."""

GRID: Array = 0.002 * np.arange(1, round(HIGHEST_TRIED / 0.002) + 1, dtype=np.float64)
"""The thresholds considered, fractions of output: 0.2 to 130 % in steps of 0.2 %."""

PEST_SPREAD = 0.07
"""Spread of ML-PEST's probit curve, relative to the threshold (Awiszus 2003)."""

PRIOR_MEAN = (0.658, -1.299)
PRIOR_COVARIANCE = ((0.00805, 0.00032), (0.00032, 0.00076))
"""Threshold (fraction of output) and log10 of the spread in a population: a normal distribution, as published with
the comparison of methods by Wang et al. 2023 (J Neural Eng 20(5), doi 10.1088/1741-2552/acf1cc); read in the
project's reference."""

PRIOR_SPREADS = 5
"""Spreads at which the posterior is kept, within 2.5 standard deviations of the prior's mean."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FixedCountSearch(ThresholdSearch):
    """A search that takes a number of pulses fixed beforehand.

    Parameters
    ----------
    pulses : how many

    Raises
    ------
    ValueError : not 1 to 200 pulses
    """

    pulses: int = PULSES

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.pulses <= 200:
            raise ValueError(f"a threshold is measured with 1 to 200 pulses, not {self.pulses}")

    @property
    def is_decided(self) -> bool:
        """Whether all pulses have been given."""
        return len(self.trials) >= self.pulses


@dataclass(frozen=True, kw_only=True, eq=False)
class MaximumLikelihoodSearch(FixedCountSearch):
    """ML-PEST: each pulse is given where the threshold is most likely to be (Awiszus 2003; Pentland 1980).

    The chance of an answer is ``Phi((a - t) / (0.07 t))``. Two answers are put in beforehand, silence at 0 % and a
    response at 130 % of output; among equally likely thresholds their mean is taken.
    """

    log_likelihoods: Array | None = field(default=None, repr=False, metadata=PROGRESS)

    @property
    def label(self) -> str:
        """What the method is called."""
        return "ML-PEST"

    @property
    def wanted(self) -> float:
        """The start, then the most likely threshold."""
        return self.start if self._likeliest is None else self._likeliest

    @property
    def raw_estimate(self) -> float | None:
        """The most likely threshold."""
        return self._likeliest

    @cached_property
    def _likeliest(self) -> float | None:
        """The mean of the grid's likeliest thresholds, which are equal to within rounding."""
        if self.log_likelihoods is None:
            return None
        return float(GRID[self.log_likelihoods >= self.log_likelihoods.max() - 1e-12].mean())

    def _after(self, trial: ThresholdTrial) -> dict[str, Any]:
        before = _put_in_beforehand() if self.log_likelihoods is None else self.log_likelihoods
        gained = log_likelihood(trial.intensity, trial.responded, GRID, PEST_SPREAD * GRID)
        return {"log_likelihoods": before + gained}


@cache
def _put_in_beforehand() -> Array:
    return log_likelihood(HIGHEST_TRIED, True, GRID, PEST_SPREAD * GRID)


@dataclass(frozen=True, kw_only=True, eq=False)
class BayesianSearch(FixedCountSearch):
    """Maximum a posteriori: each pulse is given at the mode of what is known about the threshold.

    The prior is a normal distribution of threshold and logarithm of spread in a population; the posterior of the
    threshold alone is used, with the spread summed out. The interval has equal tails.
    """

    start: float = PRIOR_MEAN[0]
    log_posterior: Array | None = field(default=None, repr=False, metadata=PROGRESS)

    @property
    def label(self) -> str:
        """What the method is called."""
        return "MAP-Bayes"

    @property
    def wanted(self) -> float:
        """The start, then the posterior's mode."""
        return self.start if self.log_posterior is None else self._mode()

    @property
    def raw_estimate(self) -> float | None:
        """The posterior's mode."""
        return None if self.log_posterior is None else self._mode()

    def _mode(self) -> float:
        return float(GRID[np.argmax(self._marginal)])

    @cached_property
    def _marginal(self) -> Array:
        """The posterior of the threshold alone, up to a factor."""
        assert self.log_posterior is not None
        return np.exp(self.log_posterior - self.log_posterior.max()).sum(axis=1)

    def _after(self, trial: ThresholdTrial) -> dict[str, Any]:
        prior, spreads = _prior()
        before = prior if self.log_posterior is None else self.log_posterior
        return {"log_posterior": before + log_likelihood(trial.intensity, trial.responded, GRID[:, None], spreads)}

    def confidence_interval(self, level: float = 0.95) -> ThresholdInterval | None:
        """Where the threshold lies with this probability, with equal tails outside; None before the first pulse."""
        if self.log_posterior is None:
            return None
        low, high = equal_tails(GRID, self._marginal, level)
        return ThresholdInterval(low=low, high=high, level=level, basis=IntervalBasis.POPULATION_PRIOR)


@cache
def _prior() -> tuple[Array, Array]:
    """Log of the prior on the grid, (n_thresholds, n_spreads), and the spreads, (n_spreads,)."""
    deviation = PRIOR_COVARIANCE[1][1] ** 0.5
    exponents = PRIOR_MEAN[1] + deviation * np.linspace(-2.5, 2.5, PRIOR_SPREADS)
    away = np.stack(np.broadcast_arrays(GRID[:, None] - PRIOR_MEAN[0], exponents - PRIOR_MEAN[1]), axis=-1)
    precision = np.linalg.inv(np.array(PRIOR_COVARIANCE))
    return -0.5 * np.einsum("...i,ij,...j", away, precision, away), 10**exponents
