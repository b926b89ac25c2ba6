"""The states that a stimulator goes through, as one table that drivers and emulators share.

The ways between them are those of reference behaviour common to both makes: standby, armed (charging), ready,
running a train, and back to armed while the capacitor recharges.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class Stage(Enum):
    """How far a stimulator is from giving a pulse."""

    STANDBY = "standby"
    ARMED = "armed"
    READY = "ready"
    RUNNING = "running"

    @property
    def is_armed(self) -> bool:
        """Whether it is charged or charging."""
        return self is not Stage.STANDBY


class Happening(Enum):
    """What moves a stimulator from one stage to another."""

    ARM = "arm"
    DISARM = "disarm"
    CHARGED = "charged"
    TRIGGER = "trigger"
    LAST_PULSE = "last pulse"


NEXT: Mapping[tuple[Stage, Happening], Stage] = MappingProxyType(
    {
        (Stage.STANDBY, Happening.ARM): Stage.ARMED,
        (Stage.STANDBY, Happening.DISARM): Stage.STANDBY,
        (Stage.ARMED, Happening.ARM): Stage.ARMED,
        (Stage.ARMED, Happening.DISARM): Stage.STANDBY,
        (Stage.ARMED, Happening.CHARGED): Stage.READY,
        (Stage.READY, Happening.ARM): Stage.READY,
        (Stage.READY, Happening.DISARM): Stage.STANDBY,
        (Stage.READY, Happening.TRIGGER): Stage.RUNNING,
        (Stage.RUNNING, Happening.DISARM): Stage.STANDBY,
        (Stage.RUNNING, Happening.LAST_PULSE): Stage.ARMED,
    }
)
"""The stage that follows; a pair that is not here is a state conflict and changes nothing."""
