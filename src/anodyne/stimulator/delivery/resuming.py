"""What a log says was given, what is uncertain, and where a session goes on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from anodyne.errors import SafetyRefusal, UnreadableFile
from anodyne.stimulator.delivery.log import LogEvent, LogLine
from anodyne.stimulator.delivery.order import DeliveryOrder, order_from_data
from anodyne.stimulator.model import TrainSettings

GIVEN, NOT_GIVEN = "given", "not-given"
"""What an operator may say of an uncertain train, beside a number of pulses."""


@dataclass(frozen=True, kw_only=True)
class UncertainTrain:
    """The one train that was begun and whose end nobody saw.

    Attributes
    ----------
    train : its index in the order, from 0
    pulses : it can have given at most
    """

    train: int
    pulses: int


@dataclass(frozen=True, kw_only=True)
class ResumePoint:
    """Where a session stands.

    Attributes
    ----------
    order : what is being given
    given : pulses of each train that are known to have been given
    closed : for each train, whether nothing more of it will be given
    uncertain : the train in flight when the log ended, if there is one
    """

    order: DeliveryOrder
    given: tuple[int, ...]
    closed: tuple[bool, ...]
    uncertain: UncertainTrain | None = None

    @property
    def next_train(self) -> int | None:
        """Index of the train to go on with; None when the session is complete."""
        return next((index for index, closed in enumerate(self.closed) if not closed), None)

    @property
    def pulses_given(self) -> int:
        """Known to have been given."""
        return sum(self.given)

    @property
    def pulses_at_most(self) -> int:
        """Given if the uncertain train gave all that it could."""
        return self.pulses_given + (0 if self.uncertain is None else self.uncertain.pulses)

    def settings(self, index: int) -> TrainSettings:
        """What is still to be given of a train: whole bursts, and never more than planned together with what was."""
        planned = self.order.trains[index].settings
        return replace(planned, pulses=_whole(planned, planned.pulses - self.given[index]))


def _whole(settings: TrainSettings, pulses: int) -> int:
    """The pulses that make whole bursts, rounded down."""
    return pulses if settings.burst is None else pulses - pulses % settings.burst.pulses


def beginning(order: DeliveryOrder) -> ResumePoint:
    """Where a session stands before anything was given."""
    return ResumePoint(order=order, given=(0,) * len(order.trains), closed=(False,) * len(order.trains))


def resume_point(lines: Sequence[LogLine]) -> ResumePoint:
    """Where the session of a log stands.

    A train that was announced and whose end is not in the log, or is there with no certain count, is uncertain until a
    line says how the operator settled it.

    Raises
    ------
    UnreadableFile : an empty log, or lines that cannot follow from each other
    """
    if not lines:
        raise UnreadableFile("the log is empty, so it says nothing of a session; start it anew")
    point = beginning(order_from_data(lines[0].facts["order"]))
    for line in lines[1:]:
        try:
            point = _after(point, line)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise UnreadableFile(f"line {line.number + 1} of the log does not fit the lines before it") from error
    return point


def _after(point: ResumePoint, line: LogLine) -> ResumePoint:
    facts = line.facts
    match line.event:
        case LogEvent.STARTING:
            if point.uncertain is not None or point.closed[facts["train"]]:
                raise ValueError("a train began before the one before it was settled")
            return replace(point, uncertain=UncertainTrain(train=facts["train"], pulses=facts["pulses"]))
        case LogEvent.ENDED if point.uncertain is None and facts["pulses"] == 0:
            return point  # announced, but the announcement never reached the disk, so it was not given
        case LogEvent.ENDED if facts["certain"]:
            return settled(point, facts["train"], facts["pulses"], close=facts["close"])
        case LogEvent.SETTLED:
            return settled(point, facts["train"], facts["pulses"], close=facts["close"])
        case LogEvent.REST_DROPPED:
            return without_rest(point, facts["train"])
        case _:
            return point


def settled(point: ResumePoint, train: int, pulses: int, *, close: bool = False) -> ResumePoint:
    """The same with the train in flight known to have given so many pulses.

    Parameters
    ----------
    close : nothing more of this train is to be given, even if pulses are left

    Raises
    ------
    ValueError : there is no such train in flight, or it cannot have given so many
    """
    if point.uncertain is None or point.uncertain.train != train:
        raise ValueError(f"train {train + 1} is not in flight")
    if not pulses >= 0:
        raise ValueError(f"a train does not give {pulses} pulses")
    given = list(point.given)
    given[train] += pulses
    planned = point.order.trains[train].settings
    closed = list(point.closed)
    closed[train] = close or _whole(planned, max(planned.pulses - given[train], 0)) == 0
    return replace(point, given=tuple(given), closed=tuple(closed), uncertain=None)


def pulses_by_word(word: str, uncertain: UncertainTrain) -> int:
    """The pulses that an operator takes an uncertain train to have given.

    Parameters
    ----------
    word : "given" for all of them, "not-given" for none, or the number that somebody counted

    Raises
    ------
    SafetyRefusal : a word that is none of these, or more pulses than the train had

    >>> pulses_by_word("12", UncertainTrain(train=0, pulses=50))
    12
    """
    said = word.strip().lower()
    if said == GIVEN:
        return uncertain.pulses
    if said == NOT_GIVEN:
        return 0
    if said.isdecimal() and int(said) <= uncertain.pulses:
        return int(said)
    raise SafetyRefusal(
        f"train {uncertain.train + 1} may have given up to {uncertain.pulses} pulses; say 'given', 'not-given', or how "
        f"many you counted, not {word!r}"
    )


def without_rest(point: ResumePoint, train: int) -> ResumePoint:
    """The same with nothing more to be given of a train."""
    closed = list(point.closed)
    closed[train] = True
    return replace(point, closed=tuple(closed))


def in_flight(point: ResumePoint, train: int, pulses: int) -> ResumePoint:
    """The same with a train announced of which nobody knows yet what it gave."""
    return replace(point, uncertain=UncertainTrain(train=train, pulses=pulses))
