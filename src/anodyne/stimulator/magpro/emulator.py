"""An emulated MagVenture MagPro: the machine of all emulators behind a MagPro's frames.

Frames, bodies and ranges after the reference (MAGIC, pytms; read). How a MagPro answers commands other than questions
is assumed: with the message that it would send when the same was done on its panel. It answers what it does not
understand, and what is out of place, with silence.
"""

from collections.abc import Callable
from typing import Unpack, final

from anodyne.stimulator.emulation.emulator import Circumstances, Emulator
from anodyne.stimulator.emulation.machine import Programme
from anodyne.stimulator.magpro import messages
from anodyne.stimulator.magpro.driver import LINE
from anodyne.stimulator.magpro.frames import FrameReader, framed
from anodyne.stimulator.magpro.messages import AmplitudeNow, CoilNow, Counter, Message, PageNow, PulseGiven, Status2
from anodyne.stimulator.magpro.requests import (
    Amplitude,
    Enable,
    Page,
    Query,
    SetDelays,
    SetMode,
    SetPage,
    SetTiming,
    SetTrain,
    SinglePulse,
    decode,
)
from anodyne.stimulator.magpro.settings import Bits, Delays, MagProModel, Mode, ModeSettings, TimingSettings, Waveform
from anodyne.stimulator.stages import Stage
from anodyne.units import CELSIUS_ZERO, ms, percent

SERIAL_NUMBER = 1001
COIL_TYPE, NO_COIL = 60, 0
"""Code of a Cool-B65 (pytms; read), and of no coil (assumed)."""

FULL_DI_DT = 150
"""A/µs at full output (assumed)."""

CEILING = {MagProModel.X100: 1000, MagProModel.X100_OPTION: 1000}
"""Highest rate, 0.1 Hz, where it is not the R30's 300 (pytms; read, of the options assumed)."""

MOST_TRAINS = 500
LONGEST_INTERVAL = 1200
"""0.1 s between trains (MAGIC; read)."""


def takes_rate(tenths: int, model: MagProModel) -> bool:
    """Whether a MagPro can be set to a rate in 0.1 Hz: tenths to 1 Hz, then whole hertz (MAGIC; read)."""
    return 1 <= tenths <= CEILING.get(model, 300) and (tenths <= 10 or tenths % 10 == 0)


def takes_pulses(pulses: int) -> bool:
    """Whether a MagPro can be set to a number of pulses: to 100, then hundreds from 1000 to 2000 (MAGIC; read)."""
    return 1 <= pulses <= 100 or (1000 <= pulses <= 2000 and pulses % 100 == 0)


@final
class MagProEmulator(Emulator):
    """A MagVenture MagPro that is only a program.

    Parameters
    ----------
    model : as it calls itself in its status
    circumstances : habits, faults, seed, witness, now: as for every `Emulator`

    >>> emulator = MagProEmulator()  # five bytes there and thirteen back take 4.7 ms
    >>> emulator.receive(bytes.fromhex("fe 01 00 00 ff"), 0.0), emulator.tick(0.005)[:3].hex(" ")
    (b'', 'fe 09 00')
    """

    make = "magpro"
    line = LINE

    def __init__(
        self,
        *,
        model: MagProModel = MagProModel.R30,
        **circumstances: Unpack[Circumstances],
    ) -> None:
        self.model = model
        self._reader = FrameReader()
        super().__init__(**circumstances)
        self.machine.on_pulse = self._pulse_given
        self.machine.on_train_end = self._train_ended
        self.machine.on_disarm = self._disarmed
        self._acts: dict[type, Callable[..., Message | None]] = {
            Amplitude: self._set_amplitude,
            Enable: self._enable,
            SinglePulse: self._single_pulse,
            SetTrain: self._set_train,
            SetPage: self._set_page,
            SetDelays: self._set_delays,
            SetMode: self._set_mode,
            SetTiming: self._set_timing,
            Query: self._query,
        }
        self._forget()

    def _forget(self) -> None:
        """First settings, as after a start."""
        self._a_percent = 0
        self._page = Page.MAIN
        self._mode = ModeSettings(model=self.model)
        self._delays = Delays()
        self._timing = TimingSettings()
        self._told_celsius = self._celsius()

    # Bytes

    def _take(self, data: bytes) -> None:
        for body in self._reader.feed(data):
            request = decode(body)
            if self._command_spoiled() is not None or request is None:
                continue
            self.machine.take_remote()
            answer = self._acts[type(request)](request)
            if answer is not None:
                self._answer(framed(messages.encode(answer)))

    def _damaged(self, answer: bytes) -> bytes:
        return answer[:-2] + bytes([answer[-2] ^ 0x55]) + answer[-1:]

    def _tell(self, message: Message) -> None:
        self._say(framed(messages.encode(message)))

    def _bits(self) -> Bits:
        return Bits(
            mode=self._mode.mode,
            waveform=self._mode.waveform,
            enabled=self.machine.stage.is_armed,
            model=self.model,
        )

    def _celsius(self) -> int:
        return round(self.machine.coil_temperature - CELSIUS_ZERO)

    def _coil_type(self) -> int:
        return COIL_TYPE if self.machine.coil_present else NO_COIL

    def _amplitude_now(self) -> AmplitudeNow:
        return AmplitudeNow(first=self._a_percent, second=0, bits=self._bits())

    def _page_now(self) -> PageNow:
        return PageNow(first=self._page.value, second=self.machine.running is not None, bits=self._bits())

    # Questions

    def _query(self, query: Query) -> Message | None:
        match query:
            case Query.STATUS:
                return self._status()
            case Query.STATUS_2:
                return Status2(
                    status=self._status(),
                    original_a=self._a_percent,
                    factor_a=100,
                    page=self._page.value,
                    running=self.machine.running is not None,
                )
            case Query.MODE:
                return self._mode
            case Query.DELAYS:
                return self._delays
            case Query.TIMING:
                return self._timing
            case Query.COUNTER:
                return Counter(page=self._page.value, pulses=self.machine.count)
        return self._start_train()

    def _status(self) -> messages.Status:
        return messages.Status(
            bits=self._bits(),
            serial=SERIAL_NUMBER,
            coil_celsius=self._celsius(),
            coil_type=self._coil_type(),
            a_percent=self._a_percent,
            b_percent=0,
        )

    # Commands; what they give back is said at once, None is silence

    def _set_amplitude(self, request: Amplitude) -> Message | None:
        if self.machine.running is not None:
            return None
        self._a_percent = round(self._power_taken(request.a_percent * percent) / percent)
        self.machine.set_power(self._a_percent * percent)
        self.machine.preset_power(self._a_percent * percent)
        return self._amplitude_now()

    def _enable(self, request: Enable) -> Message | None:
        if request.on:
            return self._amplitude_now() if self.machine.arm() else None
        if not self.machine.stage.is_armed:
            return self._amplitude_now()
        self.machine.disarm("asked")  # which says so itself
        return None

    def _single_pulse(self, request: SinglePulse) -> Message | None:
        self.machine.trigger(self._programme(pulses=1, trains=1))
        return None

    def _start_train(self) -> Message | None:
        if self._page is not Page.TIMING:
            return None
        started = self.machine.trigger(self._programme(pulses=self._timing.pulses, trains=self._timing.trains))
        return self._page_now() if started else None

    def _programme(self, *, pulses: int, trains: int) -> Programme:
        """When pulses fall; the interval between trains runs from the end of the last period (assumed)."""
        rate, interval = self._timing.rate_tenths / 10, self._timing.interval_tenths / 10
        one = pulses / rate
        starts = [train * (one + interval) + n / rate for train in range(trains) for n in range(pulses)]
        within = [0.0]
        if self._mode.waveform is Waveform.BIPHASIC_BURST:
            within = [n * self._mode.interval * 0.1 * ms for n in range(self._mode.burst_pulses)]
        times = tuple(start + later for start in starts for later in within)
        single = pulses == trains == 1
        duration = times[-1] if single else trains * one + (trains - 1) * interval
        return Programme(pulse_times=times, duration=duration)

    def _set_train(self, request: SetTrain) -> Message | None:
        return self._set_timing(
            SetTiming(
                timing=TimingSettings(
                    control=self._timing.control,
                    rate_tenths=request.rate_tenths,
                    pulses=request.pulses,
                    trains=request.trains,
                    interval_tenths=request.interval_tenths,
                    warning=self._timing.warning,
                )
            )
        )

    def _set_timing(self, request: SetTiming) -> Message | None:
        timing = request.timing
        fits = takes_rate(timing.rate_tenths, self.model) and takes_pulses(timing.pulses)
        fits = fits and 1 <= timing.trains <= MOST_TRAINS and 1 <= timing.interval_tenths <= LONGEST_INTERVAL
        if fits and self.machine.running is None:
            self._timing = timing
        return None

    def _set_page(self, request: SetPage) -> Message | None:
        if self.machine.running is not None:
            return None
        self._page = request.page
        return self._page_now()

    def _set_delays(self, request: SetDelays) -> Message | None:
        self._delays = request.delays
        return self._delays

    def _set_mode(self, request: SetMode) -> Message | None:
        if self.machine.stage is not Stage.STANDBY or request.mode.mode in (Mode.TWIN, Mode.DUAL):
            return None
        self._mode = request.mode
        return self._mode

    # What it says of its own accord

    def _pulse_given(self) -> None:
        di_dt = round(self.machine.real_power * FULL_DI_DT)
        self._tell(PulseGiven(first=di_dt, second=0, bits=self._bits()))
        if self._celsius() != self._told_celsius:
            self._told_celsius = self._celsius()
            self._tell(CoilNow(first=self._told_celsius, second=self._coil_type(), bits=self._bits()))

    def _train_ended(self) -> None:
        self._tell(self._page_now())

    def _disarmed(self) -> None:
        self._tell(self._amplitude_now())

    def _restart(self) -> None:
        self.machine.restart()
        self._reader = FrameReader()
        self._forget()
