"""The emulators themselves: what a driver may rely on, spoken in bare bytes."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anodyne.protocol import Train, find_device
from anodyne.stimulator import (
    CoilWarmth,
    Habits,
    Injection,
    MagProEmulator,
    MagProModel,
    PlannedFault,
    Rapid2Emulator,
    Rapid2Firmware,
)
from anodyne.stimulator.emulation.machine import longest_train, pulse_energy, wait_by_energy
from anodyne.stimulator.magpro import messages, requests
from anodyne.stimulator.magpro.frames import FrameReader, framed
from anodyne.stimulator.magpro.messages import AmplitudeNow, CoilNow, Counter, PageNow, PulseGiven, Status2
from anodyne.stimulator.magpro.requests import Amplitude, Enable, Page, Query, SetPage, SetTrain, SinglePulse
from anodyne.stimulator.magpro.settings import MagProModel as Model
from anodyne.stimulator.magpro.settings import TimingSettings
from anodyne.stimulator.rapid2.commands import Command, Verb, encode
from anodyne.stimulator.rapid2.replies import Refusal, Reply, decode_reply
from anodyne.stimulator.rapid2.status import InstrumentStatus as I
from anodyne.stimulator.rapid2.status import RapidStatus
from anodyne.stimulator.stages import NEXT, Happening, Stage

V5, V7, V9, V10 = Rapid2Firmware


def at_once(circumstances):
    """The same on a line on which bytes take no time, so that what is asked at an instant tells of that instant."""
    return circumstances | {"habits": replace(circumstances.get("habits", Habits()), keeps_wire_time=False)}


class Rapid2Line:
    """Bare commands to a Rapid² emulator, each at its time."""

    def __init__(self, firmware=V9, **circumstances):
        self.emulator = Rapid2Emulator(firmware=firmware, **at_once(circumstances))
        self.firmware = firmware

    def raw(self, data: bytes, now: float) -> bytes:
        return self.emulator.receive(data, now)

    def ask(self, verb: Verb, now: float, value: int | None = None) -> Reply | Refusal | None:
        frame = self.raw(encode(Command(verb=verb, value=value), self.firmware), now)
        return Refusal.NOT_UNDERSTOOD if frame == b"?" else decode_reply(frame, verb, self.firmware)

    def look(self, now: float) -> I:
        return self.ask(Verb.PARAMETERS, now).instrument

    def stay(self, begin: float, end: float) -> None:
        """Keep remote control from `begin` to `end`."""
        keep = Verb.SYSTEM_STATUS if self.firmware.extended else Verb.REMOTE_ON
        now = begin
        while now < end:
            self.ask(keep, now)
            now += 0.5
        self.emulator.tick(end)

    def train(self, now: float = 0.0, *, power=50, rate=100, pulses=20) -> None:
        """Set a train in remote control."""
        self.ask(Verb.REMOTE_ON, now)
        self.ask(Verb.DURATION, now, 10)
        self.ask(Verb.RATE, now, rate)
        self.ask(Verb.PULSES, now, pulses)
        self.ask(Verb.POWER, now, power)


@pytest.fixture(params=Rapid2Firmware, ids=lambda firmware: firmware.name)
def line(request) -> Rapid2Line:
    return Rapid2Line(request.param)


# Rapid²: answers


def test_status_before_the_command_save_for_remote_control(line):
    assert I.REMOTE in line.ask(Verb.REMOTE_ON, 0).instrument
    assert line.ask(Verb.ARM, 0).instrument & I.STANDBY
    assert line.ask(Verb.DISARM, 0).instrument & I.ARMED
    assert line.look(0) & I.STANDBY
    assert I.REMOTE not in line.ask(Verb.REMOTE_OFF, 0).instrument


def test_unknown_and_damaged_commands_get_a_question_mark(line):
    for data in (b"~@A", b"Q@!", b"J@u", b"b@]"):
        assert line.raw(data, 0) == b"?"


def test_bad_value_and_conflict(line):
    line.ask(Verb.REMOTE_ON, 0)
    assert line.ask(Verb.POWER, 0, 101) is Refusal.BAD_VALUE
    assert line.ask(Verb.TRIGGER, 0) is Refusal.OUT_OF_PLACE
    assert line.ask(Verb.PULSES, 0, 0) is Refusal.BAD_VALUE


def test_without_remote_control_later_firmware_is_silent(line):
    answer = line.raw(encode(Command(verb=Verb.POWER, value=50), line.firmware), 0)
    assert (answer == b"") == line.firmware.extended
    assert answer[:2] in (b"", b"@S")
    for verb in (Verb.DISARM, Verb.TEMPERATURE, Verb.PARAMETERS, Verb.VERSION):
        assert isinstance(line.ask(verb, 0), Reply)


def test_first_settings_are_those_of_the_reference(line):
    payload = line.ask(Verb.PARAMETERS, 0).payload
    assert payload.power_percent == 30
    assert line.ask(Verb.TEMPERATURE, 0).payload.first_tenths_celsius == 240
    assert RapidStatus.SINGLE_PULSE in line.ask(Verb.PARAMETERS, 0).rapid


def test_command_in_pieces_is_heard_and_one_that_breaks_off_forgotten(line):
    assert line.raw(b"Q", 0) == b""
    assert line.raw(b"@", 0.01) == b""
    assert line.raw(b"n", 0.02) != b""
    assert line.raw(b"EB", 0.1) == b""
    assert isinstance(line.ask(Verb.PARAMETERS, 1.0), Reply)
    assert line.look(1.0) & I.STANDBY


@pytest.mark.parametrize("code", ["1234-abcdef01-23", "x"])
def test_unlock_code(code):
    line = Rapid2Line(V9, code=code)
    assert line.ask(Verb.REMOTE_ON, 0) is Refusal.BAD_VALUE
    assert I.REMOTE not in line.look(0)
    line.raw(encode(Command(verb=Verb.REMOTE_ON, code=code), V9), 0)
    assert I.REMOTE in line.look(0)


def test_charge_delay_and_its_sign_in_the_system_status():
    for firmware, longest in ((V9, 2000), (V10, 10000)):
        line = Rapid2Line(firmware)
        line.ask(Verb.REMOTE_ON, 0)
        assert line.ask(Verb.SET_CHARGE_DELAY, 0, longest + 1 if firmware is V10 else 2001) is Refusal.BAD_VALUE
        line.ask(Verb.SET_CHARGE_DELAY, 0, longest)
        assert line.ask(Verb.CHARGE_DELAY, 0).payload.delay_ms == longest
        assert line.ask(Verb.SYSTEM_STATUS, 0).payload == 4


def test_enhanced_power_is_for_single_pulses_only(line):
    line.ask(Verb.REMOTE_ON, 0)
    assert isinstance(line.ask(Verb.ENHANCED_ON, 0), Reply)
    assert isinstance(line.ask(Verb.POWER, 0, 110), Reply)
    assert line.ask(Verb.POWER, 0, 111) is Refusal.BAD_VALUE
    line.ask(Verb.ENHANCED_OFF, 0)
    assert line.ask(Verb.PARAMETERS, 0).payload.power_percent == 100
    line.train()
    assert line.ask(Verb.ENHANCED_ON, 0) is Refusal.OUT_OF_PLACE


# Rapid²: time


def test_arming_takes_a_second(line):
    line.train()
    line.ask(Verb.ARM, 0)
    assert line.look(0.0) & I.ARMED
    line.stay(0, 0.99)
    assert line.look(0.99) & I.ARMED
    assert line.look(1.0) & I.READY


def test_disarming_disarms(line):
    """The virtual device of a well-known driver looks at the wrong variable here and never disarms."""
    line.train()
    line.ask(Verb.ARM, 0)
    line.ask(Verb.DISARM, 0.5)
    assert line.look(0.5) & I.STANDBY
    line.stay(0.5, 5)
    assert line.ask(Verb.TRIGGER, 5) is Refusal.OUT_OF_PLACE
    assert line.emulator.pulses == []


def test_disarming_ends_a_running_train(line):
    line.train()
    line.ask(Verb.ARM, 0)
    line.stay(0, 1.5)
    line.ask(Verb.TRIGGER, 1.5)
    line.ask(Verb.DISARM, 2.05)
    line.stay(2.05, 10)
    assert [round(pulse.time, 6) for pulse in line.emulator.pulses] == [1.5, 1.6, 1.7, 1.8, 1.9, 2.0]


def test_train_is_what_was_set(line):
    line.train()
    line.ask(Verb.ARM, 0)
    line.stay(0, 1.5)
    line.ask(Verb.TRIGGER, 1.5)
    assert RapidStatus.TRAIN_RUNNING in line.ask(Verb.PARAMETERS, 1.6).rapid
    line.stay(1.6, 8)
    assert len(line.emulator.pulses) == 20
    assert all(pulse.armed and abs(pulse.power - 0.5) < 1e-9 for pulse in line.emulator.pulses)
    gaps = [b.time - a.time for a, b in pairwise(line.emulator.pulses)]
    assert gaps == pytest.approx([0.1] * 19)
    assert line.look(8) & I.READY


def test_one_trigger_gives_one_train(line):
    line.train()
    line.ask(Verb.ARM, 0)
    line.stay(0, 1.5)
    line.ask(Verb.TRIGGER, 1.5)
    assert line.ask(Verb.TRIGGER, 1.55) is Refusal.OUT_OF_PLACE
    line.stay(1.55, 20)
    assert len(line.emulator.pulses) == 20


def test_settings_stand_still_during_a_train_and_half_a_second_after(line):
    line.train()
    line.ask(Verb.ARM, 0)
    line.stay(0, 1.5)
    line.ask(Verb.TRIGGER, 1.5)
    assert line.ask(Verb.POWER, 2, 60) is Refusal.OUT_OF_PLACE
    line.stay(2, 3.6)
    assert line.ask(Verb.POWER, 3.6, 40) is Refusal.OUT_OF_PLACE
    assert RapidStatus.WAIT in line.ask(Verb.PARAMETERS, 3.9).rapid
    assert isinstance(line.ask(Verb.POWER, 4.01, 40), Reply)


def test_wait_after_a_train_follows_the_energy_law():
    for power, rate, pulses, wait in ((80, 10, 80, 4.28), (60, 20, 100, 3.64), (60, 10, 100, 0.5)):
        line = Rapid2Line(V9, device=find_device("magstim-super-rapid2-plus"))
        line.train(power=power, rate=rate * 10, pulses=pulses)
        line.ask(Verb.ARM, 0)
        line.stay(0, 10)
        line.ask(Verb.TRIGGER, 10)
        over = 10 + pulses / rate
        line.stay(10, over + wait - 0.05)
        assert line.look(over + wait - 0.05) & I.ARMED
        line.stay(over + wait, over + wait + 0.1)
        assert line.look(over + wait + 0.1) & I.READY


def test_energy_law_can_be_left_to_the_user():
    line = Rapid2Line(V9, device=find_device("magstim-super-rapid2-plus"), habits=Habits(keeps_energy_law=False))
    line.train(power=80, rate=100, pulses=80)
    line.ask(Verb.ARM, 0)
    line.stay(0, 10)
    line.ask(Verb.TRIGGER, 10)
    line.stay(10, 18.6)
    assert line.look(18.6) & I.READY


@pytest.mark.parametrize(
    ("power", "rate", "pulses"), [(0.73, 25, 250), (0.6, 10, 100), (0.8, 10, 80), (0.6, 20, 100), (0.4, 10, 100)]
)
def test_energy_law_is_that_of_the_dose_check(power, rate, pulses):
    device = find_device("magstim-super-rapid2-plus")
    assert pulse_energy(power) == pytest.approx(device.energy_per_pulse(power), abs=0.1)
    assert wait_by_energy(power, rate, pulses) == pytest.approx(
        device.wait_after(Train(rate=rate, pulses=pulses), power), abs=0.05
    )
    assert longest_train(power, rate) == pytest.approx(device.maximum_on_time(rate, power), rel=2e-3)


def test_train_longer_than_the_supply_lasts_is_refused():
    line = Rapid2Line(V9, device=find_device("magstim-super-rapid2-plus"))
    line.train(power=80, rate=100, pulses=400)  # 40 s, where 39.1 s is the most
    line.ask(Verb.ARM, 0)
    line.stay(0, 10)
    assert line.ask(Verb.TRIGGER, 10) is Refusal.OUT_OF_PLACE


def test_rate_beyond_the_model_is_refused(line):
    line.train(power=80)
    assert line.ask(Verb.RATE, 0, 180) is not Refusal.BAD_VALUE
    assert line.ask(Verb.RATE, 0, 181) is Refusal.BAD_VALUE
    assert line.ask(Verb.POWER, 0, 100) is Refusal.BAD_VALUE


def test_output_falls_slower_than_it_rises(line):
    line.train(power=50)
    line.stay(0, 3)
    machine = line.emulator.machine
    assert machine.real_power == pytest.approx(0.5)
    line.ask(Verb.POWER, 3, 60)
    line.stay(3, 3.05)
    assert machine.real_power == pytest.approx(0.55)
    line.stay(3.05, 4)
    line.ask(Verb.POWER, 4, 50)
    line.stay(4, 4.5)
    assert machine.real_power == pytest.approx(0.55)
    line.stay(4.5, 5)
    assert machine.real_power == pytest.approx(0.5)


def test_single_pulses_are_a_second_apart(line):
    line.ask(Verb.REMOTE_ON, 0)
    line.ask(Verb.ARM, 0)
    line.stay(0, 2)
    line.ask(Verb.TRIGGER, 2)
    for late in (0.1, 0.5, 0.9):
        assert line.ask(Verb.TRIGGER, 2 + late) is Refusal.OUT_OF_PLACE
    line.stay(2.9, 3.1)
    assert isinstance(line.ask(Verb.TRIGGER, 3.1), Reply)
    assert [round(pulse.time, 6) for pulse in line.emulator.pulses] == [2, 3.1]


@pytest.mark.parametrize(("armed", "patience"), [(False, 10.0), (True, 1.0)])
def test_watchdog(line, armed, patience):
    line.train()
    if armed:
        line.ask(Verb.ARM, 0)
    line.emulator.tick(patience - 0.01)
    assert line.emulator.machine.remote
    line.emulator.tick(patience)
    assert not line.emulator.machine.remote
    assert line.look(patience) & I.STANDBY


def test_watchdog_cuts_a_train_short(line):
    line.train()
    line.ask(Verb.ARM, 0)
    line.stay(0, 1.5)
    line.ask(Verb.TRIGGER, 1.5)
    line.emulator.tick(60)
    assert len(line.emulator.pulses) == 10
    assert max(pulse.time for pulse in line.emulator.pulses) < 2.5


def test_armed_for_a_minute_it_disarms_itself(line):
    line.train()
    line.ask(Verb.ARM, 0)
    line.stay(0, 59.9)
    assert line.look(59.9) & I.READY
    line.stay(59.9, 60.1)
    assert line.look(60.1) & I.STANDBY
    assert I.REMOTE in line.look(60.1)


def test_timers_are_set_by_habits():
    line = Rapid2Line(V9, habits=Habits(idle_watchdog=3, arming_time=0.2, longest_armed=5))
    line.train()
    line.ask(Verb.ARM, 0)
    assert line.look(0.2) & I.READY
    line.stay(0.2, 5.2)
    assert line.look(5.2) & I.STANDBY
    line.emulator.tick(8.5)
    assert not line.emulator.machine.remote


# Heat


def test_coil_warms_with_energy_and_cools_in_time():
    line = Rapid2Line(V9)
    line.train(power=50, rate=100, pulses=100)
    line.ask(Verb.ARM, 0)
    line.stay(0, 2)
    line.ask(Verb.TRIGGER, 2)
    line.stay(2, 12)
    machine = line.emulator.machine
    rise = machine.coil_temperature - 297.15
    assert rise == pytest.approx(100 * pulse_energy(0.5) * 1e-4, rel=0.01)
    line.ask(Verb.DISARM, 12)
    line.emulator.tick(12 + 1200)
    assert machine.coil_temperature - 297.15 == pytest.approx(rise * 0.3679, rel=0.01)


def test_hot_coil_disarms_mid_train_and_forbids_arming_until_it_is_cool():
    line = Rapid2Line(V9, habits=Habits(warmth=CoilWarmth(kelvin_per_joule=0.05, cooling_time=100)))
    line.train(power=50, rate=100, pulses=100)
    line.ask(Verb.ARM, 0)
    line.stay(0, 2)
    line.ask(Verb.TRIGGER, 2)
    line.stay(2, 5)
    assert line.look(5) & I.STANDBY
    assert 1 <= len(line.emulator.pulses) < 10
    assert line.ask(Verb.TEMPERATURE, 5).payload.first_tenths_celsius > 400 - 40
    given_before = len(line.emulator.pulses)
    line.emulator.inject(Injection.COIL_HOT)
    assert line.ask(Verb.ARM, 6) is Refusal.OUT_OF_PLACE
    line.emulator.clear(Injection.COIL_HOT)
    line.stay(6, 200)
    assert isinstance(line.ask(Verb.ARM, 200), Reply)
    assert len(line.emulator.pulses) == given_before


# MagPro


class MagProLine:
    """Bare requests to a MagPro emulator, each at its time."""

    def __init__(self, model=MagProModel.R30, **circumstances):
        self.emulator = MagProEmulator(model=model, **at_once(circumstances))
        self._reader = FrameReader()

    def ask(self, request_, now: float):
        return self.heard(self.emulator.receive(framed(requests.encode(request_)), now))

    def heard(self, data: bytes):
        return [messages.decode(body) for body in self._reader.feed(data)]

    def status(self, now: float) -> Status2:
        return next(each for each in self.ask(Query.STATUS_2, now) if isinstance(each, Status2))

    def timing(self, now: float) -> TimingSettings:
        return next(each for each in self.ask(Query.TIMING, now) if isinstance(each, TimingSettings))

    def stay(self, begin: float, end: float):
        """Keep asking from `begin` to `end`; everything it said."""
        now, said = begin, []
        while now < end:
            said += self.ask(Query.STATUS_2, now)
            now += 0.5
        return said + self.heard(self.emulator.tick(end))

    def train(self, now: float = 0.0, *, power=50, rate=100, pulses=20, trains=1, interval=10) -> None:
        self.ask(SetPage(page=Page.TIMING), now)
        self.ask(Amplitude(a_percent=power), now)
        self.ask(SetTrain(rate_tenths=rate, pulses=pulses, trains=trains, interval_tenths=interval), now)


@pytest.fixture
def magpro() -> MagProLine:
    return MagProLine()


def test_magpro_status_says_model_coil_and_warmth(magpro):
    status = magpro.status(0).status
    assert (status.bits.model, status.coil_type, status.coil_celsius) == (Model.R30, 60, 24)


def test_magpro_gives_the_train_and_tells_of_each_pulse(magpro):
    magpro.train()
    magpro.ask(Enable(on=True), 0)
    magpro.stay(0, 1.5)
    said = magpro.ask(Query.TRAIN, 1.5) + magpro.stay(1.6, 5)
    assert len(magpro.emulator.pulses) == 20
    pulses = [each for each in said if isinstance(each, PulseGiven)]
    assert [each.first for each in pulses] == [75] * 20
    pages = [each for each in said if isinstance(each, PageNow)]
    assert (pages[0].second, pages[-1].second) == (1, 0)
    counter = next(each for each in magpro.ask(Query.COUNTER, 5) if isinstance(each, Counter))
    assert counter.pulses == 20


def test_magpro_gives_several_trains_with_their_interval(magpro):
    magpro.train(pulses=2, trains=3, interval=20)
    magpro.ask(Enable(on=True), 0)
    magpro.stay(0, 2)
    magpro.ask(Query.TRAIN, 2)
    magpro.stay(2, 12)
    assert [round(pulse.time, 6) for pulse in magpro.emulator.pulses] == [2, 2.1, 4.2, 4.3, 6.4, 6.5]


def test_magpro_single_pulse_in_both_forms(magpro):
    magpro.ask(Amplitude(a_percent=40), 0)
    magpro.ask(Enable(on=True), 0)
    magpro.stay(0, 2)
    magpro.ask(SinglePulse(), 2)
    magpro.stay(2, 4)
    magpro.emulator.receive(framed(b"\x03"), 4)
    assert len(magpro.emulator.pulses) == 2


def test_magpro_starts_no_train_from_another_page_nor_disabled(magpro):
    magpro.train()
    assert magpro.ask(Query.TRAIN, 0) == []
    magpro.ask(Enable(on=True), 0)
    magpro.ask(SetPage(page=Page.MAIN), 0)
    magpro.stay(0, 2)
    assert magpro.ask(Query.TRAIN, 2) == []
    magpro.stay(2, 5)
    assert magpro.emulator.pulses == []


def test_magpro_disabling_ends_a_train_and_is_told(magpro):
    magpro.train()
    magpro.ask(Enable(on=True), 0)
    magpro.stay(0, 2)
    magpro.ask(Query.TRAIN, 2)
    said = magpro.ask(Enable(on=False), 2.35)
    told = next(each for each in said if isinstance(each, AmplitudeNow))
    assert not told.bits.enabled
    magpro.stay(2.4, 6)
    assert len(magpro.emulator.pulses) == 4
    assert not magpro.status(6).running


def test_magpro_tells_when_its_coil_gets_warmer():
    line = MagProLine(habits=Habits(warmth=CoilWarmth(kelvin_per_joule=0.01)))
    line.train(power=50, pulses=4)
    line.ask(Enable(on=True), 0)
    line.stay(0, 2)
    said = line.ask(Query.TRAIN, 2) + line.stay(2, 4)
    warmer = [each.first for each in said if isinstance(each, CoilNow)]
    assert warmer == sorted(warmer)
    assert warmer[-1] == line.status(4).status.coil_celsius > 24


@pytest.mark.parametrize(
    ("model", "tenths", "taken"),
    [
        (MagProModel.R30, 300, True),
        (MagProModel.R30, 310, False),
        (MagProModel.X100, 1000, True),
        (MagProModel.X100, 1010, False),
        (MagProModel.X100, 15, False),
        (MagProModel.X100, 5, True),
    ],
)
def test_magpro_rates_by_model(model, tenths, taken):
    line = MagProLine(model)
    line.ask(SetTrain(rate_tenths=tenths, pulses=20, trains=1, interval_tenths=10), 0)
    assert (line.timing(0).rate_tenths == tenths) == taken


@pytest.mark.parametrize(("pulses", "taken"), [(1, True), (100, True), (101, False), (1000, True), (1050, False)])
def test_magpro_numbers_of_pulses(magpro, pulses, taken):
    magpro.ask(SetTrain(rate_tenths=100, pulses=pulses, trains=1, interval_tenths=10), 0)
    assert (magpro.timing(0).pulses == pulses) == taken


def test_magpro_watchdog(magpro):
    magpro.train()
    magpro.ask(Enable(on=True), 0)
    said = magpro.heard(magpro.emulator.tick(3))
    assert [each.bits.enabled for each in said if isinstance(each, AmplitudeNow)] == [False]
    assert not magpro.status(3).status.bits.enabled


def test_magpro_bursts_fall_within_bursts(magpro):
    mode = messages.ModeSettings(
        waveform=messages.Bits.unpacked(0b1100).waveform, burst_pulses=3, interval=200
    )  # 20 ms
    magpro.ask(requests.SetMode(mode=mode), 0)
    magpro.train(rate=50, pulses=2)
    magpro.ask(Enable(on=True), 0)
    magpro.stay(0, 2)
    magpro.ask(Query.TRAIN, 2)
    magpro.stay(2, 4)
    assert [round(pulse.time - 2, 4) for pulse in magpro.emulator.pulses] == [0, 0.02, 0.04, 0.2, 0.22, 0.24]


# Faults


def test_every_fault_says_what_it_does():
    assert all(each.in_words for each in Injection)


@pytest.mark.parametrize("text", ["silent@-1", "silent@x", "silent~0", "silent@nan"])
def test_fault_at_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"\bs\b|seconds"):
        PlannedFault.from_text(text)


def test_planned_fault_comes_at_its_time():
    line = Rapid2Line(V9, faults=[PlannedFault.from_text("coil-absent@3")])
    assert I.COIL_PRESENT in line.look(2.99)
    assert I.COIL_PRESENT not in line.look(3)


def test_random_faults_repeat_and_depend_on_the_seed_alone():
    def times(seed):
        events = []
        line = Rapid2Line(V9, faults=[PlannedFault.from_text("noise~10")], seed=seed, witness=events.append)
        line.emulator.tick(1000)
        return [event["time"] for event in events if event["event"] == "fault"]

    assert times(1) == times(1) != times(2)
    assert 60 < len(times(1)) < 150


def test_restart_is_deaf_and_forgets(line):
    line.train(power=50)
    line.emulator.inject(Injection.RESET)
    assert line.raw(b"Q@n", 1.0) == b""
    looked = line.ask(Verb.PARAMETERS, 2.1)
    assert looked.payload.power_percent == 30
    assert I.REMOTE not in looked.instrument
    assert RapidStatus.SINGLE_PULSE in looked.rapid


@pytest.mark.parametrize(
    "injection", [Injection.COIL_ABSENT, Injection.COIL_HOT, Injection.REPLACE_COIL, Injection.FATAL_ERROR]
)
def test_unsound_device_ends_its_train_and_arms_no_more(line, injection):
    line.train()
    line.ask(Verb.ARM, 0)
    line.stay(0, 1.5)
    line.ask(Verb.TRIGGER, 1.5)
    line.emulator.tick(1.75)
    line.emulator.inject(injection)
    line.stay(1.75, 3)
    assert len(line.emulator.pulses) == 3
    assert line.ask(Verb.ARM, 3) is Refusal.OUT_OF_PLACE
    line.emulator.clear(injection)
    assert isinstance(line.ask(Verb.ARM, 3.5), Reply)


def test_events_are_plain_data(new_bench, make):
    events = []
    bench = new_bench(make, witness=events.append)
    bench.driver.take_control()
    bench.driver.release()
    assert json.loads(json.dumps(events)) == events
    assert {"time", "event"} <= set(events[0])


# Bytes on the line


def first_said(emulator, begin: float, until: float) -> float:
    """When something is first heard of an emulator, to a tenth of a millisecond."""
    steps = round((until - begin) * 1e4)
    return next(begin + n * 1e-4 for n in range(steps) if emulator.tick(begin + n * 1e-4))


def test_answer_of_a_rapid2_takes_its_time_on_the_line():
    emulator = Rapid2Emulator()
    assert emulator.receive(encode(Command(verb=Verb.PARAMETERS), V9), 0) == b""
    assert first_said(emulator, 0, 1) == pytest.approx((3 + 24) * 10 / 9600, abs=1e-4)


def test_answer_of_a_magpro_takes_its_time_on_the_line():
    emulator = MagProEmulator()
    assert emulator.receive(framed(requests.encode(Query.STATUS_2)), 0) == b""
    assert first_said(emulator, 0, 1) == pytest.approx((5 + 19) * 10 / 38400, abs=1e-4)


def test_command_is_heard_when_its_last_byte_has_come(line):
    line.train()
    line.ask(Verb.ARM, 0)
    line.stay(0, 2)
    emulator = line.emulator
    emulator.machine.habits = Habits()
    emulator.receive(encode(Command(verb=Verb.TRIGGER), line.firmware), 2)
    emulator.tick(2.003)
    assert emulator.pulses == []
    emulator.tick(2.004)
    assert [pulse.time for pulse in emulator.pulses] == [pytest.approx(2 + 3 * 10 / 9600)]


def test_messages_wait_for_those_before_them():
    emulator = MagProEmulator()
    for number in range(3):
        emulator.receive(framed(requests.encode(Query.STATUS_2)), number * 1e-4)
    frames, now = [], 0.0
    while now < 0.05:
        said = emulator.tick(now)
        frames += [now] if said else []
        now += 1e-4
    heard = [(5 * n) * 10 / 38400 for n in (1, 2, 3)]
    assert frames == pytest.approx([heard[0] + 19 * n * 10 / 38400 for n in (1, 2, 3)], abs=2e-4)


def test_pulse_is_told_of_when_its_message_has_come():
    line = MagProLine()
    line.train()
    line.ask(Enable(on=True), 0)
    line.stay(0, 2)
    line.emulator.machine.habits = Habits()
    line.emulator.receive(framed(requests.encode(Query.TRAIN)), 2)
    line.emulator.tick(2.05)
    told = first_said(line.emulator, 2.05, 2.2)
    assert told == pytest.approx(line.emulator.pulses[1].time + 8 * 10 / 38400, abs=1e-4)


def test_what_is_on_its_way_when_the_device_restarts_is_lost():
    emulator = Rapid2Emulator()
    emulator.receive(b"Q@n", 0.0)
    emulator.inject(Injection.RESET, 0.001)
    assert emulator.tick(5) == b""
    assert not emulator.machine.remote


# The same at any pace of looking


@given(st.lists(st.floats(0.001, 0.4), max_size=40))
def test_pulses_do_not_depend_on_how_often_it_is_looked_at(steps):
    line = Rapid2Line(V9)
    line.train()
    line.ask(Verb.ARM, 0)
    line.stay(0, 1.5)
    line.ask(Verb.TRIGGER, 1.5)
    now = 1.5
    for step in steps:
        now = min(now + step, 2.49)
        line.emulator.tick(now)
    line.emulator.tick(10)
    assert [round(pulse.time, 9) for pulse in line.emulator.pulses] == [round(1.5 + n / 10, 9) for n in range(10)]


@given(st.lists(st.tuples(st.floats(0, 3), st.binary(max_size=30)), max_size=12), st.sampled_from(Rapid2Firmware))
def test_rapid2_bears_any_bytes(chunks, firmware):
    emulator, now = Rapid2Emulator(firmware=firmware), 0.0
    for pause, data in chunks:
        now += pause
        emulator.receive(data, now)
    assert all(pulse.armed for pulse in emulator.pulses)


@given(st.lists(st.tuples(st.floats(0, 3), st.binary(max_size=30)), max_size=12))
def test_magpro_bears_any_bytes(chunks):
    emulator, now = MagProEmulator(), 0.0
    for pause, data in chunks:
        now += pause
        emulator.receive(data, now)
        emulator.receive(framed(data[:20] or b"\x00"), now)
    assert all(pulse.armed for pulse in emulator.pulses)


def test_table_of_stages_leads_nowhere_unknown():
    assert {stage for stage, _ in NEXT} | set(NEXT.values()) == set(Stage)
    for stage in Stage:
        assert NEXT[stage, Happening.DISARM] is Stage.STANDBY
    assert [stage for stage in Stage if (stage, Happening.TRIGGER) in NEXT] == [Stage.READY]
