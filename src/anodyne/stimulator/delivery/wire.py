"""What a controller and its clients say to each other: one JSON object a line, over a socket of this machine."""

import json
from collections.abc import Mapping
from typing import Any

from anodyne.stimulator.delivery.inbox import Command, Pause, PoseDeviation, Resume, Start

LONGEST_LINE = 1 << 16
"""Bytes; a client that sends more without an end of line is sent away."""

Message = dict[str, Any]


class Malformed(ValueError):
    """A line that is no message of ours."""


def encode(message: Mapping[str, Any]) -> bytes:
    """One message as a line."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The message of a line.

    Raises
    ------
    Malformed : not a JSON object
    """
    try:
        message = json.loads(line)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise Malformed("a message is a JSON object on one line") from error
    if not isinstance(message, dict):
        raise Malformed("a message is a JSON object on one line")
    return message


def command_of(message: Message) -> Command:
    """The command of a message that is one.

    Raises
    ------
    Malformed : an unknown word, a missing key or a value of the wrong kind
    """
    match message.get("do"):
        case "start":
            return Start(
                coil=_text(message, "coil"),
                patient_protected=message.get("patient_protected") is True,
                operator_protected=message.get("operator_protected") is True,
                uncertain=_word(message),
            )
        case "pause":
            return Pause()
        case "resume":
            return Resume(uncertain=_word(message))
    raise Malformed(f"nobody knows the command {message.get('do')!r}")


def pose_of(message: Message) -> PoseDeviation:
    """The deviation of a pose message, distance in m and angle in rad.

    Raises
    ------
    Malformed : numbers that are missing or cannot be
    """
    distance, angle = message.get("distance"), message.get("angle")
    if isinstance(distance, bool) or isinstance(angle, bool):
        raise Malformed("a pose has a distance in m and an angle in rad")
    if not isinstance(distance, int | float) or not isinstance(angle, int | float):
        raise Malformed("a pose has a distance in m and an angle in rad")
    try:
        return PoseDeviation(distance=float(distance), angle=float(angle), fixed=message.get("fixed") is True)
    except ValueError as error:
        raise Malformed(str(error)) from error


def _text(message: Message, key: str) -> str:
    value = message.get(key)
    if not isinstance(value, str):
        raise Malformed(f"{key!r} is a word, not {value!r}")
    return value


def _word(message: Message) -> str | None:
    return None if message.get("uncertain") is None else _text(message, "uncertain")
