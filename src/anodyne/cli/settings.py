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
    site : file that says what this site allows a stimulator, from ANODYNE_SITE; None allows emulators only
    """

    cache: Path | None = None
    site: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings that stand in an environment; an empty variable counts as absent.

        >>> Settings.from_environment({"ANODYNE_CACHE": "built-heads"}).cache.name
        'built-heads'
        """

        def path(name: str) -> Path | None:
            value = environment.get(name, "")
            return Path(value).expanduser() if value else None

        return cls(cache=path("ANODYNE_CACHE"), site=path("ANODYNE_SITE"))
