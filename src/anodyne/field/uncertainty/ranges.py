"""How surely tissue conductivities are known, as published."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import isfinite
from types import MappingProxyType

import numpy as np
import yaml
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta

from anodyne.certainty import Certainty
from anodyne.head import Tissue, tissue_name

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ConductivityRange:
    """A tissue's conductivity as a beta distribution between two limits.

    Its density is in proportion to ``x^(p - 1) (1 - x)^(q - 1)`` with ``x = (s - low) / (high - low)``; p = q = 1 is
    the uniform distribution.

    Attributes
    ----------
    tissue : its tag
    low, high : the limits, S/m
    p, q : shape parameters
    source, certainty : where the numbers come from and how far that was checked
    meta_analysis : mean of published measurements, S/m, to set beside the range; None where there is none

    Raises
    ------
    ValueError : limits that are not positive, finite and in order, or shape parameters that are not positive

    >>> known = ConductivityRange(tissue=2, low=0.1, high=0.6, source="an example", certainty=Certainty.ASSUMED)
    >>> round(known.mean, 3), round(known.standard_deviation, 4), known.quantile([0, 0.5, 1]).round(3).tolist()
    (0.35, 0.0945, [0.1, 0.35, 0.6])
    """

    tissue: int
    low: float
    high: float
    p: float = 3.0
    q: float = 3.0
    source: str
    certainty: Certainty
    meta_analysis: float | None = None

    def __post_init__(self) -> None:
        name = tissue_name(self.tissue)
        if not (isfinite(self.high) and 0 < self.low < self.high):
            raise ValueError(f"the conductivity of {name} needs 0 < low < high, not {self.low} to {self.high} S/m")
        if not (isfinite(self.p) and isfinite(self.q) and self.p > 0 and self.q > 0):
            raise ValueError(f"the shape parameters of {name} must be positive, not {self.p} and {self.q}")

    @property
    def mean(self) -> float:
        """S/m."""
        return self.low + (self.high - self.low) * self.p / (self.p + self.q)

    @property
    def standard_deviation(self) -> float:
        """S/m."""
        total = self.p + self.q
        return (self.high - self.low) * float(np.sqrt(self.p * self.q / (total + 1))) / total

    def quantile(self, probability: ArrayLike) -> Floats:
        """The conductivity not exceeded with a probability, S/m, in the shape of what is given."""
        return np.asarray(self.low + (self.high - self.low) * beta.ppf(probability, self.p, self.q))


def _load() -> dict[int, ConductivityRange]:
    text = (files("anodyne.field.uncertainty") / "conductivity_ranges.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    ranges = {}
    for name, entry in content["tissues"].items():
        tissue = Tissue[name.replace("-", "_").upper()]
        ranges[int(tissue)] = ConductivityRange(
            tissue=int(tissue),
            **{
                **entry,
                "source": content["sources"][entry["source"]],
                "certainty": Certainty(entry["certainty"]),
            },
        )
    return ranges


@cache
def published_ranges() -> Mapping[int, ConductivityRange]:
    """The published ranges by tissue tag, from ``conductivity_ranges.yaml``, where every number has its source."""
    return MappingProxyType(_load())


@cache
def meta_analysis_source() -> str:
    """Where `ConductivityRange.meta_analysis` comes from."""
    text = (files("anodyne.field.uncertainty") / "conductivity_ranges.yaml").read_text(encoding="utf-8")
    return str(yaml.safe_load(text)["meta_analysis_source"])
