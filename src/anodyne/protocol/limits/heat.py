"""How warm skin or coil may become in peripheral stimulation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anodyne.certainty import Certainty
from anodyne.errors import SafetyRefusal
from anodyne.protocol.library import YamlWithLines
from anodyne.protocol.limits.tables import LIMITS_FILE
from anodyne.units import CELSIUS_ZERO, minute

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class HeatLimit:
    """A temperature that is never exceeded, and a lower one that is exceeded only for so long.

    Attributes
    ----------
    ceiling : K
    sustained : K, exceeded for less than `sustained_for` (s) in any `window` (s)
    """

    name: str
    label: str
    ceiling: float
    sustained: float
    sustained_for: float
    window: float
    certainty: Certainty
    source: str

    @property
    def in_words(self) -> str:
        """The rule as a sentence's part."""
        return (
            f"stop at {self.ceiling - CELSIUS_ZERO:.0f} °C, or when more than {self.sustained - CELSIUS_ZERO:.0f} °C "
            f"have lasted {self.sustained_for / minute:.0f} of {self.window / minute:.0f} min"
        )

    def refuse(self, times: Sequence[float], temperatures: Sequence[float]) -> None:
        """Raise if these readings exceed the limit at any of their times.

        Parameters
        ----------
        times : ascending, s; a reading holds until the next one
        temperatures : as many, K

        Raises
        ------
        ValueError : times that do not ascend, or not as many as temperatures
        SafetyRefusal : the limit is reached
        """
        at, warm = _readings(times, temperatures)
        for end in range(1, at.size + 1):
            self._refuse_window(at[:end], warm[:end])

    def refuse_latest(self, times: Sequence[float], temperatures: Sequence[float]) -> None:
        """Raise if the limit is exceeded in the window that ends with the last of these readings; raises as `refuse`.

        What was above the ceiling keeps it exceeded for a whole window.
        """
        at, warm = _readings(times, temperatures)
        if at.size:
            self._refuse_window(at, warm)

    def time_above(self, times: Sequence[float], temperatures: Sequence[float]) -> float:
        """How long `sustained` was exceeded in the window that ends with the last of these readings, s.

        >>> HEAT_LIMIT.time_above([0.0, 60.0, 120.0], [315.15, 310.15, 310.15])
        60.0
        """
        at, warm = _readings(times, temperatures)
        return self._time_above(at, warm) if at.size else 0.0

    def _time_above(self, at: Floats, warm: Floats) -> float:
        spans = np.diff(np.clip(at, at[-1] - self.window, None))
        return float(spans[warm[:-1] > self.sustained].sum())

    def _refuse_window(self, at: Floats, warm: Floats) -> None:
        holds_until = np.append(at[1:], np.inf)
        highest = float(warm[holds_until > at[-1] - self.window].max())
        if highest >= self.ceiling:
            raise SafetyRefusal(
                f"{highest - CELSIUS_ZERO:.1f} °C were reached and {self.ceiling - CELSIUS_ZERO:.0f} °C is the limit "
                f"({self.source}); stop and let it cool"
            )
        total = self._time_above(at, warm)
        if total >= self.sustained_for:
            raise SafetyRefusal(
                f"more than {self.sustained - CELSIUS_ZERO:.0f} °C have lasted {total / minute:.1f} of "
                f"{self.window / minute:.0f} min and {self.sustained_for / minute:.0f} min is the limit "
                f"({self.source}); stop and let it cool"
            )


def _readings(times: Sequence[float], temperatures: Sequence[float]) -> tuple[Floats, Floats]:
    at, warm = np.asarray(times, dtype=np.float64), np.asarray(temperatures, dtype=np.float64)
    if at.shape != warm.shape or at.ndim != 1 or np.any(np.diff(at) <= 0):
        raise ValueError("temperatures are read one at each of ascending times")
    if not (np.all(np.isfinite(warm)) and np.all(warm > 0)):
        raise ValueError("temperatures are positive numbers, in kelvin")
    return at, warm


def _read() -> HeatLimit:
    entry = dict(YamlWithLines(LIMITS_FILE).data["heat"])
    return HeatLimit(**{**entry, "certainty": Certainty(entry["certainty"])})


HEAT_LIMIT = _read()
"""The rule for peripheral stimulation."""
