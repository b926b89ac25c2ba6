"""The models of stimulators, read from ``stimulators.yaml``."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from anodyne.certainty import Certainty
from anodyne.names import unknown_name
from anodyne.protocol.devices.model import DeviceModel, RatePoint, Steps
from anodyne.protocol.facts import Fact, not_reported
from anodyne.protocol.library import YamlWithLines

DEVICES_FILE = Path(__file__).with_name("stimulators.yaml")
Value = TypeVar("Value")

FACTS = frozenset(
    {"maximum_rate", "full_energy", "sustained_power", "shortest_wait", "largest_train", "rate_step", "rates"}
    | {"pulses", "intervals", "longest_train", "burst_rate", "coil_limit", "power_step"}
)
WORDS = frozenset({"family", "label", "aliases", "mains", "maker", "notes"})


def _fact(entry: Mapping[str, Any], key: str, read: Callable[[Any], Value]) -> Fact[Value]:
    data = dict(entry[key])
    value, source = data.pop("value"), str(data.pop("source"))
    if value is None:
        if data:
            raise ValueError(f"{key}: a value that is not known has no {', '.join(data)}")
        return not_reported(source)
    return Fact(value=read(value), certainty=Certainty(data.pop("certainty")), source=source, **data)


def _steps(value: Any) -> tuple[Steps, ...]:
    return tuple(Steps(low=low, high=high, step=step) for low, high, step in value)


def _points(value: Any) -> tuple[RatePoint, ...]:
    return tuple(RatePoint(power=power, rate=rate) for power, rate in value)


def _firmware(value: Any) -> tuple[tuple[int, float], ...]:
    return tuple((int(since), float(length)) for since, length in value)


def _model(name: str, entry: Mapping[str, Any]) -> DeviceModel:
    if unknown := set(entry) - FACTS - WORDS:
        raise ValueError(f"{name} has unknown keys {sorted(unknown)}")
    return DeviceModel(
        name=name,
        label=entry["label"],
        maker=entry["maker"],
        aliases=tuple(entry.get("aliases", ())),
        mains=entry["mains"],
        maximum_rates=_fact(entry, "maximum_rate", _points),
        full_energy=_fact(entry, "full_energy", float),
        sustained_power=_fact(entry, "sustained_power", float),
        shortest_wait=_fact(entry, "shortest_wait", float),
        most_pulses=_fact(entry, "largest_train", int),
        rate_step=_fact(entry, "rate_step", float),
        power_step=_fact(entry, "power_step", float),
        rates=_fact(entry, "rates", _steps),
        pulses=_fact(entry, "pulses", _steps),
        intervals=_fact(entry, "intervals", _steps),
        longest_trains=_fact(entry, "longest_train", _firmware),
        burst_rate=_fact(entry, "burst_rate", float),
        coil_limit=_fact(entry, "coil_limit", float),
        notes=tuple(entry["notes"]),
    )


def read_devices(path: Path) -> Mapping[str, DeviceModel]:
    """The models of a file in the form of ``stimulators.yaml``, by name.

    Raises
    ------
    UnreadableFile : no such file, or no YAML
    ValueError, KeyError : an entry that is wrong
    """
    document = YamlWithLines(path).data
    families = document["families"]
    models = {name: _model(name, {**families[own["family"]], **own}) for name, own in document["models"].items()}
    return MappingProxyType(models)


DEVICES: Mapping[str, DeviceModel] = read_devices(DEVICES_FILE)
"""The models of stimulators by name."""


def find_device(name: str) -> DeviceModel:
    """The model of this name or alias, in upper or lower case.

    Raises
    ------
    UnknownName : nothing is called that; the text names the near misses

    >>> find_device("MagPro X100").name
    'magventure-x100'
    """
    wanted = name.casefold()
    for model in DEVICES.values():
        if wanted in (known.casefold() for known in (model.name, *model.aliases)):
            return model
    raise unknown_name("stimulator", name, DEVICES, "see 'anodyne stimulator list'")
