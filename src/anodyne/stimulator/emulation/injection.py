"""The faults that an emulator can be told to have: at once, after a time, or at random."""

import re
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from random import Random

from anodyne.errors import UnknownName
from anodyne.names import unknown_name


class Injection(Enum):
    """What can be made to go wrong; named, where there is one, after the fault that a driver will report."""

    DROPPED_BYTE = "dropped-byte"
    WRONG_CHECKSUM = "wrong-checksum"
    PARTIAL = "partial"
    LATE = "late"
    NOISE = "noise"
    UNKNOWN_COMMAND = "unknown-command"
    STATE_CONFLICT = "state-conflict"
    SILENT = "silent"
    COIL_ABSENT = "coil-absent"
    COIL_HOT = "coil-hot"
    REPLACE_COIL = "replace-coil"
    FATAL_ERROR = "fatal-error"
    READ_BACK_MISMATCH = "read-back-mismatch"
    RESET = "reset"
    REMOTE_LOST = "remote-lost"
    PORT_LOST = "port-lost"
    NOT_A_STIMULATOR = "not-a-stimulator"

    @property
    def in_words(self) -> str:
        """What it does."""
        return WORDS[self]

    @property
    def lasts(self) -> bool:
        """Whether it stays until it is cleared; else it happens once."""
        return self in LASTING

    @property
    def is_of_a_reply(self) -> bool:
        """Whether it spoils the next answer."""
        return self in OF_A_REPLY


WORDS = {
    Injection.DROPPED_BYTE: "one byte of the next answer is lost",
    Injection.WRONG_CHECKSUM: "the next answer's checksum is wrong",
    Injection.PARTIAL: "the second half of the next answer is lost",
    Injection.LATE: "the next answer comes after 0.7 s",
    Injection.NOISE: "noise comes before the next answer",
    Injection.UNKNOWN_COMMAND: "the next command is not understood (a MagPro says nothing)",
    Injection.STATE_CONFLICT: "the next command is refused as out of place (a MagPro says nothing)",
    Injection.SILENT: "commands are obeyed but no longer answered",
    Injection.COIL_ABSENT: "the coil is unplugged",
    Injection.COIL_HOT: "the coil is above its limit",
    Injection.REPLACE_COIL: "the device asks for another coil (a MagPro disarms)",
    Injection.FATAL_ERROR: "the device reports a fatal error (a MagPro disarms)",
    Injection.READ_BACK_MISMATCH: "the next power set is really 3 % of output higher",
    Injection.RESET: "the device restarts, deaf and mute for 2 s, with its first settings",
    Injection.REMOTE_LOST: "the device leaves remote control",
    Injection.PORT_LOST: "the port vanishes",
    Injection.NOT_A_STIMULATOR: "something else answers",
}
LASTING = frozenset(
    {
        Injection.SILENT,
        Injection.COIL_ABSENT,
        Injection.COIL_HOT,
        Injection.REPLACE_COIL,
        Injection.FATAL_ERROR,
        Injection.PORT_LOST,
        Injection.NOT_A_STIMULATOR,
    }
)
OF_A_REPLY = frozenset(
    {
        Injection.DROPPED_BYTE,
        Injection.WRONG_CHECKSUM,
        Injection.PARTIAL,
        Injection.LATE,
        Injection.NOISE,
        Injection.UNKNOWN_COMMAND,
        Injection.STATE_CONFLICT,
    }
)


@dataclass(frozen=True, kw_only=True)
class PlannedFault:
    """A fault and when it comes.

    Parameters
    ----------
    injection : which
    after : how long after the emulator's start, s
    every : mean time between occurrences at random, s; None for one occurrence at `after`

    Raises
    ------
    ValueError : a time that is negative or not finite, or a mean that is not positive
    """

    injection: Injection
    after: float = 0.0
    every: float | None = None

    def __post_init__(self) -> None:
        if not (isfinite(self.after) and self.after >= 0):
            raise ValueError(f"a fault comes after a time that is not negative, so not {self.after} s")
        if self.every is not None and not (isfinite(self.every) and self.every > 0):
            raise ValueError(f"the mean time between faults is positive, not {self.every} s")

    def first(self, random: Random) -> float:
        """When it first comes, s after the start."""
        return self.after if self.every is None else self.after + random.expovariate(1 / self.every)

    @classmethod
    def from_text(cls, text: str) -> "PlannedFault":
        """A fault as a person writes it: ``silent``, ``silent@30`` after 30 s, ``partial~60`` each minute or so.

        Raises
        ------
        UnknownName : no such fault
        ValueError : no such time

        >>> PlannedFault.from_text("coil-hot@30").after
        30.0
        """
        parts = re.fullmatch(r"([^@~]*)([@~]?)(.*)", text, flags=re.DOTALL)
        assert parts is not None  # any text has such parts
        name, mark, number = parts.groups()
        injection = find_injection(name)
        if not mark:
            return cls(injection=injection)
        try:
            seconds = float(number)
        except ValueError:
            raise ValueError(f"{number!r} is no number of seconds; write {name}@30 or {name}~60") from None
        return cls(injection=injection, after=seconds) if mark == "@" else cls(injection=injection, every=seconds)


def find_injection(name: str) -> Injection:
    """The fault of this name.

    Raises
    ------
    UnknownName : there is none; the text names the near misses
    """
    try:
        return Injection(name.strip().casefold())
    except ValueError:
        known = [each.value for each in Injection]
        error: UnknownName = unknown_name("fault", name, known, "see 'anodyne stimulator emulate --help'")
        raise error from None
