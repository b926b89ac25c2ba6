"""What a MagVenture MagPro says, asked or of its own accord: bodies to values, and back for the emulator.

After MAGIC and pytms (read). What ``06`` and ``07`` tell (original amplitudes and factors, by the order of the longer
status), and the layouts of timing, delays and counter, are inferred or assumed: see each class.
"""

from dataclasses import dataclass
from typing import Self

from anodyne.stimulator.magpro.settings import Bits, Delays, ModeSettings, TimingSettings


@dataclass(frozen=True, kw_only=True)
class Status:
    """The state of device and coil: ``00``; with the page and what else ``05`` tells in `Status2`."""

    bits: Bits
    serial: int
    coil_celsius: int
    coil_type: int
    a_percent: int
    b_percent: int

    def packed(self) -> bytes:
        """Eight bytes behind the first."""
        return (
            bytes([self.bits.packed()])
            + self.serial.to_bytes(3, "big")
            + bytes([self.coil_celsius, self.coil_type, self.a_percent, self.b_percent])
        )

    @classmethod
    def unpacked(cls, data: bytes) -> Self | None:
        """The state in eight bytes; None if it is none."""
        bits = Bits.unpacked(data[0])
        if bits is None:
            return None
        return cls(
            bits=bits,
            serial=int.from_bytes(data[1:4], "big"),
            coil_celsius=data[4],
            coil_type=data[5],
            a_percent=data[6],
            b_percent=data[7],
        )


@dataclass(frozen=True, kw_only=True)
class Status2:
    """The longer status. `running` is the last byte, byte 16 of the frame counted from 0; byte 15 is the page."""

    status: Status
    original_a: int = 0
    original_b: int = 0
    factor_a: int = 0
    factor_b: int = 0
    page: int = 1
    running: bool = False

    def packed(self) -> bytes:
        """Fourteen bytes behind the first."""
        tail = [self.original_a, self.original_b, self.factor_a, self.factor_b, self.page, self.running]
        return self.status.packed() + bytes(tail)

    @classmethod
    def unpacked(cls, data: bytes) -> Self | None:
        """The state in fourteen bytes; None if it is none."""
        status = Status.unpacked(data[:8])
        if status is None:
            return None
        return cls(
            status=status,
            original_a=data[8],
            original_b=data[9],
            factor_a=data[10],
            factor_b=data[11],
            page=data[12],
            running=data[13] != 0,
        )


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two values and the status byte: the form of most of what a MagPro says of its own accord."""

    first: int
    second: int
    bits: Bits

    def packed(self) -> bytes:
        """Three bytes behind the first."""
        return bytes([self.first, self.second, self.bits.packed()])

    @classmethod
    def unpacked(cls, data: bytes) -> Self | None:
        """The values in three bytes; None if they are none."""
        bits = Bits.unpacked(data[2])
        return None if bits is None else cls(first=data[0], second=data[1], bits=bits)


class AmplitudeNow(Pair):
    """``01``: outputs A and B, percent."""


class PulseGiven(Pair):
    """``02``: di/dt of A and B after a pulse, A/µs."""


class CoilNow(Pair):
    """``03``: coil temperature, °C, and type."""


class OriginalAmplitude(Pair):
    """``06``: original amplitudes (inferred)."""


class AmplitudeFactor(Pair):
    """``07``: amplitude factors (inferred)."""


class PageNow(Pair):
    """``08``: page, and whether a train runs."""


@dataclass(frozen=True, kw_only=True)
class MotorEvokedPotential:
    """``04``: largest and smallest voltage, µV, and the time of the largest, µs."""

    maximum_uv: int
    minimum_uv: int
    time_of_maximum_us: int

    def packed(self) -> bytes:
        """Twelve bytes behind the first; voltages signed."""
        return (
            self.maximum_uv.to_bytes(4, "big", signed=True)
            + self.minimum_uv.to_bytes(4, "big", signed=True)
            + self.time_of_maximum_us.to_bytes(4, "big")
        )

    @classmethod
    def unpacked(cls, data: bytes) -> Self:
        """The potential in twelve bytes."""
        return cls(
            maximum_uv=int.from_bytes(data[:4], "big", signed=True),
            minimum_uv=int.from_bytes(data[4:8], "big", signed=True),
            time_of_maximum_us=int.from_bytes(data[8:], "big"),
        )


@dataclass(frozen=True, kw_only=True)
class Counter:
    """``0C``: the page, and pulses given since the start: one byte, then four, high first (assumed)."""

    page: int
    pulses: int

    def packed(self) -> bytes:
        """Five bytes behind the first."""
        return bytes([self.page]) + self.pulses.to_bytes(4, "big")

    @classmethod
    def unpacked(cls, data: bytes) -> Self:
        """The count in five bytes."""
        return cls(page=data[0], pulses=int.from_bytes(data[1:], "big"))


Message = Status | Status2 | Pair | MotorEvokedPotential | ModeSettings | Delays | TimingSettings | Counter

PAIRS: dict[int, type[Pair]] = {
    0x01: AmplitudeNow,
    0x02: PulseGiven,
    0x03: CoilNow,
    0x06: OriginalAmplitude,
    0x07: AmplitudeFactor,
    0x08: PageNow,
}
LENGTHS = {0x00: 9, 0x04: 13, 0x05: 15, 0x09: 10, 0x0A: 7, 0x0B: 11, 0x0C: 6, **dict.fromkeys(PAIRS, 4)}
"""Bytes of each body, its first included."""


def encode(message: Message) -> bytes:
    """The body that says a message."""
    match message:
        case Pair():
            kind = next(number for number, each in PAIRS.items() if type(message) is each)
            return bytes([kind]) + message.packed()
        case ModeSettings():
            return b"\x09" + message.packed_as_told()
        case Status():
            return b"\x00" + message.packed()
        case MotorEvokedPotential():
            return b"\x04" + message.packed()
        case Status2():
            return b"\x05" + message.packed()
        case Delays():
            return b"\x0a" + message.packed()
        case TimingSettings():
            return b"\x0b" + message.packed()
        case Counter():
            return b"\x0c" + message.packed()


def decode(body: bytes) -> Message | None:
    """The message that a body is; None if nobody has told us of such a one.

    >>> decode(bytes([2, 61, 0, 0x14])).first
    61
    """
    if not body or LENGTHS.get(body[0]) != len(body):
        return None
    kind, data = body[0], body[1:]
    if kind in PAIRS:
        return PAIRS[kind].unpacked(data)
    match kind:
        case 0x00:
            return Status.unpacked(data)
        case 0x04:
            return MotorEvokedPotential.unpacked(data)
        case 0x05:
            return Status2.unpacked(data)
        case 0x09:
            return ModeSettings.unpacked_as_told(data)
        case 0x0A:
            return Delays.unpacked(data)
        case 0x0B:
            return TimingSettings.unpacked(data)
    return Counter.unpacked(data)
