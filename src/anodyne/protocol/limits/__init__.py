"""Whether a dose can be given and lies within what people have been given: tables, verdicts, and one check for all."""

from anodyne.protocol.limits.checking import Circumstances, DoseCheck, check_dose
from anodyne.protocol.limits.deliverable import CoilInUse, is_deep_coil
from anodyne.protocol.limits.heat import HEAT_LIMIT, HeatLimit
from anodyne.protocol.limits.precedents import Pattern
from anodyne.protocol.limits.tables import LIMITS, Limits, Modifier, TrainTable, find_modifier
from anodyne.protocol.limits.verdict import Finding, Override, Topic, Verdict

__all__ = [
    "HEAT_LIMIT",
    "LIMITS",
    "Circumstances",
    "CoilInUse",
    "DoseCheck",
    "Finding",
    "HeatLimit",
    "Limits",
    "Modifier",
    "Override",
    "Pattern",
    "Topic",
    "TrainTable",
    "Verdict",
    "check_dose",
    "find_modifier",
    "is_deep_coil",
]
