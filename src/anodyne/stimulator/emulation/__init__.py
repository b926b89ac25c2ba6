"""What the emulators of all makes share: physics in time, faults, the port in one process, the pseudo-terminal."""

from anodyne.stimulator.emulation.emulator import Emulator
from anodyne.stimulator.emulation.injection import Injection, PlannedFault, find_injection
from anodyne.stimulator.emulation.machine import GivenPulse, Habits, Witness
from anodyne.stimulator.emulation.port import EmulatedPort
from anodyne.stimulator.emulation.server import serve
from anodyne.stimulator.emulation.thermal import CoilWarmth

__all__ = [
    "CoilWarmth",
    "EmulatedPort",
    "Emulator",
    "GivenPulse",
    "Habits",
    "Injection",
    "PlannedFault",
    "Witness",
    "find_injection",
    "serve",
]
