"""What the environment may choose: read once at the door and handed down."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The choices of a machine rather than of a command.

    Attributes
    ----------
    cache : folder in which built heads are kept, from ANODYNE_CACHE; None for the platform's own
    """

    cache: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings that stand in an environment; an empty variable counts as absent.

        >>> Settings.from_environment({"ANODYNE_CACHE": "built-heads"}).cache.name
        'built-heads'
        """
        cache = environment.get("ANODYNE_CACHE", "")
        return cls(cache=Path(cache).expanduser() if cache else None)
