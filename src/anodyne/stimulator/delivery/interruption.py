"""A line that can be left in the middle of waiting for an answer, so that STOP waits for nobody."""

from collections.abc import Callable
from typing import final

from anodyne.stimulator.clock import Clock
from anodyne.stimulator.port import Port

SLICE = 0.02
"""s; how long a wait for bytes lasts before somebody looks whether it should go on."""


class Interrupted(Exception):
    """The wait for an answer was given up because the stimulator must be disarmed now."""


@final
class InterruptiblePort(Port):
    """A port whose `read` ends with `Interrupted` as soon as `must_stop` says so.

    Parameters
    ----------
    inner : the line itself
    clock : in whose seconds `read` waits
    """

    def __init__(self, inner: Port, clock: Clock) -> None:
        self.path = inner.path
        self._inner = inner
        self._clock = clock
        self.must_stop: Callable[[], bool] = _never

    def write(self, data: bytes) -> None:
        """Send `data`, all of it."""
        self._inner.write(data)

    def read(self, timeout: float) -> bytes:
        """What has arrived, waiting at most `timeout` for its first byte.

        Raises
        ------
        Interrupted : `must_stop` said so meanwhile
        """
        deadline = self._clock.now() + timeout
        while True:
            if self.must_stop():
                raise Interrupted
            rest = deadline - self._clock.now()
            data = self._inner.read(min(SLICE, max(rest, 0.0)))
            if data or rest <= SLICE:
                return data

    def close(self) -> None:
        """Give the line back."""
        self._inner.close()


def _never() -> bool:
    return False
