"""An emulator behind a pseudo-terminal, which other programs open as they would a serial port."""

import os
import select
from collections.abc import Callable
from contextlib import suppress
from threading import Event

from anodyne.errors import NotAvailable
from anodyne.stimulator.clock import Clock
from anodyne.stimulator.emulation.emulator import Emulator

LONGEST_WAIT = 0.05
"""Real seconds after which the server looks again whether it should stop."""


class PseudoTerminal:
    """A pair of ends, one of which has a path; both are closed together.

    Raises
    ------
    NotAvailable : this system has no pseudo-terminals
    """

    def __init__(self) -> None:
        try:
            import pty
            import tty
        except ImportError:
            raise NotAvailable("this system has no pseudo-terminals; run the emulator on Linux or macOS") from None
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        os.set_blocking(self._ours, False)
        self.path = os.ttyname(self._theirs)
        self.is_open = True

    def receive(self, timeout: float) -> bytes:
        """What has come, waiting at most `timeout` real seconds."""
        ready, _, _ = select.select([self._ours], [], [], max(timeout, 0.0))
        if not ready:
            return b""
        with suppress(OSError):  # the other end was closed in between
            return os.read(self._ours, 4096)
        return b""

    def send(self, data: bytes) -> None:
        """Send `data`; what nobody reads is lost once the line is full, as on a real one."""
        with suppress(OSError):
            os.write(self._ours, data)

    def close(self) -> None:
        """Let the port vanish."""
        if self.is_open:
            self.is_open = False
            os.close(self._theirs)
            os.close(self._ours)


def serve(emulator: Emulator, clock: Clock, *, announce: Callable[[str], None], stop: Event) -> None:
    """Let `emulator` speak through a pseudo-terminal until `stop` is set.

    When the emulator's port vanishes the terminal is closed and time goes on without it.

    Parameters
    ----------
    emulator : made at this clock's present time
    clock : the emulator's time; a real one, or a hurried one
    announce : told the path that others open, once it can be opened
    stop : set from another thread or a signal's handler

    Raises
    ------
    NotAvailable : this system has no pseudo-terminals
    """
    terminal = PseudoTerminal()
    try:
        announce(terminal.path)
        while not stop.is_set():
            wait = min((emulator.next_event() - clock.now()) / clock.speed, LONGEST_WAIT)
            if not terminal.is_open:
                stop.wait(max(wait, 0.001))
                emulator.tick(clock.now())
                continue
            data = terminal.receive(wait)
            now = clock.now()
            said = emulator.receive(data, now) if data else emulator.tick(now)
            if emulator.gone:
                terminal.close()
            elif said:
                terminal.send(said)
    finally:
        terminal.close()
