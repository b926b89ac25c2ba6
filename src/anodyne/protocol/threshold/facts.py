"""The published numbers of ``facts.yaml``, each with its source and how surely it is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from anodyne.certainty import Certainty

FACTS: Mapping[str, Any] = MappingProxyType(
    yaml.safe_load(Path(__file__).with_name("facts.yaml").read_text(encoding="utf-8"))
)


@dataclass(frozen=True, kw_only=True)
class VisualTwitch:
    """By what share visible twitches put the threshold higher than EMG does: the mean and the range found."""

    higher: float
    range: tuple[float, float]
    certainty: Certainty
    source: str


VISUAL_TWITCH = VisualTwitch(
    higher=FACTS["visual_twitch"]["higher"],
    range=tuple(FACTS["visual_twitch"]["range"]),
    certainty=Certainty(FACTS["visual_twitch"]["certainty"]),
    source="Westin et al. 2014",
)
"""How visible twitches compare with EMG."""


@dataclass(frozen=True, kw_only=True)
class AcceptanceBand:
    """What a method reached in the reference simulation of 600 virtual patients after a number of pulses.

    Parameters
    ----------
    pulses : after how many pulses; for a method that counts answers the median at which it stopped
    median, high : median and 95th percentile of the absolute error, relative to the true threshold
    bias : mean signed error, relative to the true threshold
    """

    pulses: int
    median: float
    high: float
    bias: float


ACCEPTANCE_BANDS: Mapping[str, tuple[AcceptanceBand, ...]] = MappingProxyType(
    {
        method: tuple(AcceptanceBand(**band) for band in bands)
        for method, bands in FACTS["acceptance"].items()
        if isinstance(bands, list)
    }
)
"""The reference's results by the label of the method."""
