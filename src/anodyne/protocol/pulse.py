"""The shape of one magnetic pulse in time."""

from dataclasses import dataclass
from enum import Enum
from math import acosh, atan, cos, exp, inf, isfinite, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class PulseShape(Enum):
    """How the circuit ends a pulse: after a damped quarter, a half or a whole oscillation of the current."""

    MONOPHASIC = "monophasic"
    BIPHASIC = "biphasic"
    HALF_SINE = "half-sine"


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """One magnetic pulse: the induced field against time, relative to its first peak.

    While the capacitor rings through the coil, ``E(t) = exp(-t / decay) cos(2 pi t / period + phase)``
    (fitted to recordings by Drakaki et al. 2022, Comput Biol Med). A biphasic pulse ends after one
    period, a half-sine pulse after half of one. In a monophasic pulse a resistor is switched in when
    the capacitor is empty, so the field dies away as the impulse response of a second-order circuit of
    damping ratio `damping`; coil current then returns to zero without reversing.

    Parameters
    ----------
    shape : how the pulse ends
    period : of the free oscillation, s
    decay : time constant of the oscillation's envelope, s; infinity for none
    phase : rad, at t = 0, the start of the pulse
    damping : ratio of the monophasic return to critical damping, at least 1; None for other shapes

    Raises
    ------
    ValueError : a time that is not positive, a phase beyond a quarter turn, or a damping that does not fit

    >>> pulse = Pulse(shape=PulseShape.BIPHASIC, period=294.5e-6, decay=1247e-6, phase=0.040)
    >>> float(pulse.waveform(0.0))
    1.0
    """

    shape: PulseShape
    period: float
    decay: float = inf
    phase: float = 0.0
    damping: float | None = None

    def __post_init__(self) -> None:
        if not (isfinite(self.period) and self.period > 0):
            raise ValueError(f"the period of a pulse is positive, not {self.period} s")
        if not self.decay > 0:
            raise ValueError(f"the decay time of a pulse is positive, not {self.decay} s")
        if not abs(self.phase) < pi / 2:
            raise ValueError(f"the phase of a pulse lies within a quarter turn, not {self.phase} rad")
        if (self.shape is PulseShape.MONOPHASIC) != (self.damping is not None):
            raise ValueError(f"a damping of {self.damping} does not fit a {self.shape.value} pulse")
        if self.damping is not None and not (isfinite(self.damping) and self.damping >= 1):
            raise ValueError(f"a monophasic pulse is damped by a ratio of at least 1, not {self.damping}")

    @property
    def first_zero(self) -> float:
        """When the field first passes through zero and the coil current peaks, s."""
        return self.period * (0.25 - self.phase / (2 * pi))

    @property
    def duration(self) -> float:
        """From the start to the end of the field, s; a monophasic tail is cut at a thousandth."""
        if self.shape is PulseShape.BIPHASIC:
            return self.period
        if self.shape is PulseShape.HALF_SINE:
            return self.period / 2
        return self.first_zero + 7 / self._slowest_return

    @property
    def undershoot(self) -> float:
        """The most negative field relative to the first peak, a negative ratio."""
        samples = self.waveform(np.linspace(0.0, self.duration, 4001))
        return float(samples.min())

    @property
    def _angular_frequency(self) -> float:
        return 2 * pi / self.period

    @property
    def _slowest_return(self) -> float:
        """Rate of the slower exponential of the monophasic return, 1/s."""
        assert self.damping is not None
        return self._angular_frequency * (self.damping - sqrt(self.damping**2 - 1))

    @property
    def _peak(self) -> float:
        """The highest value of the oscillation before it is normalised."""
        turning = -atan(1 / (self._angular_frequency * self.decay))
        when = max(0.0, (turning - self.phase) / self._angular_frequency)
        return exp(-when / self.decay) * cos(self._angular_frequency * when + self.phase)

    def waveform(self, t: ArrayLike) -> Array:
        """The induced field at times `t` (any shape, s): 1 at its first peak, 0 outside of the pulse."""
        t = np.asarray(t, dtype=np.float64)
        inside = (t >= 0) & (t <= self.duration)
        clock = np.where(inside, t, 0.0)
        ringing = np.exp(-clock / self.decay) * np.cos(self._angular_frequency * clock + self.phase)
        if self.shape is PulseShape.MONOPHASIC:
            ringing = np.where(clock <= self.first_zero, ringing, self._monophasic_return(clock - self.first_zero))
        return np.where(inside, ringing / self._peak, 0.0)

    def _monophasic_return(self, since: Array) -> Array:
        """The field at times `since` the first zero, s: impulse response of the damped circuit."""
        assert self.damping is not None
        slope = -self._angular_frequency * exp(-self.first_zero / self.decay)
        since = np.maximum(since, 0.0)
        spread = self._angular_frequency * sqrt(self.damping**2 - 1)
        if spread * self.period < 1e-6:
            return slope * since * np.exp(-self._angular_frequency * since)
        slow = np.exp(-self._slowest_return * since)
        return slope * slow * -np.expm1(-2 * spread * since) / (2 * spread)


def undershoot_of_damping(damping: float) -> float:
    """The undershoot that a monophasic return of this damping ratio gives after an undamped quarter, a ratio.

    The largest value of a second-order impulse response; at critical damping it is -1/e.

    >>> round(undershoot_of_damping(1.0), 4)
    -0.3679
    """
    if damping < 1:
        raise ValueError(f"a monophasic pulse is damped by a ratio of at least 1, not {damping}")
    spread = sqrt(damping**2 - 1)
    return -exp(-damping * acosh(damping) / spread) if spread > 1e-6 else -exp(-1.0)
