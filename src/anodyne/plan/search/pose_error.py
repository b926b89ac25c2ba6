"""How far a coil lies from where it was meant to, as measured in clinics."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import qmc

from anodyne.certainty import Certainty
from anodyne.units import degree, mm

Floats = NDArray[np.float64]

CAULFIELD = "Caulfield et al. 2022, Brain Stimul 15:1192, 42 people: mean distance and angles off target"


@dataclass(frozen=True, kw_only=True)
class PoseError:
    """How a coil is misplaced: published means, and the distribution that is assumed for them.

    The source gives means of absolute errors, not how they are spread. Assumed here: the coil slips along the scalp
    by a shift that is normal in both directions with equal spread, so that its length follows Rayleigh's
    distribution with the published mean distance (the whole of which is taken to lie along the scalp); its axis
    tilts the same way, by an angle with the published mean; it turns about its axis by a normal angle whose
    absolute value has the published mean; the three are independent and none has a bias.

    Attributes
    ----------
    name, label : for the command line, and what a person calls it
    distance : mean length of the shift along the scalp, m
    tilt : mean angle of the coil's axis from where it was meant to point (roll and pitch), rad
    turn : mean absolute angle about the coil's axis (yaw), rad
    source : of the three means
    certainty : of the three means; their distribution is assumed
    """

    name: str
    label: str
    distance: float
    tilt: float
    turn: float
    source: str
    certainty: Certainty

    def __post_init__(self) -> None:
        for name in ("distance", "tilt", "turn"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"a pose error's {name} must be finite and not negative, not {value}")

    def drawn(self, count: int, seed: int = 0) -> Floats:
        """Errors spread evenly over the distribution, (count, 5): shift along x and y (m), tilt about them, turn (rad).

        Sobol's points, shifted as a whole by one random vector (Cranley & Patterson 1976, SIAM J Numer Anal
        13:904), stand in for independent ones; `count` is best a power of two.
        """
        points = qmc.Sobol(5, scramble=False).random_base2(int(np.ceil(np.log2(max(count, 2)))))[:count]
        shifted = (points + np.random.default_rng(seed).random(5)) % 1
        normal = ndtri(np.clip(shifted, 1e-9, 1 - 1e-9))
        along_scalp = self.distance * np.sqrt(2 / np.pi)
        tilting = self.tilt * np.sqrt(2 / np.pi)
        turning = self.turn * np.sqrt(np.pi / 2)
        return np.asarray(normal * [along_scalp, along_scalp, tilting, tilting, turning])


@dataclass(frozen=True, kw_only=True)
class Robustness:
    """What one way of finding the place again leaves of the field at the target.

    Only what `Goal.score` takes from the mean E over the target is looked at: its length, or a component where the
    objective is one. For focality that is the field at the target, not its relation to the rest of the cortex.

    Attributes
    ----------
    error : how far off the coil lies
    drawn : misplacements in all
    placements : those of them that find a rest on the head; only they are scored
    planned : the score without error, V/m
    expected : mean score of those that find a rest, V/m
    percentile_5 : the score that 95 % of them exceed, V/m
    """

    error: PoseError
    drawn: int
    placements: int
    planned: float
    expected: float
    percentile_5: float

    @property
    def share(self) -> float:
        """`expected` relative to `planned`."""
        return self.expected / self.planned


CAP = PoseError(
    name="cap",
    label="marks on a cap",
    distance=10.66 * mm,
    tilt=7.79 * degree,
    turn=5.99 * degree,
    source=CAULFIELD,
    certainty=Certainty.READ,
)
"""A coil found again by marks on a cap."""

NEURONAVIGATED = PoseError(
    name="neuronavigated",
    label="neuronavigation",
    distance=0.30 * mm,
    tilt=0.34 * degree,
    turn=0.22 * degree,
    source=CAULFIELD,
    certainty=Certainty.READ,
)
"""A coil found again by neuronavigation."""

POSE_ERRORS = (NEURONAVIGATED, CAP)
"""The ways of finding the place again that a plan compares."""


def find_pose_error(name: str) -> PoseError:
    """The published pose error of that name.

    Raises
    ------
    ValueError : there is none

    >>> round(find_pose_error("cap").distance * 1e3, 2)
    10.66
    """
    for error in POSE_ERRORS:
        if error.name == name:
            return error
    raise ValueError(f"no pose error is published under the name {name!r}; there are cap and neuronavigated")
