"""Thresholds by counting answers: the IFCN's 5 of 10, and the mean of two thresholds."""

from dataclasses import dataclass, field
from typing import Any

from anodyne.protocol.threshold.search import ANSWERED, OF, PROGRESS, ThresholdSearch
from anodyne.protocol.threshold.trial import ThresholdTrial

UPWARD_STEPS = 5
"""Steps taken upward from a first pulse that nobody answered, before the way down begins (assumed)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CountingSearch(ThresholdSearch):
    """A search that stays at one level until its answers decide, and then takes a step.

    Parameters
    ----------
    step : between levels, fraction of output; 0.01 or 0.02 are usual

    Raises
    ------
    ValueError : a step that is not positive or finer than the stimulator's
    """

    step: float = 0.01
    level: float | None = field(default=None, repr=False, metadata=PROGRESS)
    answered: int = field(default=0, repr=False, metadata=PROGRESS)
    unanswered: int = field(default=0, repr=False, metadata=PROGRESS)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._refuse_step(self.step)

    @property
    def wanted(self) -> float:
        """The level at which the search stands."""
        return self._settable(self.start) if self.level is None else self.level

    def _moved(self, steps: int) -> dict[str, Any]:
        """A new level so many steps away, with nothing counted there; below the lowest stays where it is."""
        level = round(self.wanted + steps * self.step, 9)
        return {"level": level, "answered": 0, "unanswered": 0}

    @property
    def _is_at_bottom(self) -> bool:
        return self.wanted - self.step < max(self.resolution, self.step) - 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class FiveOfTen(CountingSearch):
    """The relative frequency method of the IFCN: the lowest level answered by at least 5 of 10 pulses.

    From above downward (Rossini et al. 1994, 2015; Rothwell et al. 1999), leaving a level as soon as the fifth answer
    or the sixth silence decides it. A start below threshold is followed upward instead.

    >>> search = FiveOfTen(start=0.60)
    >>> for _ in range(5):
    ...     search = search.record(True)
    >>> search.next_intensity
    0.59
    >>> for _ in range(6):
    ...     search = search.record(False)
    >>> search.estimate, search.is_finished
    (0.6, True)
    """

    passed: float | None = field(default=None, repr=False, metadata=PROGRESS)
    failed: float | None = field(default=None, repr=False, metadata=PROGRESS)

    @property
    def label(self) -> str:
        """What the method is called."""
        return f"five-of-ten, {100 * self.step:g} % steps"

    @property
    def is_decided(self) -> bool:
        """Whether neighbouring levels passed and failed, or there is no level further on."""
        if self.passed is not None and self.failed is not None:
            return True
        return self.wanted > self.maximum + 1e-9 or (self.passed is not None and self.wanted <= 0)

    @property
    def raw_estimate(self) -> float | None:
        """The lowest level that passed."""
        return self.passed

    def _after(self, trial: ThresholdTrial) -> dict[str, Any]:
        answered, unanswered = self.answered + trial.responded, self.unanswered + (not trial.responded)
        if answered == ANSWERED:
            return {"passed": trial.intensity, **self._moved(-1)}
        if unanswered > OF - ANSWERED:
            return {"failed": trial.intensity, **self._moved(+1)}
        return {"answered": answered, "unanswered": unanswered}


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoThresholds(CountingSearch):
    """The mean of a lower threshold, the highest level with 0 of 10 answers, and an upper one, the lowest with 10.

    After Mills & Nithi 1997 (Muscle Nerve 20:570). From above downward to the lower threshold, from there upward to
    the upper one; a level is left with its first answer on the way down, with its first silence on the way up.
    """

    lower: float | None = field(default=None, repr=False, metadata=PROGRESS)
    upper: float | None = field(default=None, repr=False, metadata=PROGRESS)
    has_answered: bool = field(default=False, repr=False, metadata=PROGRESS)

    @property
    def label(self) -> str:
        """What the method is called."""
        return f"two thresholds, {100 * self.step:g} % steps"

    @property
    def is_decided(self) -> bool:
        """Whether the upper threshold is known, or lies above the maximum."""
        return self.upper is not None or self.wanted > self.maximum + 1e-9

    @property
    def raw_estimate(self) -> float | None:
        """The mean of both thresholds, once both are known."""
        return None if self.lower is None or self.upper is None else (self.lower + self.upper) / 2

    def _after(self, trial: ThresholdTrial) -> dict[str, Any]:
        answered, unanswered = self.answered + trial.responded, self.unanswered + (not trial.responded)
        counted = {"answered": answered, "unanswered": unanswered, "has_answered": self.has_answered or trial.responded}
        if self.lower is not None:
            if not trial.responded:
                return counted | self._moved(+1)
            return counted | ({"upper": trial.intensity} if answered == OF else {})
        if trial.responded:
            return counted | ({"lower": 0.0, **self._moved(+1)} if self._is_at_bottom else self._moved(-1))
        if unanswered < OF:
            return counted
        if self.has_answered:
            return counted | {"lower": trial.intensity, **self._moved(+1)}
        return counted | self._upward()

    def _upward(self) -> dict[str, Any]:
        """To where a first pulse that was too weak is followed."""
        room = int((self.maximum - self.wanted) / self.step + 1e-6)
        return self._moved(min(UPWARD_STEPS, room) if room else 1)
