"""A controller that dies at any instant of its life, again and again: nothing is lost, and nothing is given twice.

Real processes are killed in `test_delivery_process`, and hundreds of times by the benchmark; here time stands still
between two calls, so that every instant there is can be hit: before, in the middle of and after each of them.
"""

import os
from collections import Counter
from collections.abc import Callable
from itertools import count
from random import Random
from typing import TypeVar, final

import pytest

from anodyne.stimulator.clock import ManualClock
from anodyne.stimulator.delivery import GIVEN, LogEvent, Resume, ResumePoint, State, read_log, resume_point
from anodyne.stimulator.port import Port
from tests.stimulator.delivery.conftest import DEVICE_OF, make_emulator, make_order

DEATHS = 150
"""Of each make."""

WAIT = 2.0
"""s between two trains, which a new controller keeps before anything else, too."""

WORDS = {
    "arming": (b"EB", b"\xfe\x02\x02\x01"),
    "disarming": (b"EA", b"\xfe\x02\x02\x00"),
    "triggering": (b"EH", b"\xfe\x01\x04"),
}
LINES = {"announcing": LogEvent.STARTING, "recording": LogEvent.ENDED}
MOMENTS = (
    "anything", "asking", "hearing", *WORDS, "hearing of the trigger", *LINES, "noting", "writing to the disk",
)  # fmt: skip
Result = TypeVar("Result")


class Death(BaseException):
    """The end of a process: nothing catches it, and nothing more is done."""


class Reaper:
    """Ends a life at one of its calls to line, log or disk: before it, after it, or with a part of it done."""

    def __init__(self, chance: Random) -> None:
        self.moment = chance.choice(MOMENTS)
        usual = {"anything": 400, "asking": 60, "hearing": 100}
        self._left = chance.randrange(usual.get(self.moment, 2))
        self._part = chance.choice([0.0, chance.random(), 1.0])
        self._told = ""

    def call(self, moment: str, data: bytes, go: Callable[[bytes], Result]) -> Result:
        """Make a call with `data`, or die in it."""
        if moment != self.moment and self.moment != "anything":
            return go(data)
        self._left -= 1
        if self._left >= 0:
            return go(data)
        part = data[: round(self._part * len(data))]
        if part or self._part == 1:
            go(part)
        raise Death

    def say(self, data: bytes, go: Callable[[bytes], None]) -> None:
        """A command on its way to the stimulator."""
        self._told = next((word for word, starts in WORDS.items() if data.startswith(starts)), "asking")
        self.call(self._told, data, go)

    def hear(self, go: Callable[[bytes], bytes]) -> bytes:
        """An answer on its way back."""
        return self.call("hearing of the trigger" if self._told == "triggering" else "hearing", b"", go)

    def write(self, file: int, data: bytes) -> int:
        """A line on its way to the log."""
        moment = next((word for word, event in LINES.items() if f'"event":"{event.value}"'.encode() in data), "noting")
        return self.call(moment, data, lambda part: os.write(file, part))

    def synchronise(self, file: int) -> None:
        """The log on its way to the disk, which a process that dies does not stop."""
        self.call("writing to the disk", b"", lambda _: None)


@final
class MortalPort(Port):
    """A line whose every call may be the last one."""

    def __init__(self, inner: Port, reaper: Reaper) -> None:
        self.path = inner.path
        self._inner = inner
        self._reaper = reaper

    def write(self, data: bytes) -> None:
        self._reaper.say(data, self._inner.write)

    def read(self, timeout: float) -> bytes:
        return self._reaper.hear(lambda _: self._inner.read(timeout))

    def close(self) -> None:
        self._inner.close()


class MortalSession:
    """One session on one emulator, by as many controllers as it takes, held against what was really given."""

    def __init__(self, make: str, bench_on, path, chance: Random) -> None:
        self.order = make_order(DEVICE_OF[make], trains=2, pulses=6, wait=WAIT)
        self.emulator, self.clock = make_emulator(make), ManualClock()
        self._make, self._bench_on, self._path, self._chance = make, bench_on, path, chance
        self._asked: list[tuple[float, int]] = []

    @property
    def point(self) -> ResumePoint | None:
        """Where the log on the disk says that the session stands; None before its first line."""
        lines = read_log(self._path).lines if self._path.exists() else ()
        return resume_point(lines) if lines else None

    @property
    def words(self) -> list[int]:
        """The pulses of uncertain trains by the operator's words, as far as those are on the disk."""
        return [line.facts["pulses"] for line in read_log(self._path).lines if line.event is LogEvent.SETTLED]

    @property
    def uncounted(self) -> int:
        """Pulses that the operator called given and that were not."""
        found = 0
        for (asked_at, logged), said in zip(self._asked, self.words, strict=False):
            until_then = sum(pulse.time < asked_at + WAIT / 2 for pulse in self.emulator.pulses)
            really = until_then + found - logged
            assert 0 <= really <= said
            found += said - really
        return found

    def live(self) -> str | None:
        """One controller's life: the moment at which it died, or None if it came to the session's end."""
        reaper = Reaper(self._chance)
        bench = self._bench_on(
            self._make, order=self.order, emulator=self.emulator, clock=self.clock, path=self._path,
            write=reaper.write, synchronise=reaper.synchronise, wrap=lambda port: MortalPort(port, reaper),
        )  # fmt: skip
        try:
            self._begin(bench)
            end = self.clock.now() + 120
            while not bench.controller.finished:
                assert self.clock.now() < end, bench.controller.message
                if bench.controller.state is State.FAULTED:  # half a command of the one before was in the way
                    bench.inbox.put(Resume())
                bench.step()
            bench.controller.release()
        except Death:
            return reaper.moment
        finally:
            bench.leave()
        return None

    def _begin(self, bench) -> None:
        """Start; a train that nobody saw to its end waits for the operator's word."""
        point = bench.controller.point
        if point.uncertain is None:
            bench.start()
            return
        before = bench.given
        bench.start()
        bench.step()
        assert "nobody knows how much" in bench.refusals[0]
        assert bench.controller.state is State.IDLE
        assert bench.given == before
        counted = before + self.uncounted - point.pulses_given
        is_over = not self.emulator.machine.stage.is_armed
        self._asked = [*self._asked[: len(self.words)], (self.clock.now(), point.pulses_given)]
        bench.start(uncertain=self._chance.choice([GIVEN, str(counted)]) if is_over else GIVEN)

    def pass_time(self) -> None:
        """Nobody is there for a while."""
        self.clock.sleep(self._chance.choice([0.0, 0.2, self._chance.uniform(0.0, 3.0)]))
        self.emulator.tick(self.clock.now())

    def check(self) -> None:
        """What was given is what the log says and the one train in flight, and never above the plan."""
        given, point = len(self.emulator.pulses), self.point
        assert given <= self.order.pulses
        assert all(pulse.armed for pulse in self.emulator.pulses)
        if point is None:
            assert given == 0
        else:
            assert point.pulses_given <= given + self.uncounted <= point.pulses_at_most <= self.order.pulses


@pytest.mark.parametrize("make", list(DEVICE_OF))
def test_death_at_any_instant_loses_nothing_and_repeats_nothing(make, bench_on, tmp_path):
    chance = Random(7)
    deaths: Counter[str] = Counter()
    uncertain = 0
    for number in count():
        session = MortalSession(make, bench_on, tmp_path / f"{number}.jsonl", chance)
        while (moment := session.live()) is not None:
            deaths[moment] += 1
            session.check()
            session.pass_time()
            session.check()
            uncertain += session.point is not None and session.point.uncertain is not None
        session.check()
        assert session.point.next_train is None
        assert session.point.pulses_given == session.order.pulses
        if deaths.total() >= DEATHS:
            break
    assert min(deaths[moment] for moment in MOMENTS) >= 3, deaths
    assert uncertain >= 20
