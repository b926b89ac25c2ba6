"""Whatever happens in whatever order: never a pulse too many, none after STOP, none while disarmed, none unlogged."""

import errno
import os
from dataclasses import dataclass
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from anodyne.stimulator.delivery import (
    GIVEN,
    Pause,
    PoseDeviation,
    Resume,
    State,
    read_log,
    resume_point,
)
from anodyne.stimulator.delivery.controller import NOT_CONFIRMED
from anodyne.stimulator.emulation import Injection
from anodyne.units import mm

STOP_LIMIT = 0.3
WATCHDOG = 1.0
"""After so long without a command the stimulator disarms by itself: all that is left once nothing reaches it."""

CUT = (Injection.PORT_LOST, Injection.NOT_A_STIMULATOR)
"""While one of these lasts, nothing that is said reaches the stimulator."""

MOST_SPOILT = 3
"""Answers in a row that may be lost or damaged, and it is still told in time that the stimulator is disarmed."""

LASTING = [injection for injection in Injection if injection.lasts]
POWER = 0.45


@dataclass(frozen=True)
class Stop:
    """A STOP, and how things stood at that moment."""

    at: float
    line_is_cut: bool
    is_answered: bool

    @property
    def limit(self) -> float:
        """After which no pulse may fall, s: the stimulator's own watchdog is all there is while the line is cut."""
        return self.at + STOP_LIMIT + (WATCHDOG if self.line_is_cut else 0.0)


def is_answered(emulator) -> bool:
    """Whether the stimulator answers what reaches it, and none of its answers is late."""
    spoilt = list(emulator._spoils)
    late = Injection.LATE in spoilt or any(when > emulator.machine.time + STOP_LIMIT for when, _ in emulator._outbox)
    return not (emulator._silent or emulator.machine.deaf or late or len(spoilt) > MOST_SPOILT)


def machine_of(make: str, bench_on, folder, numbers) -> type[RuleBasedStateMachine]:
    """The machine for one make of stimulator."""

    class Delivery(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.path = folder / f"{make}-{next(numbers)}.jsonl"
            self.disk_full = False
            self.cut: set[Injection] = set()
            self.bench = bench_on(make, path=self.path, write=self.write)
            self.last_stop: Stop | None = None
            self.bench.start()

        def write(self, file: int, data: bytes) -> int:
            if self.disk_full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return os.write(file, data)

        @rule(seconds=st.floats(0.02, 4.0))
        def time_passes(self, seconds):
            if not self.bench.controller.finished:
                self.bench.go_on_for(seconds)

        @rule(state=st.sampled_from([State.ARMED, State.FIRING, State.WAITING]))
        def time_passes_until(self, state):
            end = self.bench.clock.now() + 15
            while self.bench.controller.state is not state and self.bench.clock.now() < end:
                if self.bench.controller.finished:
                    return
                self.bench.step()

        @rule(injection=st.sampled_from(Injection))
        def something_goes_wrong(self, injection):
            if injection in CUT:
                self.cut.add(injection)
            self.bench.emulator.inject(injection)

        @rule()
        def everything_is_mended(self):
            self.cut.clear()
            for injection in LASTING:
                self.bench.emulator.clear(injection)
            self.disk_full = False
            self.bench.present = True
            self.bench.inbox.pose(PoseDeviation(distance=0.0, angle=0.0, fixed=True))
            self.bench.inbox.put(Resume(uncertain=GIVEN))

        @rule()
        def disk_fills(self):
            self.disk_full = True

        @rule()
        def operator_leaves(self):
            self.bench.present = False

        @rule()
        def coil_slips(self):
            self.bench.inbox.pose(PoseDeviation(distance=9 * mm, angle=0.0, fixed=True))

        @rule()
        def operator_pauses(self):
            self.bench.inbox.put(Pause())

        @rule()
        @precondition(lambda self: self.bench.given > 0 and not self.bench.controller.finished)
        def operator_stops(self):
            controller, emulator, now = self.bench.controller, self.bench.emulator, self.bench.clock.now()
            emulator.machine.advance(now)
            stop = Stop(now, line_is_cut=bool(self.cut), is_answered=is_answered(emulator))
            self.last_stop = stop
            self.bench.inbox.stop("test")
            self.bench.go_on_for(0.1)
            assert controller.state is State.STOPPED
            if stop.is_answered and not stop.line_is_cut:
                assert controller.stop_latency < STOP_LIMIT
                assert NOT_CONFIRMED not in controller.message
                assert not emulator.machine.stage.is_armed

        @rule(dead_for=st.floats(0.0, 3.0))
        @precondition(lambda self: not self.disk_full)
        def controller_dies(self, dead_for):
            before = self.bench
            before.leave()
            before.clock.sleep(dead_for)
            before.emulator.tick(before.clock.now())
            if before.emulator.gone:
                before.emulator.clear(Injection.PORT_LOST)
                self.cut.discard(Injection.PORT_LOST)
            self.bench = bench_on(make, path=self.path, write=self.write, emulator=before.emulator, clock=before.clock)
            self.bench.start(uncertain=GIVEN)

        @invariant()
        def no_pulse_above_the_plan(self):
            assert self.bench.given <= self.bench.order.pulses
            assert all(pulse.power <= POWER + 1e-9 for pulse in self.bench.emulator.pulses)

        @invariant()
        def no_pulse_while_disarmed(self):
            assert all(pulse.armed for pulse in self.bench.emulator.pulses)

        @invariant()
        def no_pulse_after_stop(self):
            if self.last_stop is not None and self.bench.controller.state is State.STOPPED:
                assert not [pulse for pulse in self.bench.emulator.pulses if pulse.time > self.last_stop.limit]

        @invariant()
        def nothing_was_given_that_is_not_in_the_log(self):
            lines = read_log(self.path).lines
            at_most = resume_point(lines).pulses_at_most if lines else 0
            assert self.bench.given <= at_most

        def teardown(self) -> None:
            self.bench.clock.sleep(60)
            self.bench.emulator.tick(self.bench.clock.now())
            self.no_pulse_above_the_plan()
            self.no_pulse_after_stop()
            self.nothing_was_given_that_is_not_in_the_log()
            self.bench.leave()

    return Delivery


@pytest.mark.parametrize("make", ["rapid2", "magpro"])
def test_whatever_happens(make, bench_on, tmp_path):
    numbers = count()
    run_state_machine_as_test(
        lambda: machine_of(make, bench_on, tmp_path, numbers)(),
        settings=settings(max_examples=40, stateful_step_count=25, suppress_health_check=list(HealthCheck)),
    )
