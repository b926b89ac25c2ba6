"""A continuous field out of one that is constant in each tetrahedron.

At every node the field of each tissue is recovered on its own, since its normal component jumps
where conductivity does: a linear field is fitted to the values at the barycentres of the tissue's
tetrahedra about the node (superconvergent patch recovery, Zienkiewicz & Zhu 1992, Int J Numer
Methods Eng 33:1331), and where too few surround it their volume-weighted mean is taken. A field that
already varies in each tetrahedron (second-order elements) is averaged at the node, tissue by tissue.
"""

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from anodyne.field.elements.assembly import incidence
from anodyne.field.elements.second_order_assembly import EDGE_CORNERS

Floats = NDArray[np.float64]

FEWEST_FOR_A_FIT = 6
"""Tetrahedra of one tissue about a node below which a mean replaces the fit of four unknowns."""

SLOPE_DAMPING = 0.01
"""Weight that draws the fitted slope towards zero, as a fraction of the patch's own second moment."""


@njit(parallel=True, cache=True)
def _tissues_about(tissue: Any, offsets: Any, members: Any) -> Any:
    counts = np.zeros(offsets.shape[0] - 1, np.int64)
    for node in prange(counts.shape[0]):
        first, last = offsets[node], offsets[node + 1]
        for k in range(first, last):
            fresh = True
            for j in range(first, k):
                if tissue[members[j]] == tissue[members[k]]:
                    fresh = False
                    break
            if fresh:
                counts[node] += 1
    return counts


@njit(cache=True)
def _fit(node_position: Any, patch: Any, count: int, barycentres: Any, volumes: Any, e_field: Any, value: Any) -> None:
    """Recovered value at one node from `count` tetrahedra named in `patch`, written into `value`."""
    weight = 0.0
    value[:] = 0.0
    for k in range(count):
        weight += volumes[patch[k]]
        for axis in range(3):
            value[axis] += volumes[patch[k]] * e_field[patch[k], axis]
    for axis in range(3):
        value[axis] /= weight
    if count < FEWEST_FOR_A_FIT:
        return
    normal = np.zeros((4, 4))
    right = np.zeros((4, 3))
    row = np.empty(4)
    row[0] = 1.0
    for k in range(count):
        t = patch[k]
        w = volumes[t] / weight
        for axis in range(3):
            row[axis + 1] = barycentres[t, axis] - node_position[axis]
        for i in range(4):
            for j in range(4):
                normal[i, j] += w * row[i] * row[j]
            for axis in range(3):
                right[i, axis] += w * row[i] * e_field[t, axis]
    spread = (normal[1, 1] + normal[2, 2] + normal[3, 3]) / 3
    for axis in range(1, 4):
        normal[axis, axis] += SLOPE_DAMPING * spread
    solution = np.linalg.solve(normal, right)
    for axis in range(3):
        value[axis] = solution[0, axis]


@njit(parallel=True, cache=True)
def _recover(
    nodes: Any, barycentres: Any, volumes: Any, tissue: Any, e_field: Any, offsets: Any, members: Any,
    first_value: Any,
) -> Any:  # fmt: skip
    values = np.empty((first_value[-1], 3))
    value_tissue = np.empty(first_value[-1], np.int32)
    for node in prange(nodes.shape[0]):
        first, last = offsets[node], offsets[node + 1]
        patch = np.empty(last - first, np.int32)
        done = first_value[node]
        for k in range(first, last):
            tag = tissue[members[k]]
            fresh = True
            for j in range(first_value[node], done):
                if value_tissue[j] == tag:
                    fresh = False
                    break
            if not fresh:
                continue
            count = 0
            for j in range(k, last):
                if tissue[members[j]] == tag:
                    patch[count] = members[j]
                    count += 1
            value_tissue[done] = tag
            _fit(nodes[node], patch, count, barycentres, volumes, e_field, values[done])
            done += 1
    return values, value_tissue


@njit(parallel=True, cache=True)
def _average(
    tetrahedra: Any, volumes: Any, tissue: Any, corners: Any, offsets: Any, members: Any, first_value: Any
) -> Any:
    """Mean by volume, for each tissue about a node, of what its tetrahedra say at that corner."""
    values = np.zeros((first_value[-1], 3))
    value_tissue = np.empty(first_value[-1], np.int32)
    for node in prange(offsets.shape[0] - 1):
        weights = np.zeros(first_value[node + 1] - first_value[node])
        done = 0
        for k in range(offsets[node], offsets[node + 1]):
            t = members[k]
            place = done
            for j in range(done):
                if value_tissue[first_value[node] + j] == tissue[t]:
                    place = j
            if place == done:
                value_tissue[first_value[node] + done] = tissue[t]
                done += 1
            corner = 0
            while tetrahedra[t, corner] != node:
                corner += 1
            weights[place] += volumes[t]
            for axis in range(3):
                values[first_value[node] + place, axis] += volumes[t] * corners[t, corner, axis]
        for j in range(done):
            values[first_value[node] + j] /= weights[j]
    return values, value_tissue


class RecoveredField:
    """The field at the nodes, one value for each tissue that meets there.

    Attributes
    ----------
    values : (n_values, 3) array, V/m
    tissue : (n_values,) array, tissue tag of each value
    first : (n_nodes + 1,) array, values of node i stand at ``first[i]:first[i + 1]``

    Parameters
    ----------
    e_field : (n_tetrahedra, 3) array, one value for each tetrahedron, or (n_tetrahedra, 4, 3), one for each of
        its corners, which are then averaged, V/m
    edges, bends : of the latter, as in `ElectricField`; the field is linear in each tetrahedron without them
    """

    def __init__(
        self,
        mesh: Any,
        e_field: NDArray[np.floating],
        edges: NDArray[np.int32] | None = None,
        bends: NDArray[np.float32] | None = None,
    ) -> None:
        offsets, members = incidence(mesh.tetrahedra, len(mesh.nodes))
        counts = _tissues_about(mesh.tissue, offsets, members)
        self.first = np.concatenate([[0], np.cumsum(counts)])
        if e_field.ndim == 3:
            self.values, self.tissue = _average(
                mesh.tetrahedra, mesh.volumes, mesh.tissue, e_field, offsets, members, self.first
            )
        else:
            self.values, self.tissue = _recover(
                mesh.nodes, mesh.barycentres, mesh.volumes, mesh.tissue, e_field, offsets, members, self.first
            )
        self._mesh = mesh
        self._corners = e_field if e_field.ndim == 3 else None
        self._edges, self._bends = edges, bends

    def at(self, tetrahedron: NDArray[Any], barycentric: Floats) -> Floats:
        """The field within given tetrahedra, interpolated between the values of their own tissue.

        A field that came varying in each tetrahedron is taken as it came: its means at the nodes would smear
        what happens at the edges of a folded interface.

        Parameters
        ----------
        tetrahedron : (n,) array of indices
        barycentric : (n, 4) array of weights that sum to 1
        """
        if self._corners is not None:
            linear = np.einsum("nc,nci->ni", barycentric, self._corners[tetrahedron], dtype=float)
            if self._edges is None or self._bends is None:
                return linear
            edges = self._edges[tetrahedron]
            return linear + np.einsum("ne,nei->ni", edge_weights(edges, barycentric), self._bends[edges])
        return np.asarray(
            _interpolate(
                self._mesh.tetrahedra,
                self._mesh.tissue,
                self.first,
                self.values,
                self.tissue,
                np.asarray(tetrahedron, np.int64),
                np.ascontiguousarray(barycentric, dtype=float),
            )
        )


def edge_weights(edges: NDArray[np.integer[Any]], barycentric: Floats) -> Floats:
    """How much the bend of each edge counts at points: ``4 u_i u_j``, or nothing without an edge; (n, 6) array.

    Parameters
    ----------
    edges : (n, 6) edges of the tetrahedra that the points lie in, -1 for none
    barycentric : (n, 4) array of weights that sum to 1
    """
    first, last = EDGE_CORNERS.T
    return np.where(edges < 0, 0.0, 4 * barycentric[:, first] * barycentric[:, last])


@njit(parallel=True, cache=True)
def _interpolate(
    tetrahedra: Any, tissue: Any, first: Any, values: Any, value_tissue: Any, inside: Any, weights: Any
) -> Any:
    result = np.zeros((inside.shape[0], 3))
    for i in prange(inside.shape[0]):
        t = inside[i]
        for c in range(4):
            node = tetrahedra[t, c]
            for j in range(first[node], first[node + 1]):
                if value_tissue[j] == tissue[t]:
                    for axis in range(3):
                        result[i, axis] += weights[i, c] * values[j, axis]
                    break
    return result
