"""What every placement does at the target: all handle angles of a scalp position from one reading of the field."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from anodyne.coil import Coil
from anodyne.field import RING_SPACING, ExteriorField, TurnedComponents, placement_components, turned_components
from anodyne.plan.search.goal import Goal
from anodyne.plan.search.placement import Candidates
from anodyne.progress import SILENT, Progress

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

SPAN = 1.6 * RING_SPACING
"""Lifts at one scalp position within this range share a frame; it leaves room for angles between those sampled."""

GRID = 512
"""Angles at which the score is looked at before its summit is climbed: many for each period of its highest harmonic."""

ANGLE_TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class Turned:
    """A coil turned about its axis over many scalp positions, at one height or several over each.

    Attributes
    ----------
    components : by frame
    first, count : (p,) the first frame of each position, and how many it has, one above the other
    lowest, step : (p,) the height from which its frames cover, m, and how much each of them does; a frame lies in
        the middle of what it covers
    """

    components: TurnedComponents
    first: Indices
    count: Indices
    lowest: Floats
    step: Floats

    def at(self, position: ArrayLike, angle: ArrayLike, lift: ArrayLike) -> Floats:
        """(n, 3) mean E over the target, V/m, at (n,) positions, handle angles (rad) and lifts (m)."""
        frame, rise = self._frame_at(position, lift)
        return self.components.at(frame, -np.asarray(angle), rise)  # a handle's angle counts against the coil's z axis

    def reaches(self, position: ArrayLike, lift: ArrayLike) -> NDArray[np.bool_]:
        """(n,) whether `at` can be asked for these positions and lifts."""
        _, rise = self._frame_at(position, lift)
        return np.asarray(np.abs(rise) <= self.components.reach)

    def best_angle(self, sampled: Candidates, goal: Goal) -> float | None:
        """The handle angle, rad, at which a goal's score is largest at one scalp position; None where none rests.

        E is a polynomial of the angle and the lift; between the angles sampled the lift is taken to change
        evenly. So where the casing rests at the same lift all round, the angle is exact.

        Parameters
        ----------
        sampled : the candidates of one position
        goal : by whose score
        """
        lift_at = _LiftAt.of(sampled)
        angles = 2 * np.pi * np.arange(GRID) / GRID
        lifts = lift_at(angles)
        rests = np.flatnonzero(np.isfinite(lifts))
        if not len(rests):
            return None
        position = sampled.position[0]

        def shortfall(angle: Floats | float) -> Floats:
            turns = np.atleast_1d(angle)
            e_field = self.at(np.full(len(turns), position), turns, lift_at(turns))
            return -goal.score(e_field)

        best = float(angles[rests[np.argmin(shortfall(angles[rests]))]])
        step = 2 * np.pi / GRID
        if not np.isfinite(lift_at(np.array([best - step, best + step]))).all():
            return best
        summit = minimize_scalar(
            lambda angle: float(shortfall(angle)[0]),
            bounds=(best - step, best + step),
            method="bounded",
            options={"xatol": ANGLE_TOLERANCE},
        )
        return float(summit.x)

    def _frame_at(self, position: ArrayLike, lift: ArrayLike) -> tuple[Indices, Floats]:
        where, height = np.asarray(position), np.asarray(lift, dtype=float)
        steps = np.floor((height - self.lowest[where]) / self.step[where]).astype(np.int64)
        steps = np.clip(steps, 0, self.count[where] - 1)
        return self.first[where] + steps, height - self.lowest[where] - (steps + 0.5) * self.step[where]


class Scorer:
    """Scores candidates for one goal with one coil, and counts the seconds that takes.

    Parameters
    ----------
    exterior : of the adjoint of the goal's site
    """

    def __init__(self, exterior: ExteriorField, coil: Coil, goal: Goal, progress: Progress = SILENT) -> None:
        self.exterior, self.coil, self.goal = exterior, coil, goal
        self.seconds = 0.0
        self._progress = progress

    def e_field(self, candidates: Candidates) -> tuple[Floats, Turned | None]:
        """(n, 3) mean E over the target, V/m, and the turns it came from: None for a coil without elements."""
        begin = perf_counter()
        turned = self._turned(candidates) if self.coil.sources() else None
        if turned is not None:
            found = turned.at(candidates.position, candidates.angle, candidates.lift)
        else:
            poses = candidates.head_from_coil
            found = placement_components(self.exterior, self.coil, poses, self.goal.di_dt, progress=self._progress)
        self.seconds += perf_counter() - begin
        return found, turned

    def _turned(self, candidates: Candidates) -> Turned:
        positions, index = np.unique(candidates.position, return_index=True)
        size = int(positions.max()) + 1
        lowest, highest = np.full(size, np.inf), np.full(size, -np.inf)
        np.minimum.at(lowest, candidates.position, candidates.lift)
        np.maximum.at(highest, candidates.position, candidates.lift)
        extent = np.where(np.isfinite(lowest), highest - lowest, 0.0)
        count = np.where(np.isfinite(lowest), np.maximum(1, np.ceil(extent / SPAN)), 0).astype(np.int64)
        step = np.maximum(extent / np.maximum(count, 1), 1e-6)
        first = np.cumsum(count) - count
        frames = np.zeros((int(count.sum()), 4, 4))
        for position, one in zip(positions, index, strict=True):
            upright = candidates.head_from_coil[one] @ _about_z(candidates.angle[one])
            for n in range(count[position]):
                frame = upright.copy()
                frame[:3, 3] = (
                    candidates.scalp_point[one] - (lowest[position] + (n + 0.5) * step[position]) * frame[:3, 2]
                )
                frames[first[position] + n] = frame
        components = turned_components(self.exterior, self.coil, frames, self.goal.di_dt, progress=self._progress)
        return Turned(components=components, first=first, count=count, lowest=lowest, step=step)


def _about_z(angle: float) -> Floats:
    """The (4, 4) turn about z from x towards y."""
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn


@dataclass(frozen=True, kw_only=True, eq=False)
class _LiftAt:
    """The lift at any handle angle of one position, m: infinite between angles of which one does not rest.

    angle, lift : (n,) at which angles it is known, rad in one turn and ascending, and the lift there, m
    """

    angle: Floats
    lift: Floats

    @classmethod
    def of(cls, sampled: Candidates) -> "_LiftAt":
        turn = sampled.angle % (2 * np.pi)
        order = np.argsort(turn)
        return cls(angle=turn[order], lift=sampled.lift[order])

    def __call__(self, angle: Floats) -> Floats:
        gaps = (np.roll(self.angle, -1) - self.angle) % (2 * np.pi)
        before = np.searchsorted(self.angle, angle % (2 * np.pi), side="right") - 1
        lifts = np.interp(angle, self.angle, self.lift, period=2 * np.pi)
        return np.where(gaps[before] <= 1.5 * np.median(gaps), lifts, np.inf)
