"""Where a protocol aims: a named target, a rule that the side of pain resolves, or a peripheral site."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum

CONTRALATERAL = "contralateral-"


class Side(Enum):
    """A side of the body or of the brain."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def opposite(self) -> "Side":
        """The other one."""
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


@dataclass(frozen=True, kw_only=True)
class Aim(ABC):
    """Where a protocol aims; concrete aims say how a name follows from it."""

    name: str

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("an aim needs a name")

    @abstractmethod
    def resolved(self, pain_side: Side | None = None) -> str:
        """The name of the target for a person in pain on this side.

        Raises
        ------
        ValueError : the aim needs a side and none is given, or it is no target in the head
        """


@dataclass(frozen=True, kw_only=True)
class NamedAim(Aim):
    """A target in the head that is the same for everybody: ``right-dlpfc``."""

    def resolved(self, pain_side: Side | None = None) -> str:
        """The name itself, whatever the side of pain."""
        return self.name


@dataclass(frozen=True, kw_only=True)
class ContralateralAim(Aim):
    """A region on the side of the brain opposite to the pain: ``contralateral-m1-hand``.

    >>> ContralateralAim(name="contralateral-m1-hand").resolved(Side.LEFT)
    'right-m1-hand'
    """

    def __post_init__(self) -> None:
        if not self.name.startswith(CONTRALATERAL) or self.name == CONTRALATERAL:
            raise ValueError(f"a contralateral aim is named '{CONTRALATERAL}<region>', not {self.name!r}")

    @property
    def region(self) -> str:
        """The region without its side: ``m1-hand``."""
        return self.name.removeprefix(CONTRALATERAL)

    def resolved(self, pain_side: Side | None = None) -> str:
        """The region on the other side than the pain."""
        if pain_side is None:
            raise ValueError(f"{self.name} needs the side of the pain: name the side, or choose the target yourself")
        return f"{pain_side.opposite.value}-{self.region}"


@dataclass(frozen=True, kw_only=True)
class PeripheralAim(Aim):
    """A site on the body, in words; it is no target in the head."""

    def resolved(self, pain_side: Side | None = None) -> str:
        """Always refused."""
        raise ValueError(f"the protocol stimulates the body ({self.name}), so it has no target in the head")


LONGEST_SITE = 120
"""Letters of a site's words; more belongs into the notes of whoever treats."""


@dataclass(frozen=True, kw_only=True)
class BodySite:
    """Where on one person's body a coil is held: muscle or nerve in words, and the side.

    Parameters
    ----------
    words : on one line, without a person's name
    side : the person's own; None in the middle, or where the words say enough

    Raises
    ------
    ValueError : no words, too many, more than one line, or words that name the other side only

    >>> BodySite(words="median nerve at the wrist", side=Side.LEFT).in_words
    'left median nerve at the wrist'
    """

    words: str
    side: Side | None = None

    def __post_init__(self) -> None:
        if not any(letter.isalpha() for letter in self.words):
            raise ValueError(
                f"a site is a muscle or a nerve in words, as in 'median nerve at the wrist', not {self.words!r}"
            )
        if not self.words.isprintable() or self.words != self.words.strip() or len(self.words) > LONGEST_SITE:
            raise ValueError(f"a site's words stand on one line of at most {LONGEST_SITE} letters, not {self.words!r}")
        if self.side is not None and self.side not in self._named and self.side.opposite in self._named:
            raise ValueError(f"the side is {self.side.value} and the site's words say {self.side.opposite.value}")

    @property
    def _named(self) -> set[Side]:
        """The sides that the words name."""
        words = set(re.findall(r"[a-z]+", self.words.casefold()))
        return {side for side in Side if side.value in words}

    @property
    def in_words(self) -> str:
        """Side and site, the side said once."""
        return self.words if self.side is None or self.side in self._named else f"{self.side.value} {self.words}"
