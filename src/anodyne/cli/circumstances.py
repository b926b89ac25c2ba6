"""What a check of a dose must know of the person and the day: the options that its commands share."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.options import Decorator
from anodyne.errors import UnknownName, UnreadableFile

if TYPE_CHECKING:
    from anodyne.protocol import BodySite, Circumstances, CoilInUse, DeviceModel, Dose, DoseCheck, Override, Protocol

METHODS = ("emg", "visual")


class OverrideWords(click.ParamType["Override"]):
    """A consultant's override, written ``NAME, ROLE: REASON``."""

    name = "override"

    def convert(self, value: "str | Override", param: click.Parameter | None, ctx: click.Context | None) -> "Override":
        """The override, given now."""
        from anodyne.protocol import Override

        if isinstance(value, Override):
            return value
        try:
            return Override.from_words(value, datetime.now(UTC))
        except ValueError as error:
            self.fail(str(error), param, ctx)


_PERSON_OPTIONS: dict[str, Decorator] = {
    "sessions_per_day": click.option(
        "--sessions-per-day", type=click.IntRange(1, 24),
        help="Sessions on the fullest day, in place of the protocol's own.",
    ),
    "modifiers": click.option(
        "--modifier", "modifiers", multiple=True, metavar="NAME",
        help="What lowers this person's seizure threshold (tramadol, tricyclic, sleep-loss, alcohol-withdrawal, "
        "seizure-history, ...); may be repeated. Each kind raises the verdict by one step.",
    ),
    "threshold_method": click.option(
        "--threshold-method", type=click.Choice(METHODS), default="emg", show_default=True,
        help="By what the threshold was measured. A visible twitch reads about 11 % high, and the dose is judged "
        "as that much stronger.",
    ),
    "site": click.option(
        "--site", default="", metavar="WORDS",
        help="Of peripheral stimulation: muscle or nerve, and side. It is recorded, not judged.",
    ),
    "firmware": click.option(
        "--firmware", type=click.IntRange(1, 99), metavar="NUMBER",
        help="Main version of the stimulator's firmware, where what it can give depends on that.",
    ),
    "override": click.option(
        "--override", type=OverrideWords(), metavar="'NAME, ROLE: REASON'",
        help="A named consultant's decision to go outside of the tested range, with the reason. It lifts no block.",
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Around:
    """The shared options as they were given."""

    sessions_per_day: int | None
    modifiers: tuple[str, ...]
    firmware: int | None
    override: "Override | None"
    threshold_method: str = "emg"
    site: str = ""

    def circumstances(self) -> "Circumstances":
        """What a check must know of the person and the day.

        Raises
        ------
        UnknownName : a modifier that nobody has heard of
        """
        from anodyne.protocol import Circumstances, ResponseObservation, find_modifier

        return Circumstances(
            sessions_per_day=self.sessions_per_day,
            modifiers=tuple(dict.fromkeys(find_modifier(name) for name in self.modifiers)),
            observation=ResponseObservation(self.threshold_method),
            site=self.site,
            firmware=self.firmware,
        )


def person_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options about person and day, which it receives together as ``around``."""
    return _gathering(command, ("sessions_per_day", "modifiers", "threshold_method", "site", "firmware", "override"))


def person_options_of_a_site(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same without those that a plan for the body says otherwise, or that make no sense for one."""
    return _gathering(command, ("sessions_per_day", "modifiers", "firmware", "override"))


def _gathering(command: Callable[..., Any], names: tuple[str, ...]) -> Callable[..., Any]:
    @wraps(command)
    def gathered(*arguments: Any, **given: Any) -> Any:
        shared = {name: given.pop(name) for name in names}
        return command(*arguments, around=Around(**shared), **given)

    optioned: Callable[..., Any] = gathered
    for name in reversed(names):
        optioned = _PERSON_OPTIONS[name](optioned)
    return optioned


def with_interval(asked: "Protocol", interval: float | None) -> "Protocol":
    """A protocol with another pause between trains (s), marked as given; the same without one."""
    from anodyne.certainty import Certainty
    from anodyne.protocol import Fact

    if interval is None:
        return asked
    given = Fact(value=interval, certainty=Certainty.GIVEN, source="given on the command line")
    unstated: Fact[float] = Fact(value=None, certainty=Certainty.NOT_REPORTED, source="with another pause")
    return replace(asked, inter_train_interval=given, session_duration=unstated)


def coil_in_use(name: str, label: str, stimulator: str | None) -> "CoilInUse":
    """What a check must know of a coil."""
    from anodyne.protocol import CoilInUse, is_deep_coil

    return CoilInUse(label=label, stimulator=stimulator, is_deep=is_deep_coil(f"{name} {label}"))


def check_plan(
    document: dict[str, Any],
    dose: "Dose",
    around: Around,
    *,
    device: "DeviceModel | None" = None,
    interval: float | None = None,
) -> "DoseCheck":
    """Check a dose of a plan.

    Parameters
    ----------
    document : of the plan
    dose : that will be given; its intensity is the output over the threshold
    around : the person and the day
    device : the stimulator; None for the one of the plan's coil, if it is known
    interval : between trains, s; None for the plan's

    Raises
    ------
    UnreadableFile : the plan's protocol is none
    UnknownName : a modifier that nobody has heard of
    """
    from anodyne.protocol import check_dose, protocol_from_data

    entry, coil = dict(document["protocol"]), document["coil"]
    name = entry.pop("name")
    try:
        protocol = with_interval(protocol_from_data(name, entry), interval)
    except ValueError as error:
        raise UnreadableFile(f"the plan's protocol {name} cannot be read ({error}); make the plan again") from error
    return check_dose(
        protocol,
        dose=dose,
        device=device or known_device(coil["stimulator"]),
        coil=coil_in_use(coil["name"], coil["label"], coil["stimulator"]),
        circumstances=_circumstances_of(document, around),
        override=around.override,
    )


def _circumstances_of(document: dict[str, Any], around: Around) -> "Circumstances":
    """What is said now, and what a plan says of where it goes and for whom it was checked; the stricter of both."""
    from anodyne.plan import PlanKind, plan_kind
    from anodyne.protocol import find_modifier

    said = around.circumstances()
    if plan_kind(document) is PlanKind.HEAD:
        return replace(said, target=document["target"]["name"])
    planned = document["circumstances"]
    modifiers = (*said.modifiers, *(find_modifier(name) for name in planned["modifiers"]))
    return replace(
        said,
        modifiers=tuple(dict.fromkeys(modifiers)),
        sessions_per_day=max(said.sessions_per_day or 0, planned["sessions_per_day"] or 0) or None,
        firmware=said.firmware or planned["firmware"],
        site=site_of(document).in_words,
    )


def site_of(document: dict[str, Any]) -> "BodySite":
    """The site of a plan for the body.

    Raises
    ------
    UnreadableFile : it says what cannot be
    """
    from anodyne.protocol import BodySite, Side

    words, side = document["site"]["words"], document["site"]["side"]
    try:
        return BodySite(words=words, side=None if side is None else Side(side))
    except ValueError as error:
        raise UnreadableFile(f"the plan's site cannot be read ({error}); make the plan again") from error


def known_device(stimulator: str | None) -> "DeviceModel | None":
    """The model on which a coil's peak rate holds, if its table is here."""
    from anodyne.protocol import find_device

    try:
        return None if stimulator is None else find_device(stimulator)
    except UnknownName:
        return None
