"""The controller against emulators, in time that stands still until somebody waits."""

import errno
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from anodyne.errors import RecordConflict, SafetyRefusal
from anodyne.stimulator.clock import ManualClock
from anodyne.stimulator.delivery import LogEvent, Pause, PoseDeviation, Resume, State, read_log, resume_point, status_of
from anodyne.stimulator.emulation import Injection
from anodyne.units import degree, mm

STOP_LIMIT = 0.3
TODAY = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def ended(bench) -> bool:
    return bench.controller.finished


def events(bench) -> list[LogEvent]:
    return [line.event for line in bench.log.lines]


def test_session_is_given_as_planned(bench_on, make):
    bench = bench_on(make)
    bench.start()
    bench.go_on_to(State.DONE)
    bench.controller.release()
    assert bench.refusals == [None]
    assert bench.given == bench.order.pulses == 60
    assert all(pulse.armed for pulse in bench.emulator.pulses)
    assert all(pulse.power == pytest.approx(0.45) for pulse in bench.emulator.pulses)
    assert not bench.emulator.machine.stage.is_armed
    assert not bench.emulator.machine.remote or make == "magpro"  # which knows no remote control to leave
    point = resume_point(read_log(bench.log.path).lines)
    assert point.next_train is None
    assert point.given == (20, 20, 20)


def test_protocols_wait_is_kept(bench_on, make):
    bench = bench_on(make)
    bench.start()
    bench.go_on_to(State.DONE)
    times = [pulse.time for pulse in bench.emulator.pulses]
    for begin in (20, 40):
        pause = times[begin] - (times[begin - 1] + 0.1)
        assert 8.0 - 1e-6 <= pause < 8.2
    assert bench.controller.start_jitter_worst < 0.1


def test_devices_wait_is_kept_where_it_is_longer(bench_on, order_of):
    bench = bench_on(order=order_of(wait=0.0, trains=2, pulses=300, rate=20.0))
    needed = bench.stimulator.device.wait_after(bench.order.trains[0].train, 0.45)
    bench.start()
    bench.go_on_to(State.DONE)
    times = [pulse.time for pulse in bench.emulator.pulses]
    assert needed > 0
    assert times[300] - (times[299] + 0.05) >= needed - 1e-6


def test_keep_alive_is_never_late(bench_on, make, order_of):
    from_make = {"rapid2": "magstim-rapid2", "magpro": "magventure-r30"}[make]
    bench = bench_on(make, order=order_of(from_make, trains=6, wait=30.0))
    bench.start()
    bench.go_on_to(State.DONE)
    watch = bench.controller.contact.keep_alive
    assert watch.sent > 300
    assert watch.worst_lateness < 0.15  # the answers of a Rapid² take 50 ms on the line
    assert watch.worst_gap < 0.55


@pytest.mark.parametrize(
    "state", [State.CHECKING, State.ARMING, State.ARMED, State.FIRING, State.WAITING, State.PAUSED]
)
def test_stop_disarms_at_once_and_for_good(bench_on, make, state):
    bench = bench_on(make)
    bench.start()
    if state is State.PAUSED:
        bench.go_on_to(State.CHECKING)
        bench.inbox.put(Pause())
    bench.go_on_to(state)
    if state is State.FIRING:
        bench.go_on(lambda: bench.given > 3)
    said = bench.clock.now()
    bench.inbox.stop("test")
    bench.go_on_to(State.STOPPED, longest=1.0)
    assert bench.controller.stop_latency < STOP_LIMIT
    assert not bench.emulator.machine.stage.is_armed
    bench.controller.release()
    bench.clock.sleep(100)
    bench.emulator.tick(bench.clock.now())
    assert not [pulse for pulse in bench.emulator.pulses if pulse.time > said + STOP_LIMIT]
    assert read_log(bench.log.path).lines[-1].event is LogEvent.CLOSED


@pytest.mark.parametrize("injection", [Injection.SILENT, Injection.LATE, Injection.PARTIAL])
@pytest.mark.parametrize("state", [State.ARMING, State.FIRING])
def test_stop_does_not_wait_for_an_answer(bench_on, make, injection, state):
    bench = bench_on(make)
    bench.start()
    bench.go_on_to(state)
    bench.emulator.inject(injection)
    said = bench.clock.now()
    bench.inbox.stop("test")
    bench.go_on_to(State.STOPPED, longest=5.0)
    bench.clock.sleep(100)
    bench.emulator.tick(bench.clock.now())
    assert not [pulse for pulse in bench.emulator.pulses if pulse.time > said + STOP_LIMIT]


@pytest.mark.parametrize("state", [State.ARMING, State.ARMED, State.FIRING])
def test_lost_presence_disarms_within_its_limit(bench_on, make, state):
    bench = bench_on(make)
    bench.start()
    bench.go_on_to(state)
    bench.present = False
    let_go = bench.clock.now()
    bench.go_on_to(State.PAUSED)
    assert bench.clock.now() - let_go < 1.0 + STOP_LIMIT
    assert not bench.emulator.machine.stage.is_armed
    assert not [pulse for pulse in bench.emulator.pulses if pulse.time > let_go + 1.0 + STOP_LIMIT]


def test_nothing_is_armed_without_presence(bench_on, make):
    bench = bench_on(make)
    bench.present = False
    bench.start()
    bench.go_on_for(20)
    assert bench.controller.state is State.CHECKING
    assert "presence" in bench.controller.holding[0]
    assert not bench.emulator.machine.stage.is_armed
    bench.present = True
    bench.go_on_to(State.DONE)
    assert bench.given == bench.order.pulses


@pytest.mark.parametrize(
    ("pose", "words"),
    [
        (PoseDeviation(distance=6 * mm, angle=0.0, fixed=True), "6.0 mm"),
        (PoseDeviation(distance=0.0, angle=11 * degree, fixed=True), "11.0°"),
    ],
)
def test_nothing_is_armed_with_the_coil_elsewhere(bench_on, pose, words):
    bench = bench_on()
    bench.start()
    bench.inbox.pose(pose)
    bench.go_on_for(10)
    assert bench.controller.state is State.CHECKING
    assert words in bench.controller.holding[0]


def test_tracked_pose_grows_old(bench_on):
    bench = bench_on()
    bench.start()
    bench.go_on_to(State.FIRING)
    bench.inbox.pose(PoseDeviation(distance=0.0, angle=0.0))
    bench.go_on_to(State.PAUSED)
    assert "s old" in bench.controller.message


def test_coil_that_moves_while_firing_is_disarmed(bench_on, make):
    bench = bench_on(make)
    bench.start()
    bench.go_on_to(State.FIRING)
    bench.inbox.pose(PoseDeviation(distance=20 * mm, angle=0.0, fixed=True))
    bench.step()
    assert bench.controller.state is State.PAUSED
    assert bench.given < 20


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"patient_protected": False}, "patient's ears"),
        ({"operator_protected": False}, "operator's ears"),
        ({"coil": "magstim-90mm"}, "is for the coil magstim-70mm and magstim-90mm is attached"),
    ],
)
def test_start_is_refused(bench_on, change, words):
    bench = bench_on()
    bench.start(**change)
    bench.step()
    assert words in bench.refusals[0]
    assert bench.controller.state is State.IDLE
    assert not bench.log.lines


def test_other_device_is_refused(bench_on, order_of):
    with pytest.raises(SafetyRefusal, match="is for a magventure-r30"):
        bench_on("rapid2", order=order_of("magventure-r30"))


def test_device_that_cannot_give_the_train_is_refused(bench_on, order_of):
    with pytest.raises(SafetyRefusal, match="gives at most"):
        bench_on("rapid2", order=order_of(rate=90.0))


def test_pause_waits_for_the_train_and_resume_goes_on(bench_on, make):
    bench = bench_on(make)
    bench.start()
    bench.go_on_to(State.FIRING)
    bench.inbox.put(Pause())
    bench.go_on_to(State.PAUSED)
    assert bench.given == 20
    bench.go_on_for(120)
    assert bench.given == 20
    bench.inbox.put(Resume())
    bench.go_on_to(State.DONE)
    assert bench.given == bench.order.pulses


def test_pause_before_a_train_is_immediate(bench_on, make):
    bench = bench_on(make)
    bench.start()
    bench.go_on_to(State.ARMED)
    bench.inbox.put(Pause())
    bench.step()
    assert bench.controller.state is State.PAUSED
    assert not bench.emulator.machine.stage.is_armed
    bench.inbox.put(Resume())
    bench.go_on_to(State.DONE)
    assert bench.given == bench.order.pulses


def test_train_cut_short_goes_on_where_the_device_counts(bench_on):
    bench = bench_on("magpro")
    bench.start()
    bench.go_on(lambda: bench.given >= 7)
    bench.present = False
    bench.go_on_to(State.PAUSED)
    so_far = bench.given
    assert 7 <= so_far < 20
    assert bench.controller.point.given[0] == so_far
    bench.present = True
    bench.inbox.put(Resume())
    bench.go_on_to(State.DONE)
    assert bench.given == bench.order.pulses


@pytest.mark.parametrize(("word", "rest"), [("given", 0), ("not-given", 20), ("12", 8)])
def test_train_cut_short_waits_for_the_operators_word_where_nobody_counts(bench_on, word, rest):
    bench = bench_on("rapid2")
    bench.start()
    bench.go_on(lambda: bench.given >= 7)
    bench.present = False
    bench.go_on_to(State.PAUSED)
    so_far = bench.given
    bench.present = True
    refusals: list[str | None] = []
    bench.inbox.put(Resume(), refusals.append)
    bench.inbox.put(Resume(uncertain="21"), refusals.append)
    bench.step()
    assert all("up to 20 pulses" in refusal for refusal in refusals)
    assert bench.controller.state is State.PAUSED
    bench.inbox.put(Resume(uncertain=word))
    bench.go_on_to(State.DONE)
    assert bench.given == so_far + rest + 40


@pytest.mark.parametrize("injection", sorted(Injection, key=lambda each: each.value))
@pytest.mark.parametrize("state", [State.CHECKING, State.ARMED, State.FIRING, State.WAITING])
def test_every_fault_ends_disarmed_and_below_the_plan(bench_on, make, injection, state):
    bench = bench_on(make)
    bench.start()
    bench.go_on_to(state)
    bench.emulator.inject(injection)
    bench.go_on(
        lambda: bench.controller.state in (State.FAULTED, State.PAUSED, State.DONE) or bench.controller.holding != (),
        60,
    )
    bench.go_on_for(15)
    if bench.controller.state is not State.DONE:
        bench.clock.sleep(2)
        bench.emulator.tick(bench.clock.now())
        assert not bench.emulator.machine.stage.is_armed
    assert bench.given <= bench.controller.point.pulses_at_most <= bench.order.pulses
    assert bench.given >= bench.controller.point.pulses_given
    assert all(pulse.armed for pulse in bench.emulator.pulses)


def test_fault_is_told_and_resumed_once_it_is_mended(bench_on, make):
    bench = bench_on(make)
    bench.start()
    bench.go_on_to(State.WAITING)
    bench.emulator.inject(Injection.SILENT)
    bench.go_on_to(State.FAULTED)
    assert "does not answer" in bench.controller.message
    bench.emulator.clear(Injection.SILENT)
    bench.inbox.put(Resume())
    bench.go_on_to(State.DONE)
    assert bench.given == bench.order.pulses
    assert LogEvent.FAULT in events(bench)


@pytest.mark.parametrize("injection", [Injection.WRONG_CHECKSUM, Injection.LATE, Injection.DROPPED_BYTE])
def test_lost_answer_while_waiting_is_noted_and_asked_for_again(bench_on, make, injection):
    bench = bench_on(make)
    bench.start()
    bench.go_on_to(State.WAITING)
    bench.emulator.inject(injection)
    bench.go_on_to(State.DONE, longest=60)
    assert bench.given == bench.order.pulses
    assert LogEvent.ANSWER_LOST in events(bench)
    if injection is not Injection.LATE:
        assert bench.controller.contact.keep_alive.worst_gap < 1.0


def test_hot_coil_holds_the_next_train_up(bench_on, make):
    bench = bench_on(make)
    bench.start()
    bench.go_on_to(State.WAITING)
    bench.emulator.inject(Injection.COIL_HOT)
    bench.go_on_for(30)
    assert bench.controller.state is State.CHECKING
    bench.emulator.clear(Injection.COIL_HOT)
    bench.go_on_to(State.DONE)
    assert bench.given == bench.order.pulses


def test_full_disk_starts_no_train(bench_on, make):
    room = [10_000]

    def write(file: int, data: bytes) -> int:
        if len(data) > room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.write(file, data)

    bench = bench_on(make, write=write)
    bench.start()
    bench.go_on_to(State.WAITING)
    assert bench.given == 20
    room[0] = 0
    bench.go_on_to(State.FAULTED)
    assert "disk" in bench.controller.message
    assert bench.given == 20
    assert not bench.emulator.machine.stage.is_armed
    bench.inbox.put(Resume())
    bench.go_on_for(5)
    assert bench.controller.state is State.FAULTED
    room[0] = 10_000
    bench.inbox.put(Resume())
    bench.go_on_to(State.DONE)
    assert bench.given == bench.order.pulses
    assert resume_point(read_log(bench.log.path).lines).given == (20, 20, 20)


def test_disk_that_fills_during_a_train_loses_nothing(bench_on, make):
    room = [10_000]

    def write(file: int, data: bytes) -> int:
        if len(data) > room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.write(file, data)

    bench = bench_on(make, write=write)
    bench.start()
    bench.go_on_to(State.FIRING)
    room[0] = 0
    bench.go_on_to(State.FAULTED)
    assert bench.given == 20
    assert resume_point(read_log(bench.log.path).lines).uncertain is not None
    room[0] = 10_000
    bench.inbox.put(Resume())
    bench.go_on_to(State.DONE)
    assert resume_point(read_log(bench.log.path).lines).given == (20, 20, 20)


@pytest.mark.parametrize("state", [State.CHECKING, State.ARMED, State.FIRING, State.WAITING])
def test_jumping_wall_clock_pauses_and_changes_no_wait(bench_on, make, state):
    shift = [0.0]
    clock = ManualClock()
    bench = bench_on(make, clock=clock, wall=lambda: TODAY + timedelta(seconds=clock.now() + shift[0]))
    bench.start()
    for by, words in ((-86400.0, "set back by 86400 s"), (+90000.0, "set forward by 90000 s")):
        bench.go_on_to(state)
        given = bench.given
        shift[0] += by
        bench.go_on_to(State.PAUSED)
        assert words in bench.controller.message
        assert bench.given == given + (20 - given % 20 if state is State.FIRING else 0)  # a train that runs, runs out
        assert not bench.emulator.machine.stage.is_armed
        bench.inbox.put(Resume())
    bench.go_on_to(State.DONE)
    assert bench.given == bench.order.pulses
    jumped = [line.facts["by_s"] for line in bench.log.lines if line.event is LogEvent.CLOCK_JUMPED]
    assert jumped == pytest.approx([-86400, 90000], abs=1)
    times = [pulse.time for pulse in bench.emulator.pulses]
    assert times[20] - times[19] >= 8.0


def test_log_from_the_future_is_refused(bench_on):
    first = bench_on()
    first.start()
    first.go_on_to(State.WAITING)
    first.leave()
    with pytest.raises(SafetyRefusal, match="set the clock right"):
        bench_on(wall=lambda: TODAY - timedelta(hours=1))


@pytest.mark.parametrize("state", [State.IDLE, State.CHECKING, State.ARMED, State.FIRING, State.WAITING])
def test_session_goes_on_after_its_controller_died(bench_on, make, state):
    first = bench_on(make)
    first.start()
    first.go_on_to(state) if state is not State.IDLE else None
    if state is State.FIRING:
        first.go_on(lambda: first.given > 4)
    if state is State.ARMED:
        first.go_on(lambda: events(first)[-1] is LogEvent.STARTING)
    first.leave()
    first.clock.sleep(5)
    first.emulator.tick(first.clock.now())
    before = first.given
    second = bench_on(make, emulator=first.emulator, clock=first.clock)
    uncertain = second.controller.point.uncertain
    assert (uncertain is not None) == (state in (State.ARMED, State.FIRING))
    assert before <= second.controller.point.pulses_at_most
    second.start()
    if uncertain is not None:
        second.step()
        assert "say 'given'" in second.refusals[0]
        second.start(uncertain="given")
    second.go_on_to(State.DONE)
    assert second.given <= second.order.pulses
    assert second.given == before + second.order.pulses - (first.controller.point.pulses_given or 0) - (
        uncertain.pulses if uncertain else 0
    )


def test_stop_before_control_ends_the_train_of_a_controller_that_died(bench_on, make):
    first = bench_on(make)
    first.start()
    first.go_on(lambda: first.given > 3)
    first.leave()
    second = bench_on(make, emulator=first.emulator, clock=first.clock)
    said = second.clock.now()
    second.inbox.stop("test")
    second.step()
    assert second.controller.state is State.STOPPED
    assert second.controller.stop_latency < STOP_LIMIT
    assert not second.emulator.machine.stage.is_armed
    assert not [pulse for pulse in second.emulator.pulses if pulse.time > said + STOP_LIMIT]


def test_log_of_another_order_is_refused(bench_on, order_of):
    first = bench_on()
    first.start()
    first.go_on_to(State.CHECKING)
    first.leave()
    with pytest.raises(RecordConflict, match="another order"):
        bench_on(order=replace(order_of(), person="P-018"), clock=first.clock)


def test_complete_session_gives_nothing_more(bench_on, make):
    first = bench_on(make)
    first.start()
    first.go_on_to(State.DONE)
    first.leave()
    second = bench_on(make, emulator=first.emulator, clock=first.clock)
    second.start()
    second.go_on_to(State.DONE)
    assert second.given == first.order.pulses


def test_status_tells_what_is_going_on(bench_on, make):
    bench = bench_on(make)
    bench.start()
    bench.go_on(lambda: bench.given >= 25)
    status = status_of(bench.controller)
    assert (status.state, status.train, status.trains) == ("firing", 2, 3)
    assert abs(status.pulses_given - 25) <= 3
    assert abs(status.train_pulses - 5) <= 3
    assert 10 < status.remaining < 14
    assert status.power == 0.45
    assert status.planned_di_dt == pytest.approx(0.45 * 115e6)
    assert 290 < status.coil_temperature < 313
    assert status.deviation_distance == 0
    assert type(status).from_data(status.to_data()) == status
