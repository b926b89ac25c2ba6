"""What a site allows: whether a real stimulator may be driven at all, by whose word, and within which limits."""

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from anodyne.errors import SafetyRefusal, UnreadableFile
from anodyne.units import day

RMT_AGE_LIMIT = 7 * day
"""Of a motor threshold where the site states none, s (assumed: no source; a site should state its own)."""

PEOPLE_NEEDED = 2


@dataclass(frozen=True, kw_only=True)
class Site:
    """A site's word on delivery.

    Attributes
    ----------
    port : the one port at which a real stimulator may be driven; None for none
    allowed_by : the people who answer for that, two at least
    allowed_on : the day on which they said so
    rmt_age_limit : s
    maximum_coil_temperature_celsius : never lifts a limit of the device's own; None for that, or 40 °C without one
    """

    port: str | None = None
    allowed_by: tuple[str, ...] = ()
    allowed_on: date | None = None
    rmt_age_limit: float = RMT_AGE_LIMIT
    maximum_coil_temperature_celsius: float | None = None


KEYS = {"port", "allowed_by", "date", "maximum_rmt_age_days", "maximum_coil_temperature_celsius"}


def read_site(path: Path | str) -> Site:
    """A site's file: TOML with one table ``[delivery]``.

    Raises
    ------
    UnreadableFile : no such file, not TOML, or a key that is unknown or cannot be so
    """
    place = Path(path)
    try:
        data = tomllib.loads(place.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableFile(f"cannot read the site's file {place}: {error.strerror or error}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UnreadableFile(f"the site's file {place} is not TOML ({error})") from error
    delivery = data.get("delivery", {})
    if set(data) - {"delivery"} or not isinstance(delivery, dict) or set(delivery) - KEYS:
        raise UnreadableFile(f"the site's file {place} may hold [delivery] with {', '.join(sorted(KEYS))}, and no more")
    try:
        return _site(delivery)
    except ValueError as error:
        raise UnreadableFile(f"the site's file {place} cannot be: {error}") from error


def _site(data: dict[str, Any]) -> Site:
    port, people, since = data.get("port"), data.get("allowed_by", []), data.get("date")
    if port is not None and not (isinstance(port, str) and port):
        raise ValueError(f"port is a path, not {port!r}")
    if not (isinstance(people, list) and all(isinstance(name, str) and name.strip() for name in people)):
        raise ValueError("allowed_by is a list of names")
    names = tuple(dict.fromkeys(name.strip() for name in people))
    if port is not None and len(names) < PEOPLE_NEEDED:
        raise ValueError(f"a real port needs allowed_by with the names of {PEOPLE_NEEDED} different people")
    if port is not None and type(since) is not date:
        raise ValueError("a real port needs the date on which it was allowed, as in date = 2026-11-20")
    return Site(
        port=port,
        allowed_by=names,
        allowed_on=since if type(since) is date else None,
        rmt_age_limit=_positive(data, "maximum_rmt_age_days", RMT_AGE_LIMIT / day) * day,
        maximum_coil_temperature_celsius=(
            _positive(data, "maximum_coil_temperature_celsius", 0.0)
            if "maximum_coil_temperature_celsius" in data
            else None
        ),
    )


def _positive(data: dict[str, Any], key: str, usual: float) -> float:
    value = data.get(key, usual)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e4:
        raise ValueError(f"{key} is a positive number, not {value!r}")
    return float(value)


def refuse_port(port: str, site: Site, *, emulated: bool, today: date) -> None:
    """Raise `SafetyRefusal` unless an emulator serves the port, or the site allows it.

    Parameters
    ----------
    emulated : whether a running emulator says that it serves this port
    """
    if emulated:
        return
    if site.port is None or Path(site.port) != Path(port):
        raise SafetyRefusal(
            f"no emulator of ours serves {port}, and no site file allows a real stimulator there; delivery to hardware "
            "is off until a file named by ANODYNE_SITE names this port, two people who answer for it, and the date"
        )
    if site.allowed_on is None or site.allowed_on > today:
        raise SafetyRefusal(
            f"the site's file allows {port} only from {site.allowed_on} on; correct that date or the computer's clock"
        )
