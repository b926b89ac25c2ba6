"""Pulses, trains, sessions, courses, the library of published protocols, and the dose for one person."""

from anodyne.protocol.course import Block, Cadence, Course, FollowUp, FollowUpOrigin
from anodyne.protocol.data import protocol_from_data, protocol_to_data
from anodyne.protocol.description import DescriptionRow, describe, intensity_in_words, patient_summary
from anodyne.protocol.dose import Dose, prescribe
from anodyne.protocol.facts import Evidence, EvidenceLevel, Fact, not_reported
from anodyne.protocol.library import PROTOCOLS, find_protocol, read_protocols
from anodyne.protocol.protocol import IntensityBasis, Modality, Protocol
from anodyne.protocol.pulse import Pulse, PulseShape
from anodyne.protocol.recordings import RECORDED_PULSES, RecordedPulse, find_pulse
from anodyne.protocol.session import THETA_BURST, Burst, Duration, Session, Train
from anodyne.protocol.target import Aim, ContralateralAim, NamedAim, PeripheralAim, Side

__all__ = [
    "PROTOCOLS",
    "RECORDED_PULSES",
    "THETA_BURST",
    "Aim",
    "Block",
    "Burst",
    "Cadence",
    "ContralateralAim",
    "Course",
    "DescriptionRow",
    "Dose",
    "Duration",
    "Evidence",
    "EvidenceLevel",
    "Fact",
    "FollowUp",
    "FollowUpOrigin",
    "IntensityBasis",
    "Modality",
    "NamedAim",
    "PeripheralAim",
    "Protocol",
    "Pulse",
    "PulseShape",
    "RecordedPulse",
    "Session",
    "Side",
    "Train",
    "describe",
    "find_protocol",
    "find_pulse",
    "intensity_in_words",
    "not_reported",
    "patient_summary",
    "prescribe",
    "protocol_from_data",
    "protocol_to_data",
    "read_protocols",
]
