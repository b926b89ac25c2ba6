"""Answers of a Magstim Rapid²: bytes to values, and values back to bytes for the emulator.

An answer is the command's letter, the instrument's status, what was asked for, and a checksum. A damaged or unknown
command is answered by a question mark alone, a bad value by letter, question mark and checksum, a command out of
place by letter, ``S`` and checksum (MagPy; read).
"""

from dataclasses import dataclass
from enum import Enum
from typing import Self

from anodyne.stimulator.faults import DeviceFault, FaultKind
from anodyne.stimulator.rapid2.commands import Verb, is_sealed, sealed
from anodyne.stimulator.rapid2.firmware import Rapid2Firmware
from anodyne.stimulator.rapid2.status import ExtendedStatus, InstrumentStatus, RapidStatus

UNKNOWN = b"?"
"""The answer to a command that is unknown or damaged."""


class Refusal(Enum):
    """How a command is refused."""

    NOT_UNDERSTOOD = "?"
    BAD_VALUE = "bad value"
    OUT_OF_PLACE = "S"

    @property
    def kind(self) -> FaultKind:
        """The fault that it means."""
        return {
            Refusal.NOT_UNDERSTOOD: FaultKind.UNKNOWN_COMMAND,
            Refusal.BAD_VALUE: FaultKind.REFUSED_VALUE,
            Refusal.OUT_OF_PLACE: FaultKind.STATE_CONFLICT,
        }[self]


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What the train generator is set to, in the wire's own units: percent, 0.1 Hz, pulses, 0.1 s."""

    power_percent: int
    rate_tenths: int
    pulses: int
    duration_tenths: int
    wait_tenths: int


@dataclass(frozen=True, kw_only=True)
class Temperatures:
    """Two temperatures of the coil, 0.1 °C."""

    first_tenths_celsius: int
    second_tenths_celsius: int


@dataclass(frozen=True, kw_only=True)
class ErrorCode:
    """The last error: a letter for where it arose (U, C or E) and a number of two digits."""

    source: str
    number: int


@dataclass(frozen=True, kw_only=True)
class Version:
    """The firmware's version as the digits that it sends."""

    digits: str

    @property
    def major(self) -> int:
        """The first number. Without a point, the first digit, or the first two when they make 10 to 19 (assumed).

        >>> [Version(digits=digits).major for digits in ("5.0", "90", "1010")]
        [5, 9, 10]
        """
        whole = self.digits.split(".")[0]
        if "." in self.digits:
            return int(whole)
        return int(whole[:2]) if whole[:1] == "1" and len(whole) > 1 else int(whole[:1])


@dataclass(frozen=True, kw_only=True)
class ChargeDelay:
    """The delay of charging after a pulse, ms."""

    delay_ms: int


Payload = Parameters | Temperatures | ErrorCode | Version | ChargeDelay | ExtendedStatus | None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer. The status is that *before* the command took effect, save for remote control on and off.

    Parameters
    ----------
    verb : the command that is answered
    instrument : the instrument's status; None in the version alone
    rapid : the status of the train generator; None where the answer has none
    payload : what was asked for
    """

    verb: Verb
    instrument: InstrumentStatus | None = None
    rapid: RapidStatus | None = None
    payload: Payload = None

    def with_payload(self, payload: Payload) -> Self:
        """The same answer with what was asked for."""
        return type(self)(verb=self.verb, instrument=self.instrument, rapid=self.rapid, payload=payload)


WITH_RAPID_STATUS = frozenset(
    {
        Verb.RATE,
        Verb.PULSES,
        Verb.DURATION,
        Verb.PARAMETERS,
        Verb.ENHANCED_ON,
        Verb.ENHANCED_OFF,
        Verb.SYSTEM_STATUS,
        Verb.SET_CHARGE_DELAY,
    }
)


def payload_widths(verb: Verb, firmware: Rapid2Firmware) -> tuple[int, ...]:
    """Characters of each part of what an answer carries behind its status bytes."""
    match verb:
        case Verb.PARAMETERS:
            return 3, 4, firmware.pulses_digits, firmware.duration_digits, firmware.wait_digits
        case Verb.TEMPERATURE:
            return 3, 3
        case Verb.ERROR_CODE:
            return 1, 2
        case Verb.CHARGE_DELAY:
            return (firmware.charge_delay_digits,)
        case Verb.SYSTEM_STATUS:
            return 1, 1
        case Verb.SET_CHARGE_DELAY if firmware is Rapid2Firmware.V10:
            return 1, 1
    return ()


def reply_length(verb: Verb, firmware: Rapid2Firmware) -> int:
    """Bytes of an answer, checksum included; not for the version, which ends with a NUL and its checksum.

    >>> [reply_length(Verb.PARAMETERS, each) for each in Rapid2Firmware]
    [21, 22, 24, 24]
    """
    return 3 + (verb in WITH_RAPID_STATUS) + sum(payload_widths(verb, firmware))


def encode_reply(reply: Reply, firmware: Rapid2Firmware) -> bytes:
    """The bytes of an answer.

    Raises
    ------
    ValueError : a number that does not fit its digits
    """
    body = bytes([reply.verb.letter])
    if isinstance(reply.payload, Version):
        return sealed(body + reply.payload.digits.encode("ascii") + b"\x00")
    assert reply.instrument is not None
    body += bytes([reply.instrument])
    if reply.verb in WITH_RAPID_STATUS:
        body += bytes([reply.rapid or 0])
    return sealed(body + _packed(reply.payload, payload_widths(reply.verb, firmware)))


def encode_refusal(refusal: Refusal, verb: Verb) -> bytes:
    """The bytes by which a command is refused."""
    if refusal is Refusal.NOT_UNDERSTOOD:
        return UNKNOWN
    return sealed(bytes([verb.letter]) + (b"?" if refusal is Refusal.BAD_VALUE else b"S"))


def _packed(payload: Payload, widths: tuple[int, ...]) -> bytes:
    match payload:
        case Parameters(power_percent=power, rate_tenths=rate, pulses=pulses, duration_tenths=time, wait_tenths=wait):
            return _digits((power, rate, pulses, time, wait), widths)
        case Temperatures(first_tenths_celsius=first, second_tenths_celsius=second):
            return _digits((first, second), widths)
        case ErrorCode(source=source, number=number):
            return source.encode("ascii") + _digits((number,), widths[1:])
        case ChargeDelay(delay_ms=delay):
            return _digits((delay,), widths)
        case ExtendedStatus():
            return payload.to_bytes(2, "big")
    return bytes(sum(widths))


def _digits(numbers: tuple[int, ...], widths: tuple[int, ...]) -> bytes:
    for number, width in zip(numbers, widths, strict=True):
        if not 0 <= number < 10**width:
            raise ValueError(f"{number} does not fit {width} digits")
    return "".join(f"{number:0{width}d}" for number, width in zip(numbers, widths, strict=True)).encode("ascii")


def decode_reply(frame: bytes, verb: Verb, firmware: Rapid2Firmware) -> Reply | Refusal | None:
    """The answer to `verb` that `frame` is, from its first byte to its last; None if it is none."""
    if frame[:1] != bytes([verb.letter]) or not is_sealed(frame):
        return None
    if len(frame) == 3 and frame[1:2] in (b"?", b"S"):  # no instrument is in standby and armed at once
        return Refusal.BAD_VALUE if frame[1:2] == b"?" else Refusal.OUT_OF_PLACE
    if verb is Verb.VERSION:
        return _decoded_version(frame)
    if len(frame) != reply_length(verb, firmware):
        return None
    rapid = verb in WITH_RAPID_STATUS
    reply = Reply(verb=verb, instrument=InstrumentStatus(frame[1]), rapid=RapidStatus(frame[2]) if rapid else None)
    parts, start = [], 2 + rapid
    for width in payload_widths(verb, firmware):
        parts.append(frame[start : start + width])
        start += width
    return _unpacked(reply, parts)


def _decoded_version(frame: bytes) -> Reply | None:
    digits = frame[1:-2]
    if frame[-2:-1] != b"\x00" or not digits[:1].isdigit() or set(digits) - set(b"0123456789."):
        return None
    return Reply(verb=Verb.VERSION, payload=Version(digits=digits.decode("ascii")))


def _unpacked(reply: Reply, parts: list[bytes]) -> Reply | None:
    if reply.verb in (Verb.SYSTEM_STATUS, Verb.SET_CHARGE_DELAY):
        return reply.with_payload(ExtendedStatus(int.from_bytes(b"".join(parts), "big")) if parts else None)
    source = ""
    if reply.verb is Verb.ERROR_CODE:
        source = parts.pop(0).decode("latin-1")
        if source not in "UCE":
            return None
    if not all(part.isdigit() for part in parts):
        return None
    numbers = [int(part) for part in parts]
    match reply.verb:
        case Verb.PARAMETERS:
            power, rate, pulses, duration, wait = numbers
            return reply.with_payload(
                Parameters(
                    power_percent=power, rate_tenths=rate, pulses=pulses, duration_tenths=duration, wait_tenths=wait
                )
            )
        case Verb.TEMPERATURE:
            first, second = numbers
            return reply.with_payload(Temperatures(first_tenths_celsius=first, second_tenths_celsius=second))
        case Verb.ERROR_CODE:
            return reply.with_payload(ErrorCode(source=source, number=numbers[0]))
        case Verb.CHARGE_DELAY:
            return reply.with_payload(ChargeDelay(delay_ms=numbers[0]))
    return reply


class ReplyReader:
    """Finds the one answer to one command in whatever arrives, in whatever pieces.

    The answer is found wherever it begins: noise before it, or a late answer to another command, costs nothing.
    """

    def __init__(self, verb: Verb, firmware: Rapid2Firmware) -> None:
        self.verb = verb
        self.firmware = firmware
        self.held = b""

    def feed(self, data: bytes) -> Reply | Refusal | None:
        """The answer, once `data` completes it; None until then."""
        self.held += data
        for start in range(len(self.held)):
            if self.held[start] == self.verb.letter:
                for end in self._ends(start):
                    if (found := decode_reply(self.held[start:end], self.verb, self.firmware)) is not None:
                        return found
        return None

    def _ends(self, start: int) -> list[int]:
        """Where an answer that begins at `start` may end."""
        ends = [start + 3]
        if self.verb is Verb.VERSION:
            stop = self.held.find(0, start)
            ends += [stop + 2] if stop >= 0 else []
        else:
            ends.append(start + reply_length(self.verb, self.firmware))
        return [end for end in ends if end <= len(self.held)]

    def fault(self) -> DeviceFault:
        """Why there is no answer, when no more is going to come."""
        held, after = self.held, f"after '{self.verb.in_words}'"
        if not held:
            return DeviceFault(FaultKind.SILENT, after)
        if held == UNKNOWN:
            return DeviceFault(FaultKind.UNKNOWN_COMMAND, f"'{self.verb.in_words}'")
        expected = 4 if self.verb is Verb.VERSION else reply_length(self.verb, self.firmware)
        if len(held) < expected:
            return DeviceFault(FaultKind.PARTIAL, f"{len(held)} of {expected} bytes {after}")
        if held[0] == self.verb.letter:
            return DeviceFault(FaultKind.WRONG_CHECKSUM, after)
        return DeviceFault(FaultKind.UNEXPECTED_REPLY, after)
