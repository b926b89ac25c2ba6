"""What differs between the firmware of one Magstim Rapid² and another (MagPy; read)."""

from enum import Enum


class Rapid2Firmware(Enum):
    """A generation of firmware, by the major version at which it begins."""

    V5 = 5
    V7 = 7
    V9 = 9
    V10 = 10

    @classmethod
    def of_version(cls, major: int) -> "Rapid2Firmware":
        """The generation that a major version belongs to; anything before 7 speaks as 5 does.

        >>> Rapid2Firmware.of_version(8).name
        'V7'
        """
        return max((each for each in cls if each.value <= major), key=lambda each: each.value, default=cls.V5)

    @property
    def extended(self) -> bool:
        """Whether it is of version 9 or later: wider numbers, system status, charge delay, unlock codes."""
        return self.value >= Rapid2Firmware.V9.value

    @property
    def pulses_digits(self) -> int:
        """Digits of a number of pulses."""
        return 5 if self.extended else 4

    @property
    def most_pulses(self) -> int:
        """The largest number of pulses in a train."""
        return 6000 if self.extended else 9999

    @property
    def duration_digits(self) -> int:
        """Digits of a train's duration in tenths of a second."""
        return 4 if self.extended else 3

    @property
    def wait_digits(self) -> int:
        """Digits of the wait in tenths of a second; of V7 inferred from the length of its answer."""
        return 3 if self is Rapid2Firmware.V5 else 4

    @property
    def charge_delay_digits(self) -> int:
        """Digits of the charge delay in milliseconds; 0 where there is none."""
        return {Rapid2Firmware.V9: 4, Rapid2Firmware.V10: 5}.get(self, 0)

    @property
    def longest_charge_delay(self) -> int:
        """In milliseconds; 0 where there is none."""
        return {Rapid2Firmware.V9: 2000, Rapid2Firmware.V10: 10000}.get(self, 0)
