"""What a placement is to do at its target, and what it must not do elsewhere."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anodyne.head import TargetSite
from anodyne.plan.plan import Objective
from anodyne.plan.search.pose_error import PoseError
from anodyne.units import V_per_m

Floats = NDArray[np.float64]

SCALP, EYES = "scalp", "eyes"
"""Where a ceiling may lie besides the named targets."""


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """A limit on |E| somewhere else, at the prescribed strength.

    Attributes
    ----------
    where : "scalp" or "eyes", whose 99.9th percentile of \\|E\\| by volume is limited, or the name of a target,
        over whose region the mean of \\|E\\| is
    limit : V/m
    """

    where: str
    limit: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.limit) and self.limit > 0):
            raise ValueError(f"a ceiling on {self.where} must be a positive field, not {self.limit / V_per_m} V/m")

    @property
    def in_words(self) -> str:
        """A phrase for reports."""
        what = "99.9th percentile of |E| in the" if self.where in (SCALP, EYES) else "mean |E| in"
        return f"{what} {self.where} at most {self.limit:g} V/m"


@dataclass(frozen=True, kw_only=True, eq=False)
class Goal:
    """What a placement is to do.

    Attributes
    ----------
    site : where E is wanted
    di_dt : of the coil current, A/s, at which scores are given
    objective : what is to be large
    direction : (3,) in head space, for `Objective.DIRECTION`; of any length; E is wanted towards it while the coil's
        current rises, not merely along it
    ceilings : what must stay weak elsewhere
    error : how the coil will be misplaced, for `Objective.EXPECTED_MAGNITUDE`

    Raises
    ------
    ValueError : an objective without the direction or the error it needs, or a direction without length
    """

    site: TargetSite
    di_dt: float
    objective: Objective = Objective.MAGNITUDE
    direction: Floats | None = None
    ceilings: tuple[Ceiling, ...] = ()
    error: PoseError | None = None

    def __post_init__(self) -> None:
        if (self.objective is Objective.DIRECTION) != (self.direction is not None):
            raise ValueError("the objective 'direction' needs a direction, and no other takes one")
        if self.objective is Objective.EXPECTED_MAGNITUDE and self.error is None:
            raise ValueError("the objective 'expected-magnitude' needs to know how the coil will be misplaced")
        if self.direction is not None:
            vector = np.array(self.direction, dtype=float)
            length = np.linalg.norm(vector)
            if vector.shape != (3,) or not np.isfinite(vector).all() or length == 0:
                raise ValueError(f"a direction is three finite numbers, not all zero, not {self.direction!r}")
            object.__setattr__(self, "direction", vector / length)

    @property
    def axes(self) -> Floats:
        """(q, 3) unit vectors: without a direction, the score is the length of the mean E along them."""
        if self.objective is Objective.NORMAL_COMPONENT and self.site.normal is not None:
            return np.asarray(self.site.normal)[None]
        return np.eye(3)

    @property
    def is_judged(self) -> bool:
        """Whether the best placements by score must be looked at more closely before one is taken."""
        return bool(self.ceilings) or self.objective in (Objective.FOCALITY, Objective.EXPECTED_MAGNITUDE)

    def score(self, e_field: Floats) -> Floats:
        """What reciprocity gives for mean fields (n, 3) over the site: (n,) array, V/m.

        For a direction that is the mean field's component towards it, negative where the field runs the other way;
        else a length, which a half turn of the coil does not change.
        """
        if self.direction is not None:
            return np.asarray(e_field @ self.direction)
        return np.asarray(np.linalg.norm(e_field @ self.axes.T, axis=1))
