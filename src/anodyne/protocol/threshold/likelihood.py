"""How likely the answers of a muscle are, given its threshold and how gradually it begins to answer."""

from collections import Counter
from collections.abc import Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from anodyne.protocol.threshold.trial import HIGHEST_TRIED, ThresholdTrial

Array = NDArray[np.float64]

SPREADS: Array = np.geomspace(0.03, 0.15, 8)
"""Spreads of the probit curve, relative to the threshold, that are held possible (assumed: the virtual
patients lie well within them, and ML-PEST takes 0.07)."""

THRESHOLDS: Array = np.arange(0.01, HIGHEST_TRIED + 0.1025, 0.005)
"""Thresholds that are held possible, fractions of output; between them the cumulated probability is straight."""


def log_likelihood(intensity: float, responded: bool, threshold: Array, spread: Array) -> Array:
    """The log of the probability of one answer under ``p = Phi((intensity - threshold) / spread)``.

    Parameters
    ----------
    intensity : fraction of output
    responded : the answer
    threshold, spread : arrays of one shape or shapes that broadcast, fractions of output
    """
    from scipy.special import log_ndtr  # half of the time that the whole room takes to import

    z = (intensity - threshold) / spread
    return log_ndtr(z if responded else -z)


def flat_prior_interval(trials: Sequence[ThresholdTrial], level: float) -> tuple[float, float]:
    """Where the threshold lies with this probability if any threshold, and any spread, was as probable as another.

    From the posterior under a prior that is flat in the threshold, over `THRESHOLDS`, and in the logarithm of the
    relative spread, over `SPREADS`; with equal tails outside. With the few pulses of a measurement a likelihood ratio
    covers too little: the best spread for each threshold is found too small.

    Parameters
    ----------
    trials : at least one
    level : of confidence, between 0 and 1

    Returns
    -------
    The lowest and the highest, fractions of output: 0 without any silence, and infinity without any answer.

    Raises
    ------
    ValueError : no trials, or no such level
    """
    from scipy.special import log_ndtr

    if not trials or not 0 < level < 1:
        raise ValueError(f"an interval needs trials and a level between 0 and 1, not {len(trials)} and {level}")
    counts = Counter((trial.intensity, trial.responded) for trial in trials)
    intensity, answered = (np.array(column, dtype=float) for column in zip(*counts, strict=True))
    z = (intensity / THRESHOLDS[:, None] - 1) * (2 * answered - 1)
    weight = np.array([float(count) for count in counts.values()])
    log_posterior = log_ndtr(z[None] / SPREADS[:, None, None]) @ weight
    density = np.exp(log_posterior - log_posterior.max()).sum(axis=0)
    low, high = equal_tails(THRESHOLDS, density, level)
    return (0.0 if answered.all() else low), (high if answered.any() else inf)


def equal_tails(values: Array, density: Array, level: float) -> tuple[float, float]:
    """The ends of the middle that holds this share of a density on evenly spaced values."""
    cumulated = (np.cumsum(density) - density / 2) / density.sum()
    low, high = np.interp([(1 - level) / 2, (1 + level) / 2], cumulated, values)
    return float(low), float(high)
