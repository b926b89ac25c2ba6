"""A motor evoked potential from a recorded stretch of EMG: its size, and whether the muscle was at rest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anodyne.protocol.threshold.trial import RESPONSE_AMPLITUDE
from anodyne.units import ms

Array = NDArray[np.float64]

LOWEST_RATE = 3600.0
"""Sampling rate, Hz, below which the peaks of an evoked potential are not caught."""

LARGEST = 0.1
"""No surface EMG is this large, V: such numbers are in another unit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EmgEpoch:
    """A stretch of EMG around one pulse.

    Parameters
    ----------
    samples : (n,) array, V
    rate : samples in a second, Hz, at least 3600
    start : when the first sample was taken, s, with the pulse at 0; negative for before it

    Raises
    ------
    ValueError : samples that are no row of finite numbers or cannot be volts, or a rate that is too low
    """

    samples: Array
    rate: float
    start: float

    def __post_init__(self) -> None:
        samples = np.array(self.samples, dtype=float)
        samples.setflags(write=False)
        object.__setattr__(self, "samples", samples)
        if samples.ndim != 1 or len(samples) < 2:
            raise ValueError(f"an epoch of EMG is one row of samples, not an array of shape {samples.shape}")
        if not np.isfinite(samples).all():
            raise ValueError(f"{int((~np.isfinite(samples)).sum())} samples of the EMG are no finite numbers")
        if np.ptp(samples) > LARGEST:
            raise ValueError(f"an EMG that spans {np.ptp(samples):.3g} V is in another unit or saturated")
        if not self.rate >= LOWEST_RATE:
            raise ValueError(f"an EMG sampled at {self.rate:g} Hz is too coarse; record at {LOWEST_RATE:g} Hz or more")

    @property
    def times(self) -> Array:
        """When each sample was taken, s, with the pulse at 0, (n,)."""
        return self.start + np.arange(len(self.samples)) / self.rate

    def span(self, begin: float, end: float) -> Array:
        """The samples from `begin` to `end`, s, with both.

        Raises
        ------
        ValueError : the epoch does not reach so far
        """
        tolerance = 0.5 / self.rate
        last = self.start + (len(self.samples) - 1) / self.rate
        if begin < self.start - tolerance or end > last + tolerance:
            raise ValueError(
                f"the EMG runs from {self.start / ms:.0f} to {last / ms:.0f} ms, but "
                f"{begin / ms:.0f} to {end / ms:.0f} ms around the pulse are needed"
            )
        times = self.times
        return self.samples[(times >= begin - tolerance) & (times <= end + tolerance)]


@dataclass(frozen=True, kw_only=True)
class MepCriteria:
    """Where in an epoch to look, and what counts.

    The windows and the limit before the pulse are recalled, not read in a source; the response is that of the IFCN.

    Parameters
    ----------
    window : where the potential is looked for, s after the pulse
    baseline : where the muscle must be at rest, s, negative for before the pulse
    largest_baseline : the range from peak to peak, V, above which it was active
    response : the smallest response, V from peak to peak
    """

    window: tuple[float, float] = (15 * ms, 50 * ms)
    baseline: tuple[float, float] = (-100 * ms, -5 * ms)
    largest_baseline: float = 50e-6
    response: float = RESPONSE_AMPLITUDE

    def __post_init__(self) -> None:
        if not (0 < self.window[0] < self.window[1] and self.baseline[0] < self.baseline[1] < 0):
            raise ValueError(f"the windows {self.window} and {self.baseline} s are not before and after the pulse")


@dataclass(frozen=True, kw_only=True)
class MepReading:
    """What an epoch says of one pulse.

    Parameters
    ----------
    amplitude : of the evoked potential from peak to peak, V
    baseline_range : of the EMG before the pulse from peak to peak, V
    latency : of the earlier of both peaks after the pulse, s
    criteria : what it was judged by
    """

    amplitude: float
    baseline_range: float
    latency: float
    criteria: MepCriteria

    @property
    def is_preactivated(self) -> bool:
        """Whether the muscle was active before the pulse, so that the answer says nothing about rest."""
        return self.baseline_range > self.criteria.largest_baseline

    @property
    def responded(self) -> bool:
        """Whether the potential is large enough to count."""
        return self.amplitude >= self.criteria.response

    @property
    def in_words(self) -> str:
        """One sentence: what was read, or why it does not count."""
        if self.is_preactivated:
            return (
                f"not counted: the muscle was active before the pulse ({self.baseline_range * 1e6:.0f} µV, at most "
                f"{self.criteria.largest_baseline * 1e6:.0f} µV)"
            )
        answer = "response" if self.responded else "no response"
        return f"{answer}, {self.amplitude * 1e6:.0f} µV"


DEFAULT_CRITERIA = MepCriteria()


def read_mep(epoch: EmgEpoch, criteria: MepCriteria = DEFAULT_CRITERIA) -> MepReading:
    """The motor evoked potential in an epoch of EMG.

    Raises
    ------
    ValueError : the epoch does not reach over both windows
    """
    answer = epoch.span(*criteria.window)
    before = epoch.span(*criteria.baseline)
    first = min(int(np.argmax(answer)), int(np.argmin(answer)))
    return MepReading(
        amplitude=float(np.ptp(answer)),
        baseline_range=float(np.ptp(before)),
        latency=criteria.window[0] + first / epoch.rate,
        criteria=criteria,
    )
