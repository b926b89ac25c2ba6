"""Pulse shapes that were measured, one for each coil and stimulator."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from types import MappingProxyType

from anodyne.names import unknown_name
from anodyne.protocol.library import YamlWithLines
from anodyne.protocol.pulse import Pulse, PulseShape

RECORDINGS_FILE = Path(__file__).with_name("pulses.yaml")


@dataclass(frozen=True, kw_only=True)
class RecordedPulse:
    """A pulse computed from a recording, with the coil and stimulator that gave it, and who recorded it."""

    name: str
    coil: str
    stimulator: str
    pulse: Pulse
    source: str


def _read_recordings(path: Path) -> Mapping[str, RecordedPulse]:
    recordings = {}
    for name, entry in YamlWithLines(path).data.items():
        pulse = Pulse(
            shape=PulseShape(entry.pop("shape")),
            period=entry.pop("period"),
            decay=entry.pop("decay", inf),
            phase=entry.pop("phase", 0.0),
            damping=entry.pop("damping", None),
        )
        recordings[name] = RecordedPulse(name=name, pulse=pulse, **entry)
    return MappingProxyType(recordings)


RECORDED_PULSES: Mapping[str, RecordedPulse] = _read_recordings(RECORDINGS_FILE)
"""The measured pulses by name; a name without a coil's model holds for the stimulator."""


def find_pulse(name: str) -> RecordedPulse:
    """The measured pulse of this name.

    Raises
    ------
    UnknownName : nothing is called that; the text names the near misses

    >>> find_pulse("magventure-c-b60").pulse.period
    0.0002945
    """
    if name.casefold() in RECORDED_PULSES:
        return RECORDED_PULSES[name.casefold()]
    raise unknown_name("pulse", name, RECORDED_PULSES, "see protocol/pulses.yaml")
