"""The three status bytes of a Magstim Rapid², least significant bit first (MagPy; read)."""

from enum import IntFlag


class InstrumentStatus(IntFlag):
    """The byte that every answer but the version carries."""

    STANDBY = 1
    ARMED = 2
    READY = 4
    COIL_PRESENT = 8
    REPLACE_COIL = 16
    ERROR_PRESENT = 32
    ERROR_FATAL = 64
    REMOTE = 128


class RapidStatus(IntFlag):
    """The byte that answers about trains carry."""

    ENHANCED_POWER = 1
    TRAIN_RUNNING = 2
    WAIT = 4
    SINGLE_PULSE = 8
    HIGH_VOLTAGE_SUPPLY = 16
    COIL_READY = 32
    THETA_SUPPLY = 64
    MODIFIED_COIL = 128


class ExtendedStatus(IntFlag):
    """The sixteen bits of the system status of firmware 9 and later; only these three are known."""

    PLUS_ONE_MODULE = 1
    SPECIAL_TRIGGER = 2
    CHARGE_DELAY_SET = 4
