"""Bursts, trains and sessions of pulses, and when each pulse falls."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from anodyne.units import minute

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Duration:
    """A length of time that knows whether it is only a lower bound.

    >>> str(Duration(length=1200.0, is_lower_bound=True))
    'at least 20 min'
    """

    length: float
    is_lower_bound: bool = False

    def __str__(self) -> str:
        seconds = round(self.length)
        minutes, rest = divmod(seconds, round(minute))
        if minutes == 0:
            words = f"{self.length:g} s" if self.length < 10 else f"{rest} s"
        else:
            words = f"{minutes} min {rest} s" if rest else f"{minutes} min"
        return f"at least {words}" if self.is_lower_bound else words


def _check_positive(what: str, value: float, unit: str) -> None:
    if not (isfinite(value) and value > 0):
        raise ValueError(f"{what} is positive, not {value} {unit}".rstrip())


def _check_count(what: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{what} is a whole number of at least 1, not {value}")


@dataclass(frozen=True, kw_only=True)
class Burst:
    """A few pulses close together that take the place of one pulse in a train.

    Parameters
    ----------
    pulses : at least 2
    rate : of the pulses within the burst, Hz
    """

    pulses: int
    rate: float

    def __post_init__(self) -> None:
        _check_count("the number of pulses in a burst", self.pulses)
        if self.pulses < 2:
            raise ValueError("a burst has at least 2 pulses, not 1; leave the burst out for single pulses")
        _check_positive("the rate within a burst", self.rate, "Hz")

    def pulse_times(self) -> Array:
        """(pulses,) array, s, counted from the first pulse of the burst."""
        return np.arange(self.pulses) / self.rate


THETA_BURST = Burst(pulses=3, rate=50.0)
"""The burst of theta-burst stimulation: three pulses at 50 Hz (Huang 2005, Neuron 45:201; recalled)."""


@dataclass(frozen=True, kw_only=True)
class Train:
    """Pulses, or bursts, at one rate and one intensity.

    Parameters
    ----------
    rate : of the pulses, or of the bursts when there is a `burst`, Hz
    pulses : all pulses in the train, those within bursts included
    intensity : relative to the threshold; None when the source does not report it
    burst : what is repeated at `rate`; None for single pulses

    Raises
    ------
    ValueError : a rate or intensity that is not positive, or bursts that do not divide or do not fit

    Intermittent theta burst, 10 bursts in 2 s:

    >>> train = Train(rate=5, pulses=30, intensity=1.2, burst=THETA_BURST)
    >>> train.duration
    2.0
    >>> train.pulse_times()[:4].round(3).tolist()
    [0.0, 0.02, 0.04, 0.2]
    """

    rate: float
    pulses: int
    intensity: float | None = None
    burst: Burst | None = None

    def __post_init__(self) -> None:
        _check_positive("the rate of a train", self.rate, "Hz")
        _check_count("the number of pulses in a train", self.pulses)
        if self.intensity is not None:
            _check_positive("an intensity relative to threshold", self.intensity, "")
        if self.burst is None:
            return
        if self.pulses % self.burst.pulses:
            raise ValueError(f"{self.pulses} pulses are not a whole number of bursts of {self.burst.pulses}")
        if (self.burst.pulses - 1) / self.burst.rate >= 1 / self.rate:
            raise ValueError(f"{self.burst.pulses} pulses at {self.burst.rate:g} Hz do not fit {self.rate:g} Hz")

    @property
    def repetitions(self) -> int:
        """How often the pulse, or the burst, is repeated."""
        return self.pulses if self.burst is None else self.pulses // self.burst.pulses

    @property
    def duration(self) -> float:
        """Repetitions over rate, s: each pulse or burst owns one full period, the last one too."""
        return self.repetitions / self.rate

    def pulse_times(self) -> Array:
        """(pulses,) array, s, counted from the first pulse of the train."""
        starts = np.arange(self.repetitions) / self.rate
        if self.burst is None:
            return starts
        return (starts[:, None] + self.burst.pulse_times()[None, :]).ravel()


@dataclass(frozen=True, kw_only=True)
class Session:
    """Equal trains with equal pauses: what a person receives in one sitting.

    Parameters
    ----------
    train : the train that is repeated
    trains : how many
    inter_train_interval : from the end of one train's last period to the first pulse of the next, s;
        None when the source does not report it

    Raises
    ------
    ValueError : no trains, or a negative interval

    >>> session = Session(train=Train(rate=1, pulses=150, intensity=0.9), trains=8, inter_train_interval=None)
    >>> session.pulses, str(session.duration)
    (1200, 'at least 20 min')
    """

    train: Train
    trains: int
    inter_train_interval: float | None

    def __post_init__(self) -> None:
        _check_count("the number of trains", self.trains)
        interval = self.inter_train_interval
        if interval is not None and not (isfinite(interval) and interval >= 0):
            raise ValueError(f"an inter-train interval is not negative, so not {interval} s")

    @property
    def pulses(self) -> int:
        """All pulses of the session."""
        return self.trains * self.train.pulses

    @property
    def stimulation_time(self) -> float:
        """Time within trains, pauses left out, s."""
        return self.trains * self.train.duration

    @property
    def duration(self) -> Duration:
        """From the first pulse to the end of the last train, a lower bound when the pauses are not known."""
        if self.trains == 1:
            return Duration(length=self.stimulation_time)
        if self.inter_train_interval is None:
            return Duration(length=self.stimulation_time, is_lower_bound=True)
        return Duration(length=self.stimulation_time + (self.trains - 1) * self.inter_train_interval)

    def train_starts(self) -> Array:
        """(trains,) array of the times of the trains' first pulses, s.

        Raises
        ------
        ValueError : the inter-train interval is not known
        """
        if self.trains == 1:
            return np.zeros(1)
        if self.inter_train_interval is None:
            raise ValueError("the inter-train interval is not reported; use replace(session, inter_train_interval=...)")
        return np.arange(self.trains, dtype=np.float64) * (self.train.duration + self.inter_train_interval)

    def pulse_times(self) -> Array:
        """(pulses,) ascending array, s, counted from the first pulse of the session.

        Raises
        ------
        ValueError : the inter-train interval is not known
        """
        return (self.train_starts()[:, None] + self.train.pulse_times()[None, :]).ravel()
