"""One pulse of a threshold measurement and what it answered, and the interval that follows from many."""

from dataclasses import dataclass
from enum import Enum
from math import isfinite

RESPONSE_AMPLITUDE = 50e-6
"""The peak-to-peak amplitude, V, from which a motor evoked potential counts as a response (Rossini et al. 2015)."""

HIGHEST_TRIED = 1.30
"""The end of every grid of thresholds, a fraction of output; no pulse is ever proposed above the device's maximum."""


class ResponseObservation(Enum):
    """By what a response was seen."""

    EMG = "emg"
    VISUAL = "visual"
    WORD = "word"

    @property
    def in_words(self) -> str:
        """A phrase for a report."""
        return {
            ResponseObservation.EMG: "EMG of at least 50 µV",
            ResponseObservation.VISUAL: "visible twitch",
            ResponseObservation.WORD: "the person's word",
        }[self]


@dataclass(frozen=True, kw_only=True)
class ThresholdTrial:
    """One pulse and its answer.

    Parameters
    ----------
    intensity : fraction of maximum stimulator output
    responded : whether the muscle answered
    amplitude : of the motor evoked potential from peak to peak, V; None where it was not measured

    Raises
    ------
    ValueError : an intensity or amplitude that cannot be, or an amplitude that contradicts the answer
    """

    intensity: float
    responded: bool
    amplitude: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.intensity <= HIGHEST_TRIED:
            raise ValueError(f"a pulse at {100 * self.intensity:g} % of stimulator output cannot be")
        if self.amplitude is None:
            return
        if not (isfinite(self.amplitude) and self.amplitude >= 0):
            raise ValueError(f"an amplitude from peak to peak is not negative, so not {self.amplitude} V")
        if self.responded != (self.amplitude >= RESPONSE_AMPLITUDE):
            answer = "a response" if self.responded else "no response"
            raise ValueError(
                f"{self.amplitude * 1e6:g} µV is not {answer}; the criterion is {RESPONSE_AMPLITUDE * 1e6:g} µV"
            )


class IntervalBasis(Enum):
    """Where an interval for a threshold comes from."""

    FLAT_PRIOR = "posterior, flat prior"
    POPULATION_PRIOR = "posterior, prior of a population"


@dataclass(frozen=True, kw_only=True)
class ThresholdInterval:
    """An interval for a threshold.

    Parameters
    ----------
    low, high : fractions of output; 0 and infinity where the answers set no bound on that side
    level : how much confidence, a fraction
    basis : under which prior
    """

    low: float
    high: float
    level: float
    basis: IntervalBasis

    @property
    def width(self) -> float:
        """High minus low, fraction of output."""
        return self.high - self.low

    @property
    def in_words(self) -> str:
        """The interval in per cent of output.

        >>> ThresholdInterval(low=0.5, high=0.561, level=0.95, basis=IntervalBasis.FLAT_PRIOR).in_words
        '95 % interval 50.0 to 56.1 %'
        """
        name = f"{100 * self.level:g} % interval"
        match self.low > 0, isfinite(self.high):
            case True, True:
                return f"{name} {100 * self.low:.1f} to {100 * self.high:.1f} %"
            case True, False:
                return f"{name} above {100 * self.low:.1f} %"
            case False, True:
                return f"{name} below {100 * self.high:.1f} %"
        return f"{name} not bounded yet"
