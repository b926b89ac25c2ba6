"""Failures that a person can act on.

Every class here descends from `AnodyneError`; the doors (command line, web) catch exactly
that base and show its text, one sentence that says what is wrong, where, and what to do.
A caller's mistake in Python code stays a built-in ``ValueError`` or ``TypeError``.
"""


class AnodyneError(Exception):
    """Base of every expected failure; its text is written for the person at the machine."""


class UnreadableFile(AnodyneError):
    """A file that is missing, truncated, garbled, or not what its name promises."""


class CannotWrite(AnodyneError):
    """An output that cannot be written: no space, no permission, or something else stands there."""


class UnknownName(AnodyneError):
    """A target, coil, protocol or solver nobody has heard of; the text names the near misses."""


class PlacementRefused(AnodyneError):
    """A coil placement that cannot be: inside the head, through the scalp, or out of reach."""


class SafetyRefusal(AnodyneError):
    """A dose that exceeds what the stimulator or a limit allows; it is refused, never clamped."""


class NotConverged(AnodyneError):
    """An iteration that did not reach its tolerance; the text says how far it came."""


class NotAvailable(AnodyneError):
    """Something that this machine or this installation does not have."""


class WorkersLost(AnodyneError):
    """Processes that were to share the work cannot be reached, or died; what they finished is kept."""


class StimulatorFault(AnodyneError):
    """A stimulator that does not answer, answers wrongly, or says that something is wrong with it."""


class RecordConflict(AnodyneError):
    """A record that somebody else is writing, or that says something else than what is to be added to it."""
