"""The stimulator behind an emulator's wire: what it does in time, whatever bytes it speaks.

A pure state machine: it is told the time and never asks for it. Between two calls it lives through everything
that falls due, each at its own instant, so that the same commands at the same times give the same pulses however
often it is looked at.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, NamedTuple

from anodyne.stimulator.emulation.thermal import CoilWarmth, WarmCoil
from anodyne.stimulator.model import HOTTEST
from anodyne.stimulator.stages import NEXT, Happening, Stage
from anodyne.units import percent


class GivenPulse(NamedTuple):
    """A pulse that an emulated stimulator really gave: the truth that records are held against."""

    time: float
    """s, of the emulator's clock."""
    power: float
    """Fraction of maximum output that the capacitor really had."""
    armed: bool
    """Whether the stimulator was armed; a pulse without would be a fault of the emulator."""


Witness = Callable[[Mapping[str, Any]], None]
"""Told of everything that happens, as it happens, in plain data: ``time`` (s), ``event``, and what belongs to it."""


def unseen(event: Mapping[str, Any]) -> None:
    """The witness of those who do not ask."""


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How an emulated stimulator behaves in time; the defaults are of the reference or assumed, as marked.

    Parameters
    ----------
    arming_time : from arming to ready, s (about 1 s; MagPy waits 1.1 s; read)
    idle_watchdog : remote control ends after so long without a valid command, s (assumed; read: 5 s is often enough)
    armed_watchdog : the same while armed, s (the virtual Magstim's 1 s; read)
    longest_armed : disarms when armed so long without a train, s (read)
    keeps_energy_law : not ready before the wait of the energy law is over; a real Rapid² leaves that to its user
        (MagPy #10, MAGIC #22; read), so turn it off to see whether a controller waits of its own accord
    keeps_wire_time : bytes take their time on the line, 10 bits each at the make's speed; without it whatever is said
        is heard and answered at once
    slew_up, slew_down : time for the output to rise or fall by all of it, s (10 and 100 ms for 1 %; read)
    boot_time : deaf and mute after a restart, s (assumed)
    warmth : of the coil (assumed)
    hottest : coil temperature above which it disarms and does not arm, K (read for Magstim, assumed for MagVenture)
    """

    arming_time: float = 1.0
    idle_watchdog: float = 10.0
    armed_watchdog: float = 1.0
    longest_armed: float = 60.0
    keeps_energy_law: bool = True
    keeps_wire_time: bool = True
    slew_up: float = 1.0
    slew_down: float = 10.0
    boot_time: float = 2.0
    warmth: CoilWarmth = field(default_factory=CoilWarmth)
    hottest: float = HOTTEST


FULL_ENERGY = 252.0
"""J of a Rapid²'s pulse at full output; E = 252 J x power² fits its table within 0.2 J (reference; computed)."""

SUSTAINED_POWER = 1050.0
"""W that a Rapid² can go on giving: the energy law's 1050 J/s (MagPy's equations; read)."""


def pulse_energy(power: float) -> float:
    """Energy of one pulse at a fraction of maximum output, J.

    >>> round(pulse_energy(0.73), 1)
    134.3
    """
    return FULL_ENERGY * power**2


def wait_by_energy(power: float, rate: float, pulses: int, shortest: float = 0.5) -> float:
    """The wait that a Rapid² needs after a train, s: max(0.5, n (f E - 1050) / (1050 f)).

    The published worked example, 73 %, 25 Hz, 250 pulses, is 21.95 s with the tabulated energy:

    >>> round(wait_by_energy(0.73, 25, 250), 2)
    21.97
    """
    energy = pulse_energy(power)
    return max(shortest, pulses * (rate * energy - SUSTAINED_POWER) / (SUSTAINED_POWER * rate))


def longest_train(power: float, rate: float) -> float:
    """How long a Rapid² can give pulses at a rate within one minute, s: 63000 / (f E).

    >>> round(longest_train(0.6, 10), 1)
    69.4
    """
    return 60 * SUSTAINED_POWER / (rate * pulse_energy(power))


@dataclass(frozen=True, kw_only=True)
class Programme:
    """What a trigger gives.

    Parameters
    ----------
    pulse_times : after the trigger, s
    duration : after which the train is over, s
    wait : after the train until another can be given, s
    lock : after the train in which nothing can be set or started, s
    """

    pulse_times: tuple[float, ...]
    duration: float
    wait: float = 0.0
    lock: float = 0.0


@dataclass
class Running:
    """A train that is being given."""

    programme: Programme
    start: float
    given: int = 0

    @property
    def next_pulse(self) -> float:
        """When the next pulse falls, s; never if all are given."""
        times = self.programme.pulse_times
        return self.start + times[self.given] if self.given < len(times) else inf

    @property
    def end(self) -> float:
        """When the train is over, s."""
        return self.start + self.programme.duration


class Machine:
    """Charging, pulses, heat, watchdogs and faults of an emulated stimulator.

    Parameters
    ----------
    habits : its behaviour in time
    witness : told of everything that happens
    now : when it is switched on, s
    """

    def __init__(self, habits: Habits, witness: Witness = unseen, *, now: float = 0.0) -> None:
        self.habits = habits
        self.time = now
        self.stage = Stage.STANDBY
        self.remote = False
        self.running: Running | None = None
        self.pulses: list[GivenPulse] = []
        self.coil_present = True
        self.made_hot = False
        self.replace_coil = False
        self.fatal_error = False
        self.count = 0
        self.on_pulse: Callable[[], None] = lambda: None
        self.on_train_end: Callable[[], None] = lambda: None
        self.on_disarm: Callable[[], None] = lambda: None
        self._witness = witness
        self._coil = WarmCoil(habits.warmth, now=now)
        self._charged_at = inf
        self._armed_since = inf
        self._heard = now
        self._busy_until = now
        self._deaf_until = now
        self._power = (now, 0.0, 0.0)
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._planned = 0

    # What it is now

    @property
    def deaf(self) -> bool:
        """Whether it is starting up and neither hears nor speaks."""
        return self.time < self._deaf_until

    @property
    def waiting(self) -> bool:
        """Whether a train has just ended and nothing may be set or started yet."""
        return self.time < self._busy_until

    @property
    def coil_temperature(self) -> float:
        """K."""
        measured = self._coil.temperature(self.time)
        return max(measured, self.habits.hottest + 1.2) if self.made_hot else measured

    @property
    def coil_hot(self) -> bool:
        """Whether the coil is above its limit."""
        return self.coil_temperature > self.habits.hottest

    @property
    def sound(self) -> bool:
        """Whether nothing forbids arming."""
        return self.coil_present and not (self.coil_hot or self.replace_coil or self.fatal_error)

    @property
    def power(self) -> float:
        """The power that the output is set to, or moving towards; a fraction of maximum output."""
        return self._power[2]

    @property
    def real_power(self) -> float:
        """The power that the output has reached."""
        since, begin, goal = self._power
        slew = self.habits.slew_up if goal > begin else self.habits.slew_down
        moved = (self.time - since) / slew if slew > 0 else inf
        return min(begin + moved, goal) if goal > begin else max(begin - moved, goal)

    # What it is told

    def hear(self) -> None:
        """A valid command has come: the watchdog begins anew."""
        self._heard = self.time

    def take_remote(self) -> None:
        """Enter remote control."""
        if not self.remote:
            self.remote = True
            self.tell("remote", on=True)
        self.hear()

    def leave_remote(self, reason: str) -> None:
        """Disarm and leave remote control."""
        self.disarm(reason)
        if self.remote:
            self.remote = False
            self.tell("remote", on=False, reason=reason)

    def set_power(self, power: float) -> None:
        """Let the output move towards a fraction of its maximum."""
        self._power = (self.time, self.real_power, power)
        self.tell("power", power=round(power, 4))

    def preset_power(self, power: float) -> None:
        """Have the output at a fraction of its maximum without any time passing, as after a start."""
        self._power = (self.time, power, power)

    def arm(self) -> bool:
        """Begin to charge; whether that was possible."""
        if not self.sound or not self._go(Happening.ARM):
            return False
        if self._charged_at == inf and self.stage is Stage.ARMED:
            self._charged_at = max(self.time + self.habits.arming_time, self._busy_until)
            self._armed_since = self.time
            self.tell("armed")
        return True

    def disarm(self, reason: str) -> None:
        """Discharge, ending a running train."""
        if not self.stage.is_armed:
            return
        cut = self.running
        self._go(Happening.DISARM)
        self.running = None
        self._charged_at = self._armed_since = inf
        self.tell("disarmed", reason=reason, cut_short=cut is not None)
        self.on_disarm()
        if cut is not None:
            self._busy_until = self.time + cut.programme.lock
            self.on_train_end()

    def trigger(self, programme: Programme) -> bool:
        """Begin a train; whether that was possible."""
        if self.waiting or not self._go(Happening.TRIGGER):
            return False
        self.running = Running(programme=programme, start=self.time)
        self._armed_since = self.time
        self.tell("train", pulses=len(programme.pulse_times))
        self.advance(self.time)
        return True

    def restart(self) -> None:
        """Lose everything but the coil's warmth, and be deaf while starting."""
        self.leave_remote("restart")
        self.preset_power(0.0)
        self.count = 0
        self._busy_until = self.time
        self._deaf_until = self.time + self.habits.boot_time
        self.tell("restarted")

    def later(self, when: float, act: Callable[[], None]) -> None:
        """Have something done at a time, s."""
        self._planned += 1
        self._later.append((when, self._planned, act))
        self._later.sort(key=lambda entry: entry[:2])

    def tell(self, event: str, **details: Any) -> None:
        """Let the witness know."""
        self._witness({"time": round(self.time, 6), "event": event, **details})

    # Time

    def next_event(self) -> float:
        """When something next happens of its own accord, s; infinity if nothing will."""
        return min(when for when, _ in self._due())

    def advance(self, now: float) -> None:
        """Live until `now`, s; a time that has already passed changes nothing."""
        while True:
            when, act = min(self._due(), key=lambda entry: entry[0])
            if when > max(now, self.time):
                break
            self.time = max(self.time, when)
            act()
        self.time = max(self.time, now)

    def _due(self) -> list[tuple[float, Callable[[], None]]]:
        """What falls due and when; of two things at one instant the one that disarms comes first."""
        due: list[tuple[float, Callable[[], None]]] = []
        if self.remote:
            patience = self.habits.armed_watchdog if self.stage.is_armed else self.habits.idle_watchdog
            due.append((self._heard + patience, lambda: self.leave_remote("watchdog")))
        if self.stage in (Stage.ARMED, Stage.READY):
            due.append((self._armed_since + self.habits.longest_armed, lambda: self.disarm("armed too long")))
        if self._later:
            due.append((self._later[0][0], self._do_later))
        due.append((self._charged_at, self._charge))
        if self.running is not None:
            due += [(self.running.next_pulse, self._pulse), (self.running.end, self._end_train)]
        return due

    def _do_later(self) -> None:
        _, _, act = self._later.pop(0)
        act()

    def _charge(self) -> None:
        self._charged_at = inf
        self._go(Happening.CHARGED)
        self.tell("ready")

    def _pulse(self) -> None:
        assert self.running is not None
        power = self.real_power
        self.running.given += 1
        self.count += 1
        self.pulses.append(GivenPulse(self.time, power, self.stage.is_armed))
        self._coil.heat(pulse_energy(power), self.time)
        self.tell("pulse", power=round(power, 4), armed=self.stage.is_armed, count=self.count)
        self.on_pulse()
        if self.coil_hot:
            self.disarm("coil hot")

    def _end_train(self) -> None:
        assert self.running is not None
        programme = self.running.programme
        wait = programme.wait if self.habits.keeps_energy_law else programme.lock
        self.running = None
        self._go(Happening.LAST_PULSE)
        self._armed_since = self.time
        self._busy_until = self.time + programme.lock
        self._charged_at = self.time + max(wait, programme.lock)
        self.tell("train over")
        self.on_train_end()

    def _go(self, happening: Happening) -> bool:
        following = NEXT.get((self.stage, happening))
        if following is None:
            return False
        self.stage = following
        return True


def steady(rate: float, pulses: int, *, wait: float, lock: float) -> Programme:
    """Equal pulses at one rate: the first at once, the last followed by a full period."""
    times = tuple(n / rate for n in range(pulses))
    return Programme(pulse_times=times, duration=pulses / rate, wait=wait, lock=lock)


def in_percent(power: float) -> int:
    """A fraction of maximum output as the whole percent that goes over a wire."""
    return round(power / percent)
