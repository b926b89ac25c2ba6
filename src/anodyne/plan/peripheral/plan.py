"""A plan for the body: where the coil is held, how strongly it pulses, and what nobody knows."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from anodyne.certainty import Certainty
from anodyne.plan.plan import CoilUsed
from anodyne.protocol import (
    BodySite,
    Circumstances,
    DeviceModel,
    Dose,
    DoseCheck,
    Fact,
    IntensityBasis,
    Modality,
    Override,
    Protocol,
    not_reported,
)

HEAT_MEASURED = (
    "what is held against it is the temperature of the coil as the stimulator tells it, and not that of the skin, "
    "which nobody measures"
)
"""What a controller can keep of the rule of heat at the skin."""

LIMITS_NOTE = (
    "No table of limits for peripheral stimulation is known to this program, and most of what it knows of published "
    "patterns is recalled: two people must check pattern and strength in the publications before any use with a person."
)
"""What stands beside a verdict on peripheral stimulation."""

CHECKLIST_SOURCE = (
    "A consensus checklist for peripheral magnetic stimulation: Front Neurol 2022, doi:10.3389/fneur.2022.852848 (its "
    "abstract was read)."
)


def peripheral_checks(basis: IntensityBasis) -> tuple[str, ...]:
    """What two people must still check before any use with a person, whatever a plan for the body says.

    What is marked recalled stands in no source that was read for this program.
    """
    return (
        "that site and side are this patient's, in the patient's own words, and that they are marked on the skin",
        f"the {basis.threshold_in_words}: measured at this site, how, and for which coil and stimulator",
        "frequency, pulses and pauses against the publication that the protocol cites, in the paper itself: no table "
        "of limits for peripheral stimulation is known to this program",
        "implants and metal under the coil (recalled)",
        "a pacemaker or another electronic implant, which by its maker's instructions may need about 1 m of distance "
        "(recalled)",
        "thrombosis in the limb or region (recalled)",
        "an open wound or broken skin under the coil (recalled)",
        "malignancy in the region (recalled)",
        "pregnancy (recalled)",
        "the skin under the coil, before and in the pauses: the rule of heat knows the coil's temperature only",
        "hearing protection for patient and operator",
    )


@dataclass(frozen=True, kw_only=True)
class PeripheralPrescription:
    """What is wanted for one person.

    Parameters
    ----------
    protocol : of peripheral stimulation
    site : where the coil is held
    threshold : by twitch or by comfort, as the protocol's intensity is; fraction of stimulator output, 0.20 to 1.00
    intensity : relative to the threshold instead of the protocol's own; None keeps that
    inter_train_interval : s, where the protocol's source reports none or another is wanted; None keeps that
    device : the stimulator; None where it is not known
    circumstances : of person and day
    override : a consultant's, if there is one

    Raises
    ------
    ValueError : a protocol that stimulates the head, or whose intensity is by neither twitch nor comfort
    """

    protocol: Protocol
    site: BodySite
    threshold: float
    intensity: float | None = None
    inter_train_interval: float | None = None
    device: DeviceModel | None = None
    circumstances: Circumstances = field(default_factory=Circumstances)
    override: Override | None = None

    def __post_init__(self) -> None:
        if self.protocol.modality is not Modality.PERIPHERAL:
            raise ValueError(
                f"{self.protocol.name} stimulates the head ({self.protocol.modality.in_words}); plan it with "
                "'anodyne plan make'"
            )
        if not self.protocol.intensity_basis.is_of_a_site:
            raise ValueError(
                f"the intensity of {self.protocol.name} is relative to {self.protocol.intensity_basis.in_words}; at a "
                "site of the body it is by twitch-threshold or tolerance"
            )

    @property
    def protocol_given(self) -> Protocol:
        """The protocol with the operator's own inter-train interval marked as such."""
        if self.inter_train_interval is None:
            return self.protocol
        chosen = Fact(value=self.inter_train_interval, certainty=Certainty.GIVEN, source="chosen for this plan")
        return replace(
            self.protocol,
            inter_train_interval=chosen,
            session_duration=not_reported("with a pause chosen for this plan"),
        )


@dataclass(frozen=True, kw_only=True)
class PeripheralPlan:
    """Everything a plan for the body says.

    Attributes
    ----------
    created : UTC
    version : of Anodyne
    site, coil, protocol, dose : what their names say; the dose's ``rmt`` is the threshold by twitch or comfort
    device : for which the dose was checked; None where it is not known
    circumstances : of person and day, for which it was checked
    check : what was found of the dose
    warnings : sentences that belong beside the plan wherever it is shown
    """

    created: datetime
    version: str
    site: BodySite
    coil: CoilUsed
    protocol: Protocol
    dose: Dose
    device: DeviceModel | None
    circumstances: Circumstances
    check: DoseCheck
    warnings: tuple[str, ...]

    @property
    def threshold_by(self) -> IntensityBasis:
        """Whether the threshold is by twitch or by comfort."""
        return self.protocol.intensity_basis

    @property
    def protocol_at_dose(self) -> Protocol:
        """The protocol with the intensity of this plan, for whoever is treated by it."""
        chosen = Fact(value=self.dose.intensity, certainty=Certainty.GIVEN, source="chosen for this plan")
        return replace(self.protocol, intensity=chosen)
