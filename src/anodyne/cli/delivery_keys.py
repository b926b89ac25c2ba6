"""Keys of a terminal, heard as they are pressed."""

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PRESENCE = (" ", "\r", "\n")
PAUSE, RESUME, GIVEN, NOT_GIVEN = "p", "r", "g", "n"


class Keys:
    """What is pressed; the terminal neither shows it nor waits for the end of a line."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal

    def pressed(self, timeout: float) -> str:
        """Every key pressed within `timeout`, s, as soon as there is one; empty for none."""
        ready, _, _ = select.select([self._terminal], [], [], timeout)
        return os.read(self._terminal, 64).decode(errors="replace") if ready else ""


@contextmanager
def heard_keys() -> Iterator[Keys]:
    """The keys of standard input, and the terminal as it was afterwards."""
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        yield Keys(terminal)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
