"""Plans for the body: a site and a nerve or muscle in place of a target in the head, and no field."""

from anodyne.plan.peripheral.document import peripheral_document
from anodyne.plan.peripheral.folder import write_peripheral_plan
from anodyne.plan.peripheral.making import make_peripheral_plan
from anodyne.plan.peripheral.plan import PeripheralPlan, PeripheralPrescription, peripheral_checks

__all__ = [
    "PeripheralPlan",
    "PeripheralPrescription",
    "make_peripheral_plan",
    "peripheral_checks",
    "peripheral_document",
    "write_peripheral_plan",
]
