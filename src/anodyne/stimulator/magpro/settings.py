"""Blocks of settings that travel both ways on a MagPro's wire (MAGIC and pytms; read, but for what is marked).

Layouts of the blocks that come back are those of the blocks that go out, less their second byte; of the timing and
delay blocks that is inferred, of the mode block its length confirms it.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self


class Mode(IntEnum):
    """How the outputs work together."""

    STANDARD = 0
    POWER = 1
    TWIN = 2
    DUAL = 3


class Waveform(IntEnum):
    """What one trigger gives."""

    MONOPHASIC = 0
    BIPHASIC = 1
    HALF_SINE = 2
    BIPHASIC_BURST = 3


class MagProModel(IntEnum):
    """Models as the status byte numbers them."""

    R30 = 0
    X100 = 1
    R30_OPTION = 2
    X100_OPTION = 3
    R30_OPTION_MONO = 4
    MST = 5

    @property
    def device_name(self) -> str:
        """The name under which its abilities are kept; empty for models without any."""
        return {
            MagProModel.R30: "magventure-r30",
            MagProModel.X100: "magventure-x100",
            MagProModel.R30_OPTION: "magventure-r30-option",
            MagProModel.X100_OPTION: "magventure-x100-option",
        }.get(self, "")


@dataclass(frozen=True, kw_only=True)
class Bits:
    """The status byte: mode, waveform, enabled, model."""

    mode: Mode = Mode.STANDARD
    waveform: Waveform = Waveform.BIPHASIC
    enabled: bool = False
    model: MagProModel = MagProModel.R30

    def packed(self) -> int:
        """The byte.

        >>> Bits(enabled=True, model=MagProModel.X100).packed()
        52
        """
        return self.mode | self.waveform << 2 | self.enabled << 4 | self.model << 5

    @classmethod
    def unpacked(cls, byte: int) -> Self | None:
        """The status that a byte means; None for a model that nobody has told us of."""
        if byte >> 5 not in list(MagProModel):
            return None
        return cls(
            mode=Mode(byte & 3),
            waveform=Waveform(byte >> 2 & 3),
            enabled=bool(byte >> 4 & 1),
            model=MagProModel(byte >> 5),
        )


@dataclass(frozen=True, kw_only=True)
class Delays:
    """Delays of trigger in (0.1 ms), trigger out (0.1 ms, may be negative) and charging (ms)."""

    trigger_in_tenths: int = 0
    trigger_out_tenths: int = 0
    charge_ms: int = 0

    def packed(self) -> bytes:
        """Six bytes.

        Raises
        ------
        OverflowError : a number that does not fit
        """
        return (
            self.trigger_in_tenths.to_bytes(2, "big")
            + self.trigger_out_tenths.to_bytes(2, "big", signed=True)
            + self.charge_ms.to_bytes(2, "big")
        )

    @classmethod
    def unpacked(cls, data: bytes) -> Self:
        """The delays in six bytes."""
        return cls(
            trigger_in_tenths=int.from_bytes(data[:2], "big"),
            trigger_out_tenths=int.from_bytes(data[2:4], "big", signed=True),
            charge_ms=int.from_bytes(data[4:6], "big"),
        )


@dataclass(frozen=True, kw_only=True)
class ModeSettings:
    """Model, mode, direction, waveform, pulses in a burst (2 to 5), their interval and the ratio of B to A.

    The interval goes out in 0.1 ms and comes back as its place in the device's own list of intervals, which we do
    not have; so an interval cannot be read back.
    """

    model: MagProModel = MagProModel.R30
    mode: Mode = Mode.STANDARD
    direction: int = 0
    waveform: Waveform = Waveform.BIPHASIC
    burst_pulses: int = 2
    interval: int = 0
    ratio_hundredths: int = 100

    def packed_to_set(self) -> bytes:
        """Nine bytes for the device, the interval in 0.1 ms."""
        return self._packed("big")

    def packed_as_told(self) -> bytes:
        """Nine bytes from the device, the interval as a place in its list, low byte first."""
        return self._packed("little")

    def _packed(self, order: str) -> bytes:
        head = bytes([self.model, self.mode, self.direction, self.waveform, 5 - self.burst_pulses])
        interval = self.interval.to_bytes(2, "big")
        return head + (interval if order == "big" else interval[::-1]) + self.ratio_hundredths.to_bytes(2, "big")

    @classmethod
    def unpacked_from_set(cls, data: bytes) -> Self | None:
        """The settings in nine bytes for the device; None if they are none."""
        return cls._unpacked(data, data[5:7])

    @classmethod
    def unpacked_as_told(cls, data: bytes) -> Self | None:
        """The settings in nine bytes from the device; None if they are none."""
        return cls._unpacked(data, data[6:7] + data[5:6])

    @classmethod
    def _unpacked(cls, data: bytes, interval: bytes) -> Self | None:
        if len(data) != 9 or data[0] not in list(MagProModel) or data[1] > 3 or data[3] > 3 or data[4] > 3:
            return None
        return cls(
            model=MagProModel(data[0]),
            mode=Mode(data[1]),
            direction=data[2],
            waveform=Waveform(data[3]),
            burst_pulses=5 - data[4],
            interval=int.from_bytes(interval, "big"),
            ratio_hundredths=int.from_bytes(data[7:9], "big"),
        )


@dataclass(frozen=True, kw_only=True)
class TimingSettings:
    """The timing page: who controls it, 0.1 Hz, pulses, trains, 0.1 s between trains, a warning sound."""

    control: int = 0
    rate_tenths: int = 10
    pulses: int = 1
    trains: int = 1
    interval_tenths: int = 10
    warning: bool = False

    def packed(self) -> bytes:
        """Ten bytes.

        Raises
        ------
        OverflowError : a number that does not fit
        """
        numbers = (self.rate_tenths, self.pulses, self.trains, self.interval_tenths)
        middle = b"".join(number.to_bytes(2, "big") for number in numbers)
        return bytes([self.control]) + middle + bytes([self.warning])

    @classmethod
    def unpacked(cls, data: bytes) -> Self | None:
        """The settings in ten bytes; None if they are none."""
        if len(data) != 10 or data[9] > 1:
            return None
        rate, pulses, trains, interval = (int.from_bytes(data[n : n + 2], "big") for n in (1, 3, 5, 7))
        return cls(
            control=data[0],
            rate_tenths=rate,
            pulses=pulses,
            trains=trains,
            interval_tenths=interval,
            warning=data[9] == 1,
        )
