"""Commands to a Magstim Rapid²: values to bytes, and bytes back to values for the emulator.

A command is a letter, data in ASCII, and a checksum; commands without data of their own carry one fixed character.
(MagPy, its virtual device, and OpenWetWare's Beauchamp lab page for one checksum; read.)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from anodyne.stimulator.rapid2.firmware import Rapid2Firmware


class Verb(Enum):
    """What can be asked of a Rapid², as the bytes that begin the command.

    Left out on purpose: the command that makes a Magstim ignore its coil interlock.
    """

    REMOTE_ON = b"Q"
    REMOTE_OFF = b"R@"
    POWER = b"@"
    ARM = b"EB"
    DISARM = b"EA"
    TRIGGER = b"EH"
    TEMPERATURE = b"F@"
    RATE = b"B"
    PULSES = b"D"
    DURATION = b"["
    PARAMETERS = b"\\@"
    VERSION = b"ND"
    ERROR_CODE = b"I@"
    ENHANCED_ON = b"^@"
    ENHANCED_OFF = b"_@"
    SYSTEM_STATUS = b"x@"
    SET_CHARGE_DELAY = b"n"
    CHARGE_DELAY = b"o@"

    @property
    def letter(self) -> int:
        """The first byte, which the answer repeats."""
        return self.value[0]

    @property
    def in_words(self) -> str:
        """Its name in running text."""
        return self.name.lower().replace("_", " ")


DIGITS: Mapping[Verb, Mapping[Rapid2Firmware, int]] = MappingProxyType(
    {
        Verb.POWER: dict.fromkeys(Rapid2Firmware, 3),
        Verb.RATE: dict.fromkeys(Rapid2Firmware, 4),
        Verb.PULSES: {each: each.pulses_digits for each in Rapid2Firmware},
        Verb.DURATION: {each: each.duration_digits for each in Rapid2Firmware},
        Verb.SET_CHARGE_DELAY: {each: each.charge_delay_digits for each in Rapid2Firmware},
    }
)
"""Digits of the number that a command carries, by firmware."""

EXTENDED_ONLY = frozenset({Verb.SYSTEM_STATUS, Verb.SET_CHARGE_DELAY, Verb.CHARGE_DELAY})
"""Commands of firmware 9 and later."""

NEEDS_NO_REMOTE = frozenset(
    {
        Verb.DISARM,
        Verb.REMOTE_ON,
        Verb.REMOTE_OFF,
        Verb.TEMPERATURE,
        Verb.PARAMETERS,
        Verb.VERSION,
    }
)
"""Commands obeyed without remote control; later firmware does not even answer the others (reference behaviour).
That the version is among them is assumed: a driver has to ask it first."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command.

    Parameters
    ----------
    verb : what is asked
    value : the number it carries, in the wire's own unit (percent, 0.1 Hz, pulses, 0.1 s, ms); None for none
    code : the unlock code that some devices want before remote control; empty for none
    """

    verb: Verb
    value: int | None = None
    code: str = ""


def checksum(body: bytes) -> int:
    """The complement of the sum of all bytes before it, low byte.

    >>> chr(checksum(b"@050"))
    '*'
    """
    return ~sum(body) & 0xFF


def sealed(body: bytes) -> bytes:
    """The body with its checksum."""
    return body + bytes([checksum(body)])


def is_sealed(frame: bytes) -> bool:
    """Whether the last byte is the checksum of those before it."""
    return len(frame) > 1 and frame[-1] == checksum(frame[:-1])


def encode(command: Command, firmware: Rapid2Firmware) -> bytes:
    """The bytes of a command.

    Raises
    ------
    ValueError : this firmware has no such command, or the number does not fit it

    >>> encode(Command(verb=Verb.POWER, value=50), Rapid2Firmware.V9)
    b'@050*'
    """
    verb = command.verb
    if verb in EXTENDED_ONLY and not firmware.extended:
        raise ValueError(f"firmware {firmware.name} has no command {verb.in_words}")
    if verb is Verb.REMOTE_ON:
        if not command.code.isascii():
            raise ValueError("an unlock code is plain ASCII")
        return sealed(verb.value + (command.code.encode("ascii") or b"@"))
    if verb not in DIGITS:
        if command.value is not None:
            raise ValueError(f"the command {verb.in_words} carries no number, so not {command.value}")
        return sealed(verb.value)
    digits = DIGITS[verb][firmware]
    if command.value is None or not 0 <= command.value < 10**digits:
        raise ValueError(f"the command {verb.in_words} carries {digits} digits, so not {command.value}")
    return sealed(verb.value + f"{command.value:0{digits}d}".encode("ascii"))


class CommandReader:
    """The device's end of the line: whole commands out of whatever pieces arrive.

    Parameters
    ----------
    firmware : of the device
    code : the unlock code it wants; empty for none
    """

    def __init__(self, firmware: Rapid2Firmware, code: str = "") -> None:
        self._firmware = firmware
        self._code = code
        self._held = b""

    @property
    def mid_command(self) -> bool:
        """Whether a command has begun and not ended."""
        return bool(self._held)

    def abandon(self) -> None:
        """Forget a command that has begun and not ended."""
        self._held = b""

    def feed(self, data: bytes) -> list[Command | None]:
        """The commands that `data` completes; None for one that is unknown or damaged, of which nothing is kept."""
        self._held += data
        commands: list[Command | None] = []
        while self._held:
            length = self._length()
            if length is None:  # where an unknown command ends, nobody knows
                self._held = b""
                commands.append(None)
                break
            if len(self._held) < length:
                break
            frame, self._held = self._held[:length], self._held[length:]
            commands.append(self._decoded(frame))
        return commands

    def _length(self) -> int | None:
        """Bytes of the command that stands first; None if there is no such command."""
        held = self._held
        if held[:1] == Verb.REMOTE_ON.value:
            return 3 if held[1:2] in (b"", b"@") or not self._code else len(self._code) + 2
        for verb in Verb:
            if verb.letter != held[0] or (verb in EXTENDED_ONLY and not self._firmware.extended):
                continue
            return len(verb.value) + 1 + DIGITS.get(verb, {}).get(self._firmware, 0)
        return None

    def _decoded(self, frame: bytes) -> Command | None:
        if not is_sealed(frame):
            return None
        body = frame[:-1]
        if body[:1] == Verb.REMOTE_ON.value:
            code = body[1:].decode("ascii", errors="replace")
            return Command(verb=Verb.REMOTE_ON, code="" if code == "@" else code)
        for verb in Verb:
            rest = body.removeprefix(verb.value)
            if verb in DIGITS and rest != body and rest.isdigit():
                return Command(verb=verb, value=int(rest))
            if verb not in DIGITS and body == verb.value:
                return Command(verb=verb)
        return None
