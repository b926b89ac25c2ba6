"""One contract for the drivers of all makes, against emulators in simulated time, whole and broken."""

import pickle
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from anodyne.certainty import Certainty
from anodyne.errors import SafetyRefusal, StimulatorFault
from anodyne.protocol import THETA_BURST, Fact, find_device
from anodyne.stimulator import DeviceFault, EmulatedPort, FaultKind, Habits, Injection, Port, Rapid2, TrainSettings
from anodyne.stimulator.emulation.thermal import CoilWarmth
from anodyne.stimulator.magpro.requests import Page
from anodyne.stimulator.magpro.settings import ModeSettings, TimingSettings, Waveform
from anodyne.stimulator.model import HOTTEST, hottest_coil
from anodyne.stimulator.stages import Stage
from tests.stimulator.conftest import MAKES, make_bench

TRAIN = TrainSettings(power=0.5, rate=10.0, pulses=20)
SINGLE = TrainSettings(power=0.4, rate=0.5, pulses=1)


def ready(bench, settings=TRAIN):
    """In control, set and armed until ready."""
    bench.driver.take_control()
    bench.driver.set_train(settings)
    bench.driver.arm()
    state = bench.until_ready()
    assert state.ready, state
    return bench


# Nothing wrong


def test_identity(bench, make):
    identity = bench.driver.identify()
    assert identity.model == bench.driver.device.name
    assert bool(identity.firmware) == make.startswith("rapid2")


def test_asking_changes_nothing(bench):
    before = bench.driver.state()
    bench.driver.identify()
    assert bench.driver.state() == before
    assert not before.remote
    assert not before.armed


def test_a_session(bench):
    ready(bench)
    assert bench.driver.read_train() == TRAIN
    for train in range(1, 4):
        bench.driver.start_train()
        assert not bench.driver.start_uncertain
        state = bench.driver.keep_alive()
        assert state.running
        assert not state.ready
        state = bench.until(lambda state: not state.running)
        assert bench.given == 20 * train
        assert bench.until_ready().ready
    bench.driver.release()
    state = bench.driver.state()
    assert (state.armed, state.remote, state.running) == (False, False, False)
    assert {round(pulse.power, 6) for pulse in bench.emulator.pulses} == {0.5}


def test_single_pulses(bench):
    ready(bench, SINGLE)
    assert bench.driver.read_train() == SINGLE
    for pulses in range(1, 4):
        bench.driver.start_train()
        assert bench.given == pulses
        bench.until_ready()


def test_state_says_power_temperature_and_coil(bench, make):
    ready(bench)
    state = bench.driver.state()
    assert state.power == 0.5
    assert state.coil_temperature == pytest.approx(297.15, abs=0.5)
    assert state.coil_present
    assert state.fault is None
    assert (state.pulses_given == 0) == make.startswith("magpro")


def test_magpro_counts_pulses_and_tells_di_dt(new_bench):
    bench = ready(new_bench("magpro-r30"))
    bench.driver.start_train()
    state = bench.until(lambda state: not state.running)
    assert state.pulses_given == 20
    assert state.di_dt == pytest.approx(75e6)


def test_not_ready_before_a_second_has_passed(bench):
    bench.driver.take_control()
    bench.driver.set_train(TRAIN)
    bench.driver.arm()
    state = bench.driver.keep_alive()
    assert state.armed
    assert not state.ready
    with pytest.raises(DeviceFault, match="not ready") as caught:
        bench.driver.start_train()
    assert caught.value.kind is FaultKind.STATE_CONFLICT
    assert not bench.driver.start_uncertain
    assert bench.given == 0


def test_not_ready_before_the_output_has_fallen(new_bench):
    bench = new_bench("rapid2-v9")
    bench.driver.take_control()
    bench.driver.set_train(TrainSettings(power=0.9, rate=10, pulses=10))
    bench.until(lambda state: False, patience=2)
    bench.driver.set_train(TRAIN)  # 4 s down
    bench.driver.arm()
    begin = bench.clock.now()
    assert bench.until_ready().ready
    assert bench.clock.now() - begin > 3.5
    bench.driver.start_train()
    bench.until(lambda state: not state.running)
    assert {round(pulse.power, 6) for pulse in bench.emulator.pulses} == {0.5}


def test_disarming_mid_train_ends_it(bench):
    ready(bench)
    bench.driver.start_train()
    bench.clock.sleep(0.35)
    bench.driver.disarm()
    given = bench.given
    assert given == 4
    bench.until(lambda state: False, patience=5)
    assert bench.given == given
    assert not bench.driver.state().armed


def test_control_is_kept_by_keeping_alive_and_lost_without(bench):
    ready(bench)
    bench.clock.sleep(3)
    state = bench.driver.keep_alive()
    assert state.fault is FaultKind.REMOTE_LOST
    assert not state.armed
    assert not state.ready
    for call in (bench.driver.start_train, bench.driver.arm, lambda: bench.driver.set_train(TRAIN)):
        with pytest.raises(DeviceFault):
            call()
    assert bench.given == 0
    assert bench.driver.keep_alive().fault is FaultKind.REMOTE_LOST
    bench.driver.take_control()
    assert bench.driver.keep_alive().fault is None


def test_closing_disarms_and_may_be_done_twice(bench):
    ready(bench)
    with bench.driver:
        pass
    assert bench.emulator.machine.stage is Stage.STANDBY
    bench.driver.close()


# What is out of place


def test_nothing_is_set_armed_or_started_without_control(bench):
    for call in (lambda: bench.driver.set_train(TRAIN), bench.driver.arm, bench.driver.start_train):
        with pytest.raises(DeviceFault) as caught:
            call()
        assert caught.value.kind is FaultKind.STATE_CONFLICT
    assert bench.given == 0


def test_nothing_is_armed_before_it_is_set(bench):
    bench.driver.take_control()
    with pytest.raises(DeviceFault, match="no train has been set"):
        bench.driver.arm()


def test_nothing_is_set_while_armed(bench):
    ready(bench)
    with pytest.raises(DeviceFault, match="only while disarmed"):
        bench.driver.set_train(SINGLE)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (TrainSettings(power=0.525, rate=10, pulses=20), "whole percents"),
        (TrainSettings(power=0.5, rate=0.33, pulses=2), "tenths of 1 Hz"),
        (TrainSettings(power=0.5, rate=60, pulses=20), "at most|Hz"),
        (TrainSettings(power=0.5, rate=5, pulses=30, burst=THETA_BURST), "bursts"),
        (TrainSettings(power=0.5, rate=2, pulses=1), "once a second"),
        (TrainSettings(power=0.5, rate=10, pulses=7000), "pulses"),
    ],
)
def test_what_cannot_be_set_exactly_is_refused_unsent(new_bench, settings, says):
    for make in ("rapid2-v9", "magpro-r30"):
        bench = new_bench(make)
        bench.driver.take_control()
        before = bench.driver.state()
        with pytest.raises(SafetyRefusal, match=says):
            bench.driver.set_train(settings)
        assert bench.driver.state() == before


@pytest.mark.parametrize(
    "change", [{"power": 0.0}, {"power": 1.01}, {"rate": 0.0}, {"pulses": 0}, {"power": float("nan")}, {"pulses": True}]
)
def test_settings_that_are_none(change):
    with pytest.raises(ValueError, match=r"power|rate|pulse"):
        TrainSettings(**{"power": 0.5, "rate": 1.0, "pulses": 1, **change})


def test_magpro_set_to_bursts_on_its_panel_is_not_armed(new_bench):
    bench = new_bench("magpro-x100")
    bench.driver.take_control()
    bench.emulator._mode = ModeSettings(model=bench.emulator.model, waveform=Waveform.BIPHASIC_BURST)
    with pytest.raises(DeviceFault, match="burst") as caught:
        bench.driver.set_train(TRAIN)
    assert caught.value.kind is FaultKind.READ_BACK_MISMATCH


def test_magpro_that_cannot_be_set_to_a_number_of_pulses_is_found_out(new_bench):
    bench = new_bench("magpro-r30")
    bench.driver.take_control()
    with pytest.raises(DeviceFault, match="instead of 150"):
        bench.driver.set_train(TrainSettings(power=0.5, rate=1, pulses=150))


def test_magpro_of_another_model_is_refused(new_bench):
    bench = new_bench("magpro-r30")
    bench.driver.device = new_bench("magpro-x100").driver.device
    with pytest.raises(DeviceFault, match="R30") as caught:
        bench.driver.take_control()
    assert caught.value.kind is FaultKind.NOT_A_STIMULATOR


def test_panel_knob_turned_while_armed(new_bench):
    """Somebody changes the power on the panel: seen at the next keep-alive, and nothing starts."""
    for make in ("rapid2-v9", "magpro-r30"):
        bench = ready(new_bench(make))
        name = "_power_percent" if make.startswith("rapid2") else "_a_percent"
        setattr(bench.emulator, name, 70)
        state = bench.driver.keep_alive()
        assert state.fault is FaultKind.READ_BACK_MISMATCH
        assert not state.ready
        with pytest.raises(DeviceFault, match="power 70 % instead of 50 %"):
            bench.driver.start_train()
        assert bench.given == 0


def test_rate_or_pulses_changed_on_the_panel_while_armed(new_bench):
    changes = [
        ("rapid2-v9", "_rate", 110, "11 Hz instead of 10 Hz"),
        ("rapid2-v9", "_count", 40, "40 pulses instead of 20"),
        ("rapid2-v9", "_single", True, "single pulses instead of 20 pulses"),
        ("magpro-r30", "_timing", TimingSettings(rate_tenths=110, pulses=20), "11 Hz instead of 10 Hz"),
        ("magpro-r30", "_timing", TimingSettings(rate_tenths=100, pulses=20, trains=3), "3 x 20 pulses"),
        ("magpro-r30", "_page", Page.MAIN, "page 1 instead of 2"),
    ]
    for make, name, value, says in changes:
        bench = ready(new_bench(make))
        setattr(bench.emulator, name, value)
        with pytest.raises(DeviceFault, match=says) as caught:
            bench.driver.start_train()
        assert caught.value.kind is FaultKind.READ_BACK_MISMATCH
        assert bench.given == 0


def test_unlock_code(new_bench):
    bench = new_bench("rapid2-v9", code="1234-ab")
    with pytest.raises(DeviceFault) as caught:
        bench.driver.take_control()
    assert caught.value.kind is FaultKind.REFUSED_VALUE
    port = EmulatedPort(bench.emulator, bench.clock)
    bench.driver = Rapid2(port, bench.driver.device, clock=bench.clock, code="1234-ab")
    ready(bench)


# Faults: what the driver says of each, idle and armed

K = FaultKind
LINE = {K.SILENT, K.PARTIAL, K.WRONG_CHECKSUM, K.UNEXPECTED_REPLY, K.LATE}
EXPECTED = {
    Injection.DROPPED_BYTE: {K.PARTIAL, K.WRONG_CHECKSUM, K.UNEXPECTED_REPLY, K.UNKNOWN_COMMAND},
    Injection.WRONG_CHECKSUM: {K.WRONG_CHECKSUM},
    Injection.PARTIAL: {K.PARTIAL},
    Injection.LATE: {K.SILENT},
    Injection.NOISE: {None},
    Injection.UNKNOWN_COMMAND: {K.UNKNOWN_COMMAND, K.SILENT},
    Injection.STATE_CONFLICT: {K.STATE_CONFLICT, K.SILENT},
    Injection.SILENT: {K.SILENT},
    Injection.COIL_ABSENT: {K.COIL_ABSENT},
    Injection.COIL_HOT: {K.COIL_HOT},
    Injection.REPLACE_COIL: {K.REPLACE_COIL},
    Injection.FATAL_ERROR: {K.FATAL_ERROR},
    Injection.READ_BACK_MISMATCH: {None},
    Injection.RESET: {K.SILENT},
    Injection.REMOTE_LOST: {K.REMOTE_LOST},
    Injection.PORT_LOST: {K.PORT_LOST},
    Injection.NOT_A_STIMULATOR: {K.UNEXPECTED_REPLY, K.PARTIAL, K.WRONG_CHECKSUM},
}


def said(bench):
    """The fault that a keep-alive tells, raised or in the state."""
    try:
        return bench.driver.keep_alive().fault
    except DeviceFault as fault:
        return fault.kind


@pytest.mark.parametrize("injection", Injection)
def test_fault_while_armed(bench, make, injection):
    ready(bench)
    bench.emulator.inject(injection)
    expected = EXPECTED[injection]
    if make.startswith("magpro") and injection in (Injection.REPLACE_COIL, Injection.FATAL_ERROR):
        expected = {K.REMOTE_LOST}  # a MagPro has no sign for these, and is found disarmed
    assert said(bench) in expected
    with suppress(DeviceFault):
        bench.driver.start_train()
    assert bench.given in (0, 20) or not bench.driver.state().fault
    machine = bench.emulator.machine
    bench.emulator.machine.advance(bench.clock.now() + 30)
    assert machine.stage is Stage.STANDBY, "without keep-alive it disarms"
    assert len(bench.emulator.pulses) <= 20


@pytest.mark.parametrize("injection", [each for each in Injection if each.is_of_a_reply])
def test_line_recovers_from_one_bad_answer(bench, injection):
    ready(bench)
    bench.emulator.inject(injection)
    first = said(bench)
    assert first in EXPECTED[injection]
    bench.clock.sleep(0.1)
    second = said(bench)
    assert second in (None, K.LATE)
    assert (second is K.LATE) == (injection is Injection.LATE)
    assert said(bench) is None
    assert bench.driver.state().armed


def test_answer_that_came_while_the_program_was_held_up_is_heard(bench):
    """The answer came in time and nobody looked: that is no fault of the stimulator."""
    line, clock = bench.driver.port, bench.clock

    class HeldUp(Port):
        path = line.path
        times = 0

        def write(self, data):
            line.write(data)

        def read(self, timeout):
            if timeout == 0:
                return line.read(0)
            self.times += 1
            clock.sleep(0.4)
            return b""

        def close(self):
            line.close()

    bench.driver.port = held_up = HeldUp()
    assert not bench.driver.state().remote
    assert held_up.times > 1


def test_answer_that_came_long_after_its_question_is_not_taken_for_news(bench, monkeypatch):
    monkeypatch.setattr("anodyne.stimulator.emulation.emulator.LATENESS", 1.2)
    ready(bench)
    bench.emulator.inject(Injection.LATE)
    assert said(bench) is K.SILENT
    bench.clock.sleep(2)  # in which the device disarms, having heard nothing
    bench.emulator.machine.advance(bench.clock.now())
    assert not bench.driver.state().armed


@pytest.mark.parametrize("injection", [each for each in Injection if each.is_of_a_reply])
def test_disarming_gets_through_a_bad_answer(bench, injection):
    ready(bench)
    bench.driver.start_train()
    bench.clock.sleep(0.25)
    bench.emulator.inject(injection)
    begin = bench.clock.now()
    bench.driver.disarm()
    assert bench.emulator.machine.stage is Stage.STANDBY
    refused = injection in (Injection.UNKNOWN_COMMAND, Injection.STATE_CONFLICT)
    assert bench.given <= (4 if refused else 3)
    assert bench.clock.now() - begin < 1.5


@pytest.mark.parametrize("injection", [each for each in Injection if each.is_of_a_reply])
def test_answer_lost_at_the_start_leaves_no_doubt_that_there_is_doubt(bench, injection):
    """Whatever happens to the answer to a start, either it is known that nothing began, or that one cannot know."""
    ready(bench)
    spoil_when_starting(bench, injection)
    known_to_have_begun = known_not_to_have_begun = False
    try:
        bench.driver.start_train()
        known_to_have_begun = True
    except DeviceFault:
        known_not_to_have_begun = not bench.driver.start_uncertain
    bench.emulator.machine.advance(bench.clock.now() + 10)
    assert bench.emulator.pulses or not known_to_have_begun
    assert not (bench.emulator.pulses and known_not_to_have_begun)


def spoil_when_starting(bench, injection):
    """Inject at the very moment at which the command that starts a train is written."""
    port = bench.driver.port
    starts = (b"EH", b"\xfe\x01\x04")

    class Spoiler(Port):
        path = port.path

        def write(self, data):
            if data.startswith(starts):
                bench.emulator.inject(injection)
            port.write(data)

        def read(self, timeout):
            return port.read(timeout)

        def close(self):
            port.close()

    bench.driver.port = Spoiler()


def test_read_back_mismatch_is_found_before_arming(bench):
    bench.driver.take_control()
    bench.emulator.inject(Injection.READ_BACK_MISMATCH)
    with pytest.raises(DeviceFault, match="power 53 % instead of 50 %") as caught:
        bench.driver.set_train(TRAIN)
    assert caught.value.kind is K.READ_BACK_MISMATCH
    with pytest.raises(DeviceFault, match="no train has been set"):
        bench.driver.arm()
    assert bench.given == 0


def test_restart_is_told_apart_from_losing_control(bench):
    ready(bench)
    bench.driver.start_train()
    bench.clock.sleep(0.55)
    bench.driver.keep_alive()
    bench.emulator.inject(Injection.RESET)
    given = bench.given
    bench.clock.sleep(3)
    assert said(bench) is K.RESET
    assert bench.given == given
    assert said(bench) is K.RESET


def test_port_that_comes_back_still_has_a_disarmed_device(bench):
    ready(bench)
    bench.emulator.inject(Injection.PORT_LOST)
    for call in (bench.driver.keep_alive, bench.driver.state):
        with pytest.raises(DeviceFault) as caught:
            call()
        assert caught.value.kind is K.PORT_LOST
    bench.clock.sleep(2)
    bench.emulator.machine.advance(bench.clock.now())
    bench.emulator.clear(Injection.PORT_LOST)
    assert said(bench) is K.REMOTE_LOST


@pytest.mark.parametrize("injection", [Injection.COIL_ABSENT, Injection.COIL_HOT])
def test_coil_put_right_lets_it_arm_again(bench, injection):
    ready(bench)
    bench.emulator.inject(injection)
    assert said(bench) is EXPECTED[injection].copy().pop()
    with pytest.raises(DeviceFault) as caught:
        bench.driver.arm()
    assert caught.value.kind in EXPECTED[injection]
    bench.emulator.clear(injection)
    bench.driver.disarm()
    bench.driver.arm()
    assert bench.until_ready().ready


def test_coil_that_overheats_mid_train(new_bench, make):
    bench = new_bench(make, habits=Habits(warmth=CoilWarmth(kelvin_per_joule=0.03, cooling_time=1e5)))
    ready(bench)
    bench.driver.start_train()
    state = bench.until(lambda state: not state.running)
    assert state.fault is K.COIL_HOT
    assert 0 < bench.given < 20
    assert not state.armed


def test_coil_limit_is_the_models_own_where_one_is_known():
    assert hottest_coil(find_device("magventure-r30")) == HOTTEST
    cooler = replace(find_device("magventure-r30"), coil_limit=Fact(value=300.0, certainty=Certainty.GIVEN))
    assert hottest_coil(cooler) == 300.0


def test_each_kind_has_its_sentence():
    for kind in FaultKind:
        sentence = str(DeviceFault(kind, "here"))
        assert "(here); " in sentence
        assert not sentence.endswith(".")
        assert sentence[0].islower()


def test_fault_travels_between_processes():
    fault = pickle.loads(pickle.dumps(DeviceFault(FaultKind.SILENT, "after 'arm'")))
    assert (fault.kind, fault.detail) == (FaultKind.SILENT, "after 'arm'")
    assert isinstance(fault, StimulatorFault)


# Anything, in any order, with anything going wrong


class AnyUse(RuleBasedStateMachine):
    """A user that calls whatever it likes while faults come as they like."""

    def __init__(self):
        super().__init__()
        self.bench = None
        self.allowed = 0
        self.asked_power = set()

    @initialize(make=st.sampled_from(MAKES), seed=st.integers(0, 9), amid_a_train=st.booleans())
    def begin(self, make, seed, amid_a_train):
        self.bench = make_bench(make, seed=seed)
        if amid_a_train:
            self.whole_train(50, 100)
            assert self.allowed == 100

    def attempt(self, call):
        """Call; only faults and refusals may come of it."""
        try:
            call()
        except (DeviceFault, SafetyRefusal) as error:
            return error
        return None

    @rule()
    def take(self):
        self.attempt(self.bench.driver.take_control)

    @rule(power=st.integers(20, 60), pulses=st.sampled_from([1, 2, 20, 100]), rate=st.sampled_from([1.0, 5.0, 20.0]))
    def set(self, power, pulses, rate):
        rate = 1.0 if pulses == 1 else rate
        wanted = TrainSettings(power=power / 100, rate=rate, pulses=pulses)
        if self.attempt(lambda: self.bench.driver.set_train(wanted)) is None:
            self.settings = wanted

    @rule()
    def arm(self):
        self.attempt(self.bench.driver.arm)

    @rule()
    def become_ready(self):
        self.attempt(lambda: self.bench.until_ready(patience=12))

    @precondition(lambda self: hasattr(self, "settings"))
    @rule()
    def start(self):
        driver = self.bench.driver
        before = self.bench.given
        error = self.attempt(driver.start_train)
        if error is None or driver.start_uncertain:
            self.allowed += self.settings.pulses
            self.asked_power.add(round(self.settings.power, 6))
        else:
            assert self.bench.given == before

    @rule(power=st.integers(20, 60), pulses=st.sampled_from([1, 20, 100]))
    def whole_train(self, power, pulses):
        """What a random walk hardly ever does: everything in its order."""
        for lasting in (each for each in Injection if each.lasts):
            self.bench.emulator.clear(lasting)
        self.take()
        self.set(power, pulses, 10.0)
        self.arm()
        self.become_ready()
        if hasattr(self, "settings"):
            self.start()

    @rule()
    def disarm(self):
        if self.attempt(self.bench.driver.disarm) is None:
            assert self.bench.emulator.machine.stage is Stage.STANDBY
            given = self.bench.given
            self.attempt(self.bench.driver.state)
            assert self.bench.given == given

    @rule()
    def release(self):
        if self.attempt(self.bench.driver.release) is None:
            self.attempt(self.bench.driver.state)

    @rule(duration=st.sampled_from([0.05, 0.3, 0.7, 2.0, 12.0]))
    def wait(self, duration):
        self.bench.clock.sleep(duration)

    @rule(call=st.sampled_from(["keep_alive", "state"]))
    def ask(self, call):
        """What is told is how things stand, or stood while it was asked for, or a fault is raised; never older."""
        machine = self.bench.emulator.machine
        stages = [machine.stage]
        with suppress(DeviceFault):
            state = getattr(self.bench.driver, call)()
            stages.append(machine.stage)
            assert state.armed in [stage.is_armed for stage in stages]
            assert state.running in [stage is Stage.RUNNING for stage in stages]
            assert Stage.READY in stages or not state.ready
            assert state.coil_present == machine.coil_present
            assert state.coil_temperature == pytest.approx(machine.coil_temperature, abs=0.6)

    @rule(injection=st.sampled_from(Injection))
    def go_wrong(self, injection):
        self.bench.emulator.inject(injection)

    @rule(injection=st.sampled_from([each for each in Injection if each.lasts]))
    def go_right(self, injection):
        self.bench.emulator.clear(injection)

    @invariant()
    def no_pulse_is_given_that_was_not_asked_for(self):
        if self.bench is not None:
            self.bench.emulator.machine.advance(self.bench.clock.now())
            pulses = self.bench.emulator.pulses
            assert len(pulses) <= self.allowed
            assert all(pulse.armed for pulse in pulses)
            assert {round(pulse.power, 6) for pulse in pulses} <= self.asked_power


AnyUse.TestCase.settings = hypothesis_settings(max_examples=80, stateful_step_count=20)
TestAnyUse = AnyUse.TestCase
