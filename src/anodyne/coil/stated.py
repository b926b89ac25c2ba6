"""A published number beside how surely it is known."""

from dataclasses import dataclass

from anodyne.certainty import Certainty


@dataclass(frozen=True)
class Stated:
    """A number in SI units with its certainty."""

    value: float
    certainty: Certainty
