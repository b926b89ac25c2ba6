"""MagVenture MagPro: codec, driver and emulator."""

from anodyne.stimulator.magpro.driver import MagPro
from anodyne.stimulator.magpro.emulator import MagProEmulator
from anodyne.stimulator.magpro.settings import MagProModel

__all__ = ["MagPro", "MagProEmulator", "MagProModel"]
