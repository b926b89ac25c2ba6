"""How sure a published number is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Certainty(Enum):
    """Where a number in the coil library comes from."""

    READ = "read"
    """Read in the cited source."""
    DERIVED = "derived"
    """Computed from numbers read in the cited source; the note says how."""
    FITTED = "fitted"
    """Fitted to the field of the cited measured coil model; the note gives the residual."""
    RECALLED = "recalled"
    """Known from the literature but not confirmed against the source."""
    ASSUMED = "assumed"
    """A judgement; nobody has published it."""


@dataclass(frozen=True)
class Stated:
    """A number in SI units with its certainty."""

    value: float
    certainty: Certainty
