"""What a solver is made of, for whoever carries it elsewhere."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from anodyne.field.elements.multigrid import Multigrid, Smoother

POSES_AT_ONCE = 8
"""Right-hand sides that share every pass over the matrices."""


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
