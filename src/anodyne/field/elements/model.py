"""What every model of elements shares, wherever it computes: from poses to fields, several at a time."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anodyne.coil import Coil, Pose
from anodyne.field.conductor import refuse_placement
from anodyne.field.electric import ElectricField
from anodyne.field.elements.multigrid import BlockSolution
from anodyne.head import TetrahedralMesh
from anodyne.progress import SILENT, Progress

POSES_AT_ONCE = 8
"""Right-hand sides that share every pass over the matrices."""


class ElementModel(ABC):
    """A conductor made ready, whose field is solved for any coil at any pose.

    Attributes
    ----------
    mesh : the conductor
    conductivity : (n_tetrahedra,) or (n_tetrahedra, 3, 3) array, S/m
    timings : seconds spent in making it ready
    """

    mesh: TetrahedralMesh
    conductivity: NDArray[np.float64]
    timings: dict[str, float]

    def solve(self, coil: Coil, pose: Pose, di_dt: float, progress: Progress = SILENT) -> ElectricField:
        """The E-field a coil at a pose induces while its current changes by `di_dt` (A/s), in numpy arrays.

        Raises
        ------
        PlacementRefused : a part of the winding lies inside the conductor or hides a part of it, or it is metres away
        NotConverged : the linear solver did not reach its tolerance
        """
        return self.solve_many(coil, [pose], di_dt, progress)[0]

    def solve_many(
        self, coil: Coil, poses: Sequence[Pose], di_dt: float, progress: Progress = SILENT
    ) -> list[ElectricField]:
        """As `solve` for several poses, whose right-hand sides share every pass over the matrices."""
        for pose in poses:
            refuse_placement(self.mesh, coil, pose)
        fields: list[ElectricField] = []
        for first in range(0, len(poses), POSES_AT_ONCE):
            some = poses[first : first + POSES_AT_ONCE]
            begin = perf_counter()
            with progress.stage("primary field"):
                primaries = [self._primary(coil, pose, di_dt) for pose in some]
            spent = {**self.timings, "primary": (perf_counter() - begin) / len(some)}
            fields += self._fields_of(primaries, di_dt, spent, progress)
        return fields

    def _fields_of(
        self, primaries: Sequence[Any], di_dt: float, spent: Mapping[str, float], progress: Progress
    ) -> list[ElectricField]:
        """The fields of primary fields as `_primary` gives them; `spent` are seconds on the way to these."""
        begin = perf_counter()
        with progress.stage("solve"):
            solution = self._solution(primaries)
        spent = {**spent, "solve": (perf_counter() - begin) / len(primaries)}
        fields = []
        for column, primary in enumerate(primaries):
            begin = perf_counter()
            values = self._recovered(solution.x[:, column], primary)
            fields.append(
                ElectricField(
                    mesh=self.mesh,
                    conductivity=self.conductivity,
                    di_dt=di_dt,
                    iterations=solution.iterations,
                    residual=solution.residual,
                    timings={**spent, "recover": perf_counter() - begin},
                    **values,
                )
            )
        return fields

    @abstractmethod
    def _primary(self, coil: Coil, pose: Pose, di_dt: float) -> Any:
        """The primary field of a placement, in the form the model's own functions want it."""

    @abstractmethod
    def _solution(self, primaries: Sequence[Any]) -> BlockSolution:
        """The unknowns, (n, k) array, of k primary fields."""

    @abstractmethod
    def _recovered(self, unknowns: Any, primary: Any) -> dict[str, Any]:
        """Potential and E of a solution, as attributes of an `ElectricField`."""
