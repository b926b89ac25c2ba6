"""What can be asked of a MagVenture MagPro: values to bodies, and bodies back to values for the emulator.

After MAGIC and pytms (read). Numbers are in the wire's own units: percent, 0.1 Hz, 0.1 s, ms; two bytes, high first.
"""

from dataclasses import dataclass
from enum import Enum

from anodyne.stimulator.magpro.settings import Delays, ModeSettings, TimingSettings

WORD = 0x10000


class Query(Enum):
    """Questions, and starts, that carry no number, as their bodies."""

    STATUS = b"\x00"
    TRAIN = b"\x04"
    STATUS_2 = b"\x05"
    MODE = b"\x09\x00"
    DELAYS = b"\x0a\x00"
    TIMING = b"\x0b\x00"
    COUNTER = b"\x0c\x00"


class Page(Enum):
    """Pages of the panel; those that are only told of are not among them."""

    MAIN = 1
    TIMING = 2
    TRIGGER = 3
    CONFIGURATION = 4
    PROTOCOL = 7


@dataclass(frozen=True, kw_only=True)
class Amplitude:
    """Set output A, and B in twin and dual modes; percent."""

    a_percent: int
    b_percent: int | None = None


@dataclass(frozen=True, kw_only=True)
class Enable:
    """Charge, or discharge."""

    on: bool


@dataclass(frozen=True, kw_only=True)
class SinglePulse:
    """Give one pulse, or one burst."""


@dataclass(frozen=True, kw_only=True)
class SetTrain:
    """Set the train generator: 0.1 Hz, pulses, trains, and 0.1 s between trains."""

    rate_tenths: int
    pulses: int
    trains: int
    interval_tenths: int


@dataclass(frozen=True, kw_only=True)
class SetPage:
    """Turn to a page of the panel."""

    page: Page


@dataclass(frozen=True, kw_only=True)
class SetDelays:
    """Set the delays of triggers and charging."""

    delays: Delays


@dataclass(frozen=True, kw_only=True)
class SetMode:
    """Set mode, direction, waveform and bursts."""

    mode: ModeSettings


@dataclass(frozen=True, kw_only=True)
class SetTiming:
    """Set the whole timing page."""

    timing: TimingSettings


Request = Query | Amplitude | Enable | SinglePulse | SetTrain | SetPage | SetDelays | SetMode | SetTiming


def encode(request: Request) -> bytes:
    """The body of a request.

    Raises
    ------
    ValueError : a number that does not fit

    >>> encode(Amplitude(a_percent=50)).hex(" ")
    '01 32'
    """
    match request:
        case Query():
            return request.value
        case Amplitude(a_percent=a, b_percent=b):
            for value in (a, b):
                if value is not None and not 0 <= value <= 100:
                    raise ValueError(f"an amplitude is 0 to 100 %, not {value}")
            return bytes([0x01, a] if b is None else [0x01, a, b])
        case Enable(on=on):
            return bytes([0x02, on])
        case SinglePulse():
            return b"\x03\x01"
        case SetTrain(rate_tenths=rate, pulses=pulses, trains=trains, interval_tenths=interval):
            return b"\x06" + words(rate, pulses, trains, interval)
        case SetPage(page=page):
            return bytes([0x07, page.value, 0])
        case SetDelays(delays=delays):
            return b"\x0a\x01" + delays.packed()
        case SetMode(mode=mode):
            return b"\x09\x01" + mode.packed_to_set()
        case SetTiming(timing=timing):
            return b"\x0b\x01" + timing.packed()


def words(*numbers: int) -> bytes:
    """Numbers as two bytes each, high first.

    Raises
    ------
    ValueError : one that does not fit
    """
    for number in numbers:
        if not 0 <= number < WORD:
            raise ValueError(f"{number} does not fit two bytes")
    return b"".join(number.to_bytes(2, "big") for number in numbers)


def decode(body: bytes) -> Request | None:
    """The request that a body is; None if it is none.

    A single pulse is taken with and without its second byte, delays in the old form and in the new.

    >>> decode(b"\\x03") == decode(b"\\x03\\x01") == SinglePulse()
    True
    """
    queries = {query.value: query for query in Query}
    if body in queries:
        return queries[body]
    kind, rest = body[:1], body[1:]
    match kind, len(rest):
        case (b"\x01", 1 | 2) if max(rest) <= 100:
            return Amplitude(a_percent=rest[0], b_percent=rest[1] if len(rest) == 2 else None)
        case (b"\x02", 1) if rest[0] in (0, 1):
            return Enable(on=rest[0] == 1)
        case (b"\x03", 0 | 1) if rest in (b"", b"\x01"):
            return SinglePulse()
        case (b"\x06", 8):
            rate, pulses, trains, interval = (int.from_bytes(rest[n : n + 2], "big") for n in (0, 2, 4, 6))
            return SetTrain(rate_tenths=rate, pulses=pulses, trains=trains, interval_tenths=interval)
        case (b"\x07", 2) if rest[1] == 0 and rest[0] in [page.value for page in Page]:
            return SetPage(page=Page(rest[0]))
        case (b"\x08", 8) if rest[6:] == b"\x00\x00":
            return SetDelays(delays=Delays.unpacked(rest[:6]))
        case (b"\x0a", 7) if rest[0] == 1:
            return SetDelays(delays=Delays.unpacked(rest[1:]))
    return _decoded_blocks(kind, rest)


def _decoded_blocks(kind: bytes, rest: bytes) -> Request | None:
    if rest[:1] != b"\x01":
        return None
    if kind == b"\x09" and (mode := ModeSettings.unpacked_from_set(rest[1:])) is not None:
        return SetMode(mode=mode)
    if kind == b"\x0b" and (timing := TimingSettings.unpacked(rest[1:])) is not None:
        return SetTiming(timing=timing)
    return None
