"""What a controller's process does to be on time: it goes before others, and the collector of garbage stays away."""

import gc
import os
import sys
from contextlib import suppress

PRIORITY = -15
"""Of the process, as `nice` counts; the default is 0. Only an administrator's process may go below that."""

LONGEST_TURN = 0.0005
"""s after which a thread that computes lets another have its turn; Python's own is 5 ms."""


def go_first() -> None:
    """Let this process go before others where it may, and its threads take short turns.

    For the thread that calls and those that it starts afterwards: call it first. Where the priority is not granted
    everything goes on as it was.
    """
    sys.setswitchinterval(LONGEST_TURN)
    if sys.platform != "win32":
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)


def keep_what_is_there() -> None:
    """Collect garbage once, and have what is left looked at no more.

    What was imported is some tens of thousands of objects, and to look through them all takes 10 to 20 ms (measured);
    what a session makes afterwards is little.
    """
    gc.collect()
    gc.freeze()
