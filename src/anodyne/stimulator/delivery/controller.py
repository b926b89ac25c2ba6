"""The controller: one thread that gives a session's trains one by one, and disarms the moment anything is lost."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from anodyne.errors import AnodyneError, SafetyRefusal
from anodyne.protocol import DeviceModel
from anodyne.stimulator.clock import Clock
from anodyne.stimulator.delivery.contact import Contact
from anodyne.stimulator.delivery.flight import Flight, Outcome, announcement, judge, judge_withdrawn, result_facts
from anodyne.stimulator.delivery.gates import Timing, refuse_start, unmet
from anodyne.stimulator.delivery.heat import HeatWatch
from anodyne.stimulator.delivery.inbox import Command, Inbox, Pause, PoseDeviation, Resume, Start
from anodyne.stimulator.delivery.interruption import Interrupted, InterruptiblePort
from anodyne.stimulator.delivery.journal import Facts, Journal
from anodyne.stimulator.delivery.log import LogEvent
from anodyne.stimulator.delivery.opening import first_facts, last_started, opened, refuse_device, required_wait
from anodyne.stimulator.delivery.order import DeliveryOrder
from anodyne.stimulator.delivery.resuming import in_flight, pulses_by_word, settled, without_rest
from anodyne.stimulator.delivery.states import Event, State, following
from anodyne.stimulator.delivery.watch import WallWatch, jump_in_words
from anodyne.stimulator.faults import DeviceFault, FaultKind
from anodyne.stimulator.model import HOTTEST, Stimulator

NOT_CONFIRMED = "the stimulator did not confirm that it is disarmed: switch it off"
COMPLETE = "every train of the session has been given"


@dataclass(frozen=True, kw_only=True)
class Equipment:
    """What a controller works with.

    Attributes
    ----------
    stimulator : opened, and not yet under control
    journal : of the session's log
    inbox : what clients want
    clock : monotonic; the wall clock is the journal's and only noted
    line : the stimulator's own line, if waits on it can be interrupted
    timing : how long things may take
    """

    stimulator: Stimulator
    journal: Journal
    inbox: Inbox
    clock: Clock
    line: InterruptiblePort | None = None
    timing: Timing = field(default_factory=Timing)


class Controller:
    """Gives what an order says, and never more; `step` it until it is `finished`, or let it `run`.

    Parameters
    ----------
    order : what to give
    signed_hash : of the order that was signed
    equipment : with what

    Raises
    ------
    SafetyRefusal : another order was signed, the threshold is too old, or the device is another or cannot give it
    RecordConflict : the log belongs to another order
    UnreadableFile : the log says what cannot be
    """

    def __init__(self, order: DeliveryOrder, signed_hash: str, equipment: Equipment) -> None:
        order.refuse_unless_signed(signed_hash)
        order.refuse_old_threshold(equipment.journal.now().date())
        refuse_device(order, equipment.stimulator.device)
        self.order = order
        self.state = State.IDLE
        self.message = "waiting for the operator to begin"
        self.holding: tuple[str, ...] = ()
        self.start_jitter_worst = 0.0
        self.stop_latency: float | None = None
        self.flight: Flight | None = None
        self.point = opened(equipment.journal, order)
        self._journal = equipment.journal
        self._inbox = equipment.inbox
        self._clock = equipment.clock
        self._timing = equipment.timing
        self._wall = WallWatch()
        equipment.stimulator.coil_limit = max(HOTTEST, order.maximum_coil_temperature)
        self.contact = Contact(equipment.stimulator, self._clock, equipment.line, self._must_stop)
        last = last_started(self._journal)
        self.not_before = self.now + (0.0 if last is None else self._wait_after(last))
        self.heat = HeatWatch(order.heat_limit)
        self.heat.recall(self._journal.lines, self.now, self._journal.now())
        self._settable_at = self.now
        self._armed_at = self._next_poll = 0.0
        self._pause_wanted = ""

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.state.is_final

    @property
    def now(self) -> float:
        """The controller's clock, s."""
        return self._clock.now()

    @property
    def device_model(self) -> DeviceModel:
        """What the stimulator can do."""
        return self.contact.stimulator.device

    @property
    def pose(self) -> PoseDeviation | None:
        """Where the coil last was."""
        return self._inbox.latest_pose

    def run(self, watcher: Callable[[], None] = lambda: None) -> None:
        """Step until finished, sleeping between steps; `watcher` is called after each of them.

        Raises
        ------
        CannotWrite : the last lines of the log could not be written
        """
        while not self.finished:
            self.step()
            watcher()
            self._clock.sleep(self.until_next_step())
        self.release()

    def until_next_step(self) -> float:
        """How long nothing needs to be done, s."""
        due = [self.contact.keep_alive.due] if self.contact.in_control else []
        if self.state in (State.ARMING, State.FIRING):
            due.append(self._next_poll)
        if self.state is State.ARMED and self.flight is not None:
            due.append(self.flight.planned_start)
        now = self.now
        return min([self._timing.tick, *(max(moment - now, 1e-3) for moment in due)])

    def step(self) -> None:
        """Do whatever is due, and come back at once."""
        try:
            self._look_after()
            _HANDLERS[self.state](self)
        except Interrupted:
            if not self._mind_stop():
                self._mind_gates()
        except AnodyneError as wrong:
            self._fault(str(wrong), wrong.kind if isinstance(wrong, DeviceFault) else None)

    def release(self) -> None:
        """Disarm, give the stimulator back to its panel, and see the log onto the disk.

        Raises
        ------
        CannotWrite : the last lines could not be written
        """
        self.contact.leave()
        if self._journal.lines:
            self._write(LogEvent.CLOSED, {"state": self.state.value, "pulses": self.point.pulses_given})
        self._journal.wait()

    # what must never wait ------------------------------------------------------------------------

    def _look_after(self) -> None:
        if self._mind_stop():
            return
        self._obey()
        if self.state is not State.FAULTED:
            self._journal.refuse_lost_lines()
        self._mind_wall_clock()
        self._mind_heat()
        if self.state.is_hot:
            self._mind_gates()
        if self.state is not State.FAULTED:
            lost = self.contact.mind_keep_alive(hot=self.state.is_hot)
            if lost:
                self._write(LogEvent.ANSWER_LOST, {"why": lost})

    def _must_stop(self) -> bool:
        absent = self.state.is_hot and self._inbox.presence_age > self._timing.presence
        return absent or (self._inbox.stop_reason is not None and not self.finished)

    def _mind_stop(self) -> bool:
        reason = self._inbox.stop_reason
        if reason is None or self.finished:
            return False
        confirmed = self.contact.disarm()
        self.stop_latency = self._inbox.since_stop
        self._account_for_flight(confirmed)
        self.message = f"stopped: {reason}" + ("" if confirmed else f"; {NOT_CONFIRMED}")
        facts: Facts = {"why": reason, "disarm_confirmed": confirmed, "disarmed_after_s": round(self.stop_latency, 4)}
        if self._journal.lines:
            self._write(LogEvent.STOPPED, facts)
        self._go(Event.STOP)
        return True

    def _mind_gates(self) -> None:
        missing = self._unmet()
        if missing:
            self._pause_for("; ".join(missing), Event.WITHDRAWN)

    def _unmet(self) -> tuple[str, ...]:
        self._mind_heat()
        return (*unmet(self.order, self.contact.known, self._inbox, self._timing), *self.heat.unmet)

    def _mind_heat(self) -> None:
        if self.contact.state is not None:
            self.heat.note(self.now, self.contact.state.coil_temperature)
        if self._journal.lines and (news := self.heat.news(self.now)):
            self._write(LogEvent.COIL_WARM, news)

    def _mind_wall_clock(self) -> None:
        jump = self._wall.jump(self._clock, self._journal.now())
        if jump is not None and self._journal.lines:
            self._write(LogEvent.CLOCK_JUMPED, {"by_s": round(jump, 3)})
            self._pause_soon(jump_in_words(jump))

    # what clients say ----------------------------------------------------------------------------

    def _obey(self) -> None:
        while (waiting := self._inbox.take()) is not None:
            command, answer = waiting
            try:
                self._carry_out(command)
            except AnodyneError as refusal:
                self.message = str(refusal)
                answer(str(refusal))
            else:
                answer(None)

    def _carry_out(self, command: Command) -> None:
        match command:
            case Start():
                self._start(command)
            case Pause():
                self._pause()
            case Resume():
                self._resume(command)

    def _start(self, start: Start) -> None:
        if self.state is not State.IDLE:
            raise SafetyRefusal(f"the session is {self.state.value} and cannot be started again; resume it instead")
        refuse_start(start, self.order)
        pulses = self._settling(start.uncertain)
        event, facts = first_facts(self._journal, self.order, start)
        self._write(event, facts)
        if self.order.override:
            self._write(LogEvent.OVERRIDE, {"by": self.order.override, "verdict": self.order.verdict})
        self._journal.wait()
        self._settle(pulses, start.uncertain)
        self._go(Event.START)
        self.message = "taking control of the stimulator"

    def _pause(self) -> None:
        if not self._pause_soon("the operator paused"):
            raise SafetyRefusal(f"there is nothing to pause while the session is {self.state.value}")

    def _pause_soon(self, reason: str) -> bool:
        """Pause, when a train that runs has ended; whether there was anything to pause."""
        if self.state is State.FIRING:
            self._pause_wanted = reason
            self.message = f"pausing when this train has ended: {reason}"
        elif self.state in (State.CHECKING, State.WAITING, State.ARMING, State.ARMED):
            self._pause_for(reason, Event.PAUSE)
        else:
            return False
        return True

    def _resume(self, resume: Resume) -> None:
        if self.state not in (State.PAUSED, State.FAULTED):
            raise SafetyRefusal(f"there is nothing to resume while the session is {self.state.value}")
        pulses = self._settling(resume.uncertain)
        self._journal.forgive()
        self._write(LogEvent.RESUMED, {"from": self.state.value})
        self._journal.wait()
        self._settle(pulses, resume.uncertain)
        self._go(Event.RESUME)
        self.message = "resumed"

    def _settling(self, word: str | None) -> int | None:
        """The pulses that the operator's word gives an uncertain train; None if there is no such train."""
        uncertain = self.point.uncertain
        if uncertain is None:
            return None
        if word is None:
            raise SafetyRefusal(
                f"nobody knows how much of train {uncertain.train + 1} was given (up to {uncertain.pulses} pulses); "
                "say 'given', 'not-given', or how many you counted"
            )
        return pulses_by_word(word, uncertain)

    def _settle(self, pulses: int | None, word: str | None) -> None:
        if pulses is None or self.point.uncertain is None:
            return
        train = self.point.uncertain.train
        self._write(
            LogEvent.SETTLED,
            {"train": train, "pulses": pulses, "close": False, "why": f"the operator said {word!r}"},
        )
        self.point = settled(self.point, train, pulses)

    # the states ----------------------------------------------------------------------------------

    def _rest(self) -> None:
        """Nothing but looking after is needed."""

    def _check(self) -> None:
        index = self.point.next_train
        if index is None:
            self.message = COMPLETE
            self._go(Event.COMPLETED)
            return
        if not self.contact.in_control:
            self.contact.take_control()
            self.message = "in control"
        self.holding = self._hindrances()
        if self.holding or self._rest_dropped(index):
            return
        settings = self.point.settings(index)
        self.contact.set_train(settings)
        self.holding = self._unmet()
        if self.holding or self.now < self.not_before - self._timing.arming:
            return
        self.contact.ask(hot=False)
        self.contact.refuse_other_settings(settings)
        if not self._unmet() and not self._must_stop():
            self._arm(index)

    def _hindrances(self) -> tuple[str, ...]:
        """What keeps settings from being written yet."""
        if self.contact.known.running:
            return ("the stimulator is still giving a train",)
        if self.now < max(self._settable_at, self.not_before - self._timing.preparation):
            return ("the wait after the train before",)
        return ()

    def _rest_dropped(self, index: int) -> bool:
        """Whether what is left of a train cannot be set and is dropped: less is given, never more."""
        if self.point.given[index] == 0:
            return False
        settings = self.point.settings(index)
        try:
            self.device_model.refuse_train(settings, settings.power)
        except SafetyRefusal as refusal:
            self._write(LogEvent.REST_DROPPED, {"train": index, "pulses": settings.pulses, "why": str(refusal)})
            self.point = without_rest(self.point, index)
            return True
        return False

    def _arm(self, index: int) -> None:
        self._armed_at = self._next_poll = self.now
        self.flight = Flight(
            train=index,
            settings=self.point.settings(index),
            planned_start=max(self.not_before, self._armed_at + self._timing.arming),
        )
        self.message = f"arming for train {index + 1}"
        self._go(Event.CHECKED)
        self.contact.stimulator.arm()

    def _await_ready(self) -> None:
        if not self._polled():
            return
        if self.contact.known.ready:
            self._go(Event.READY)
        elif self.now > self._armed_at + self._timing.longest_arming:
            raise DeviceFault(FaultKind.STATE_CONFLICT, "it does not become ready")

    def _fire(self) -> None:
        assert self.flight is not None
        flight = self.flight
        if not self.contact.known.armed:
            raise DeviceFault(FaultKind.REMOTE_LOST, "it disarmed by itself")
        if flight.announced is None:
            if self.now >= flight.planned_start - self._timing.announcement:
                flight.announced = self._write(LogEvent.STARTING, announcement(flight, self.order))
            return
        if not flight.announced.done() or self.now < flight.planned_start or self._must_stop():
            return
        flight.announced.result()
        self._trigger(flight)

    def _trigger(self, flight: Flight) -> None:
        flight.counter_before = self.contact.known.pulses_given
        flight.fired_at = self._next_poll = self.now
        try:
            self.contact.stimulator.start_train()
        except DeviceFault:
            if not self.contact.stimulator.start_uncertain:
                flight.fired_at = None
            raise
        flight.answered_at = self.now
        self.start_jitter_worst = max(self.start_jitter_worst, flight.answered_at - flight.planned_start)
        self.message = f"giving train {flight.train + 1}"
        self._go(Event.FIRED)

    def _follow(self) -> None:
        assert self.flight is not None
        if not self._polled():
            return
        outcome = judge(self.flight, self.contact.known, self.now, self._timing)
        if outcome is None:
            return
        confirmed = self.contact.disarm()
        self._conclude(outcome)
        if outcome.wrong or not confirmed:
            self._fault(outcome.wrong or NOT_CONFIRMED)
        elif self.point.next_train is None:
            self.message = COMPLETE
            self._go(Event.COMPLETED)
        elif self._pause_wanted:
            self._pause_for(self._pause_wanted, Event.PAUSE)
        else:
            self.message = "waiting for the next train"
            self._go(Event.TRAIN_ENDED)

    def _wait(self) -> None:
        if self.now >= self.not_before - self._timing.preparation:
            self._go(Event.WAITED)

    # withdrawing ---------------------------------------------------------------------------------

    def _pause_for(self, reason: str, event: Event) -> None:
        confirmed = self._withdraw()
        self._pause_wanted = ""
        self._write(LogEvent.PAUSED, {"why": reason, "disarm_confirmed": confirmed})
        self.message = f"paused: {reason}"
        self._go(event)
        if not confirmed:
            self._fault(NOT_CONFIRMED)

    def _fault(self, sentence: str, kind: FaultKind | None = None) -> None:
        if self.finished or self.state is State.FAULTED:
            self.message = sentence
            return
        confirmed = self._withdraw(kind)
        self._pause_wanted = ""
        self._write(LogEvent.FAULT, {"why": sentence, "disarm_confirmed": confirmed, "state": self.state.value})
        self.message = sentence if confirmed else f"{sentence}; {NOT_CONFIRMED}"
        self._go(Event.FAULT)
        self.contact.in_control = False

    def _withdraw(self, cause: FaultKind | None = None) -> bool:
        """Disarm, then see what became of a train in flight; whether the stimulator confirmed."""
        confirmed = self.contact.disarm()
        self._account_for_flight(confirmed, cause)
        return confirmed

    def _account_for_flight(self, confirmed: bool, cause: FaultKind | None = None) -> None:
        if self.flight is not None:
            state = self.contact.after_disarming() if confirmed else None
            self._conclude(judge_withdrawn(self.flight, state, cause))

    def _conclude(self, outcome: Outcome) -> None:
        """Write what became of the train in flight, and reckon from there."""
        flight, self.flight = self.flight, None
        assert flight is not None
        announced = flight.announced
        if announced is not None and not (announced.done() and announced.exception()):
            facts = result_facts(flight, outcome, self.contact.state, self.now)
            self._write(LogEvent.ENDED, {**announcement(flight, self.order), **facts})
            self.point = in_flight(self.point, flight.train, flight.settings.pulses)
            if outcome.certain and outcome.pulses is not None:
                self.point = settled(self.point, flight.train, outcome.pulses)
        if flight.fired_at is not None:
            self._settable_at = self.now + self._timing.rest
            end = max(flight.ends_at, self.now) if outcome.wrong or not outcome.certain else flight.ends_at
            self.not_before = end + self._wait_after(flight.train)

    def _wait_after(self, train: int) -> float:
        return required_wait(self.order, self.device_model, train)

    def _write(self, event: LogEvent, facts: Facts) -> "Future[None]":
        return self._journal.write(event, facts)

    def _go(self, event: Event) -> None:
        self.state = following(self.state, event)
        self.holding = ()

    def _polled(self) -> bool:
        """Ask the stimulator if that is due: more often towards the end of a train; whether it was."""
        if self.now < self._next_poll:
            return False
        self.contact.poll(hot=True)
        near = self.flight is not None and self.flight.ends_at - self.now < 3 * self._timing.poll
        self._next_poll = self.now + self._timing.poll / (2 if near else 1)
        return True


_HANDLERS: Mapping[State, Callable[[Controller], None]] = {
    State.IDLE: Controller._rest,
    State.CHECKING: Controller._check,
    State.ARMING: Controller._await_ready,
    State.ARMED: Controller._fire,
    State.FIRING: Controller._follow,
    State.WAITING: Controller._wait,
    State.PAUSED: Controller._rest,
    State.STOPPED: Controller._rest,
    State.FAULTED: Controller._rest,
    State.DONE: Controller._rest,
}
