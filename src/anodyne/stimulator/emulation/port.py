"""A port with an emulator at its other end, in the same process: no hardware, no waiting, the same every time."""

from typing import final

from anodyne.stimulator.clock import Clock
from anodyne.stimulator.emulation.emulator import Emulator
from anodyne.stimulator.faults import DeviceFault, FaultKind
from anodyne.stimulator.port import Port


@final
class EmulatedPort(Port):
    """A line to an emulator, whose time is that of `clock`.

    Waiting for an answer moves the clock: on a `ManualClock` a session of half an hour takes seconds. What the
    emulator does between two calls it does at its own instants, at the next call.
    """

    def __init__(self, emulator: Emulator, clock: Clock) -> None:
        self.path = f"emulated {emulator.make}"
        self._emulator = emulator
        self._clock = clock
        self._arrived = bytearray()

    def write(self, data: bytes) -> None:
        """Send `data` to the emulator."""
        answer = self._emulator.receive(data, self._clock.now())
        self._refuse_if_gone()
        self._arrived += answer

    def read(self, timeout: float) -> bytes:
        """What has arrived, letting at most `timeout` s pass for its first byte."""
        deadline = self._clock.now() + timeout
        while True:
            now = self._clock.now()
            self._arrived += self._emulator.tick(now)
            self._refuse_if_gone()
            if self._arrived or now >= deadline:
                arrived = bytes(self._arrived)
                self._arrived.clear()
                return arrived
            self._clock.sleep(min(self._emulator.next_event(), deadline) - now)

    def close(self) -> None:
        """Forget what has arrived; the emulator goes on."""
        self._arrived.clear()

    def _refuse_if_gone(self) -> None:
        if self._emulator.gone:
            self._arrived.clear()
            raise DeviceFault(FaultKind.PORT_LOST, self.path)
