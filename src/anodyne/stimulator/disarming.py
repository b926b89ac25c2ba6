"""Disarming: the one command that is repeated, until the stimulator says that it is disarmed."""

from collections.abc import Callable

from anodyne.stimulator.faults import DeviceFault, FaultKind

PATIENCES = (0.08, 0.08, 0.08, 0.1, 0.1, 0.4)
"""s for which each try waits for each of its answers (assumed): little at first, so that after three lost answers in a
row it is still seen within 0.3 s that the stimulator is disarmed; more at last, for one that answers slowly."""


def insist(disarmed: Callable[[float], bool]) -> None:
    """Try to disarm until it is seen to have happened, six times at most.

    Parameters
    ----------
    disarmed : tries once, with so much patience for each answer, s; whether the stimulator says that it is disarmed

    Raises
    ------
    DeviceFault : what was wrong at the last try; no other follows once the port is gone
    """
    failure = DeviceFault(FaultKind.STATE_CONFLICT, "it does not disarm")
    for patience in PATIENCES:
        try:
            if disarmed(patience):
                return
            failure = DeviceFault(FaultKind.STATE_CONFLICT, "it does not disarm")
        except DeviceFault as fault:
            failure = fault
            if fault.kind is FaultKind.PORT_LOST:
                break
    raise failure
