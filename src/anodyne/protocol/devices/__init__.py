"""What each model of stimulator can give: rates by power, energy, waits, and what its train generator can be set to."""

from anodyne.protocol.devices.library import DEVICES, find_device
from anodyne.protocol.devices.model import DeviceModel, PulseTrain, RatePoint, Steps

__all__ = ["DEVICES", "DeviceModel", "PulseTrain", "RatePoint", "Steps", "find_device"]
