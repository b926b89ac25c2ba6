"""E at the cortex for any coil at any pose, from modes solved once for a head and independent of every coil."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import ArrayLike, NDArray

from anodyne.coil import Coil, Pose
from anodyne.errors import PlacementRefused, UnreadableFile
from anodyne.field.basis.arrays import BasisArrays
from anodyne.field.carrying import refuse_rounding, to_numpy, within_memory
from anodyne.field.conductor import FARTHEST, percent
from anodyne.field.primary.element_sums import CarriedCoils
from anodyne.head import Head, Image, Surface, read_distances
from anodyne.progress import SILENT, Progress
from anodyne.units import mm

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

POSES_AT_ONCE = 64

LARGEST_ERROR = 0.2
"""Estimated error above which a placement is refused: a judgement, far above what any placement about the embedded
head gave with all its modes."""

INSIDE = 0.5 * mm
"""Depth below the scalp, on a grid of 3 mm, from which a winding counts as inside the head."""


@dataclass(frozen=True, kw_only=True)
class BasisTest:
    """One full solution that the basis was held against.

    Attributes
    ----------
    coil : its name
    head_from_coil : the pose, 16 numbers row by row, m
    error : relative L2 difference of E over the points
    unexplained : share of the coil's dB/dt at the sensors that the modes do not make up
    by_modes : pairs of a number of modes and the error with that many
    """

    coil: str
    head_from_coil: tuple[float, ...]
    error: float
    unexplained: float
    by_modes: tuple[tuple[int, float], ...] = ()

    @property
    def pose(self) -> Pose:
        """Where the coil was."""
        return Pose(head_from_coil=np.reshape(self.head_from_coil, (4, 4)))


@dataclass(frozen=True, kw_only=True, eq=False)
class FieldBasis:
    """Modes of the E-field at points of one head's cortex, and how to find their amounts for any coil.

    ``E = sum_j modes[j] (reading @ b)[j]``, b the coil's dB/dt at the sensors on the inner skull. The way from b to
    the amounts is a best linear estimate, so E is linear in the coil's current. See `anodyne.field.build_basis`.

    Attributes
    ----------
    head : the head's name
    fingerprint : of its mesh
    points : (n, 3) array, m, on the mid-grey surface
    triangles : (t, 3) array of indices between them
    modes : (k, n, 3) float32 array, V/m, strongest first, orthogonal over the points
    reading : (k, 3 m) array, amounts of the modes out of dB/dt (T/s) at the sensors, x, y, z of each in turn
    sensed : (k, 3 m) array, dB/dt at the sensors of each mode, T/s
    sensors : (m, 3) array, m
    scalp_distance : signed distance to the scalp about the head, m
    tests : full solutions it was held against, at poses that did not enter it
    options : what it was built with, and what that cost
    """

    head: str
    fingerprint: str
    points: Floats
    triangles: NDArray[np.int32]
    modes: Singles
    reading: Floats
    sensed: Floats
    sensors: Floats
    scalp_distance: Image
    tests: tuple[BasisTest, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        k, n, m = len(self.modes), len(self.points), len(self.sensors)
        wanted = {
            "points": (n, 3), "triangles": (len(self.triangles), 3), "modes": (k, n, 3), "reading": (k, 3 * m),
            "sensed": (k, 3 * m), "sensors": (m, 3),
        }  # fmt: skip
        for name, shape in wanted.items():
            array = getattr(self, name)
            if array.shape != shape or (array.size == 0 and name != "triangles"):
                raise ValueError(f"{name} has shape {array.shape}; {shape} without zeros is needed")
            array.setflags(write=False)
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))

    def __repr__(self) -> str:
        return f"FieldBasis({self.head!r}, {len(self.modes)} modes, {len(self.points):,} points)"

    @cached_property
    def singular_values(self) -> Floats:
        """Root mean square of E over the points of each mode at its typical amount, (k,) array, V/m."""
        square = np.einsum("kni,kni->k", self.modes, self.modes, dtype=np.float64)
        return np.asarray(np.sqrt(square / len(self.points)))

    @cached_property
    def surface(self) -> Surface:
        """The points and triangles as a surface."""
        return Surface(points=self.points, triangles=self.triangles)

    @cached_property
    def arrays(self) -> BasisArrays:
        """The numbers that evaluation needs, as numpy arrays."""
        return BasisArrays(
            modes=self.modes.reshape(len(self.modes), -1),
            reading=self.reading,
            sensed=self.sensed,
            sensors=self.sensors,
        )

    def on(self, namespace: Any, device: Any = None) -> "DeviceBasis":
        """The same basis in another array library, on one of its devices.

        Parameters
        ----------
        namespace : ``torch``, ``cupy`` or an array API namespace
        device : what that library calls a device; its default if None

        Raises
        ------
        NotAvailable : the device has too little memory, or rounds single precision in products
        """
        with within_memory(device, "this field basis"):
            return DeviceBasis(basis=self, arrays=self.arrays.moved(namespace, device))

    def refuse_other(self, head: Head) -> None:
        """Raise `UnreadableFile` if this basis belongs to another head."""
        if head.fingerprint != self.fingerprint:
            raise UnreadableFile(
                f"this field basis was computed for {self.head} (mesh {self.fingerprint[:8]}), not for {head.name} "
                f"(mesh {head.fingerprint[:8]}); compute one with 'anodyne field basis HEAD --again'"
            )

    def truncated(self, count: int) -> "FieldBasis":
        """The same with its `count` strongest modes; the tests, which were of all of them, are left behind.

        Raises
        ------
        ValueError : more modes than there are, or none
        """
        if not 1 <= count <= len(self.modes):
            raise ValueError(f"{count} modes asked for; this basis holds 1 to {len(self.modes)}")
        if count == len(self.modes):
            return self
        return replace(
            self, modes=self.modes[:count], reading=self.reading[:count], sensed=self.sensed[:count], tests=()
        )

    def within(self, chosen: ArrayLike) -> "FieldBasis":
        """The same at some of its points only: a region of interest costs its share.

        Parameters
        ----------
        chosen : (r,) indices of points, or (n,) booleans

        Raises
        ------
        ValueError : no points chosen
        """
        index = np.arange(len(self.points))[np.asarray(chosen)]
        if len(index) == 0:
            raise ValueError("the region of interest holds none of the basis's points; choose at least one")
        none = np.empty((0, 3), np.int32)
        return replace(
            self, points=self.points[index], triangles=none, modes=np.ascontiguousarray(self.modes[:, index])
        )

    def amounts(self, coil: Coil, poses: Pose | Sequence[Pose] | ArrayLike, di_dt: float) -> Floats:
        """Amounts of the modes for placements, (p, k) array.

        Raises
        ------
        PlacementRefused : as `evaluate`
        """
        placed = matrices(poses)
        self.refuse_placements(coil, placed)
        rates = self.rates(coil, placed, di_dt)
        amounts = self.arrays.amounts(rates)
        self.refuse_unexplained(coil, self.arrays.unexplained(rates, amounts))
        return np.asarray(amounts)

    def evaluate(self, coil: Coil, pose: Pose, di_dt: float) -> Singles:
        """E at the points, (n, 3) float32 array, V/m, while the coil's current changes at `di_dt` (A/s).

        Raises
        ------
        PlacementRefused : a part of the winding lies inside the head, all of it lies further than 300 mm away, or
            the estimated error is above 20 %
        """
        return np.asarray(self.arrays.fields(self.amounts(coil, pose, di_dt))[0])

    def evaluate_many(
        self, coil: Coil, poses: Sequence[Pose] | ArrayLike, di_dt: float, progress: Progress = SILENT
    ) -> Singles:
        """E at the points for many placements of a coil, (p, n, 3) float32 array, V/m.

        Parameters
        ----------
        poses : p poses, or a (p, 4, 4) array of rigid matrices, m

        Raises
        ------
        PlacementRefused : as `evaluate`, for any of them
        """
        placed = matrices(poses)
        result = np.empty((len(placed), len(self.points), 3), np.float32)
        for rows, amounts in self._blocks(coil, placed, di_dt, progress):
            result[rows] = self.arrays.fields(amounts)
        return result

    def magnitudes(
        self, coil: Coil, poses: Sequence[Pose] | ArrayLike, di_dt: float, progress: Progress = SILENT
    ) -> Singles:
        """\\|E\\| at the points for many placements, (p, n) float32 array, V/m; otherwise as `evaluate_many`."""
        placed = matrices(poses)
        result = np.empty((len(placed), len(self.points)), np.float32)
        for rows, amounts in self._blocks(coil, placed, di_dt, progress):
            fields = self.arrays.fields(amounts)
            np.sqrt(np.einsum("pni,pni->pn", fields, fields), out=result[rows])
        return result

    def averages(
        self, weights: ArrayLike, coil: Coil, poses: Sequence[Pose] | ArrayLike, di_dt: float,
        progress: Progress = SILENT,
    ) -> Floats:  # fmt: skip
        """Linear functionals of E, ``sum weights[f] E`` over points and axes, for many placements, (p, f) array.

        Parameters
        ----------
        weights : (f, n, 3) array; those of a mean over a region along a direction, say
        """
        wanted = np.asarray(weights, dtype=float)
        if wanted.ndim != 3 or wanted.shape[1:] != self.points.shape:
            raise ValueError(f"weights have shape {wanted.shape}; (f, {len(self.points)}, 3) is needed")
        of_modes = self.arrays.modes @ wanted.reshape(len(wanted), -1).T.astype(np.float32)
        placed = matrices(poses)
        result = np.empty((len(placed), len(wanted)))
        for rows, amounts in self._blocks(coil, placed, di_dt, progress):
            result[rows] = amounts @ of_modes
        return result

    def estimated_error(self, coil: Coil, poses: Pose | Sequence[Pose] | ArrayLike) -> Floats:
        """Relative L2 error over the points to be expected at each placement, (p,) array.

        What the modes fail to make up of the coil's field at the inner skull, times the largest ratio of
        error to that share among the basis's own tests. Infinite where the basis holds no tests.
        """
        placed = matrices(poses)
        rates = self.rates(coil, placed, 1.0)
        return self.error_per_unexplained * np.asarray(self.arrays.unexplained(rates, self.arrays.amounts(rates)))

    @cached_property
    def error_per_unexplained(self) -> float:
        """Largest ratio of error to unexplained share among the tests; infinite without tests."""
        return max((test.error / test.unexplained for test in self.tests), default=float("inf"))

    def rates(self, coil: Coil, poses: Floats, di_dt: float) -> Floats:
        """dB/dt of a coil at the sensors, (p, 3 m) array, T/s, for poses (p, 4, 4); right to 1e-6 of its largest."""
        placed = []
        for pose in (Pose(head_from_coil=matrix) for matrix in poses):
            points, parts = pose.to_coil(self.sensors), coil.sources()
            each = [part.magnetic_field(points, np.float32) for part in parts] or [coil.magnetic_field(points)]
            placed.append((np.sum(each, axis=0) @ (di_dt * pose.rotation.T)).ravel())
        return np.array(placed).reshape(len(poses), self.sensors.size)

    def refuse_placements(self, coil: Coil, poses: Floats) -> None:
        """Raise `PlacementRefused` if a winding lies inside the head, or is metres away."""
        image = self.scalp_distance
        for number, matrix in enumerate(poses):
            winding = coil.outline @ matrix[:3, :3].T + matrix[:3, 3]
            distance = read_distances(image.data, image.affine, winding)
            which = f" in placement {number + 1}" if len(poses) > 1 else ""
            centre = f"(centre {np.round(matrix[:3, 3] / mm, 1)} mm)"
            if distance.min() < -INSIDE:
                raise PlacementRefused(
                    f"{percent(np.mean(distance < -INSIDE))} of the winding of {coil.label} lies inside the "
                    f"head{which} {centre}; move the coil out of the scalp, and check that the pose is in "
                    "millimetres and its z axis points into the head"
                )
            if distance.min() > FARTHEST:
                raise PlacementRefused(
                    f"{coil.label} is {distance.min():.2g} m from the head{which} {centre}; bring it within "
                    f"{FARTHEST / mm:.0f} mm, and check that the pose is in millimetres"
                )

    def refuse_unexplained(self, coil: Coil, unexplained: Any) -> None:
        """Raise `PlacementRefused` where the share that the modes do not make up bodes a large error."""
        xp = array_namespace(unexplained)
        if not (self.tests and unexplained.shape[0]):
            return
        worst = float(xp.max(unexplained)) * self.error_per_unexplained
        if not worst <= LARGEST_ERROR:
            error = f"about {worst:.0%}" if np.isfinite(worst) else "an unknown part"
            raise PlacementRefused(
                f"the field basis would be off by {error} for {coil.label} at this pose: it holds for coils "
                "about the upper head; solve this one in full with 'anodyne field solve'"
            )

    def _blocks(self, coil: Coil, placed: Floats, di_dt: float, progress: Progress) -> Any:
        with progress.stage("evaluate placements", len(placed)) as advance:
            for start in range(0, len(placed), POSES_AT_ONCE):
                rows = slice(start, min(start + POSES_AT_ONCE, len(placed)))
                yield rows, self.amounts(coil, placed[rows], di_dt)
                advance(rows.stop - rows.start)


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceBasis:
    """A field basis held by an array library, on a GPU say; what it returns lies there too.

    Whether a placement can be is asked on the processor while the device computes it.

    Attributes
    ----------
    basis : where it comes from
    arrays : its numbers there
    """

    basis: FieldBasis
    arrays: BasisArrays

    def __post_init__(self) -> None:
        refuse_rounding(self.arrays.sensors)

    def amounts(self, coil: Coil, poses: Pose | Sequence[Pose] | ArrayLike, di_dt: float) -> Any:
        """As `FieldBasis.amounts`, of a coil made of wires or dipoles or known by samples."""
        placed = matrices(poses)
        with self._memory_for(placed):
            amounts, unexplained = self._read(coil, placed, di_dt)
            self._refuse(coil, placed, unexplained)
        return amounts

    def evaluate_many(self, coil: Coil, poses: Pose | Sequence[Pose] | ArrayLike, di_dt: float) -> Any:
        """E at the points, (p, n, 3), V/m, of all placements in one piece: choose p by the device's memory.

        Raises
        ------
        PlacementRefused : as `FieldBasis.evaluate`, for any of them
        NotAvailable : the device has too little memory for as many
        """
        placed = matrices(poses)
        with self._memory_for(placed):
            amounts, unexplained = self._read(coil, placed, di_dt)
            fields = self.arrays.fields(amounts)
            self._refuse(coil, placed, unexplained)
        return fields

    def _read(self, coil: Coil, placed: Floats, di_dt: float) -> tuple[Any, Any]:
        """Amounts of the modes, (p, k), and the shares of the readings that these do not make up, (p,)."""
        if coil.sources():
            rates = self.arrays.rates(self._coils[coil], placed, di_dt)
        else:
            self.basis.refuse_placements(coil, placed)  # samples reach no further than their grid
            rates = self.arrays.like(self.basis.rates(coil, placed, di_dt))
        amounts = self.arrays.amounts(rates)
        return amounts, self.arrays.unexplained(rates, amounts)

    def _refuse(self, coil: Coil, placed: Floats, unexplained: Any) -> None:
        self.basis.refuse_placements(coil, placed)
        self.basis.refuse_unexplained(coil, unexplained)

    def _memory_for(self, placed: Floats) -> AbstractContextManager[None]:
        return within_memory(self.arrays.sensors.device, f"{len(placed)} placements")

    @cached_property
    def _coils(self) -> CarriedCoils:
        return CarriedCoils(self.arrays.sensors)

    def brought_back(
        self, coil: Coil, poses: Sequence[Pose] | ArrayLike, di_dt: float, progress: Progress = SILENT
    ) -> Singles:
        """As `FieldBasis.evaluate_many`, computed here and brought back to numpy some placements at a time."""
        placed = matrices(poses)
        result = np.empty((len(placed), len(self.basis.points), 3), np.float32)
        with progress.stage("evaluate placements", len(placed)) as advance:
            for start in range(0, len(placed), POSES_AT_ONCE):
                some = placed[start : start + POSES_AT_ONCE]
                result[start : start + len(some)] = to_numpy(self.evaluate_many(coil, some, di_dt))
                advance(len(some))
        return result


def matrices(poses: Pose | Sequence[Pose] | ArrayLike) -> Floats:
    """(p, 4, 4) array of one pose, of several, or of such an array.

    Raises
    ------
    ValueError : one of them is no pose: mirrored, scaled, sheared or not finite
    """
    if isinstance(poses, Pose):
        return poses.head_from_coil[None]
    if isinstance(poses, Sequence) and poses and isinstance(poses[0], Pose):
        return np.array([pose.head_from_coil for pose in poses if isinstance(pose, Pose)])
    placed = np.array(poses, dtype=float).reshape(-1, 4, 4)
    axes = placed[:, :3, :3]
    off = np.abs(axes @ axes.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2))
    rigid = (off < 1e-12) & (np.linalg.det(axes) > 0) & np.isfinite(placed).all(axis=(1, 2))
    for number in np.flatnonzero(~(rigid & (placed[:, 3] == (0, 0, 0, 1)).all(axis=1))):
        try:
            placed[number] = Pose(head_from_coil=placed[number]).head_from_coil
        except ValueError as refusal:
            raise ValueError(f"placement {number + 1}: {refusal}") from refusal
    return placed
