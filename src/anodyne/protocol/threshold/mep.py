"""A statistical model of motor evoked potentials: how large the answer to a pulse is, and how it varies."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.protocol.threshold.facts import FACTS
from anodyne.protocol.threshold.trial import RESPONSE_AMPLITUDE
from anodyne.units import percent

Array = NDArray[np.float64]

SMALLEST = 1e-7
"""The amplitude of a muscle that is not recruited at all, V, from which the sigmoid rises (Goetz et al. 2019)."""


@dataclass(frozen=True, kw_only=True)
class MepModel:
    """One person's motor evoked potentials after Goetz et al. 2019 (IEEE TNSRE 27:1539).

    The peak-to-peak amplitude is ``floor + 0.1 µV · 10^(u + r(a + e))``: a sigmoid r of the pulse's intensity a in the
    logarithm of amplitude, with excitability varying as e before it and the pathway to the muscle varying as u
    behind it, both normal; the floor is the noise of muscle and amplifier, of a generalised extreme value distribution.

    Parameters
    ----------
    floor_location, floor_scale, floor_shape : of the noise floor, V, V, and a number
    decades : from 0.1 µV to saturation
    half_point : intensity above the offset at which half of the decades are reached, fraction of output
    slope : of the sigmoid, a number
    offset : intensity below which nothing is recruited, fraction of output
    amplitude_spread : standard deviation of u, decades
    excitability_spread : standard deviation of e, fraction of output

    Raises
    ------
    ValueError : a scale, a slope or a spread that is not positive
    """

    floor_location: float
    floor_scale: float
    floor_shape: float
    decades: float
    half_point: float
    slope: float
    offset: float
    amplitude_spread: float
    excitability_spread: float

    def __post_init__(self) -> None:
        for name in ("floor_scale", "decades", "half_point", "slope", "amplitude_spread", "excitability_spread"):
            if not getattr(self, name) > 0:
                raise ValueError(f"the {name.replace('_', ' ')} of evoked potentials is positive, not {self}")

    @classmethod
    def drawn(cls, generator: np.random.Generator) -> Self:
        """A person out of the published population, drawn again until the curve is one that could be recorded."""
        kept = FACTS["mep_model"]["kept"]
        (weakest, strongest), (low, high) = kept["outputs"], kept["limits"]
        while True:
            model = cls._drawn_once(generator)
            amplitudes = model.sample(np.linspace(weakest, strongest, 300), generator)
            spans = amplitudes.min() < kept["below"] and amplitudes.max() > kept["above"]
            if spans and low < amplitudes.min() and amplitudes.max() < high:
                return model

    @classmethod
    def _drawn_once(cls, generator: np.random.Generator) -> Self:
        facts = FACTS["mep_model"]
        floor, decades, half, slope, offset = generator.multivariate_normal(
            np.array(facts["mean"]), np.array(facts["covariance"]), method="cholesky"
        )
        amplitude, excitability = (
            10 ** generator.normal(*facts[name]) for name in ("amplitude_spread", "excitability_spread")
        )
        scale, shape = (
            facts[name][0] * facts[name][1] ** generator.normal() for name in ("floor_scale", "floor_shape")
        )
        return cls(
            floor_location=float(10**floor),
            floor_scale=float(scale),
            floor_shape=float(shape),
            decades=float(decades),
            half_point=float(10 ** (half / 10**slope)) * percent,
            slope=float(10**slope),
            offset=float(10**offset) * percent,
            amplitude_spread=float(amplitude),
            excitability_spread=float(excitability) * percent,
        )

    def recruited(self, intensity: ArrayLike) -> Array:
        """Decades above 0.1 µV that pulses of these intensities recruit, in an array of their shape."""
        above = np.maximum(np.asarray(intensity, dtype=float) - self.offset, 1e-9)
        return self.decades / (1 + (self.half_point / above) ** self.slope)

    def evoked(self, intensity: ArrayLike, generator: np.random.Generator) -> Array:
        """Amplitudes of potentials evoked by pulses of these intensities, V, without the noise floor."""
        a = np.asarray(intensity, dtype=float)
        excitability = self.excitability_spread * generator.standard_normal(a.shape)
        pathway = self.amplitude_spread * generator.standard_normal(a.shape)
        return SMALLEST * 10 ** (pathway + self.recruited(a + excitability))

    def sample(self, intensity: ArrayLike, generator: np.random.Generator) -> Array:
        """Peak-to-peak amplitudes as they would be measured, V, one for each intensity."""
        evoked = self.evoked(intensity, generator)
        return np.maximum(evoked + self._floor(generator.random(evoked.shape)), 1e-8)

    def _floor(self, quantile: Array) -> Array:
        """The noise floor at these quantiles of its generalised extreme value distribution, V."""
        k = self.floor_shape
        return self.floor_location + self.floor_scale * np.expm1(-k * np.log(-np.log(quantile))) / k

    def typical(self, intensity: ArrayLike) -> Array:
        """Amplitudes with nothing varying, V: the sigmoid above the floor's location."""
        return self.floor_location + SMALLEST * 10 ** self.recruited(intensity)

    def probability(self, intensity: ArrayLike, criterion: float = RESPONSE_AMPLITUDE) -> Array:
        """Chances that pulses of these intensities evoke at least the criterion, V, in an array of their shape.

        For a given state of pathway and floor the response begins at one intensity; the excitability's normal
        distribution gives the chance to be above it, and pathway and floor are summed over by quadrature.
        """
        from scipy.special import ndtr  # half of the time that the whole room takes to import

        begins, weights = self._beginnings(criterion)
        above = (np.asarray(intensity, dtype=float)[..., None] - begins) / self.excitability_spread
        return ndtr(above) @ weights

    def _beginnings(self, criterion: float) -> tuple[Array, Array]:
        """Intensities at which a response begins, over states of pathway and floor, and the weights of these states."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(16)
        floor = self._floor((np.arange(32) + 0.5) / 32)
        needed = np.maximum(criterion - floor, SMALLEST / 10)
        decades = np.log10(needed / SMALLEST)[:, None] - self.amplitude_spread * nodes
        left = np.maximum(self.decades - decades, 1e-12)
        begins = self.offset + self.half_point * (np.maximum(decades, 1e-12) / left) ** (1 / self.slope)
        begins = np.where(decades <= 0, -np.inf, np.where(decades >= self.decades, np.inf, begins))
        return begins.ravel(), np.tile(weights / weights.sum(), (len(floor), 1)).ravel() / len(floor)

    def intensity_answered(self, share: float) -> float:
        """The intensity at which this share of pulses evokes 50 µV, fraction of output, by bisection to 1e-6.

        Raises
        ------
        ValueError : a share that is not between 0 and 1
        """
        from scipy.special import ndtr

        if not 0 < share < 1:
            raise ValueError(f"the share of pulses that are answered is between 0 and 1, not {share}")
        low, high = 0.0, 3.0
        begins, weights = self._beginnings(RESPONSE_AMPLITUDE)
        while high - low > 1e-6:
            middle = (low + high) / 2
            answered = float(ndtr((middle - begins) / self.excitability_spread) @ weights)
            low, high = (middle, high) if answered < share else (low, middle)
        return (low + high) / 2

    @cached_property
    def threshold(self) -> float:
        """The motor threshold: the intensity that half of the pulses answer with 50 µV, fraction of output."""
        return self.intensity_answered(0.5)

    @cached_property
    def relative_spread(self) -> float:
        """How gradually answers begin: half the way from 16 to 84 % of answers, relative to the threshold."""
        low, high = (self.intensity_answered(share) for share in (0.158655254, 0.841344746))
        return (high - low) / 2 / self.threshold
