"""Magstim Rapid²: codec, driver and emulator."""

from anodyne.stimulator.rapid2.driver import Rapid2
from anodyne.stimulator.rapid2.emulator import Rapid2Emulator
from anodyne.stimulator.rapid2.firmware import Rapid2Firmware

__all__ = ["Rapid2Firmware", "Rapid2", "Rapid2Emulator"]
