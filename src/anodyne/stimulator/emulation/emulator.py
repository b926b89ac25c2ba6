"""What every emulator is: bytes and a time in, bytes out, and a list of the pulses that were really given."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from math import inf
from random import Random
from typing import TypedDict

from anodyne.stimulator.emulation.injection import Injection, PlannedFault
from anodyne.stimulator.emulation.machine import GivenPulse, Habits, Machine, Witness, unseen
from anodyne.stimulator.port import LineSettings

LATENESS = 0.7
"""s by which a late answer is late."""

IMPOSTOR = b"ERROR\r\n"
"""What answers when something else is on the port."""

MISSET = 0.03
"""Fraction of maximum output by which a read-back mismatch is off."""


class Circumstances(TypedDict, total=False):
    """What every emulator is given besides what is its make's own; see `Emulator`."""

    habits: Habits | None
    faults: Sequence[PlannedFault]
    seed: int
    witness: Witness
    now: float


class Emulator(ABC):
    """A stimulator that is only a program: a pure state machine that is told the time.

    Bytes take their time on its line unless its habits say otherwise: what is written together is heard when the last
    byte of it would have arrived, and a message stands on the wire when its own last byte would, behind those before
    it. How long a device itself thinks about an answer is published nowhere; an emulated one does not.

    Parameters
    ----------
    habits : its behaviour in time
    faults : what goes wrong, and when
    seed : of everything that is random
    witness : told of everything that happens, as it happens
    now : when it is switched on, s of the clock that `receive` and `tick` are told
    """

    make: str
    """The word by which the command line knows it: "rapid2" or "magpro"."""

    line: LineSettings
    """How the make's serial line is set."""

    def __init__(
        self,
        *,
        habits: Habits | None = None,
        faults: Sequence[PlannedFault] = (),
        seed: int = 0,
        witness: Witness = unseen,
        now: float = 0.0,
    ) -> None:
        self.machine = Machine(habits or Habits(), witness, now=now)
        self.gone = False
        self._random = Random(seed)
        self._outbox: deque[tuple[float, bytes]] = deque()
        self._spoils: deque[Injection] = deque()
        self._heard_until = self._said_until = now
        self._silent = self._impostor = self._misset = False
        for fault in faults:
            self._expect(fault, now + fault.first(self._random))

    # The outside

    @property
    def pulses(self) -> list[GivenPulse]:
        """Every pulse really given, in order."""
        return self.machine.pulses

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes from the wire at time `now`, s; what stands on the wire in answer at that moment."""
        self.machine.advance(now)
        if data and not self.gone:
            self._heard_until = max(self._heard_until, self.machine.time) + self._time_of(data)
            self.machine.later(self._heard_until, lambda: self._hear(data))
            self.machine.advance(now)
        return self._speak()

    def tick(self, now: float) -> bytes:
        """Let time pass until `now`, s; what it says of its own accord, or belatedly."""
        self.machine.advance(now)
        return self._speak()

    def next_event(self) -> float:
        """When it next does or says something of its own accord, s; infinity if never."""
        return min(self.machine.next_event(), self._outbox[0][0] if self._outbox else inf)

    def inject(self, injection: Injection, now: float | None = None) -> None:
        """Let something go wrong at time `now`, s; without it, at the last time that the emulator was told."""
        machine = self.machine
        if now is not None:
            machine.advance(now)
        machine.tell("fault", name=injection.value)
        match injection:
            case Injection.SILENT:
                self._silent = True
            case Injection.COIL_ABSENT:
                machine.coil_present = False
            case Injection.COIL_HOT:
                machine.made_hot = True
            case Injection.REPLACE_COIL:
                machine.replace_coil = True
            case Injection.FATAL_ERROR:
                machine.fatal_error = True
            case Injection.READ_BACK_MISMATCH:
                self._misset = True
            case Injection.RESET:
                self._restart()
            case Injection.REMOTE_LOST:
                machine.leave_remote("fault")
            case Injection.PORT_LOST:
                self.gone = True
            case Injection.NOT_A_STIMULATOR:
                self._impostor = True
            case _:
                self._spoils.append(injection)
        if not machine.sound:
            machine.disarm(injection.value)

    def clear(self, injection: Injection, now: float | None = None) -> None:
        """Let a lasting fault be over at time `now`, s; one that happens once is forgotten if it has not come yet."""
        machine = self.machine
        if now is not None:
            machine.advance(now)
        machine.tell("fault over", name=injection.value)
        match injection:
            case Injection.SILENT:
                self._silent = False
            case Injection.COIL_ABSENT:
                machine.coil_present = True
            case Injection.COIL_HOT:
                machine.made_hot = False
            case Injection.REPLACE_COIL:
                machine.replace_coil = False
            case Injection.FATAL_ERROR:
                machine.fatal_error = False
            case Injection.READ_BACK_MISMATCH:
                self._misset = False
            case Injection.PORT_LOST:
                self.gone = False
            case Injection.NOT_A_STIMULATOR:
                self._impostor = False
            case _:
                self._spoils = deque(each for each in self._spoils if each is not injection)

    # What each make does in its own way

    @abstractmethod
    def _take(self, data: bytes) -> None:
        """Understand bytes from the wire, act on whole commands, and answer them."""

    @abstractmethod
    def _damaged(self, answer: bytes) -> bytes:
        """The same answer with a wrong checksum."""

    @abstractmethod
    def _restart(self) -> None:
        """Restart the machine and forget every setting."""

    # What they share

    def _time_of(self, data: bytes) -> float:
        return self.line.time_of(len(data)) if self.machine.habits.keeps_wire_time else 0.0

    def _hear(self, data: bytes) -> None:
        if self.gone or self.machine.deaf:
            return
        if self._impostor:
            self._put(IMPOSTOR, self.machine.time)
        else:
            self._take(data)

    def _answer(self, answer: bytes) -> None:
        """Send the answer to a command, spoiled if that is due."""
        when = self.machine.time
        spoil = self._spoils.popleft() if self._spoils else None
        match spoil:
            case Injection.DROPPED_BYTE:
                lost = self._random.randrange(len(answer))
                answer = answer[:lost] + answer[lost + 1 :]
            case Injection.WRONG_CHECKSUM:
                answer = self._damaged(answer)
            case Injection.PARTIAL:
                answer = answer[: len(answer) // 2]
            case Injection.LATE:
                when += LATENESS
            case Injection.NOISE:
                answer = self._random.randbytes(self._random.randint(1, 9)) + answer
        self._say(answer, when)

    def _say(self, message: bytes, when: float | None = None) -> None:
        """Put a message on the wire, behind those that wait already."""
        if message and not self._silent:
            self._put(message, self.machine.time if when is None else when)

    def _put(self, message: bytes, when: float) -> None:
        self._said_until = max(self._said_until, when) + self._time_of(message)
        self._outbox.append((self._said_until, message))

    def _command_spoiled(self) -> Injection | None:
        """Whether the command that has just come is to meet with refusal; that is then over."""
        if self._spoils and self._spoils[0] in (Injection.UNKNOWN_COMMAND, Injection.STATE_CONFLICT):
            return self._spoils.popleft()
        return None

    def _power_taken(self, power: float) -> float:
        """The power really set when `power` is asked for."""
        if not self._misset:
            return power
        self._misset = False
        return power + MISSET if power + MISSET <= 1 else power - MISSET

    def _expect(self, fault: PlannedFault, when: float) -> None:
        def happen() -> None:
            self.inject(fault.injection)
            if fault.every is not None:
                self._expect(fault, self.machine.time + self._random.expovariate(1 / fault.every))

        self.machine.later(when, happen)

    def _speak(self) -> bytes:
        spoken = bytearray()
        while self._outbox and self._outbox[0][0] <= self.machine.time:
            spoken += self._outbox.popleft()[1]
        return b"" if self.gone or self.machine.deaf else bytes(spoken)
