"""The currents of an array that give a wanted field at least energy: a quadratic programme."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cholesky, null_space, solve_triangular
from scipy.optimize import nnls

from anodyne.errors import PlacementRefused

Floats = NDArray[np.float64]

REACHED = 1e-6
"""A wanted field that is missed by more than this part of itself cannot be made."""

KEPT = 1e-3
"""A limit on the field may be overstepped by this part of it."""

CUTS, ROUNDS = 24, 60


@dataclass(frozen=True, kw_only=True, eq=False)
class Limits:
    """What an array must not do while it makes the wanted field.

    Attributes
    ----------
    elsewhere : (n, p, 3) field of each channel at p places for a rate of 1 A/s, V/m, the target's own among them or
        not; None for no such places
    highest : \\|E\\| allowed there, V/m
    rate : largest rate of current of any channel, A/s; infinite where there is no limit
    """

    elsewhere: Floats | None = None
    highest: float = np.inf
    rate: float = np.inf


def array_currents(
    fields: ArrayLike, cost: ArrayLike, axes: ArrayLike, wanted: ArrayLike, limits: Limits | None = None
) -> Floats:
    """Rates of current, (n,) A/s, for which the field along some axes is as wanted and ``x . cost x`` is least.

    Without limits that is ``cost^-1 G' (G cost^-1 G')^-1 wanted`` with ``G = axes fields'``. Limits are added plane
    by plane: each place that oversteps one yields a plane that its field must stay behind, until none does
    (a ball is what all its tangent planes leave). Each programme on the way is a least-distance problem, solved by
    non-negative least squares (Lawson & Hanson 1974, Solving Least Squares Problems, ch. 23).

    Parameters
    ----------
    fields : (n, 3) mean field of each channel at the target for a rate of 1 A/s, V/m
    cost : (n, n) symmetric positive, such as the inductance matrix, H
    axes : (k, 3) directions along which the field is prescribed
    wanted : (k,) V/m
    limits : what must be kept elsewhere and by each channel

    Raises
    ------
    PlacementRefused : no currents give this field, or none that keeps the limits
    ValueError : shapes that do not fit
    """
    of_channels, directions = np.asarray(fields, dtype=float), np.atleast_2d(np.asarray(axes, dtype=float))
    goal = np.atleast_1d(np.asarray(wanted, dtype=float))
    count = len(of_channels)
    if of_channels.shape != (count, 3) or directions.shape != (len(goal), 3) or np.shape(cost) != (count, count):
        raise ValueError(
            f"fields {of_channels.shape}, cost {np.shape(cost)}, axes {directions.shape} and wanted {goal.shape} "
            "do not fit together"
        )
    root = cholesky(np.asarray(cost, dtype=float))  # upper: cost = root' root, and y = root x has length² x . cost x
    rows = solve_triangular(root, of_channels, trans="T").T  # the field for y
    system = directions @ rows
    nearest = np.linalg.pinv(system, rcond=1e-9) @ goal
    if np.linalg.norm(system @ nearest - goal) > REACHED * np.linalg.norm(goal):
        raise PlacementRefused(
            "no currents in this array give the wanted field there; turn the wanted direction, move the array nearer "
            "or take one with more coils"
        )
    if limits is not None:
        nearest = _within(limits, root, nearest, null_space(system, rcond=1e-9))
    return np.asarray(solve_triangular(root, nearest))


def _within(limits: Limits, root: Floats, start: Floats, free: Floats) -> Floats:
    """The shortest ``start + free z`` whose currents keep the limits."""
    planes, heights = _rate_planes(limits, root)
    step = np.zeros(free.shape[1])
    channels = None
    if limits.elsewhere is not None:
        count, places = limits.elsewhere.shape[:2]
        flat = np.asarray(limits.elsewhere, dtype=float).reshape(count, -1)
        channels = solve_triangular(root, flat, trans="T").reshape(count, places, 3)
    for _ in range(ROUNDS):
        if len(planes):
            step = _least_step(-planes @ free, planes @ start - heights, limits)
        there = start + free @ step
        if channels is None:
            return there
        field = np.tensordot(there, channels, axes=1)
        size = np.linalg.norm(field, axis=1)
        worst = np.argsort(size)[::-1][:CUTS]
        worst = worst[size[worst] > limits.highest * (1 + KEPT)]
        if not len(worst):
            return there
        normals = field[worst] / size[worst, None]
        planes = np.concatenate([planes, np.einsum("cpk,pk->pc", channels[:, worst], normals)])
        heights = np.concatenate([heights, np.full(len(worst), limits.highest)])
    raise _refusal(limits)


def _rate_planes(limits: Limits, root: Floats) -> tuple[Floats, Floats]:
    """Planes ``a . y <= h`` that keep every channel's rate of current within its limit."""
    count = len(root)
    if not np.isfinite(limits.rate):
        return np.zeros((0, count)), np.zeros(0)
    inverse = solve_triangular(root, np.eye(count))
    return np.concatenate([inverse, -inverse]), np.full(2 * count, limits.rate)


def _least_step(matrix: Floats, least: Floats, limits: Limits) -> Floats:
    """The shortest z with ``matrix z >= least``."""
    scale = np.maximum(np.linalg.norm(matrix, axis=1), np.abs(least))
    scale[scale == 0] = 1.0
    rows, bounds = matrix / scale[:, None], least / scale
    if (bounds <= 0).all():
        return np.zeros(matrix.shape[1])
    size = max(float(np.abs(bounds).max()), 1e-300)
    system = np.concatenate([rows.T, bounds[None] / size])
    aim = np.zeros(len(system))
    aim[-1] = 1.0
    weights, missed = nnls(system, aim, maxiter=50 * system.shape[1] + 200)
    if missed < 1e-9:
        raise _refusal(limits)
    rest = system @ weights - aim
    return np.asarray(-rest[:-1] / rest[-1] * size)


def _refusal(limits: Limits) -> PlacementRefused:
    places = f" with at most {limits.highest:.3g} V/m anywhere beneath" if limits.elsewhere is not None else ""
    rate = f" with at most {limits.rate / 1e6:.3g} A/us in a coil" if np.isfinite(limits.rate) else ""
    return PlacementRefused(
        f"no currents in this array give the wanted field{places}{rate}; allow more, or aim nearer to its middle"
    )
