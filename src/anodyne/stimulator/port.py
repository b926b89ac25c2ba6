"""The line to a stimulator: bytes out, bytes in, and nothing about what they mean."""

import errno
from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import isinf
from pathlib import Path
from typing import final

import serial

from anodyne.stimulator.clock import Clock, RealClock
from anodyne.stimulator.faults import DeviceFault, FaultKind

WRITE_PATIENCE = 0.25
"""Real seconds after which a line that takes no bytes counts as gone."""

BITS_OF_A_BYTE = 10
"""On the line: a start bit, 8 data bits, a stop bit."""


class Port(ABC):
    """A two-way line of bytes, of which one program at a time has the use."""

    path: str
    """By what name the line was opened."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Send `data`, all of it.

        Raises
        ------
        DeviceFault : the port has gone
        """

    @abstractmethod
    def read(self, timeout: float) -> bytes:
        """What has arrived, waiting at most `timeout` (s, of the line's clock) for its first byte; empty if nothing.

        Raises
        ------
        DeviceFault : the port has gone
        """

    @abstractmethod
    def close(self) -> None:
        """Give the line back; a second time does nothing."""


@dataclass(frozen=True, kw_only=True)
class LineSettings:
    """How a make of stimulator wants its serial line: 8 data bits, no parity, 1 stop bit, no flow control.

    Parameters
    ----------
    baud : bits per second
    request_to_send : level of the RTS line; a Magstim may take it for a trigger, so it is held low there
    """

    baud: int
    request_to_send: bool = True

    def time_of(self, length: int) -> float:
        """How long so many bytes take on the line, s.

        >>> LineSettings(baud=9600).time_of(24)
        0.025
        """
        return length * BITS_OF_A_BYTE / self.baud


@final
class SerialPort(Port):
    """A serial port of this machine, held by an exclusive lock that ends with the process.

    RTS is set to its level before the port opens. (POSIX systems raise RTS for a moment in the call that
    opens a port, before any program can lower it: never open a port with a trigger cable on it and a coil
    on somebody's head.)

    Parameters
    ----------
    path : /dev/ttyUSB0, COM3, or what an emulator printed
    line : speed and levels
    clock : in whose seconds `read` waits; a faster one than real is for emulators

    Raises
    ------
    DeviceFault : no such port, no permission, not a serial port, or another program has it
    ValueError : a clock that passes no real time
    """

    def __init__(self, path: str, line: LineSettings, clock: Clock | None = None) -> None:
        self.path = path
        self._clock = clock or RealClock()
        if isinf(self._clock.speed):
            raise ValueError("a serial port needs a clock on which real time passes")
        self._serial = serial.Serial()
        self._serial.port = path
        self._serial.baudrate = line.baud
        self._serial.rts = line.request_to_send
        self._serial.exclusive = True
        self._serial.write_timeout = WRITE_PATIENCE
        try:
            self._serial.open()
            while waiting := self._serial.in_waiting:  # what was said to somebody else
                self._serial.read(waiting)
        except (OSError, ValueError) as error:
            self._serial.close()
            raise _cannot_open(path, error) from error

    def write(self, data: bytes) -> None:
        """Send `data` and wait until it is on its way."""
        try:
            self._serial.write(data)
        except (OSError, TypeError) as error:
            raise self._lost() from error

    def read(self, timeout: float) -> bytes:
        """What has arrived, waiting at most `timeout` for its first byte."""
        try:
            self._serial.timeout = max(timeout, self._clock.shortest_wait) / self._clock.speed if timeout > 0 else 0.0
            first = self._serial.read(1)
            return first + self._serial.read(self._serial.in_waiting) if first else b""
        except (OSError, TypeError) as error:
            raise self._lost() from error

    def close(self) -> None:
        """Give the port and its lock back."""
        self._serial.close()

    def _lost(self) -> DeviceFault:
        return DeviceFault(FaultKind.PORT_LOST, self.path)


KIND_OF_ERROR = {
    errno.ENOENT: FaultKind.NO_PORT,
    errno.ENODEV: FaultKind.NO_PORT,
    errno.ENXIO: FaultKind.NO_PORT,
    errno.EBUSY: FaultKind.PORT_BUSY,
    errno.EAGAIN: FaultKind.PORT_BUSY,
    errno.ENOTTY: FaultKind.NOT_A_STIMULATOR,
    errno.EISDIR: FaultKind.NOT_A_STIMULATOR,
}


def _cannot_open(path: str, error: OSError | ValueError) -> DeviceFault:
    code = getattr(error, "errno", None)
    if code in (errno.EACCES, errno.EPERM):
        return DeviceFault(FaultKind.NO_PORT, f"{path}: no permission to open it")
    if code is None and Path(path).exists():  # it opened and could not be set up as a line
        return DeviceFault(FaultKind.NOT_A_STIMULATOR, f"{path} is no serial port")
    words = {FaultKind.NOT_A_STIMULATOR: f"{path} is no serial port"}
    kind = KIND_OF_ERROR.get(code if code is not None else -1, FaultKind.NO_PORT)
    return DeviceFault(kind, words.get(kind, path))
