"""Published facts that never part from how surely we know them."""

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from anodyne.certainty import Certainty

Value = TypeVar("Value", covariant=True)


@dataclass(frozen=True, kw_only=True)
class Fact(Generic[Value]):
    """One published value, how surely it is known, and where it stands.

    Parameters
    ----------
    value : the value in SI units; None exactly when the certainty is `Certainty.NOT_REPORTED`
    certainty : how the value came to us
    source : where it stands; empty means the protocol's first citation
    published : lowest and highest value where the source gives a range, out of which `value` was chosen

    Raises
    ------
    ValueError : a value without certainty, a certainty without value, or a value outside its range

    >>> Fact(value=0.8, certainty=Certainty.RECALLED).known
    0.8
    """

    value: Value | None
    certainty: Certainty
    source: str = ""
    published: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if (self.value is None) != (self.certainty is Certainty.NOT_REPORTED):
            raise ValueError(f"a value of {self.value!r} cannot be {self.certainty.value!r}")
        if self.published is None:
            return
        low, high = self.published
        if not isinstance(self.value, int | float) or not low <= self.value <= high:
            raise ValueError(f"{self.value!r} lies outside its published range {low:g} to {high:g}")

    @property
    def known(self) -> Value:
        """The value.

        Raises
        ------
        ValueError : the source does not report it
        """
        if self.value is None:
            raise ValueError("the source does not report this value" + (f" ({self.source})" if self.source else ""))
        return self.value


def not_reported(source: str = "") -> Fact[Value]:
    """The fact that a source gives no value; `source` may say so in words."""
    return Fact(value=None, certainty=Certainty.NOT_REPORTED, source=source)


class EvidenceLevel(Enum):
    """How well the approach is supported: a guideline's level, else the kind of study it rests on."""

    GUIDELINE_A = "guideline-level-a"
    GUIDELINE_B = "guideline-level-b"
    GUIDELINE_C = "guideline-level-c"
    POOLED_TRIALS = "pooled-trials-of-very-low-certainty"
    SINGLE_TRIAL = "single-trial"
    UNCONTROLLED = "uncontrolled"

    @property
    def in_words(self) -> str:
        """A phrase for a report."""
        return {
            EvidenceLevel.GUIDELINE_A: "guideline level A (definite efficacy)",
            EvidenceLevel.GUIDELINE_B: "guideline level B (probable efficacy)",
            EvidenceLevel.GUIDELINE_C: "guideline level C (possible efficacy)",
            EvidenceLevel.POOLED_TRIALS: "pooled small trials of very low certainty, no guideline level",
            EvidenceLevel.SINGLE_TRIAL: "a single trial, no guideline level",
            EvidenceLevel.UNCONTROLLED: "uncontrolled reports, no guideline level",
        }[self]

    @property
    def is_guideline(self) -> bool:
        """Whether a guideline gives a level at all."""
        return self in (EvidenceLevel.GUIDELINE_A, EvidenceLevel.GUIDELINE_B, EvidenceLevel.GUIDELINE_C)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The support for a protocol: its level, who says so, how surely we know, and what the level covers."""

    level: EvidenceLevel
    citation: str
    certainty: Certainty
    note: str

    def __post_init__(self) -> None:
        if not self.citation:
            raise ValueError("an evidence level needs a citation")
        if self.certainty is Certainty.NOT_REPORTED:
            raise ValueError("an evidence level cannot be 'not-reported'; use 'uncontrolled' or 'single-trial'")
