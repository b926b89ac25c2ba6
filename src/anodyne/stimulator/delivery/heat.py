"""How warm the coil on somebody's skin has been, held against the rule of heat at the skin."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from math import inf, isfinite

from anodyne.errors import SafetyRefusal
from anodyne.protocol import HeatLimit
from anodyne.stimulator.delivery.journal import Facts
from anodyne.stimulator.delivery.log import LogLine
from anodyne.units import CELSIUS_ZERO, minute

SHORTEST_APART = 1.0
"""s between two readings that are kept; of those between them the warmest counts for all of it."""

BETWEEN_LINES = minute
"""s between two lines of the log that say that the coil is warm."""


class HeatWatch:
    """The coil's temperatures of the last minutes, in the controller's clock.

    They are what the stimulator tells of its coil and not the skin's, which nobody measures: under a coil that warms
    slowly the two are close, and nothing here says how close.

    Parameters
    ----------
    limit : the rule; without one nothing is watched, and nothing is ever unmet
    """

    def __init__(self, limit: HeatLimit | None) -> None:
        self.limit = limit
        self.time_above = 0.0
        self.unmet: tuple[str, ...] = ()
        self._readings: deque[tuple[float, float]] = deque()
        self._was_warm = False
        self._told_at = -inf

    def note(self, now: float, temperature: float | None) -> None:
        """Keep a reading, K, and judge again; one that is not known says nothing, and the one before holds on.

        `time_above` (s, within the window) and `unmet` (why nothing may be armed; empty if it may) are then as of now.
        """
        if self.limit is None or temperature is None or not isfinite(temperature):
            return
        if now - self._last < SHORTEST_APART:
            since, before = self._readings[-1]
            if temperature <= before:
                return
            self._readings[-1] = (since, temperature)
        else:
            self._readings.append((now, temperature))
        while len(self._readings) > 1 and self._readings[1][0] <= now - self.limit.window:
            self._readings.popleft()
        self._judge(self.limit)

    def recall(self, lines: Iterable[LogLine], now: float, wall: datetime) -> None:
        """Take the readings of the last window from a log, so that a controller that comes back does not begin anew.

        Only the wall clock (an aware instant) spans both controllers; a reading in its future counts as of now.
        """
        for line in lines if self.limit is not None else ():
            celsius = line.facts.get("coil_temperature_celsius")
            age = max((wall - datetime.fromisoformat(line.at)).total_seconds(), 0.0)
            if celsius is not None and self.limit is not None and age <= self.limit.window:
                self.note(max(now - age, self._last), celsius + CELSIUS_ZERO)

    def news(self, now: float) -> Facts | None:
        """What a log should hear: each minute of a coil above the lower temperature, and once that it no longer is."""
        if self.limit is None or not self._readings:
            return None
        temperature = self._readings[-1][1]
        is_warm = temperature > self.limit.sustained
        if is_warm == self._was_warm and not (is_warm and now - self._told_at >= BETWEEN_LINES):
            return None
        self._was_warm, self._told_at = is_warm, now
        celsius = round(temperature - CELSIUS_ZERO, 2)
        return {"coil_temperature_celsius": celsius, "above_lower_limit_s": round(self.time_above, 1)}

    @property
    def _last(self) -> float:
        return self._readings[-1][0] if self._readings else -inf

    def _judge(self, limit: HeatLimit) -> None:
        times, temperatures = zip(*self._readings, strict=True)
        self.time_above = limit.time_above(times, temperatures)
        self.unmet = ()
        try:
            limit.refuse_latest(times, temperatures)
        except SafetyRefusal as refusal:
            whose = "heat of the coil (not of the skin, which nobody measures)"
            self.unmet = (f"{whose}: {refusal}; the rule is to {limit.in_words}",)
