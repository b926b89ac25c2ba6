"""An emulated Magstim Rapid²: the machine of all emulators behind a Rapid²'s bytes.

Behaviour after the reference (MagPy, its virtual device, MAGIC; read) but for what is marked as assumed here. The
virtual device's known defect is avoided: disarming disarms.
"""

from collections.abc import Callable
from math import inf
from typing import Unpack, final

from anodyne.protocol import DeviceModel, find_device
from anodyne.stimulator.emulation.emulator import Circumstances, Emulator
from anodyne.stimulator.emulation.injection import Injection
from anodyne.stimulator.emulation.machine import (
    Programme,
    in_percent,
    longest_train,
    steady,
    wait_by_energy,
)
from anodyne.stimulator.rapid2.commands import NEEDS_NO_REMOTE, Command, CommandReader, Verb
from anodyne.stimulator.rapid2.driver import LINE
from anodyne.stimulator.rapid2.firmware import Rapid2Firmware
from anodyne.stimulator.rapid2.replies import (
    UNKNOWN,
    ChargeDelay,
    ErrorCode,
    Parameters,
    Payload,
    Refusal,
    Reply,
    Temperatures,
    Version,
    encode_refusal,
    encode_reply,
)
from anodyne.stimulator.rapid2.status import ExtendedStatus, InstrumentStatus, RapidStatus
from anodyne.stimulator.stages import Stage
from anodyne.units import CELSIUS_ZERO, percent

FIRST_POWER = 30
"""Percent at which it starts (virtual Magstim; read)."""

PAUSE_IN_COMMAND = 0.1
"""s after which a command that broke off is forgotten (assumed)."""

LOCK = 0.5
"""s after a train in which nothing can be set or started (read)."""

SHORTEST_SINGLE_INTERVAL = 1.0
"""s between single pulses over the serial line (read)."""


@final
class Rapid2Emulator(Emulator):
    """A Magstim Rapid² that is only a program.

    Parameters
    ----------
    firmware : its generation, which decides widths, lengths and commands
    device : the model whose highest rates it has; None for the one that can do least
    code : unlock code without which it grants no remote control; empty for none
    circumstances : habits, faults, seed, witness, now: as for every `Emulator`

    >>> emulator = Rapid2Emulator()  # three bytes there and three back take 6.25 ms
    >>> emulator.receive(b"Q@n", 0.0), emulator.tick(0.006), emulator.tick(0.0065)
    (b'', b'', b'Q\\x89%')
    """

    make = "rapid2"
    line = LINE

    def __init__(
        self,
        *,
        firmware: Rapid2Firmware = Rapid2Firmware.V9,
        device: DeviceModel | None = None,
        code: str = "",
        **circumstances: Unpack[Circumstances],
    ) -> None:
        self.firmware = firmware
        self.device = device or find_device("magstim-rapid2")
        self._code = code
        self._reader = CommandReader(firmware, code)
        self._last_byte = circumstances.get("now", 0.0)
        self._acts: dict[Verb, Callable[[Command], Refusal | None]] = {
            Verb.REMOTE_ON: self._remote_on,
            Verb.REMOTE_OFF: self._remote_off,
            Verb.POWER: self._set_power,
            Verb.ARM: self._arm,
            Verb.DISARM: self._disarm,
            Verb.TRIGGER: self._trigger,
            Verb.RATE: self._set_rate,
            Verb.PULSES: self._set_pulses,
            Verb.DURATION: self._set_duration,
            Verb.ENHANCED_ON: self._set_enhanced,
            Verb.ENHANCED_OFF: self._set_enhanced,
            Verb.SET_CHARGE_DELAY: self._set_charge_delay,
        }
        super().__init__(**circumstances)
        self._forget()

    def _forget(self) -> None:
        """First settings, as after a start."""
        self._rate = 10  # 0.1 Hz
        self._count = 1
        self._single = True
        self._enhanced = False
        self._charge_delay = 0
        self._power_percent = FIRST_POWER
        self.machine.preset_power(FIRST_POWER * percent)

    # Bytes

    def _take(self, data: bytes) -> None:
        if self._reader.mid_command and self.machine.time - self._last_byte > PAUSE_IN_COMMAND:
            self._reader.abandon()
        self._last_byte = self.machine.time
        for command in self._reader.feed(data):
            self._obey(command)

    def _obey(self, command: Command | None) -> None:
        spoiled = self._command_spoiled()
        if command is None or spoiled is Injection.UNKNOWN_COMMAND:
            self._answer(UNKNOWN)
            return
        if spoiled is Injection.STATE_CONFLICT:
            self._answer(encode_refusal(Refusal.OUT_OF_PLACE, command.verb))
            return
        if not (self.machine.remote or command.verb in NEEDS_NO_REMOTE):
            if not self.firmware.extended:  # later firmware stays silent
                self._answer(encode_refusal(Refusal.OUT_OF_PLACE, command.verb))
            return
        before = self._reply(command.verb)
        refusal = self._acts[command.verb](command) if command.verb in self._acts else None
        if refusal is not None:
            self._answer(encode_refusal(refusal, command.verb))
            return
        if self.machine.remote:
            self.machine.hear()
        after_effect = command.verb in (Verb.REMOTE_ON, Verb.REMOTE_OFF)
        self._answer(encode_reply(self._reply(command.verb) if after_effect else before, self.firmware))

    def _damaged(self, answer: bytes) -> bytes:
        return answer[:-1] + bytes([answer[-1] ^ 0x55])

    def _reply(self, verb: Verb) -> Reply:
        """The answer to a command as things stand."""
        return Reply(verb=verb, instrument=self._instrument(), rapid=self._rapid(), payload=self._payload(verb))

    def _instrument(self) -> InstrumentStatus:
        machine = self.machine
        stage = {
            Stage.STANDBY: InstrumentStatus.STANDBY,
            Stage.ARMED: InstrumentStatus.ARMED,
            Stage.READY: InstrumentStatus.READY,
            Stage.RUNNING: InstrumentStatus.ARMED,
        }[machine.stage]
        flags = {
            InstrumentStatus.COIL_PRESENT: machine.coil_present,
            InstrumentStatus.REPLACE_COIL: machine.replace_coil,
            InstrumentStatus.ERROR_PRESENT: machine.fatal_error,
            InstrumentStatus.ERROR_FATAL: machine.fatal_error,
            InstrumentStatus.REMOTE: machine.remote,
        }
        for flag, is_set in flags.items():
            stage |= flag if is_set else InstrumentStatus(0)
        return stage

    def _rapid(self) -> RapidStatus:
        machine = self.machine
        flags = {
            RapidStatus.ENHANCED_POWER: self._enhanced,
            RapidStatus.TRAIN_RUNNING: machine.running is not None and not self._single,
            RapidStatus.WAIT: machine.waiting,
            RapidStatus.SINGLE_PULSE: self._single,
            RapidStatus.HIGH_VOLTAGE_SUPPLY: True,
            RapidStatus.COIL_READY: machine.sound,
        }
        status = RapidStatus(0)
        for flag, is_set in flags.items():
            status |= flag if is_set else RapidStatus(0)
        return status

    def _payload(self, verb: Verb) -> Payload:
        match verb:
            case Verb.PARAMETERS:
                return Parameters(
                    power_percent=self._power_percent,
                    rate_tenths=self._rate,
                    pulses=self._count,
                    duration_tenths=self._duration_tenths(),
                    wait_tenths=1,  # what a Rapid² shows whatever the energy law says (MagPy #10; read)
                )
            case Verb.TEMPERATURE:
                tenths = round((self.machine.coil_temperature - CELSIUS_ZERO) * 10)
                return Temperatures(first_tenths_celsius=tenths, second_tenths_celsius=tenths)
            case Verb.ERROR_CODE:
                return ErrorCode(source="E" if self.machine.fatal_error else "U", number=0)
            case Verb.VERSION:
                return Version(digits=f"{self.firmware.value}00")
            case Verb.CHARGE_DELAY:
                return ChargeDelay(delay_ms=self._charge_delay)
            case Verb.SYSTEM_STATUS | Verb.SET_CHARGE_DELAY:
                return ExtendedStatus.CHARGE_DELAY_SET if self._charge_delay else ExtendedStatus(0)
        return None

    def _duration_tenths(self) -> int:
        return min(round(100 * self._count / self._rate), 10**self.firmware.duration_digits - 1)

    # Commands

    def _remote_on(self, command: Command) -> Refusal | None:
        if command.code != self._code:
            return Refusal.BAD_VALUE
        self.machine.take_remote()
        return None

    def _remote_off(self, command: Command) -> Refusal | None:
        self.machine.leave_remote("asked")
        return None

    def _arm(self, command: Command) -> Refusal | None:
        return None if self.machine.arm() else Refusal.OUT_OF_PLACE

    def _disarm(self, command: Command) -> Refusal | None:
        self.machine.disarm("asked")
        return None

    def _trigger(self, command: Command) -> Refusal | None:
        programme = self._programme()
        if not self._single and programme.duration > self._longest_train() + 1e-9:
            return Refusal.OUT_OF_PLACE
        return None if self.machine.trigger(programme) else Refusal.OUT_OF_PLACE

    def _longest_train(self) -> float:
        """s; more than a minute is as long as one likes."""
        if self._power_percent == 0:
            return inf
        longest = longest_train(self._power_percent * percent, self._rate / 10)
        return longest if longest <= 60 else inf

    def _programme(self) -> Programme:
        rate, power = self._rate / 10, self._power_percent * percent
        if self._single:
            return Programme(pulse_times=(0.0,), duration=0.0, wait=SHORTEST_SINGLE_INTERVAL, lock=LOCK)
        return steady(rate, self._count, wait=wait_by_energy(power, rate, self._count), lock=LOCK)

    def _set_power(self, command: Command) -> Refusal | None:
        assert command.value is not None
        if command.value > (110 if self._enhanced else 100):
            return Refusal.BAD_VALUE
        taken = in_percent(self._power_taken(command.value * percent))
        if refusal := self._unfit(power=taken):
            return refusal
        self._power_percent = taken
        self.machine.set_power(taken * percent)
        return None

    def _set_rate(self, command: Command) -> Refusal | None:
        assert command.value is not None
        if refusal := self._unfit(rate=command.value):
            return refusal
        self._rate = command.value
        return None

    def _set_pulses(self, command: Command) -> Refusal | None:
        assert command.value is not None
        if refusal := self._unfit(count=command.value):
            return refusal
        self._count = command.value
        return None

    def _set_duration(self, command: Command) -> Refusal | None:
        """Zero is single-pulse mode; one second while in it enters train mode; else pulses follow (assumed)."""
        assert command.value is not None
        if self.machine.stage is not Stage.STANDBY and (command.value == 0) != self._single:
            return Refusal.OUT_OF_PLACE
        if command.value and not self._single:
            return self._set_pulses(Command(verb=Verb.PULSES, value=round(command.value * self._rate / 100)))
        if refusal := self._unfit(single=command.value == 0):
            return refusal
        self._single = command.value == 0
        return None

    def _set_enhanced(self, command: Command) -> Refusal | None:
        on = command.verb is Verb.ENHANCED_ON
        if self.machine.stage is not Stage.STANDBY or (on and not self._single):
            return Refusal.OUT_OF_PLACE
        self._enhanced = on
        if not on and self._power_percent > 100:
            self._power_percent = 100
            self.machine.set_power(1.0)
        return None

    def _set_charge_delay(self, command: Command) -> Refusal | None:
        assert command.value is not None
        if command.value > self.firmware.longest_charge_delay:
            return Refusal.BAD_VALUE
        self._charge_delay = command.value
        return None

    def _unfit(
        self,
        *,
        power: int | None = None,
        rate: int | None = None,
        count: int | None = None,
        single: bool | None = None,
    ) -> Refusal | None:
        """Why the generator cannot be set so: not in these moments, or not at all."""
        if self.machine.running is not None or self.machine.waiting:
            return Refusal.OUT_OF_PLACE
        power = self._power_percent if power is None else power
        rate = self._rate if rate is None else rate
        count = self._count if count is None else count
        if rate < 1 or not 1 <= count <= self.firmware.most_pulses:
            return Refusal.BAD_VALUE
        single = self._single if single is None else single
        if single or power == 0:
            return None
        too_fast = rate / 10 > self.device.maximum_rate(min(power * percent, 1.0)) + 1e-9
        return Refusal.BAD_VALUE if too_fast else None

    def _restart(self) -> None:
        self.machine.restart()
        self._reader.abandon()
        self._forget()
