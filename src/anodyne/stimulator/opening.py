"""Finding out which stimulator is on a port, and opening its driver."""

from collections.abc import Callable
from enum import Enum

from anodyne.protocol import DeviceModel, find_device
from anodyne.stimulator.clock import Clock, RealClock
from anodyne.stimulator.faults import DeviceFault, FaultKind
from anodyne.stimulator.magpro import MagPro
from anodyne.stimulator.model import Identity, Stimulator
from anodyne.stimulator.port import LineSettings, Port, SerialPort
from anodyne.stimulator.rapid2 import Rapid2

SLOWEST_RAPID2 = "magstim-rapid2"
"""A Rapid² does not say which one it is; the one that can do least is assumed unless it is named."""

TRIES = 2
"""How often each make is asked who it is; the question changes nothing."""


class Make(Enum):
    """Makes of stimulator that there is a driver for."""

    RAPID2 = "rapid2"
    MAGPRO = "magpro"

    @property
    def line(self) -> LineSettings:
        """How its serial line is set."""
        return Rapid2.line if self is Make.RAPID2 else MagPro.line

    @classmethod
    def of_device(cls, device: DeviceModel) -> "Make":
        """The make of a model."""
        return cls.MAGPRO if device.maker == "MagVenture" else cls.RAPID2


def open_stimulator(
    path: str,
    make: Make | None = None,
    *,
    device: DeviceModel | None = None,
    clock: Clock | None = None,
    code: str = "",
    wrap: Callable[[Port], Port] = lambda port: port,
) -> Stimulator:
    """The driver of the stimulator that answers on a serial port; nothing is changed on the device.

    Parameters
    ----------
    path : /dev/ttyUSB0, COM3, or what an emulator printed
    make : which make to ask for; None to find out
    device : the model, which a Rapid² does not say of itself; None for the one that can do least
    clock : of the whole session
    code : unlock code that some Rapid² with firmware 9 and later want
    wrap : put round the port before the driver has it

    Raises
    ------
    DeviceFault : no port, a busy port, nothing that answers, no stimulator known here, or another than `device`
    """
    clock = clock or RealClock()
    if make is None and device is not None:
        make = Make.of_device(device)
    faults: list[DeviceFault] = []
    for each in [make] if make is not None else list(Make):
        port = wrap(SerialPort(path, each.line, clock))
        try:
            return _driver(each, port, device=device, clock=clock, code=code)
        except DeviceFault as fault:
            port.close()
            faults.append(fault)
        except BaseException:
            port.close()
            raise
    if all(fault.kind is FaultKind.SILENT for fault in faults):
        raise DeviceFault(FaultKind.SILENT, path)
    told = next((fault for fault in faults if fault.kind is FaultKind.NOT_A_STIMULATOR), None)
    raise told or DeviceFault(FaultKind.NOT_A_STIMULATOR, path)


def _driver(make: Make, port: Port, *, device: DeviceModel | None, clock: Clock, code: str) -> Stimulator:
    """The driver, if the device on the port is of this make."""
    if make is Make.RAPID2:
        rapid2 = Rapid2(port, device or find_device(SLOWEST_RAPID2), clock=clock, code=code)
        _who(rapid2)
        return rapid2
    magpro = MagPro(port, device or find_device("magventure-r30"), clock=clock)
    model = _who(magpro).model
    if device is not None and model != device.name:
        raise DeviceFault(FaultKind.NOT_A_STIMULATOR, f"it says that it is a {model}, not a {device.name}")
    if not model.startswith("magventure-"):
        raise DeviceFault(FaultKind.NOT_A_STIMULATOR, f"a MagPro {model}, of which nothing is known")
    return MagPro(port, find_device(model), clock=clock)


def _who(stimulator: Stimulator) -> Identity:
    """Who answers; a damaged answer is asked for again."""
    for _ in range(TRIES - 1):
        try:
            return stimulator.identify()
        except DeviceFault as fault:
            if fault.kind in (FaultKind.SILENT, FaultKind.PORT_LOST):
                raise
    return stimulator.identify()
