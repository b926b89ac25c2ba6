"""What thousands of placements do at a target, from a few adjoint solves.

By reciprocity the E-field at the target is the coil's current times the vector potential that
the adjoint sources make at the coil's wire (or its dipole moments times their magnetic field;
auxiliary dipoles of Gomez et al. 2021, NeuroImage 228:117696, serve the same end). Outside the
head that potential is smooth, so it is summed once on nested lattices through which all placements
sweep, and read from there by cubic interpolation.
"""

from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.coil import Coil, Pose, Sources
from anodyne.field.elements.first_order import AdjointSources
from anodyne.field.reciprocity.exterior import Kernel, acting_on, condensed, condensed_adjoint
from anodyne.field.reciprocity.lattice import FINEST, NestedLattice
from anodyne.progress import SILENT, Progress
from anodyne.units import mm

Floats = NDArray[np.float64]

ELEMENT_CELL = 4 * mm
"""Elements of a coil within cubes of this edge are summed before they are read from the lattice."""

MU_0_OVER_4_PI = 1e-7
PLACEMENT_BLOCK = 256


class ExteriorField:
    """What an adjoint's sources make outside the head, summed where some placement asks for it and remembered.

    Parameters
    ----------
    adjoint : sources for k averages over one region, from `FieldModel.adjoint`
    spacing : of the finest lattice on which they are summed, m
    """

    def __init__(self, adjoint: AdjointSources, *, spacing: float = FINEST) -> None:
        self.adjoint = adjoint
        self.spacing = spacing
        self.components = len(adjoint.vectors)
        self._sources, self._vectors = condensed_adjoint(adjoint)
        self._middle, self._margin = _strongest(self._sources, self._vectors)
        self._lattices: dict[Kernel, NestedLattice] = {}

    def lattice(self, kernel: Kernel) -> NestedLattice:
        """The lattices of one kernel; their 3 k components are those of the k vectors in turn."""
        if kernel not in self._lattices:
            self._lattices[kernel] = NestedLattice(
                partial(self._sum, kernel), 3 * self.components, self._middle, self._margin, self.spacing
            )
        return self._lattices[kernel]

    def condensed(self) -> AdjointSources:
        """The adjoint with its weak sources summed."""
        return AdjointSources(
            positions=self._sources.T.astype(float), vectors=self._vectors.transpose(0, 2, 1).astype(float)
        )

    def _sum(self, kernel: Kernel, points: NDArray[np.float32]) -> Floats:
        return kernel(self._sources, self._vectors, points).reshape(len(points), -1)


def _strongest(sources: NDArray[np.float32], vectors: NDArray[np.float32]) -> tuple[Floats, float]:
    """Where the strongest sources lie, (3,) m, and how far they spread about that place, m."""
    weight = (vectors.astype(float) ** 2).sum(axis=(0, 1))
    positions = sources.astype(float)
    middle = (positions * weight).sum(axis=1) / weight.sum()
    away = ((positions - middle[:, None]) ** 2).sum(axis=0)
    return middle, float(np.sqrt((away * weight).sum() / weight.sum()))


def placement_components(
    adjoint: AdjointSources | ExteriorField,
    coil: Coil,
    head_from_coil: ArrayLike,
    di_dt: float,
    *,
    spacing: float = FINEST,
    progress: Progress = SILENT,
) -> Floats:
    """The adjoint's averages of E for many placements of one coil, (n, k) array, V/m.

    Parameters
    ----------
    adjoint : sources for k averages, from `FieldModel.adjoint`, or what has been summed of them already
    head_from_coil : (n, 4, 4) rigid matrices, m
    di_dt : rate of change of the coil current, A/s
    spacing : of the finest lattice on which the adjoint's exterior potential is summed, m

    A coil known only by samples of its field has no elements to read at; its own potential is taken at
    the adjoint's sources instead, placement by placement.

    Raises
    ------
    PlacementRefused : the samples of such a coil do not reach the whole head at one of the placements
    """
    exterior = adjoint if isinstance(adjoint, ExteriorField) else ExteriorField(adjoint, spacing=spacing)
    poses = np.ascontiguousarray(head_from_coil, dtype=float).reshape(-1, 4, 4)
    sources = coil.sources()
    if sources:
        total = np.zeros((len(poses), exterior.components))
        for part in sources:
            total += _components_of(part, exterior, poses, progress)
        return MU_0_OVER_4_PI * di_dt * total
    few = exterior.condensed()
    result = np.empty((len(poses), exterior.components))
    with progress.stage("score placements", len(poses)) as advance:
        for row, pose in zip(result, poses, strict=True):
            row[:] = few.component(coil, Pose(head_from_coil=pose), di_dt)
            advance(1)
    return result


def _components_of(part: Sources, exterior: ExteriorField, poses: Floats, progress: Progress) -> Floats:
    """Sum over a part's elements of their strength times the adjoint's potential (or field) at them, (n, k)."""
    strengths, kernel = acting_on(part)
    positions, strengths = condensed(part.positions, strengths, ELEMENT_CELL)
    lattice = exterior.lattice(kernel)
    blocks = [poses[first : first + PLACEMENT_BLOCK] for first in range(0, len(poses), PLACEMENT_BLOCK)]
    for block in blocks:
        lattice.cover(placed(positions, block), progress)
    result = []
    with progress.stage("score placements", len(poses)) as advance:
        for block in blocks:
            values = lattice.read(placed(positions, block)).reshape(len(block), len(positions), -1, 3)
            turned = strengths @ block[:, :3, :3].transpose(0, 2, 1)
            result.append(np.einsum("npkc,npc->nk", values, turned))
            advance(len(block))
    return np.concatenate(result) if result else np.empty((0, exterior.components))


def placed(positions: Floats, poses: Floats) -> Floats:
    """Points of the coil's frame, (p, 3), in head space at every pose, (n * p, 3)."""
    there: Floats = positions @ poses[:, :3, :3].transpose(0, 2, 1) + poses[:, None, :3, 3]
    return there.reshape(-1, 3)
