"""The methods of finding a motor threshold by their names."""

from enum import Enum
from typing import Any

from anodyne.protocol.threshold.adaptive import PULSES, BayesianSearch, MaximumLikelihoodSearch
from anodyne.protocol.threshold.approximation import StepRule, StochasticApproximation
from anodyne.protocol.threshold.comfort import ToleranceSearch
from anodyne.protocol.threshold.counting import FiveOfTen, TwoThresholds
from anodyne.protocol.threshold.search import ThresholdSearch


class ThresholdMethod(Enum):
    """A method of finding a motor threshold."""

    PEST = "pest"
    SAMT = "samt"
    SAMT_ADAPTIVE = "samt-adaptive"
    IFCN = "ifcn"
    MILLS_NITHI = "mills-nithi"
    BAYES = "bayes"
    COMFORT = "comfort"

    @property
    def counts_answers(self) -> bool:
        """Whether it goes by levels, a step apart, until their answers decide; else its pulses are counted."""
        return self.usual_step is not None

    @property
    def usual_step(self) -> float | None:
        """Between levels, fraction of output; None for a method that chooses its own."""
        return {ThresholdMethod.IFCN: 0.01, ThresholdMethod.MILLS_NITHI: 0.01, ThresholdMethod.COMFORT: 0.02}.get(self)


def begin_search(
    method: ThresholdMethod,
    *,
    start: float,
    maximum: float = 1.0,
    resolution: float = 0.01,
    step: float | None = None,
    pulses: int | None = None,
) -> ThresholdSearch:
    """A search that has not seen a pulse yet.

    Parameters
    ----------
    method : how to search
    start : the first pulse, fraction of maximum stimulator output
    maximum : the most the device gives; nothing above it is ever proposed
    resolution : the smallest step in which the stimulator can be set, fraction of output; 0 for none
    step : between levels, fraction of output, for a method that counts answers; its `usual_step` if not given
    pulses : how many to give, for the others; 25 if not given

    Raises
    ------
    ValueError : a number that cannot be, or one that this method has no use for

    >>> begin_search(ThresholdMethod.PEST, start=0.6).next_intensity
    0.6
    """
    if method.counts_answers and pulses is not None:
        raise ValueError(f"{method.value} stops by its own rule, so its pulses cannot be set")
    if not method.counts_answers and step is not None:
        raise ValueError(f"{method.value} chooses its own steps, so none can be set")
    usual: dict[str, Any] = {"start": start, "maximum": maximum, "resolution": resolution}
    count = PULSES if pulses is None else pulses
    if method.usual_step is not None:
        usual["step"] = method.usual_step if step is None else step
    match method:
        case ThresholdMethod.PEST:
            return MaximumLikelihoodSearch(**usual, pulses=count)
        case ThresholdMethod.SAMT:
            return StochasticApproximation(**usual, pulses=count, rule=StepRule.HARMONIC)
        case ThresholdMethod.SAMT_ADAPTIVE:
            return StochasticApproximation(**usual, pulses=count, rule=StepRule.ADAPTIVE)
        case ThresholdMethod.IFCN:
            return FiveOfTen(**usual)
        case ThresholdMethod.MILLS_NITHI:
            return TwoThresholds(**usual)
        case ThresholdMethod.COMFORT:
            return ToleranceSearch(**usual)
        case ThresholdMethod.BAYES:
            return BayesianSearch(**usual, pulses=count)
