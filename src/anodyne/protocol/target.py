"""Where a protocol aims: a named target, a rule that the side of pain resolves, or a peripheral site."""

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
