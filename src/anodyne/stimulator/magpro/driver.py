"""The driver of a MagVenture MagPro."""

from typing import Any, TypeVar, final

from anodyne.errors import SafetyRefusal
from anodyne.protocol import DeviceModel
from anodyne.stimulator.clock import Clock, RealClock
from anodyne.stimulator.disarming import insist
from anodyne.stimulator.faults import DeviceFault, FaultKind
from anodyne.stimulator.magpro import messages, requests
from anodyne.stimulator.magpro.frames import FrameReader, framed
from anodyne.stimulator.magpro.messages import Counter, PulseGiven, Status, Status2
from anodyne.stimulator.magpro.requests import (
    Amplitude,
    Enable,
    Page,
    Query,
    Request,
    SetPage,
    SetTrain,
    SinglePulse,
)
from anodyne.stimulator.magpro.settings import Mode, TimingSettings, Waveform
from anodyne.stimulator.model import (
    DeviceState,
    Identity,
    Stimulator,
    TrainSettings,
    hottest_coil,
    in_steps,
)
from anodyne.stimulator.port import LineSettings, Port
from anodyne.units import CELSIUS_ZERO, A_per_us, percent

LINE = LineSettings(baud=38400)
"""38400 baud on the MagPro's COM2 (MAGIC; read)."""

TIMEOUT = 0.25
"""s in which an answer must be whole (assumed)."""

LONGEST_LATENESS = 0.9
"""s after a question within which its answer may still come late; only then is the line used again (assumed)."""

ARMING_TIME = 1.0
"""s from enabling to ready: a MagPro has no sign for it, so a Magstim's time is taken (assumed)."""

NO_COIL = 0
"""Coil type when none is connected (assumed)."""

COILS = {60: "Cool-B65", 72: "C-B60"}
"""Codes of coils that are known (pytms; read)."""

TRAIN_PAUSE = 10
"""0.1 s between trains, which one train does not use."""

Answer = Status | Status2 | TimingSettings | Counter
Wanted = TypeVar("Wanted", bound=Answer)


@final
class MagPro(Stimulator):
    """A MagVenture MagPro over a port.

    A MagPro answers questions only, so each command is followed by the question whether it took effect; what it
    says of its own accord is taken in on the way. It has no sign of remote control: losing it shows as being
    disarmed unasked, restarting as a counter that went back.

    Parameters
    ----------
    port : open, with `LINE`'s settings if it is a serial one
    device : what this model can do
    clock : of the whole session
    timeout : of each answer, s
    """

    line = LINE

    def __init__(
        self, port: Port, device: DeviceModel, *, clock: Clock | None = None, timeout: float = TIMEOUT
    ) -> None:
        self.port = port
        self.device = device
        self.clock = clock or RealClock()
        self.timeout = max(timeout, self.clock.shortest_wait)
        self._reader = FrameReader()
        self._owed: type[Any] | None = None
        self._asked_at = 0.0
        self._uncertain = False
        self._di_dt: float | None = None
        self._forget()

    def _forget(self) -> None:
        """Know nothing of the device's state."""
        self._in_control = False
        self._armed = False
        self._enabled_at = self.clock.now()
        self._lost: FaultKind | None = None
        self._settings: TrainSettings | None = None
        self._count: int | None = None

    # Who and how it is

    def identify(self) -> Identity:
        """Ask for the status, which says model, serial number and coil; a MagPro does not tell its firmware."""
        status = self._ask(Query.STATUS, Status)
        coil = "" if status.coil_type == NO_COIL else COILS.get(status.coil_type, f"type {status.coil_type}")
        return Identity(
            model=status.bits.model.device_name or status.bits.model.name,
            serial=str(status.serial),
            coil=coil,
        )

    def state(self) -> DeviceState:
        """Ask for the status and the counter."""
        return self._state(*self._look())

    def keep_alive(self) -> DeviceState:
        """Ask for the status and the counter, by which control is kept."""
        return self.state()

    def _look(self, patience: float | None = None) -> tuple[Status2, int]:
        """The status and the pulses counted; notices when control was lost."""
        looked = self._ask(Query.STATUS_2, Status2, patience)
        count = self._ask(Query.COUNTER, Counter, patience).pulses
        if self._in_control and self._lost is None:
            if self._count is not None and count < self._count:
                self._lost = FaultKind.RESET
            elif self._armed and not looked.status.bits.enabled and self._coil_fault(looked) is None:
                self._lost = FaultKind.REMOTE_LOST
        self._count = count
        if not looked.status.bits.enabled:
            self._armed = False
        return looked, count

    def _state(self, looked: Status2, count: int) -> DeviceState:
        fault = self._fault(looked)
        enabled = looked.status.bits.enabled
        settled = self._armed and self.clock.now() >= self._enabled_at + ARMING_TIME
        return DeviceState(
            remote=self._in_control and self._lost is None,
            armed=enabled,
            ready=enabled and settled and not looked.running and fault is None,
            running=looked.running,
            coil_present=looked.status.coil_type != NO_COIL,
            fault=fault,
            power=looked.status.a_percent / 100,
            coil_temperature=looked.status.coil_celsius + CELSIUS_ZERO,
            pulses_given=count,
            di_dt=self._di_dt,
        )

    def _coil_fault(self, looked: Status2) -> FaultKind | None:
        if looked.status.coil_type == NO_COIL:
            return FaultKind.COIL_ABSENT
        if looked.status.coil_celsius + CELSIUS_ZERO > hottest_coil(self.device, self.coil_limit):
            return FaultKind.COIL_HOT
        return None

    def _fault(self, looked: Status2) -> FaultKind | None:
        """The worst that the device says is wrong with it."""
        if self._lost is not None:
            return self._lost
        if (fault := self._coil_fault(looked)) is not None:
            return fault
        differs = self._settings is not None and self._mismatch(looked, self._settings) != ""
        return FaultKind.READ_BACK_MISMATCH if differs else None

    # Control

    def take_control(self) -> None:
        """Ask for the status and disarm; a MagPro knows no other remote control."""
        self._forget()
        model = self._ask(Query.STATUS, Status).bits.model
        if model.device_name != self.device.name:
            raise DeviceFault(FaultKind.NOT_A_STIMULATOR, f"it says that it is a {model.name}, not {self.device.label}")
        self._in_control = True
        self.disarm()

    def release(self) -> None:
        """Disarm."""
        if self._in_control:
            self.disarm()
            self._forget()

    def close(self) -> None:
        """Disarm as far as the line allows, and give the port back."""
        try:
            self.release()
        except DeviceFault:
            pass  # the device's own watchdog disarms it
        finally:
            self._in_control = False
            self.port.close()

    # Settings

    def set_train(self, settings: TrainSettings) -> None:
        """Set page, amplitude and train, and read them back."""
        amplitude, train = self._on_the_wire(settings)
        looked = self._controlled_look()
        if looked.status.bits.enabled:
            raise DeviceFault(FaultKind.STATE_CONFLICT, "settings change only while disarmed")
        self._settings = None
        self._tell(SetPage(page=Page.MAIN if settings.pulses == 1 else Page.TIMING))
        self._tell(amplitude)
        if settings.pulses > 1:
            self._tell(train)
        mismatch = self._mismatch(self._look()[0], settings) or self._timing_mismatch(settings)
        if mismatch:
            raise DeviceFault(FaultKind.READ_BACK_MISMATCH, mismatch)
        self._settings = settings

    def read_train(self) -> TrainSettings:
        """What the device is set to; it knows no rate of single pulses, so that is the one asked for, else 1 Hz."""
        looked = self._look()[0]
        if looked.status.a_percent == 0:
            raise DeviceFault(FaultKind.READ_BACK_MISMATCH, "its amplitude is 0 %")
        power = looked.status.a_percent / 100
        if looked.page != Page.TIMING.value:
            single = self._settings is not None and self._settings.pulses == 1
            return TrainSettings(power=power, rate=self._settings.rate if single and self._settings else 1.0, pulses=1)
        timing = self._ask(Query.TIMING, TimingSettings)
        return TrainSettings(power=power, rate=timing.rate_tenths / 10, pulses=timing.pulses * timing.trains)

    def _on_the_wire(self, settings: TrainSettings) -> tuple[Amplitude, SetTrain]:
        """The commands that set exactly this.

        Raises
        ------
        SafetyRefusal : there are none, or the model cannot give such a train
        """
        if settings.burst is not None:
            raise SafetyRefusal(
                "a MagPro does not tell the interval within its bursts so that it could be checked; plan single pulses"
            )
        power = in_steps(settings.power, percent, "the power", "whole percents of output")
        rate = in_steps(settings.rate, 0.1, "the rate", "tenths of 1 Hz")
        self.device.refuse_train(settings, settings.power)
        if settings.pulses == 1 and settings.rate > 1:
            raise SafetyRefusal("single pulses over the serial line come at most once a second; set a train")
        train = SetTrain(rate_tenths=rate, pulses=settings.pulses, trains=1, interval_tenths=TRAIN_PAUSE)
        return Amplitude(a_percent=power), train

    def _mismatch(self, looked: Status2, wanted: TrainSettings) -> str:
        """How mode, amplitude and page differ from those wanted, in words; empty if they do not."""
        bits, power = looked.status.bits, round(wanted.power / percent)
        page = Page.MAIN if wanted.pulses == 1 else Page.TIMING
        if bits.mode is not Mode.STANDARD or bits.waveform is Waveform.BIPHASIC_BURST:
            mode, waveform = (each.name.lower().replace("_", " ") for each in (bits.mode, bits.waveform))
            return f"it is in {mode} mode with {waveform} pulses; set standard mode without bursts on its panel"
        if looked.status.a_percent != power:
            return f"power {looked.status.a_percent} % instead of {power} %"
        if looked.page != page.value:
            return f"its panel is on page {looked.page} instead of {page.value}"
        return ""

    def _timing_mismatch(self, wanted: TrainSettings) -> str:
        """How the train generator's settings differ from those wanted, in words; empty if they do not."""
        if wanted.pulses == 1:
            return ""
        timing = self._ask(Query.TIMING, TimingSettings)
        if timing.rate_tenths != round(wanted.rate * 10):
            return f"{timing.rate_tenths / 10:g} Hz instead of {wanted.rate:g} Hz"
        if (timing.pulses, timing.trains) != (wanted.pulses, 1):
            return f"{timing.trains} x {timing.pulses} pulses instead of {wanted.pulses}"
        return ""

    # Pulses

    @property
    def start_uncertain(self) -> bool:
        """Whether the last `start_train` was sent without an answer that says what came of it."""
        return self._uncertain

    def arm(self) -> None:
        """Enable, if nothing is wrong and the settings are those that were set."""
        self._refuse_unless_sound(self._controlled_look())
        if self._settings is None:
            raise DeviceFault(FaultKind.STATE_CONFLICT, "no train has been set")
        self._tell(Enable(on=True))
        looked = self._look()[0]
        if not looked.status.bits.enabled:
            self._refuse_unless_sound(looked)
            raise DeviceFault(FaultKind.STATE_CONFLICT, "it does not arm")
        self._armed = True
        self._enabled_at = self.clock.now()

    def disarm(self) -> None:
        """Disable, again and again until it is seen to have happened."""
        self._armed = False
        insist(self._disarmed)

    def _disarmed(self, patience: float) -> bool:
        """Try once; whether the device says that it is disarmed.

        An answer that is owed is not waited for: since nothing but `arm` enables, and that never while one is owed, an
        old one that says disabled is still true, and one that says enabled costs a try.
        """
        self._tell(Enable(on=False))
        self._owed = None
        return not self._look(patience)[0].status.bits.enabled

    def start_train(self) -> None:
        """Start, if the device has just said that it is enabled with the right settings; then see that it began."""
        self._uncertain = False
        if not self._armed or self._settings is None:
            raise DeviceFault(FaultKind.STATE_CONFLICT, "it is not armed")
        looked = self._controlled_look()
        self._refuse_unless_sound(looked)
        if mismatch := self._timing_mismatch(self._settings):
            raise DeviceFault(FaultKind.READ_BACK_MISMATCH, mismatch)
        before = self._count
        assert before is not None
        if not self._state(looked, before).ready:
            raise DeviceFault(FaultKind.STATE_CONFLICT, "it is not ready")
        self._uncertain = True
        self._tell(SinglePulse() if self._settings.pulses == 1 else Query.TRAIN)
        looked, count = self._look()
        if not looked.running and count == before:
            raise DeviceFault(FaultKind.STATE_CONFLICT, "it was told to start and has not")
        self._uncertain = False

    def _refuse_unless_sound(self, looked: Status2) -> None:
        """Raise what the device's state says is wrong, if anything is."""
        if (fault := self._fault(looked)) is not None:
            raise DeviceFault(fault, self._mismatch(looked, self._settings) if self._settings else "")

    def _controlled_look(self) -> Status2:
        """The status, which must show that control is held."""
        if not self._in_control:
            raise DeviceFault(FaultKind.STATE_CONFLICT, "it is not in remote control")
        looked = self._look()[0]
        if self._lost is not None:
            raise DeviceFault(self._lost)
        return looked

    # Bytes

    def _tell(self, request: Request) -> None:
        """Send what gets no answer of its own."""
        self.port.write(framed(requests.encode(request)))

    def _ask(self, query: Query, wanted: type[Wanted], patience: float | None = None) -> Wanted:
        """Send a question once the line owes nothing, and wait for its answer."""
        if self._owed is not None:
            self._settle(self._owed)
        self._hear(self._reader.feed(self.port.read(0.0)), wanted)  # what has come before is no answer
        self._owed, self._asked_at = wanted, self.clock.now()
        dropped = self._reader.dropped
        self._tell(query)
        deadline = self._asked_at + (self.timeout if patience is None else max(patience, self.clock.shortest_wait))
        in_time = True
        while in_time:  # the last look is after the deadline: this process may have been held up, and not the answer
            left = deadline - self.clock.now()
            in_time = left > 0
            answer = self._hear(self._reader.feed(self.port.read(max(left, 0.0))), wanted)
            if answer is not None:
                self._owed = None
                return answer
        raise self._no_answer(query, dropped)

    def _hear(self, bodies: list[bytes], wanted: type[Wanted]) -> Wanted | None:
        """Take in what arrived; the message that is waited for, if it is among it."""
        found: Wanted | None = None
        for body in bodies:
            message = messages.decode(body)
            if isinstance(message, PulseGiven):
                self._di_dt = message.first * A_per_us
            elif found is None and isinstance(message, wanted):
                found = message
        return found

    def _no_answer(self, query: Query, dropped: int) -> DeviceFault:
        """Why there is no answer, when no more is going to come."""
        words = f"after '{query.name.lower().replace('_', ' ')}'"
        broken_off = len(self._reader.held)
        self._hear(self._reader.settle(), Status)
        if self._reader.dropped > dropped:  # it did answer, if badly
            self._owed = None
        if broken_off:
            return DeviceFault(FaultKind.PARTIAL, f"{broken_off} bytes {words}")
        if self._reader.dropped > dropped:
            return DeviceFault(FaultKind.WRONG_CHECKSUM, words)
        return DeviceFault(FaultKind.SILENT, words)

    def _settle(self, owed: type[Any]) -> None:
        """Wait for an answer that is owed, so that it is not taken for another's when it comes."""
        deadline = self._asked_at + LONGEST_LATENESS
        while (left := deadline - self.clock.now()) > 0:
            if self._hear(self._reader.feed(self.port.read(left)), owed) is not None:
                self._owed = None
                raise DeviceFault(FaultKind.LATE, "the state it tells is old")
        self._owed = None
