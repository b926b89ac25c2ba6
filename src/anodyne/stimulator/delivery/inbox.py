"""What clients want of a controller: left here by whoever hears them, taken by the one thread that delivers."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite

from anodyne.stimulator.clock import Clock


@dataclass(frozen=True, kw_only=True)
class Start:
    """Begin, or go on with, a session.

    Attributes
    ----------
    coil : name of the coil that the operator sees attached
    patient_protected, operator_protected : ears are protected
    uncertain : the operator's word on a train whose end nobody saw, see `OperatorsWord`; None for none
    """

    coil: str
    patient_protected: bool
    operator_protected: bool
    uncertain: str | None = None


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Pause after the train that is running."""


@dataclass(frozen=True, kw_only=True)
class Resume:
    """Go on after a pause or a fault; `uncertain` as in `Start`."""

    uncertain: str | None = None


Command = Start | Pause | Resume

Answer = Callable[[str | None], None]
"""Told what became of a command: None when it was carried out, else a sentence that says why not."""


@dataclass(frozen=True, kw_only=True)
class PoseDeviation:
    """Where the coil is, against where it should be.

    Parameters
    ----------
    distance : m
    angle : rad
    fixed : the operator vouches for it, so that it does not grow old; otherwise a navigator sends it again and again

    Raises
    ------
    ValueError : a number that is negative or not finite
    """

    distance: float
    angle: float
    fixed: bool = False

    def __post_init__(self) -> None:
        for what, value in (("distance", self.distance), ("angle", self.angle)):
            if not (isfinite(value) and value >= 0):
                raise ValueError(f"a deviation in {what} is not negative, so not {value}")


class Inbox:
    """Commands in their order; and, beside the queue because they cannot wait in it: STOP, presence and pose.

    Parameters
    ----------
    clock : by which presence and pose grow old
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._commands: deque[tuple[Command, Answer]] = deque()
        self._stop: tuple[float, str] | None = None
        self._present_at = -inf
        self._pose: tuple[float, PoseDeviation] | None = None

    def put(self, command: Command, answer: Answer = lambda refusal: None) -> None:
        """Leave a command; `answer` is called, on the controller's thread, once it was carried out or refused."""
        with self._lock:
            self._commands.append((command, answer))

    def take(self) -> tuple[Command, Answer] | None:
        """The oldest command not yet taken."""
        with self._lock:
            return self._commands.popleft() if self._commands else None

    def stop(self, reason: str) -> None:
        """Ask for STOP; the first reason stands. Takes no lock, so that a signal's handler may call it."""
        if self._stop is None:
            self._stop = self._clock.now(), reason

    @property
    def stop_reason(self) -> str | None:
        """Why somebody wants a STOP; None while nobody does."""
        return None if self._stop is None else self._stop[1]

    @property
    def since_stop(self) -> float:
        """Since STOP was asked for, s; zero before that."""
        return 0.0 if self._stop is None else self._clock.now() - self._stop[0]

    def present(self) -> None:
        """Renew the operator's presence."""
        self._present_at = self._clock.now()

    def absent(self) -> None:
        """Take it back: the operator let go."""
        self._present_at = -inf

    @property
    def presence_age(self) -> float:
        """Since presence was last renewed, s; infinity for never."""
        return self._clock.now() - self._present_at

    def pose(self, deviation: PoseDeviation) -> None:
        """Tell where the coil is."""
        self._pose = self._clock.now(), deviation

    @property
    def latest_pose(self) -> PoseDeviation | None:
        """Where the coil last was."""
        return None if self._pose is None else self._pose[1]

    @property
    def pose_age(self) -> float:
        """Since the pose was last told, s; zero for a fixed one, infinity for never."""
        if self._pose is None:
            return inf
        told_at, deviation = self._pose
        return 0.0 if deviation.fixed else self._clock.now() - told_at
