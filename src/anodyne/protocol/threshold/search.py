"""What every method of finding a motor threshold has in common."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from types import MappingProxyType
from typing import Any, Self

from anodyne.protocol.threshold.likelihood import flat_prior_interval
from anodyne.protocol.threshold.trial import IntervalBasis, ThresholdInterval, ThresholdTrial

ANSWERED, OF = 5, 10
"""The IFCN's criterion: a threshold intensity is answered by at least this many of so many pulses."""

LOWEST = 0.002
"""The weakest pulse ever proposed where the stimulator's steps set no other limit, fraction of output."""


class SearchOutcome(Enum):
    """How far a search has come."""

    RUNNING = "running"
    FOUND = "found"
    NONE_UP_TO_MAXIMUM = "no threshold up to the maximum"
    NONE_BEARABLE = "not even the weakest pulse was bearable"


PROGRESS = MappingProxyType({"progress": True})
"""Metadata of the fields that a search changes as it goes on, and that begin as their defaults."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ThresholdSearch(ABC):
    """A search for a motor threshold: what to give next, and what follows from the answers so far.

    A value: `record` gives a new search and leaves the old one as it was.

    Parameters
    ----------
    start : the first pulse, fraction of maximum stimulator output
    maximum : the most the device gives, or the operator allows; nothing above it is ever proposed
    resolution : the smallest step in which the stimulator can be set, fraction of output; 0 for none
    trials : the pulses so far

    Raises
    ------
    ValueError : a start that is not positive or above the maximum, or a senseless maximum or resolution
    """

    start: float
    maximum: float = 1.0
    resolution: float = 0.01
    trials: tuple[ThresholdTrial, ...] = field(default=(), repr=False, metadata=PROGRESS)

    def __post_init__(self) -> None:
        if not 0 < self.maximum <= 1:
            raise ValueError(f"the maximum is a fraction of stimulator output, not {self.maximum}")
        if not 0 <= self.resolution <= 0.1:
            raise ValueError(f"a stimulator is set in steps of 0 to 10 % of output, not {100 * self.resolution:g} %")
        if not 0 < self.start <= self.maximum:
            raise ValueError(
                f"a first pulse at {100 * self.start:g} % of output is not within 0 to {100 * self.maximum:g} %"
            )

    def _refuse_step(self, step: float) -> None:
        """Raise `ValueError` for a step that is not positive, finer than the stimulator's, or above 10 %."""
        if not 0 < step <= 0.1 or step < self.resolution:
            raise ValueError(
                f"steps of {100 * step:g} % of output are not between those of the stimulator "
                f"({100 * self.resolution:g} %) and 10 %"
            )

    @property
    @abstractmethod
    def label(self) -> str:
        """What the method is called."""

    @property
    def sought(self) -> str:
        """What the search is for."""
        return "motor threshold"

    @property
    @abstractmethod
    def wanted(self) -> float:
        """The intensity that the rule asks for next, before the device's steps and maximum, fraction of output."""

    @property
    @abstractmethod
    def is_decided(self) -> bool:
        """Whether the method's own rule for stopping is met."""

    @property
    @abstractmethod
    def raw_estimate(self) -> float | None:
        """What the method takes the threshold for, even above the maximum; None if it says nothing yet."""

    @abstractmethod
    def _after(self, trial: ThresholdTrial) -> dict[str, Any]:
        """The fields of progress, other than the trials, that change with this trial."""

    def record(self, responded: bool, *, amplitude: float | None = None) -> Self:
        """The search after one pulse at `next_intensity`.

        Parameters
        ----------
        responded : whether the muscle answered; in a search for what is tolerated, whether the pulse was bearable
        amplitude : of the motor evoked potential, V, where it was measured

        Raises
        ------
        ValueError : the search has ended, or amplitude and answer contradict each other
        """
        trial = ThresholdTrial(intensity=self.next_intensity, responded=responded, amplitude=amplitude)
        return replace(self, trials=(*self.trials, trial), **self._after(trial))

    def undone(self) -> Self:
        """The search as it was before the last pulse.

        Raises
        ------
        ValueError : there was none
        """
        if not self.trials:
            raise ValueError("no pulse has been recorded that could be undone")
        begun: dict[str, Any] = {each.name: each.default for each in fields(self) if "progress" in each.metadata}
        search = replace(self, **begun)
        for trial in self.trials[:-1]:
            search = search.record(trial.responded, amplitude=trial.amplitude)
        return search

    @property
    def next_intensity(self) -> float:
        """Where to give the next pulse: what the rule wants, in steps of the device, never above its maximum.

        Raises
        ------
        ValueError : the search has ended
        """
        if self.is_finished:
            raise ValueError(f"the search has ended after {len(self.trials)} pulses")
        return self._settable(self.wanted)

    def _settable(self, intensity: float) -> float:
        if self.resolution:
            intensity = round(round(intensity / self.resolution) * self.resolution, 9)
        return min(max(intensity, self.resolution or LOWEST), self.maximum)

    @property
    def outcome(self) -> SearchOutcome:
        """Whether the search goes on, has found a threshold, or has shown that there is none to be reached.

        There is none if the rule asks for more than the maximum although the IFCN's criterion has failed there:
        with this many pulses at the maximum unanswered, 5 of 10 are out of reach.
        """
        if self._is_unanswered_at_maximum():
            return SearchOutcome.NONE_UP_TO_MAXIMUM
        if not self.is_decided:
            return SearchOutcome.RUNNING
        estimate = self.raw_estimate
        reached = estimate is not None and estimate <= self.maximum
        return SearchOutcome.FOUND if reached else SearchOutcome.NONE_UP_TO_MAXIMUM

    def _is_unanswered_at_maximum(self) -> bool:
        if not self.trials or self.trials[-1].intensity < self.maximum or self.trials[-1].responded:
            return False
        answers = [trial.responded for trial in self.trials if trial.intensity >= self.maximum]
        return answers.count(False) > OF - ANSWERED and answers.count(True) < ANSWERED

    @property
    def is_finished(self) -> bool:
        """Whether no further pulse is wanted."""
        return self.outcome is not SearchOutcome.RUNNING

    @property
    def estimate(self) -> float | None:
        """The threshold, fraction of output; None if nothing can be said yet or none was found."""
        if self.outcome in (SearchOutcome.NONE_UP_TO_MAXIMUM, SearchOutcome.NONE_BEARABLE):
            return None
        raw = self.raw_estimate
        return raw if raw is None or raw <= self.maximum else None

    def confidence_interval(self, level: float = 0.95) -> ThresholdInterval | None:
        """Where the threshold lies with this confidence; None before the first pulse, or where a method has none.

        From the posterior of all answers under a probit curve, with a flat prior; a method with a prior of its own
        gives the interval of its own posterior.
        """
        if not self.trials:
            return None
        low, high = flat_prior_interval(self.trials, level)
        return ThresholdInterval(low=low, high=high, level=level, basis=IntervalBasis.FLAT_PRIOR)

    @property
    def in_words(self) -> str:
        """One sentence on where the search stands."""
        count = f"{len(self.trials)} pulse{'' if len(self.trials) == 1 else 's'}"
        if self.outcome is SearchOutcome.NONE_UP_TO_MAXIMUM:
            return f"no threshold up to {100 * self.maximum:g} % of stimulator output ({self.label}, {count})"
        if self.outcome is SearchOutcome.NONE_BEARABLE:
            return f"{self.outcome.value} ({self.label}, {count})"
        interval = self.confidence_interval()
        aside = f"{self.label}, {count}" + (f", {interval.in_words}" if interval is not None else "")
        if self.estimate is None:
            return f"no estimate yet ({aside})"
        kind = self.sought if self.is_finished else "so far"
        return f"{kind} {100 * self.estimate:.1f} % of stimulator output ({aside})"
