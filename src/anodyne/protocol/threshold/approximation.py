"""Thresholds by stochastic approximation: a walk whose steps shorten around the threshold (SAMT)."""

from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import Any

from anodyne.protocol.threshold.adaptive import FixedCountSearch
from anodyne.protocol.threshold.search import LOWEST, PROGRESS
from anodyne.protocol.threshold.trial import ThresholdTrial


class StepRule(Enum):
    """How the steps of the walk shorten."""

    HARMONIC = "harmonic"
    ADAPTIVE = "adaptive"

    @property
    def first_step(self) -> float:
        """The length of the first step, fraction of output, as published for the digital sequences of SAMT."""
        return {StepRule.HARMONIC: 0.067, StepRule.ADAPTIVE: 0.042}[self]


@dataclass(frozen=True, kw_only=True, eq=False)
class StochasticApproximation(FixedCountSearch):
    """The digital control sequence of SAMT: a step down after an answer, up after silence (Robbins & Monro 1951).

    The step i is ``a0 / i`` (DCS-H), or shortens when the answer changes, to ``a0 / (1 + changes)`` (DCS-HA), as in
    Wang et al. 2023 (J Neural Eng 20(5), doi 10.1088/1741-2552/acf1cc). The walk stays between 0 and the maximum.

    Parameters
    ----------
    rule : how the steps shorten
    """

    rule: StepRule = StepRule.HARMONIC
    place: float | None = field(default=None, repr=False, metadata=PROGRESS)
    changes: int = field(default=0, repr=False, metadata=PROGRESS)

    @property
    def label(self) -> str:
        """What the method is called."""
        return "SAMT" if self.rule is StepRule.HARMONIC else "SAMT, adaptive"

    @property
    def wanted(self) -> float:
        """Where the walk stands."""
        return self.start if self.place is None else self.place

    @property
    def raw_estimate(self) -> float | None:
        """Where the walk stands; infinity if it ended at the maximum, beyond which it may not go."""
        return inf if self.is_decided and self.place == self.maximum else self.place

    def _after(self, trial: ThresholdTrial) -> dict[str, Any]:
        changed = bool(self.trials) and self.trials[-1].responded != trial.responded
        changes = self.changes + changed
        divisor = 1 + (changes if self.rule is StepRule.ADAPTIVE else len(self.trials))
        step = self.rule.first_step / divisor
        place = self.wanted - step if trial.responded else self.wanted + step
        return {"place": min(max(place, LOWEST), self.maximum), "changes": changes}
