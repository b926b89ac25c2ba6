"""Protocols as plain data: the form of one entry of ``protocols.yaml``, both ways."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from enum import Enum
from typing import Any, TypeVar

from anodyne.certainty import Certainty
from anodyne.protocol.course import Block, Cadence, Course, FollowUp, FollowUpOrigin
from anodyne.protocol.facts import Evidence, EvidenceLevel, Fact, not_reported
from anodyne.protocol.protocol import IntensityBasis, Modality, Protocol
from anodyne.protocol.pulse import PulseShape
from anodyne.protocol.session import Burst
from anodyne.protocol.target import CONTRALATERAL, Aim, ContralateralAim, NamedAim, PeripheralAim

Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=Enum)
Data = Mapping[str, Any]

REQUIRED = (
    *("label", "modality", "indication", "target", "certainty", "intensity", "intensity_basis", "rate"),
    *("pulses_per_train", "trains", "inter_train_interval", "pulses_per_session", "sessions", "schedule"),
    *("evidence", "citations", "not_known"),
)
OPTIONAL = ("aliases", "burst", "coil", "pulse_shape", "session_duration", "follow_up", "finding")


class EntryError(ValueError):
    """A mistake in an entry, with the keys that lead to it."""

    def __init__(self, message: str, *keys: str) -> None:
        super().__init__(message)
        self.message = message
        self.keys = keys

    def __str__(self) -> str:
        return f"key {'.'.join(self.keys)!r}: {self.message}" if self.keys else self.message


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise EntryError(f"needs words, not {value!r}")
    return value.strip()


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EntryError(f"needs a number, not {value!r}")
    return float(value)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise EntryError(f"needs a whole number, not {value!r}")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise EntryError(f"needs true or false, not {value!r}")
    return value


def _choice(kind: type[Choice]) -> Callable[[object], Choice]:
    def read(value: object) -> Choice:
        known = [member.value for member in kind]
        if value not in known:
            raise EntryError(f"{value!r} is none of {', '.join(known)}")
        return kind(value)

    return read


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise EntryError(f"needs a list, not {value!r}")
    return value


def _mapping(value: object, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, Any]:
    required, optional = list(required), list(optional)
    if not isinstance(value, dict):
        raise EntryError(f"needs the keys {', '.join(required)}, not {value!r}")
    for key in value:
        if key not in required + optional:
            near = get_close_matches(str(key), required + optional, n=1)
            raise EntryError("is not a key of an entry" + (f"; did you mean {near[0]!r}?" if near else ""), str(key))
    for key in required:
        if key not in value:
            raise EntryError("is missing; write null where the source does not report it", key)
    return value


def _at(key: str, read: Callable[[object], Value], value: object) -> Value:
    """`read` the value, and say under which key it was if that fails."""
    try:
        return read(value)
    except EntryError as error:
        raise EntryError(error.message, key, *error.keys) from error
    except ValueError as error:
        raise EntryError(str(error), key) from error


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(item) for item in _list(value))


def _burst(value: object) -> Burst:
    data = _mapping(value, ("pulses", "rate"))
    return Burst(pulses=_at("pulses", _count, data["pulses"]), rate=_at("rate", _number, data["rate"]))


def _block(value: object) -> Block:
    data = _mapping(value, ("sessions", "cadence"), ("per_day", "pause"))
    return Block(
        sessions=_at("sessions", _count, data["sessions"]),
        cadence=_at("cadence", _choice(Cadence), data["cadence"]),
        per_day=_at("per_day", _count, data.get("per_day", 1)),
        pause=None if data.get("pause") is None else _at("pause", _number, data["pause"]),
    )


def _course(value: object) -> Course:
    """A list of blocks, or a mapping of ``blocks`` and ``weekends``."""
    data = _mapping({"blocks": value} if isinstance(value, list) else value, ("blocks",), ("weekends",))
    blocks = tuple(_block(item) for item in _at("blocks", _list, data["blocks"]))
    return Course(blocks=blocks, weekends=_at("weekends", _truth, data.get("weekends", False)))


def _follow_up(value: object) -> FollowUp:
    data = _mapping(value, ("label", "days", "after"))
    return FollowUp(
        label=_at("label", _text, data["label"]),
        days=_at("days", _count, data["days"]),
        origin=_at("after", _choice(FollowUpOrigin), data["after"]),
    )


def _follow_ups(value: object) -> tuple[FollowUp, ...]:
    return tuple(_follow_up(item) for item in _list(value))


def _aim(modality: Modality) -> Callable[[object], Aim]:
    def read(value: object) -> Aim:
        name = _text(value)
        if modality is Modality.PERIPHERAL:
            return PeripheralAim(name=name)
        return ContralateralAim(name=name) if name.startswith(CONTRALATERAL) else NamedAim(name=name)

    return read


def _range(value: object) -> tuple[float, float]:
    ends = _list(value)
    if len(ends) != 2:
        raise EntryError(f"needs the lowest and the highest value, not {value!r}")
    return _number(ends[0]), _number(ends[1])


def _evidence(value: object) -> Evidence:
    data = _mapping(value, ("level", "citation", "certainty", "note"))
    return Evidence(
        level=_at("level", _choice(EvidenceLevel), data["level"]),
        citation=_at("citation", _text, data["citation"]),
        certainty=_at("certainty", _choice(Certainty), data["certainty"]),
        note=_at("note", _text, data["note"]),
    )


def _fact(value: object, read: Callable[[object], Value], usual: Certainty) -> Fact[Value]:
    """A bare value is as certain as `usual`; a mapping says its own certainty, source and published range."""
    if not (isinstance(value, dict) and "value" in value):
        value = {"value": value}
    data = _mapping(value, ("value",), ("certainty", "source", "published"))
    source = _at("source", _text, data["source"]) if "source" in data else ""
    if data["value"] is None:
        stray = [key for key in ("certainty", "published") if key in data]
        if stray:
            raise EntryError("says something of a value that is null", stray[0])
        return not_reported(source)
    return Fact(
        value=_at("value", read, data["value"]) if len(data) > 1 else read(data["value"]),
        certainty=_at("certainty", _choice(Certainty), data["certainty"]) if "certainty" in data else usual,
        source=source,
        published=_at("published", _range, data["published"]) if "published" in data else None,
    )


def protocol_from_data(name: str, data: object) -> Protocol:
    """The protocol that an entry describes.

    Parameters
    ----------
    name : the entry's name
    data : its keys and values, as ``protocols.yaml`` explains them

    Raises
    ------
    EntryError : a ValueError that names the key: unknown, missing, of the wrong kind, or totals that disagree
    """
    entry = _mapping(data, REQUIRED, OPTIONAL)
    usual = _at("certainty", _choice(Certainty), entry["certainty"])
    modality = _at("modality", _choice(Modality), entry["modality"])

    def fact(key: str, read: Callable[[object], Value]) -> Fact[Value]:
        return _at(key, lambda value: _fact(value, read, usual), entry.get(key))

    try:
        return Protocol(
            name=name,
            label=_at("label", _text, entry["label"]),
            aliases=_at("aliases", _texts, entry.get("aliases", [])),
            modality=modality,
            indication=fact("indication", _text),
            target=fact("target", _aim(modality)),
            coil=fact("coil", _text),
            pulse_shape=fact("pulse_shape", _choice(PulseShape)),
            intensity=fact("intensity", _number),
            intensity_basis=_at("intensity_basis", _choice(IntensityBasis), entry["intensity_basis"]),
            rate=fact("rate", _number),
            burst=fact("burst", _burst) if entry.get("burst") is not None else None,
            pulses_per_train=fact("pulses_per_train", _count),
            trains=fact("trains", _count),
            inter_train_interval=fact("inter_train_interval", _number),
            pulses_per_session=fact("pulses_per_session", _count),
            session_duration=fact("session_duration", _number),
            sessions=fact("sessions", _count),
            schedule=fact("schedule", _course),
            follow_up=fact("follow_up", _follow_ups),
            finding=fact("finding", _text),
            evidence=_at("evidence", _evidence, entry["evidence"]),
            citations=_at("citations", _texts, entry["citations"]),
            not_known=_at("not_known", _texts, entry["not_known"]),
        )
    except EntryError:
        raise
    except ValueError as error:
        key, _, message = str(error).partition(": ")
        raise EntryError(message or key, *([key] if message else [])) from error


def _plain(value: object) -> object:
    """A value of a protocol in numbers, words, lists and mappings."""
    match value:
        case Enum():
            return value.value
        case Aim():
            return value.name
        case Burst():
            return {"pulses": value.pulses, "rate": value.rate}
        case Block():
            data = {"sessions": value.sessions, "cadence": value.cadence.value}
            data |= {"per_day": value.per_day} if value.per_day > 1 else {}
            return data | ({"pause": value.pause} if value.pause is not None else {})
        case Course():
            blocks = [_plain(block) for block in value.blocks]
            return {"blocks": blocks, "weekends": True} if value.weekends else blocks
        case FollowUp():
            return {"label": value.label, "days": value.days, "after": value.origin.value}
        case Evidence():
            return {key: _plain(getattr(value, key)) for key in ("level", "citation", "certainty", "note")}
        case Fact():
            return _plain_fact(value)
        case tuple():
            return [_plain(item) for item in value]
    return value


def _plain_fact(fact: Fact[object]) -> object:
    data: dict[str, object] = {"value": _plain(fact.value)}
    if fact.certainty not in (Certainty.READ, Certainty.NOT_REPORTED):
        data["certainty"] = fact.certainty.value
    if fact.source:
        data["source"] = fact.source
    if fact.published is not None:
        data["published"] = list(fact.published)
    return data if len(data) > 1 else data["value"]


def protocol_to_data(protocol: Protocol) -> dict[str, object]:
    """The entry that describes `protocol`, for YAML or JSON; `protocol_from_data` gives the protocol back."""
    entry: dict[str, object] = {"certainty": Certainty.READ.value}
    for item in fields(protocol):
        value = getattr(protocol, item.name)
        silent = item.name in OPTIONAL and value in (None, (), not_reported())
        if item.name != "name" and not silent:
            entry[item.name] = _plain(value)
    return entry
