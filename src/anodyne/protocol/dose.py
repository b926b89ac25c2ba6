"""From a motor threshold to the output of a stimulator and the current slope in a coil."""

from dataclasses import dataclass
from math import isfinite

from anodyne.errors import SafetyRefusal
from anodyne.protocol.protocol import IntensityBasis, Protocol

LOWEST_RMT, HIGHEST_RMT = 0.20, 1.00
"""Motor thresholds outside of this range of stimulator output are taken for a mistake."""


@dataclass(frozen=True, kw_only=True)
class Dose:
    """The strength of the pulses for one person, stimulator and coil.

    Parameters
    ----------
    rmt : resting motor threshold, or whichever threshold the intensity is relative to, as a fraction of
        stimulator output, 0.20 to 1.00
    intensity : relative to that threshold
    peak_di_dt : of this coil on this stimulator at full output, A/s

    Raises
    ------
    ValueError : a threshold outside 20 to 100 % of output, or an intensity or slope that is not positive
    SafetyRefusal : the stimulator cannot give this; the dose is never lowered to fit

    >>> dose = Dose(rmt=0.52, intensity=0.90, peak_di_dt=100e6)
    >>> f"{dose.output:.1%}", round(dose.di_dt)
    ('46.8%', 46800000)
    """

    rmt: float
    intensity: float
    peak_di_dt: float

    def __post_init__(self) -> None:
        if not LOWEST_RMT <= self.rmt <= HIGHEST_RMT:
            raise ValueError(f"a motor threshold of {100 * self.rmt:g} % of stimulator output is outside 20 to 100 %")
        if not (isfinite(self.intensity) and self.intensity > 0):
            raise ValueError(f"an intensity is a positive fraction of threshold, not {self.intensity}")
        if not (isfinite(self.peak_di_dt) and self.peak_di_dt > 0):
            raise ValueError(f"the peak dI/dt of a coil is positive, not {self.peak_di_dt} A/s")
        if self.output > 1:
            raise SafetyRefusal(
                f"{100 * self.intensity:g} % of a threshold of {100 * self.rmt:g} % would need "
                f"{100 * self.output:.4g} % of stimulator output, more than it has; it is not lowered, so "
                "use a more efficient coil or another protocol"
            )

    @property
    def output(self) -> float:
        """Fraction of maximum stimulator output: threshold times relative intensity."""
        return self.rmt * self.intensity

    @property
    def di_dt(self) -> float:
        """Current slope in the coil at the start of a pulse, A/s; proportional to output."""
        return self.output * self.peak_di_dt


def prescribe(protocol: Protocol, *, rmt: float, peak_di_dt: float, intensity: float | None = None) -> Dose:
    """The dose of `protocol` for a person with this threshold.

    Parameters
    ----------
    protocol : what to give
    rmt : the threshold the protocol's intensity is relative to, fraction of stimulator output
    peak_di_dt : of the coil on its stimulator at full output, A/s
    intensity : relative to threshold, instead of the protocol's; needed when its source reports none

    Raises
    ------
    ValueError : a threshold outside 20 to 100 %, no intensity at all, or a device set by no threshold
    SafetyRefusal : the pulse pattern is not known, or the stimulator cannot give this intensity
    """
    if protocol.intensity_basis is IntensityBasis.FIXED_OUTPUT:
        raise ValueError(f"{protocol.name} runs at the fixed output of its own device, not at a motor threshold")
    chosen = intensity if intensity is not None else protocol.intensity.value
    if chosen is None:
        raise ValueError(f"the source of {protocol.name} reports no intensity; give one, as a fraction of threshold")
    dose = Dose(rmt=rmt, intensity=chosen, peak_di_dt=peak_di_dt)
    if protocol.session is None:
        raise SafetyRefusal(f"{protocol.name} cannot be given: its pulse pattern is not known; choose another protocol")
    return dose
