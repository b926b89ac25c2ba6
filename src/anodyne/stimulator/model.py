"""What every stimulator is to its user, whatever its make: identity, settings, state, and the calls between them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import isfinite
from types import TracebackType
from typing import Self

from anodyne.errors import SafetyRefusal
from anodyne.protocol import Burst, DeviceModel
from anodyne.stimulator.faults import FaultKind

KEEP_ALIVE_PERIOD = 0.5
"""s; how often a stimulator in remote control is spoken to (MagPy when armed, MAGIC always; read there)."""

HOTTEST = 313.15
"""K; 40 °C, above which a Magstim disarms and will not arm (MagPy; read), assumed where no limit is published."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Which stimulator answers.

    Parameters
    ----------
    model : the name under which the device's abilities are kept, "magstim-rapid2" or "magventure-r30"
    firmware : as the device says it; empty where it says nothing
    serial : serial number as the device says it; empty where it says nothing
    coil : the coil as the device names it; empty where it does not
    """

    model: str
    firmware: str = ""
    serial: str = ""
    coil: str = ""


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """What one start of the stimulator's own train generator gives.

    Parameters
    ----------
    power : fraction of maximum output, above 0 and at most 1
    rate : of the pulses, or of the bursts when there is a `burst`, Hz
    pulses : all pulses of the train, those within bursts included; 1 is a single pulse
    burst : what is repeated at `rate`; None for single pulses

    Raises
    ------
    ValueError : a number out of its range
    """

    power: float
    rate: float
    pulses: int
    burst: Burst | None = None

    def __post_init__(self) -> None:
        if not (isfinite(self.power) and 0 < self.power <= 1):
            raise ValueError(f"the power of a train lies above 0 and is at most 1, so not {self.power}")
        if not (isfinite(self.rate) and self.rate > 0):
            raise ValueError(f"the rate of a train is positive, not {self.rate} Hz")
        if isinstance(self.pulses, bool) or not isinstance(self.pulses, int) or self.pulses < 1:
            raise ValueError(f"a train has at least 1 pulse, not {self.pulses}")

    @property
    def duration(self) -> float:
        """Repetitions over rate, s: the last pulse owns a full period too."""
        repetitions = self.pulses if self.burst is None else self.pulses / self.burst.pulses
        return repetitions / self.rate


@dataclass(frozen=True, kw_only=True)
class DeviceState:
    """A stimulator as it last said it was.

    Parameters
    ----------
    remote : this program has control of it
    armed : charged or charging; a trigger may give pulses
    ready : a trigger would give pulses now
    running : a train is being given
    coil_present : a coil is connected
    fault : the worst thing that the device says is wrong; None when nothing is
    power : fraction of maximum output it is set to; None when it does not say
    coil_temperature : K; None when it does not say
    pulses_given : the device's own counter; None when it has none
    di_dt : of the last pulse, A/s; None when it does not say
    """

    remote: bool
    armed: bool
    ready: bool
    running: bool
    coil_present: bool
    fault: FaultKind | None = None
    power: float | None = None
    coil_temperature: float | None = None
    pulses_given: int | None = None
    di_dt: float | None = None


class Stimulator(ABC):
    """A stimulator under remote control: one driver for each make, over a port.

    Each call sends, waits at most `timeout` for each answer, and reads it. No call is ever repeated, and
    none that could give a pulse is sent unless the device last said that it was ready. A call that cannot be
    answered for raises `DeviceFault`; a device that answers and says that something is wrong with it tells so
    in `DeviceState.fault`. A driver is used by one thread.
    """

    device: DeviceModel
    """What this model of stimulator can do."""

    timeout: float
    """The longest that one command waits for its answer, s of the driver's clock."""

    keep_alive_period: float = KEEP_ALIVE_PERIOD
    """How often `keep_alive` must be called while in control, s."""

    coil_limit: float = HOTTEST
    """Coil temperature above which the coil counts as too hot where the model has no limit of its own, K."""

    @abstractmethod
    def identify(self) -> Identity:
        """Ask which device this is; changes nothing."""

    @abstractmethod
    def take_control(self) -> None:
        """Begin remote control, disarmed."""

    @abstractmethod
    def release(self) -> None:
        """Disarm and end remote control; does nothing when not in control."""

    @abstractmethod
    def keep_alive(self) -> DeviceState:
        """Say that control is still wanted, and ask for the state.

        Raises
        ------
        DeviceFault : the line failed; a device that answers but has left remote control or has restarted
            is told of in `DeviceState.fault` (and stays so until `take_control`)
        """

    @abstractmethod
    def state(self) -> DeviceState:
        """Ask for the state and change nothing."""

    @abstractmethod
    def set_train(self, settings: TrainSettings) -> None:
        """Set what the next `start_train` gives; only while disarmed.

        Raises
        ------
        SafetyRefusal : the device cannot be set to exactly this; nothing was sent
        DeviceFault : the device refused, or reads back something else
        """

    @abstractmethod
    def read_train(self) -> TrainSettings:
        """Ask the device what it is set to."""

    @abstractmethod
    def arm(self) -> None:
        """Charge; `ready` follows in the state about a second later.

        Raises
        ------
        DeviceFault : the device refused, with the reason that its state gives
        """

    @abstractmethod
    def disarm(self) -> None:
        """Discharge, which also ends a running train; sent first and unconditionally, again until it is seen done."""

    @abstractmethod
    def start_train(self) -> None:
        """Give the train that is set, once; never repeated, whatever the answer.

        Raises
        ------
        DeviceFault : not sent, when the device is not ready; or sent, and then the train may have begun:
            `start_uncertain` tells which
        """

    @property
    @abstractmethod
    def start_uncertain(self) -> bool:
        """Whether the last `start_train` was sent without an answer that says what came of it."""

    @abstractmethod
    def close(self) -> None:
        """Disarm and release if in control, as far as the line allows, and give the port back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def hottest_coil(device: DeviceModel, otherwise: float = HOTTEST) -> float:
    """The coil temperature above which a model must not be used, K: its own limit; `otherwise` where none is known."""
    return otherwise if device.coil_limit.value is None else device.coil_limit.value


def in_steps(value: float, step: float, what: str, steps: str) -> int:
    """How many steps make up `value`, exactly.

    Raises
    ------
    SafetyRefusal : it is not a whole number of steps; it is not rounded, for that would be another dose

    >>> in_steps(0.52, 0.01, "the power", "whole percents of output")
    52
    """
    count = round(value / step)
    if abs(count * step - value) > 1e-9 * max(1.0, abs(value)):
        raise SafetyRefusal(f"{what} {value:g} cannot be set: this stimulator takes {steps}; plan one of them")
    return count
