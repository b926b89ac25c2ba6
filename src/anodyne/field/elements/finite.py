"""What the finite-element models share on the processor, and what they give to whoever carries them elsewhere."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from anodyne.field.conductor import conductivity_of
from anodyne.field.elements.device import DeviceModel
from anodyne.field.elements.model import ElementModel
from anodyne.field.elements.multigrid import (
    BlockSolution,
    Multigrid,
    Operator,
    Preconditioner,
    Smoother,
    conjugate_gradients,
)
from anodyne.field.primary.fields import PrimaryField, VectorPotential
from anodyne.head import Conductivities, TetrahedralMesh

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelParts:
    """The matrices of a finite-element model and what its unknowns stand for.

    Attributes
    ----------
    used : nodes that belong to a tetrahedron, in the order of their unknowns
    blocks : the nodes' matrix alone, or nodes, nodes by edges; edges by nodes, edges
    multigrid : of the nodes' matrix
    smoother : of the edges' matrix; None where there are no edges
    edges : (n_tetrahedra, 6) edges of every tetrahedron, -1 where an edge has no unknown; None likewise
    ends : (n_edges, 2) nodes of every edge; None likewise
    """

    used: NDArray[Any]
    blocks: tuple[tuple[csr_matrix, ...], ...]
    multigrid: Multigrid
    smoother: Smoother | None = None
    edges: NDArray[Any] | None = None
    ends: NDArray[Any] | None = None


class FiniteElementModel(ElementModel):
    """A conducting mesh with its matrix assembled and its solver set up.

    Unknowns are the potential at the nodes in use, `used`, then whatever else a kind of element has.
    """

    used: NDArray[Any]
    _operator: csr_matrix | Operator
    _preconditioner: Preconditioner

    def __init__(
        self,
        mesh: TetrahedralMesh,
        conductivity: Conductivities | ArrayLike | None,
        primary: PrimaryField | None,
        tolerance: float,
    ) -> None:
        self.mesh = mesh
        self.primary = primary if primary is not None else VectorPotential()
        self.tolerance = tolerance
        self.conductivity = conductivity_of(mesh, conductivity)
        self.timings = {}

    def on(self, namespace: Any, device: Any = None) -> DeviceModel:
        """The same model in another array library, on one of its devices.

        Parameters
        ----------
        namespace : ``torch``, ``cupy`` or an array API namespace
        device : what that library calls a device; its default if None

        Raises
        ------
        NotAvailable : the device has too little memory, or rounds single precision in products
        """
        return DeviceModel(self, namespace, device)

    @property
    @abstractmethod
    def parts(self) -> ModelParts:
        """Its matrices, preconditioner and unknowns."""

    @abstractmethod
    def _load(self, primary: Any) -> Floats:
        """``integral(sigma w . grad(v))`` of a primary field w for every unknown's function v."""

    def _solution(self, primaries: Sequence[Any]) -> BlockSolution:
        return self._solved(np.stack([self._load(primary) for primary in primaries], axis=1))

    def _solved(self, right: Floats) -> BlockSolution:
        """Unknowns of right-hand sides (n, k), which are spent."""
        of_nodes = right[: len(self.used)]
        of_nodes -= of_nodes.mean(axis=0)
        return conjugate_gradients(self._operator, right, self._preconditioner, self.tolerance)

    def _potential(self, unknowns: Floats) -> Floats:
        """The potential at all nodes of one solution, of zero mean over those in use, (n_nodes,) array, V."""
        of_nodes = unknowns[: len(self.used)]
        potential = np.zeros(len(self.mesh.nodes))
        potential[self.used] = of_nodes - of_nodes.mean()
        return potential
