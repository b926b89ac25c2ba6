"""Dosing by the electric field instead of by per cent of motor threshold, and how far the two differ."""

from dataclasses import dataclass
from enum import Enum
from math import isfinite

from anodyne.certainty import Certainty
from anodyne.errors import SafetyRefusal
from anodyne.protocol.dose import HIGHEST_RMT, LOWEST_RMT
from anodyne.protocol.facts import Fact
from anodyne.units import mm, percent

STOKES_SLOPE: Fact[float] = Fact(
    value=3 * percent / mm,
    certainty=Certainty.READ,
    source="Stokes 2005, J Neurophysiol 94:4520 (3 % of output per mm); Stokes 2007 found 2.8 (read), 2.7 is recalled",
    published=(2.7 * percent / mm, 3 * percent / mm),
)
"""How much the threshold grows with the distance from scalp to cortex, fraction of maximum output per metre."""


class DosingMethod(Enum):
    """What the strength of the pulses is set by."""

    MOTOR_THRESHOLD = "motor-threshold"
    FIELD = "field"
    M1_EQUIVALENT = "m1-equivalent"
    STOKES = "stokes"

    @property
    def in_words(self) -> str:
        """A phrase for a report."""
        return {
            DosingMethod.MOTOR_THRESHOLD: "% of threshold",
            DosingMethod.FIELD: "a field at the target",
            DosingMethod.M1_EQUIVALENT: "the motor cortex's field",
            DosingMethod.STOKES: "threshold corrected for depth (Stokes)",
        }[self]


@dataclass(frozen=True, kw_only=True)
class FieldDose:
    """The output that one way of dosing asks for, beside plain per cent of motor threshold.

    Attributes
    ----------
    method : what sets the output
    rmt : resting motor threshold, fraction of maximum output, 0.20 to 1.00
    intensity : of the protocol, relative to threshold
    output : fraction of maximum output
    output_range : the same at the ends of a published range, where there is one

    Raises
    ------
    ValueError : a threshold outside 20 to 100 % of output, or an intensity or output that is not positive
    SafetyRefusal : the stimulator cannot give this; the dose is never lowered to fit

    >>> dose = FieldDose(method=DosingMethod.FIELD, rmt=0.5, intensity=1.2, output=0.66)
    >>> f"{dose.relative:.0%} of threshold, {dose.difference:+.0%}"
    '132% of threshold, +10%'
    """

    method: DosingMethod
    rmt: float
    intensity: float
    output: float
    output_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not LOWEST_RMT <= self.rmt <= HIGHEST_RMT:
            raise ValueError(f"a motor threshold of {self.rmt / percent:g} % of output is outside 20 to 100 %")
        for what, value in (("intensity", self.intensity), ("output", self.output)):
            if not (isfinite(value) and value > 0):
                raise ValueError(f"an {what} is a positive fraction, not {value}")
        if self.output > 1:
            raise SafetyRefusal(
                f"{self.method.in_words[0].upper()}{self.method.in_words[1:]} would need {self.output / percent:.4g} % "
                "of stimulator output, more than it has; it is not lowered, so use a more efficient coil, another "
                "placement or another way of dosing"
            )

    @property
    def plain_output(self) -> float:
        """Fraction of maximum output by plain per cent of motor threshold."""
        return self.rmt * self.intensity

    @property
    def relative(self) -> float:
        """The output relative to the motor threshold."""
        return self.output / self.rmt

    @property
    def difference(self) -> float:
        """By how much the output differs from the plain one, relative to that."""
        return self.output / self.plain_output - 1


def plain_dose(*, rmt: float, intensity: float) -> FieldDose:
    """Per cent of motor threshold, as protocols are published.

    Raises
    ------
    ValueError, SafetyRefusal : as `FieldDose`
    """
    return FieldDose(method=DosingMethod.MOTOR_THRESHOLD, rmt=rmt, intensity=intensity, output=rmt * intensity)


def dose_for_field(field: float, *, rmt: float, intensity: float, field_at_full_output: float) -> FieldDose:
    """The output that gives a field at the target; a field is proportional to output.

    Parameters
    ----------
    field : wanted at the target, V/m
    rmt, intensity : to set it beside
    field_at_full_output : at the target from the same coil in the same place, V/m

    Raises
    ------
    ValueError : a field that is not positive, and as `FieldDose`
    SafetyRefusal : as `FieldDose`

    >>> dose_for_field(60, rmt=0.5, intensity=1.0, field_at_full_output=150).output
    0.4
    """
    _refuse_senseless(field, field_at_full_output)
    return FieldDose(method=DosingMethod.FIELD, rmt=rmt, intensity=intensity, output=field / field_at_full_output)


def dose_matching_m1(
    *, rmt: float, intensity: float, field_at_full_output: float, m1_field_at_full_output: float
) -> FieldDose:
    """The output that gives the target the field which the motor cortex has at the same intensity.

    At threshold the motor cortex has ``rmt * m1_field_at_full_output``; the target is to have `intensity` times that.
    For the prefrontal cortex of 38 people Caulfield 2021 (Clin Neurophysiol 132:2199) found 133.5 % of threshold on
    average, from 79.9 to 247.5 %.

    Parameters
    ----------
    rmt, intensity : of the person and of the protocol
    field_at_full_output : at the target with the coil over the target, V/m
    m1_field_at_full_output : at the motor cortex with the same coil over the motor cortex, V/m

    Raises
    ------
    ValueError, SafetyRefusal : as `dose_for_field`
    """
    _refuse_senseless(field_at_full_output, m1_field_at_full_output)
    output = rmt * intensity * m1_field_at_full_output / field_at_full_output
    return FieldDose(method=DosingMethod.M1_EQUIVALENT, rmt=rmt, intensity=intensity, output=output)


def dose_by_depth(*, rmt: float, intensity: float, target_distance: float, m1_distance: float) -> FieldDose:
    """The output with the threshold corrected for the target's depth: ``intensity (rmt + slope (d - d_M1))``.

    Stokes 2005 (J Neurophysiol 94:4520), with `STOKES_SLOPE`; it holds for the coils that were measured (figures of
    eight of 50 and 70 mm) and for depths near those of the motor cortex.

    Parameters
    ----------
    rmt, intensity : of the person and of the protocol
    target_distance, m1_distance : from the scalp to the nearest cortex beneath, m, whatever depth a sulcus has

    Raises
    ------
    ValueError, SafetyRefusal : as `FieldDose`

    >>> dose = dose_by_depth(rmt=0.5, intensity=1.0, target_distance=0.018, m1_distance=0.015)
    >>> round(dose.output, 3)
    0.59
    """
    for distance in (target_distance, m1_distance):
        if not (isfinite(distance) and distance >= 0):
            raise ValueError(f"a distance from scalp to cortex is not negative, so not {distance} m")
    deeper = target_distance - m1_distance
    low, high = sorted(intensity * (rmt + slope * deeper) for slope in STOKES_SLOPE.published or ())
    return FieldDose(
        method=DosingMethod.STOKES,
        rmt=rmt,
        intensity=intensity,
        output=intensity * (rmt + STOKES_SLOPE.known * deeper),
        output_range=(low, high),
    )


def _refuse_senseless(*fields: float) -> None:
    for field in fields:
        if not (isfinite(field) and field > 0):
            raise ValueError(f"a field is positive, not {field} V/m")
