"""How warm an emulated coil is: one heat capacity that loses heat in proportion to its excess temperature."""

from dataclasses import dataclass
from math import exp

ROOM = 297.15
"""K; 24.0 °C, at which a virtual Magstim's coil begins (reference behaviour)."""


@dataclass(frozen=True, kw_only=True)
class CoilWarmth:
    """Constants of the model; all three are assumed, none is measured on a coil.

    Parameters
    ----------
    room : temperature that the coil cools towards, K
    kelvin_per_joule : rise by one joule of pulse energy, K/J
    cooling_time : time constant of the cooling, s
    """

    room: float = ROOM
    kelvin_per_joule: float = 1e-4
    cooling_time: float = 1200.0


class WarmCoil:
    """A coil that each pulse heats and the room cools.

    >>> coil = WarmCoil(CoilWarmth())
    >>> coil.heat(1e4, 0.0)
    >>> [round(coil.temperature(t) - ROOM, 3) for t in (0.0, 1200.0)]
    [1.0, 0.368]
    """

    def __init__(self, warmth: CoilWarmth, *, now: float = 0.0) -> None:
        self._warmth = warmth
        self._excess = 0.0
        self._since = now

    def temperature(self, now: float) -> float:
        """K at time `now`, s, which never goes back."""
        return self._warmth.room + self._excess * exp(-(now - self._since) / self._warmth.cooling_time)

    def heat(self, energy: float, now: float) -> None:
        """Take up the `energy` of a pulse, J."""
        self._excess = self.temperature(now) - self._warmth.room + energy * self._warmth.kelvin_per_joule
        self._since = now
