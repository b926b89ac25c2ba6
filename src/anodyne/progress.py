"""How long work tells of itself, without knowing who listens.

Library functions take ``progress: Progress = SILENT`` and announce their stages; the command line
passes a listener that draws bars.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[float], None]


class Progress:
    """A listener to the stages of long work; this one stays silent."""

    @contextmanager
    def stage(self, label: str, total: float | None = None) -> Iterator[Advance]:
        """Open a stage named `label`; the block is given ``advance(amount)`` towards `total`.

        With ``total=None`` the length of the stage is unknown and only its end is reported.
        """
        yield lambda amount: None


SILENT = Progress()
"""The listener for those who did not ask."""
