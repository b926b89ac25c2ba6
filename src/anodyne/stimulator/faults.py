"""What can go wrong between this program and a stimulator, kind by kind, each in one sentence."""

from enum import Enum

from anodyne.errors import StimulatorFault


class FaultKind(Enum):
    """What is wrong, so that the caller can act on it: with the line, or with the device."""

    SILENT = "silent"
    LATE = "late"
    PARTIAL = "partial"
    WRONG_CHECKSUM = "wrong-checksum"
    UNEXPECTED_REPLY = "unexpected-reply"
    UNKNOWN_COMMAND = "unknown-command"
    REFUSED_VALUE = "refused-value"
    STATE_CONFLICT = "state-conflict"
    COIL_ABSENT = "coil-absent"
    COIL_HOT = "coil-hot"
    REPLACE_COIL = "replace-coil"
    DEVICE_ERROR = "device-error"
    FATAL_ERROR = "fatal-error"
    READ_BACK_MISMATCH = "read-back-mismatch"
    RESET = "reset"
    REMOTE_LOST = "remote-lost"
    PORT_LOST = "port-lost"
    PORT_BUSY = "port-busy"
    NO_PORT = "no-port"
    NOT_A_STIMULATOR = "not-a-stimulator"

    @property
    def in_words(self) -> str:
        """What is wrong, as the beginning of a sentence."""
        return WORDS[self][0]

    @property
    def advice(self) -> str:
        """What the operator can do about it, as the end of a sentence."""
        return WORDS[self][1]

    @property
    def is_of_the_line(self) -> bool:
        """Whether it is the connection that is at fault, so that nothing is known of the device."""
        return self in OF_THE_LINE


CABLE = "check the cable and that the stimulator is on"
PANEL = "look at the stimulator's panel"

WORDS: dict[FaultKind, tuple[str, str]] = {
    FaultKind.SILENT: ("the stimulator does not answer", CABLE),
    FaultKind.LATE: ("the stimulator answered an earlier command too late", CABLE),
    FaultKind.PARTIAL: ("the stimulator's answer broke off", CABLE),
    FaultKind.WRONG_CHECKSUM: ("the stimulator's answer arrived damaged", CABLE),
    FaultKind.UNEXPECTED_REPLY: (
        "the stimulator's answer is not one to this command",
        "check that its model and firmware are the ones named here",
    ),
    FaultKind.UNKNOWN_COMMAND: (
        "the stimulator did not understand the command",
        "check the cable, its model and its firmware",
    ),
    FaultKind.REFUSED_VALUE: (
        "the stimulator refused the value it was given",
        "check that its model is the one named here",
    ),
    FaultKind.STATE_CONFLICT: ("the stimulator cannot do this in its present state", PANEL),
    FaultKind.COIL_ABSENT: ("no coil is connected", "plug the coil in and lock it"),
    FaultKind.COIL_HOT: ("the coil is too hot", "let it cool, or change it"),
    FaultKind.REPLACE_COIL: ("the stimulator asks for another coil", "replace the coil"),
    FaultKind.DEVICE_ERROR: ("the stimulator reports an error", PANEL),
    FaultKind.FATAL_ERROR: ("the stimulator reports a fatal error", "switch it off and call its service"),
    FaultKind.READ_BACK_MISMATCH: (
        "the stimulator's settings are not those it was given",
        "do not stimulate, and " + PANEL,
    ),
    FaultKind.RESET: ("the stimulator has restarted", PANEL + " before you begin again"),
    FaultKind.REMOTE_LOST: ("the stimulator has left remote control and disarmed", PANEL + " and take control again"),
    FaultKind.PORT_LOST: ("the serial port has gone", "plug the adapter in again and start anew"),
    FaultKind.PORT_BUSY: ("another program has the serial port", "end that program first"),
    FaultKind.NO_PORT: ("there is no such serial port", "check its name"),
    FaultKind.NOT_A_STIMULATOR: (
        "what answers there is no stimulator known here",
        "check which device is on this port",
    ),
}

OF_THE_LINE = frozenset(
    {
        FaultKind.SILENT,
        FaultKind.LATE,
        FaultKind.PARTIAL,
        FaultKind.WRONG_CHECKSUM,
        FaultKind.UNEXPECTED_REPLY,
        FaultKind.UNKNOWN_COMMAND,
        FaultKind.PORT_LOST,
        FaultKind.PORT_BUSY,
        FaultKind.NO_PORT,
        FaultKind.NOT_A_STIMULATOR,
    }
)


class DeviceFault(StimulatorFault):
    """A stimulator, or the line to it, at fault; the text is one sentence that an operator can act on.

    Parameters
    ----------
    kind : what is wrong
    detail : what is known beyond the kind: a port, a command, a measured value; goes in brackets

    >>> str(DeviceFault(FaultKind.COIL_HOT, "41.2 °C"))
    'the coil is too hot (41.2 °C); let it cool, or change it'
    """

    def __init__(self, kind: FaultKind, detail: str = "") -> None:
        self.kind = kind
        self.detail = detail
        aside = f" ({detail})" if detail else ""
        super().__init__(f"{kind.in_words}{aside}; {kind.advice}")

    def __reduce__(self) -> tuple[type["DeviceFault"], tuple[FaultKind, str]]:
        return type(self), (self.kind, self.detail)
