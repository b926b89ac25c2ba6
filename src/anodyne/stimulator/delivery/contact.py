"""A line to a stimulator: control, keep-alive, settings read back, and the disarming that nothing interrupts."""

from collections.abc import Callable

from anodyne.stimulator.clock import Clock
from anodyne.stimulator.delivery.interruption import InterruptiblePort
from anodyne.stimulator.delivery.order import settings_to_data
from anodyne.stimulator.delivery.watch import KeepAliveWatch
from anodyne.stimulator.faults import DeviceFault, FaultKind
from anodyne.stimulator.model import DeviceState, Stimulator, TrainSettings

PASSING = frozenset({FaultKind.COIL_ABSENT, FaultKind.COIL_HOT, FaultKind.REPLACE_COIL})
"""What may be put right while nothing is armed: it holds the next train up, and no more."""

TOLERATED = 3
"""Answers to a keep-alive that may be lost in a row while nothing is armed (assumed): a question harms nobody."""


class Contact:
    """What is known of a stimulator, and every call to it.

    Parameters
    ----------
    stimulator : opened, and not yet under control
    clock : the controller's
    line : its own line, if waits on it can be interrupted
    must_stop : says whether a wait must be left
    """

    def __init__(
        self, stimulator: Stimulator, clock: Clock, line: InterruptiblePort | None, must_stop: Callable[[], bool]
    ) -> None:
        self.stimulator = stimulator
        self.keep_alive = KeepAliveWatch(period=stimulator.keep_alive_period)
        self.in_control = False
        self.state: DeviceState | None = None
        self.trouble = ""
        self._clock = clock
        self._line = line
        self._must_stop = must_stop
        self._set: TrainSettings | None = None
        self._lost_answers = 0
        if line is not None:
            line.must_stop = must_stop

    @property
    def known(self) -> DeviceState:
        """What the stimulator last said; only once in control."""
        assert self.state is not None
        return self.state

    def take_control(self) -> None:
        """Begin remote control, disarmed, and hear how things stand."""
        self.stimulator.take_control()
        self.in_control = True
        self._set = None
        self._lost_answers = 0
        self.keep_alive.begin(self._clock.now())
        self.ask(hot=False)

    def leave(self) -> None:
        """Disarm and give the stimulator back to its panel, as far as the line allows."""
        if self.in_control:
            self.disarm()
            self.in_control = False
            self._uninterrupted(self.stimulator.release)

    def ask(self, *, hot: bool) -> None:
        """Ask for the whole state.

        Raises
        ------
        DeviceFault : the line is at fault, or the device says that something is wrong which cannot wait
        """
        self._hear(self.stimulator.state(), hot)

    def poll(self, *, hot: bool) -> None:
        """Ask for no more than a keep-alive tells."""
        self._hear(self.stimulator.keep_alive(), hot)

    def mind_keep_alive(self, *, hot: bool) -> str:
        """Keep control if that is due; the whole state follows where there is time for it.

        While nothing is armed an answer that is lost is asked for again at once, three times in a row at most;
        what was lost is returned in words, empty if nothing was.

        Raises
        ------
        DeviceFault : as `ask`; a lost answer while armed, or the fourth in a row
        """
        if not self.in_control or self._clock.now() < self.keep_alive.due:
            return ""
        try:
            self.poll(hot=hot)
            self.keep_alive.answered(self._clock.now())
            if not hot:
                self.ask(hot=hot)
        except DeviceFault as fault:
            passing = fault.kind.is_of_the_line and fault.kind is not FaultKind.PORT_LOST
            if hot or not passing or self._lost_answers >= TOLERATED:
                raise
            self._lost_answers += 1
            self.keep_alive.missed(self._clock.now())
            return str(fault)
        self._lost_answers = 0
        return ""

    def _hear(self, state: DeviceState, hot: bool) -> None:
        self.state = state
        self.keep_alive.heard(self._clock.now())
        if state.fault is not None and (hot or state.fault not in PASSING):
            raise DeviceFault(state.fault)

    def set_train(self, settings: TrainSettings) -> None:
        """Set a train unless it is set already, and read it back."""
        if self._set != settings:
            self._set = None
            self.stimulator.set_train(settings)
            self.keep_alive.heard(self._clock.now())
            self.refuse_other_settings(settings)
            self._set = settings

    def refuse_other_settings(self, settings: TrainSettings) -> None:
        """Raise `DeviceFault` unless the stimulator says that it is set to exactly this."""
        wanted, read = settings_to_data(settings), settings_to_data(self.stimulator.read_train())
        self.keep_alive.heard(self._clock.now())
        if settings.pulses == 1:  # a single pulse has no rate
            del wanted["rate_hz"], read["rate_hz"]
        if wanted != read:
            self._set = None
            differing = ", ".join(f"{key} {read[key]} for {wanted[key]}" for key in wanted if wanted[key] != read[key])
            raise DeviceFault(FaultKind.READ_BACK_MISMATCH, differing)

    def disarm(self) -> bool:
        """Disarm, in control or not; whether the stimulator confirmed it.

        The driver repeats this one command until it does. Before control was taken a train may be running that a
        controller began which has died since.
        """
        return self._uninterrupted(self.stimulator.disarm)

    def after_disarming(self) -> DeviceState | None:
        """What the stimulator says now, no STOP interrupting it; None if it says nothing."""
        found: list[DeviceState] = []
        self._uninterrupted(lambda: found.append(self.stimulator.state()))
        return found[0] if found else None

    def _uninterrupted(self, call: Callable[[], None]) -> bool:
        """Make a call that no STOP interrupts; whether it succeeded. What was wrong stays in `trouble`."""
        if self._line is not None:
            self._line.must_stop = lambda: False
        try:
            call()
        except DeviceFault as fault:
            self.trouble = str(fault)
            return False
        finally:
            if self._line is not None:
                self._line.must_stop = self._must_stop
        return True
