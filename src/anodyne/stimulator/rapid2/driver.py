"""The driver of a Magstim Rapid²."""

from typing import final

from anodyne.errors import SafetyRefusal
from anodyne.protocol import DeviceModel
from anodyne.stimulator.clock import Clock, RealClock
from anodyne.stimulator.disarming import insist
from anodyne.stimulator.faults import DeviceFault, FaultKind
from anodyne.stimulator.model import (
    DeviceState,
    Identity,
    Stimulator,
    TrainSettings,
    hottest_coil,
    in_steps,
)
from anodyne.stimulator.port import LineSettings, Port
from anodyne.stimulator.rapid2.commands import Command, Verb, encode
from anodyne.stimulator.rapid2.firmware import Rapid2Firmware
from anodyne.stimulator.rapid2.replies import Parameters, Refusal, Reply, ReplyReader, Temperatures, Version
from anodyne.stimulator.rapid2.status import InstrumentStatus, RapidStatus
from anodyne.units import CELSIUS_ZERO, percent

LINE = LineSettings(baud=9600, request_to_send=False)
"""9600 baud; RTS low, for on some cables it is the trigger (MagPy; read)."""

TIMEOUT = 0.25
"""s in which an answer must be whole; the longest takes 25 ms on the wire, so this is ample (assumed)."""

LONGEST_LATENESS = 0.9
"""s after a question within which its answer may still come late; only then is the line used again (assumed)."""

SLEW_UP, SLEW_DOWN = 0.01, 0.1
"""s by which the output rises or falls 1 % (MagPy; read)."""

TRAIN_MODE, SINGLE_MODE = 10, 0
"""Durations, 0.1 s, that put the generator into train mode and back into single-pulse mode (read)."""

REFUSED = (FaultKind.UNKNOWN_COMMAND, FaultKind.REFUSED_VALUE, FaultKind.STATE_CONFLICT)
"""Answers that say the command was not obeyed."""


@final
class Rapid2(Stimulator):
    """A Magstim Rapid² over a port.

    A Rapid²'s answer shows the state before the command (remote control on and off excepted), so whatever a
    command was to bring about is asked for afterwards. Each `keep_alive` reads all settings back.

    Parameters
    ----------
    port : open, with `LINE`'s settings if it is a serial one
    device : what this model can do; the device itself does not say which Rapid² it is
    clock : of the whole session
    timeout : of each answer, s
    code : unlock code, which some devices with firmware 9 and later want; empty for none
    """

    line = LINE

    def __init__(
        self,
        port: Port,
        device: DeviceModel,
        *,
        clock: Clock | None = None,
        timeout: float = TIMEOUT,
        code: str = "",
    ) -> None:
        self.port = port
        self.device = device
        self.clock = clock or RealClock()
        self.timeout = max(timeout, self.clock.shortest_wait)
        self._code = code
        self._firmware: Rapid2Firmware | None = None
        self._owed: ReplyReader | None = None
        self._asked_at = 0.0
        self._uncertain = False
        self._forget()

    def _forget(self) -> None:
        """Know nothing of the device's state."""
        self._in_control = False
        self._armed = False
        self._lost: FaultKind | None = None
        self._settings: TrainSettings | None = None
        self._slewed_at = self.clock.now()

    # Who and how it is

    def identify(self) -> Identity:
        """Ask for the firmware's version."""
        version = self._exchange(Verb.VERSION).payload
        assert isinstance(version, Version)
        self._firmware = Rapid2Firmware.of_version(version.major)
        return Identity(model=self.device.name, firmware=version.digits)

    def state(self) -> DeviceState:
        """Ask for settings, status and temperature."""
        return self._state(self._look())

    def keep_alive(self) -> DeviceState:
        """Ask for settings and status, renew remote control if it is still held, and ask for the temperature."""
        looked = self._look()
        if self._in_control and self._lost is None:
            if self._known_firmware.extended:
                self._exchange(Verb.SYSTEM_STATUS)
            else:
                self._exchange(Verb.REMOTE_ON, code=self._code)
        return self._state(looked)

    def _look(self, patience: float | None = None) -> Reply:
        """The settings with both status bytes; notices when control was lost."""
        if self._firmware is None:  # which decides how long the answer is
            self.identify()
        looked = self._exchange(Verb.PARAMETERS, patience=patience)
        assert looked.instrument is not None
        if not _is_armed(looked):
            self._armed = False
        if self._in_control and self._lost is None and InstrumentStatus.REMOTE not in looked.instrument:
            changed = self._settings is not None and self._mismatch(looked, self._settings) != ""
            self._lost = FaultKind.RESET if changed else FaultKind.REMOTE_LOST
        return looked

    def _state(self, looked: Reply) -> DeviceState:
        temperatures = self._exchange(Verb.TEMPERATURE).payload
        assert isinstance(temperatures, Temperatures)
        assert isinstance(looked.payload, Parameters)
        assert looked.instrument is not None
        hottest = max(temperatures.first_tenths_celsius, temperatures.second_tenths_celsius) / 10 + CELSIUS_ZERO
        fault = self._fault(looked, hottest)
        return DeviceState(
            remote=InstrumentStatus.REMOTE in looked.instrument,
            armed=_is_armed(looked),
            ready=fault is None and self._is_ready(looked),
            running=_is_running(looked),
            coil_present=InstrumentStatus.COIL_PRESENT in looked.instrument,
            fault=fault,
            power=looked.payload.power_percent / 100,
            coil_temperature=hottest,
        )

    def _fault(self, looked: Reply, temperature: float) -> FaultKind | None:
        """The worst that the device says is wrong with it."""
        status = looked.instrument
        assert status is not None
        wrong = {
            FaultKind.FATAL_ERROR: InstrumentStatus.ERROR_FATAL in status,
            self._lost or FaultKind.REMOTE_LOST: self._lost is not None,
            FaultKind.COIL_ABSENT: InstrumentStatus.COIL_PRESENT not in status,
            FaultKind.COIL_HOT: temperature > hottest_coil(self.device, self.coil_limit),
            FaultKind.REPLACE_COIL: InstrumentStatus.REPLACE_COIL in status,
            FaultKind.DEVICE_ERROR: InstrumentStatus.ERROR_PRESENT in status,
            FaultKind.READ_BACK_MISMATCH: self._settings is not None and self._mismatch(looked, self._settings) != "",
        }
        return next((kind for kind, is_so in wrong.items() if is_so), None)

    def _is_ready(self, looked: Reply) -> bool:
        assert looked.instrument is not None
        assert looked.rapid is not None
        busy = looked.rapid & (RapidStatus.TRAIN_RUNNING | RapidStatus.WAIT)
        return InstrumentStatus.READY in looked.instrument and not busy and self.clock.now() >= self._slewed_at

    # Control

    def take_control(self) -> None:
        """Begin remote control, with the unlock code if there is one, and disarm."""
        self._forget()
        self.identify()
        answer = self._exchange(Verb.REMOTE_ON, code=self._code)
        assert answer.instrument is not None
        if InstrumentStatus.REMOTE not in answer.instrument:
            raise DeviceFault(FaultKind.STATE_CONFLICT, "it does not enter remote control")
        self._in_control = True
        self.disarm()

    def release(self) -> None:
        """Disarm and end remote control."""
        if not self._in_control:
            return
        self.disarm()
        answer = self._exchange(Verb.REMOTE_OFF)
        self._forget()
        if answer.instrument is not None and InstrumentStatus.REMOTE in answer.instrument:
            raise DeviceFault(FaultKind.STATE_CONFLICT, "it does not leave remote control")

    def close(self) -> None:
        """Disarm and release as far as the line allows, and give the port back."""
        try:
            self.release()
        except DeviceFault:
            pass  # the device's own watchdog disarms it
        finally:
            self._in_control = False
            self.port.close()

    # Settings

    def set_train(self, settings: TrainSettings) -> None:
        """Set power, rate and number of pulses, and read them back."""
        power, rate, pulses = self._on_the_wire(settings)
        looked = self._controlled_look()
        if _is_armed(looked):
            raise DeviceFault(FaultKind.STATE_CONFLICT, "settings change only while disarmed")
        self._settings = None
        before = looked.payload
        assert isinstance(before, Parameters)
        assert looked.rapid is not None
        single = pulses == 1
        if single != (RapidStatus.SINGLE_PULSE in looked.rapid):
            self._exchange(Verb.DURATION, SINGLE_MODE if single else TRAIN_MODE)
        train = [] if single else [(Verb.RATE, rate), (Verb.PULSES, pulses)]
        output = [(Verb.POWER, power)]
        for verb, value in output + train if power <= before.power_percent else train + output:
            self._exchange(verb, value)
        change = power - before.power_percent
        self._slewed_at = self.clock.now() + max(change * SLEW_UP, -change * SLEW_DOWN)
        if mismatch := self._mismatch(self._look(), settings):
            raise DeviceFault(FaultKind.READ_BACK_MISMATCH, mismatch)
        self._settings = settings

    def read_train(self) -> TrainSettings:
        """What the device is set to; it knows no rate of single pulses, so that is the one asked for, else 1 Hz."""
        looked = self._look()
        assert isinstance(looked.payload, Parameters)
        assert looked.rapid is not None
        set_to = looked.payload
        if set_to.power_percent == 0:
            raise DeviceFault(FaultKind.READ_BACK_MISMATCH, "its power is 0 %")
        single = RapidStatus.SINGLE_PULSE in looked.rapid
        return TrainSettings(
            power=set_to.power_percent / 100,
            rate=self._single_rate() if single else set_to.rate_tenths / 10,
            pulses=1 if single else set_to.pulses,
        )

    def _single_rate(self) -> float:
        """The rate of single pulses, which the device does not know: the one asked for, else 1 Hz."""
        return self._settings.rate if self._settings is not None and self._settings.pulses == 1 else 1.0

    def _on_the_wire(self, settings: TrainSettings) -> tuple[int, int, int]:
        """Percent, 0.1 Hz and pulses that are exactly these settings.

        Raises
        ------
        SafetyRefusal : there are none, or the model cannot give such a train
        """
        if settings.burst is not None:
            raise SafetyRefusal("a Magstim Rapid² cannot be set to bursts over its serial line; set single pulses")
        power = in_steps(settings.power, percent, "the power", "whole percents of output")
        rate = in_steps(settings.rate, 0.1, "the rate", "tenths of 1 Hz")
        if settings.pulses > 1:
            self.device.refuse_train(settings, settings.power, self._known_firmware.value)
        elif settings.rate > 1:
            raise SafetyRefusal("single pulses over the serial line come at most once a second; set a train")
        return power, rate, settings.pulses

    def _mismatch(self, looked: Reply, wanted: TrainSettings) -> str:
        """How the device's settings differ from those wanted, in words; empty if they do not."""
        assert isinstance(looked.payload, Parameters)
        assert looked.rapid is not None
        single = RapidStatus.SINGLE_PULSE in looked.rapid
        power, rate, pulses = looked.payload.power_percent, looked.payload.rate_tenths, looked.payload.pulses
        if power != round(wanted.power / percent):
            return f"power {power} % instead of {round(wanted.power / percent)} %"
        if single != (wanted.pulses == 1):
            return f"{'single pulses' if single else 'a train'} instead of {wanted.pulses} pulses"
        if not single and rate != round(wanted.rate * 10):
            return f"{rate / 10:g} Hz instead of {wanted.rate:g} Hz"
        if not single and pulses != wanted.pulses:
            return f"{pulses} pulses instead of {wanted.pulses}"
        return ""

    # Pulses

    @property
    def start_uncertain(self) -> bool:
        """Whether the last `start_train` was sent without an answer that says what came of it."""
        return self._uncertain

    def arm(self) -> None:
        """Charge, if nothing is wrong and the settings are those that were set."""
        self._refuse_unless_sound()
        if self._settings is None:
            raise DeviceFault(FaultKind.STATE_CONFLICT, "no train has been set")
        self._exchange(Verb.ARM)
        if not _is_armed(self._look()):
            self._refuse_unless_sound()
            raise DeviceFault(FaultKind.STATE_CONFLICT, "it does not arm")
        self._armed = True

    def disarm(self) -> None:
        """Discharge, again and again until it is seen to have happened."""
        self._armed = False
        insist(self._disarmed)

    def _disarmed(self, patience: float) -> bool:
        """Try once; whether the device says that it is disarmed."""
        self._send(Command(verb=Verb.DISARM), patience)  # whose answer comes behind any that is owed
        return not _is_armed(self._look(patience))

    def start_train(self) -> None:
        """Trigger, if the device has just said that it is ready with the right settings."""
        self._uncertain = False
        if not self._armed or self._settings is None:
            raise DeviceFault(FaultKind.STATE_CONFLICT, "it is not armed")
        looked = self._controlled_look()
        if (fault := self._fault(looked, 0.0)) is not None:
            raise DeviceFault(fault, self._mismatch(looked, self._settings))
        if not self._is_ready(looked):
            raise DeviceFault(FaultKind.STATE_CONFLICT, "it is not ready")
        self._uncertain = True
        try:
            self._exchange(Verb.TRIGGER)
        except DeviceFault as failure:
            self._uncertain = failure.kind not in REFUSED
            raise
        self._uncertain = False

    def _refuse_unless_sound(self) -> None:
        """Raise what the device's state says is wrong, if anything is."""
        looked = self._controlled_look()
        if (fault := self._state(looked).fault) is not None:
            raise DeviceFault(fault, self._mismatch(looked, self._settings) if self._settings else "")

    def _controlled_look(self) -> Reply:
        """The settings and status, which must show that control is held."""
        if not self._in_control:
            raise DeviceFault(FaultKind.STATE_CONFLICT, "it is not in remote control")
        looked = self._look()
        if self._lost is not None:
            raise DeviceFault(self._lost)
        return looked

    # Bytes

    @property
    def _known_firmware(self) -> Rapid2Firmware:
        return self._firmware or Rapid2Firmware.V9

    def _exchange(
        self, verb: Verb, value: int | None = None, *, code: str = "", patience: float | None = None
    ) -> Reply:
        """Send a command once the line owes nothing, and wait for its answer."""
        if self._owed is not None:
            self._settle(self._owed)
        return self._send(Command(verb=verb, value=value, code=code), patience)

    def _send(self, command: Command, patience: float | None = None) -> Reply:
        self.port.read(0.0)  # what has come before the question is no answer to it
        reader = ReplyReader(command.verb, self._known_firmware)
        self._owed, self._asked_at = reader, self.clock.now()
        self.port.write(encode(command, self._known_firmware))
        deadline = self._asked_at + (self.timeout if patience is None else max(patience, self.clock.shortest_wait))
        in_time = True
        while in_time:  # the last look is after the deadline: this process may have been held up, and not the answer
            left = deadline - self.clock.now()
            in_time = left > 0
            found = reader.feed(self.port.read(max(left, 0.0)))
            if found is not None:
                self._owed = None
                return _granted(found, command)
        if reader.held:  # it did answer, if badly
            self._owed = None
        raise reader.fault()

    def _settle(self, owed: ReplyReader) -> None:
        """Wait for an answer that is owed, so that it is not taken for another's when it comes."""
        deadline = self._asked_at + LONGEST_LATENESS
        while (left := deadline - self.clock.now()) > 0:
            if owed.feed(self.port.read(left)) is not None:
                self._owed = None
                raise DeviceFault(FaultKind.LATE, f"after '{owed.verb.in_words}'")
        self._owed = None


def _is_armed(looked: Reply) -> bool:
    assert looked.instrument is not None
    return bool(looked.instrument & (InstrumentStatus.ARMED | InstrumentStatus.READY)) or _is_running(looked)


def _is_running(looked: Reply) -> bool:
    return looked.rapid is not None and RapidStatus.TRAIN_RUNNING in looked.rapid


def _granted(found: Reply | Refusal, command: Command) -> Reply:
    """The answer, if it is none that refuses the command."""
    if isinstance(found, Reply):
        return found
    value = f" {command.value}" if command.value is not None else ""
    raise DeviceFault(found.kind, f"'{command.verb.in_words}{value}'")
