"""How warm skin or coil may become in peripheral stimulation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anodyne.certainty import Certainty
from anodyne.errors import SafetyRefusal
from anodyne.protocol.library import YamlWithLines
from anodyne.protocol.limits.tables import LIMITS_FILE
from anodyne.units import minute

FREEZING = 273.15
"""0 °C in K."""


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
            f"stop at {self.ceiling - FREEZING:.0f} °C, or when more than {self.sustained - FREEZING:.0f} °C have "
            f"lasted {self.sustained_for / minute:.0f} of {self.window / minute:.0f} min"
        )

    def refuse(self, times: Sequence[float], temperatures: Sequence[float]) -> None:
        """Raise if these readings exceed the limit.

        Parameters
        ----------
        times : ascending, s; a reading holds until the next one
        temperatures : as many, K

        Raises
        ------
        ValueError : times that do not ascend, or not as many as temperatures
        SafetyRefusal : the limit is reached
        """
        at, warm = np.asarray(times, dtype=np.float64), np.asarray(temperatures, dtype=np.float64)
        if at.shape != warm.shape or at.ndim != 1 or np.any(np.diff(at) <= 0):
            raise ValueError("temperatures are read one at each of ascending times")
        if not (np.all(np.isfinite(warm)) and np.all(warm > 0)):
            raise ValueError("temperatures are positive numbers, in kelvin")
        if warm.size and warm.max() >= self.ceiling:
            raise SafetyRefusal(
                f"{warm.max() - FREEZING:.1f} °C were reached and {self.ceiling - FREEZING:.0f} °C is the limit "
                f"({self.source}); stop and let it cool"
            )
        for end in range(1, at.size):
            since = at[end] - self.window
            spans = np.clip(at[1 : end + 1], since, None) - np.clip(at[:end], since, None)
            total = float(spans[warm[:end] > self.sustained].sum())
            if total >= self.sustained_for:
                raise SafetyRefusal(
                    f"more than {self.sustained - FREEZING:.0f} °C have lasted {total / minute:.1f} of "
                    f"{self.window / minute:.0f} min and {self.sustained_for / minute:.0f} min is the limit "
                    f"({self.source}); stop and let it cool"
                )


def _read() -> HeatLimit:
    entry = dict(YamlWithLines(LIMITS_FILE).data["heat"])
    return HeatLimit(**{**entry, "certainty": Certainty(entry["certainty"])})


HEAT_LIMIT = _read()
"""The rule for peripheral stimulation."""
