"""The strongest output that a person tolerates, for stimulation that is dosed by comfort."""

from dataclasses import dataclass, field
from typing import Any

from anodyne.protocol.threshold.search import LOWEST, PROGRESS, SearchOutcome, ThresholdSearch
from anodyne.protocol.threshold.trial import ThresholdInterval, ThresholdTrial


@dataclass(frozen=True, kw_only=True, eq=False)
class ToleranceSearch(ThresholdSearch):
    """Ascending limits: from a weak pulse upward until the person says that it is too much.

    To have responded means here that the pulse was bearable. An output that was refused is never given again, nor
    anything above it; the last one that was bearable is the answer. If the very first is refused, the way is downward
    until one is bearable. (The ascending half of the classical method of limits; once, since a second ascent would
    only hurt. Size of the steps: assumed.)

    Parameters
    ----------
    step : between two pulses, fraction of output

    Raises
    ------
    ValueError : a step that is not positive, finer than the stimulator's, or above 10 %

    >>> search = ToleranceSearch(start=0.20, step=0.05)
    >>> search = search.record(True).record(True).record(False)
    >>> search.estimate, search.is_finished
    (0.25, True)
    """

    step: float = 0.02
    bearable: float | None = field(default=None, repr=False, metadata=PROGRESS)
    refused: float | None = field(default=None, repr=False, metadata=PROGRESS)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._refuse_step(self.step)

    @property
    def label(self) -> str:
        """What the method is called."""
        return f"ascending limits, {100 * self.step:g} % steps"

    @property
    def sought(self) -> str:
        """What the search is for."""
        return "strongest tolerated output"

    @property
    def wanted(self) -> float:
        """One step above what was bearable; one below what was refused if nothing was bearable yet."""
        if self.bearable is not None:
            return self.bearable + self.step
        return self.start if self.refused is None else self.refused - self.step

    @property
    def is_decided(self) -> bool:
        """Whether one output was bearable and the next was not, or none is left above or below."""
        if self.bearable is not None:
            return self.refused is not None or self.bearable >= self.maximum - 1e-9
        return self.refused is not None and self.wanted < (self.resolution or LOWEST) - 1e-9

    @property
    def raw_estimate(self) -> float | None:
        """The strongest output that was bearable."""
        return self.bearable

    @property
    def outcome(self) -> SearchOutcome:
        """Found as soon as it is decided: one that bears the maximum has it for an answer."""
        if not self.is_decided:
            return SearchOutcome.RUNNING
        return SearchOutcome.NONE_BEARABLE if self.bearable is None else SearchOutcome.FOUND

    def confidence_interval(self, level: float = 0.95) -> ThresholdInterval | None:
        """None: what a person bears follows from one ascent, which says nothing of its own spread."""
        return None

    def _after(self, trial: ThresholdTrial) -> dict[str, Any]:
        return {"bearable" if trial.responded else "refused": trial.intensity}
