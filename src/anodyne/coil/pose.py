"""Where the coil is: a rigid transform from the coil's frame to the head's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.errors import UnreadableFile
from anodyne.files import replacing
from anodyne.units import mm

Array = NDArray[np.float64]

RIGID_TOLERANCE = 5e-4
"""Largest entry of RᵀR − 1 that still counts as rigid: rows written with four or more decimals pass
(and are turned into the nearest rotation); axes 0.03° off square or 0.03 % off length do not."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pose:
    """A placement of a coil in a head: ``points_in_head = pose.to_head(points_in_coil)``.

    The coil's frame has its origin on the casing's bottom face at the coil's centre, z into the head,
    y along the prolongation of the handle (pointing away from it) and x = y × z.

    Parameters
    ----------
    head_from_coil : (4, 4) array; columns x, y, z axes (unit vectors) and the origin, m, in head space

    Raises
    ------
    ValueError : the matrix is not 4×4, not finite, or sheared, scaled or mirrored by more than
        `RIGID_TOLERANCE`

    >>> import numpy as np
    >>> Pose(head_from_coil=np.diag([1.0, 1.0, -1.0, 1.0]))
    Traceback (most recent call last):
    ...
    ValueError: the pose is mirrored: its axes are left-handed (determinant -1)
    """

    head_from_coil: Array

    def __post_init__(self) -> None:
        matrix = np.array(self.head_from_coil, dtype=np.float64)
        if matrix.shape != (4, 4):
            raise ValueError(f"a pose is a 4×4 matrix, not one of shape {matrix.shape}")
        if not np.isfinite(matrix).all():
            raise ValueError("the pose holds a number that is not finite")
        if not np.allclose(matrix[3], [0, 0, 0, 1], rtol=0, atol=1e-9):
            raise ValueError(f"the last row of a pose is 0 0 0 1, not {' '.join(f'{v:g}' for v in matrix[3])}")
        _refuse_unless_rigid(matrix[:3, :3])
        matrix[:3, :3] = _nearest_rotation(matrix[:3, :3])
        matrix[3] = (0, 0, 0, 1)
        matrix.setflags(write=False)
        object.__setattr__(self, "head_from_coil", matrix)

    @classmethod
    def from_point_and_handle(cls, point: ArrayLike, into_head: ArrayLike, handle_towards: ArrayLike) -> Pose:
        """The pose with the casing's centre on `point`, facing along `into_head`.

        Parameters
        ----------
        point : (3,) casing face centre in head space, m
        into_head : (3,) direction into the head (minus the scalp's outward normal), of any length
        handle_towards : (3,) direction in which y, the prolongation of the handle, points; only its
            part perpendicular to `into_head` counts. The handle itself points the other way.

        Raises
        ------
        ValueError : a direction is zero, or the two are parallel

        >>> pose = Pose.from_point_and_handle([0, 0, 0.1], [0, 0, -1], [0, 1, 0])
        >>> pose.rotation @ [1, 0, 0]
        array([-1.,  0.,  0.])
        """
        z = _unit(into_head, "direction into the head")
        y = np.asarray(handle_towards, dtype=np.float64)
        along = y - (y @ z) * z
        if np.linalg.norm(along) < 1e-6 * max(float(np.linalg.norm(y)), 1e-300):
            raise ValueError("the handle direction is parallel to the direction into the head")
        y = _unit(along, "handle direction")
        matrix = np.eye(4)
        matrix[:3] = np.column_stack([np.cross(y, z), y, z, np.asarray(point, dtype=np.float64)])
        return cls(head_from_coil=matrix)

    @classmethod
    def facing(
        cls, scalp_point: ArrayLike, outward_normal: ArrayLike, ahead: ArrayLike, *, distance: float = 0.0
    ) -> Pose:
        """The pose above a scalp point with y towards a second point, as navigators define it.

        Parameters
        ----------
        scalp_point : (3,) on the scalp, m
        outward_normal : (3,) of the scalp there, of any length
        ahead : (3,) a point, m, towards which y (away from the handle) points
        distance : from the scalp to the casing's face along the normal, m
        """
        point = np.asarray(scalp_point, dtype=np.float64)
        normal = _unit(outward_normal, "scalp normal")
        towards = np.asarray(ahead, dtype=np.float64) - point
        return cls.from_point_and_handle(point + distance * normal, -normal, towards)

    @property
    def position(self) -> Array:
        """(3,) the casing face's centre in head space, m."""
        return self.head_from_coil[:3, 3]

    @property
    def rotation(self) -> Array:
        """(3, 3) the coil's axes as columns, in head space."""
        return self.head_from_coil[:3, :3]

    @property
    def handle_direction(self) -> Array:
        """(3,) unit y axis: along the prolongation of the handle, away from the handle."""
        return self.head_from_coil[:3, 1]

    @property
    def into_head(self) -> Array:
        """(3,) unit z axis: from the casing's face into the head."""
        return self.head_from_coil[:3, 2]

    @property
    def coil_from_head(self) -> Array:
        """(4, 4) the inverse transform."""
        inverse = np.eye(4)
        inverse[:3, :3] = self.rotation.T
        inverse[:3, 3] = -self.rotation.T @ self.position
        return inverse

    def to_head(self, points: ArrayLike) -> Array:
        """(n, 3) points of the coil's frame in head space, m."""
        in_head: Array = np.asarray(points, dtype=np.float64) @ self.rotation.T + self.position
        return in_head

    def to_coil(self, points: ArrayLike) -> Array:
        """(n, 3) points of head space in the coil's frame, m."""
        in_coil: Array = (np.asarray(points, dtype=np.float64) - self.position) @ self.rotation
        return in_coil

    def moved(self, by: ArrayLike) -> Pose:
        """The pose after a rigid (4, 4) movement of head space: ``by @ head_from_coil``."""
        return Pose(head_from_coil=np.asarray(by, dtype=np.float64) @ self.head_from_coil)

    def turned(self, angle: float) -> Pose:
        """The pose turned about the coil's own z axis by `angle` (rad), x towards y."""
        cosine, sine = np.cos(angle), np.sin(angle)
        turn = np.eye(4)
        turn[:2, :2] = [[cosine, -sine], [sine, cosine]]
        return Pose(head_from_coil=self.head_from_coil @ turn)

    def lifted(self, distance: float) -> Pose:
        """The pose moved out of the head by `distance` (m) along the coil's own axis."""
        matrix = self.head_from_coil.copy()
        matrix[:3, 3] -= distance * self.into_head
        return Pose(head_from_coil=matrix)


def read_pose(path: Path | str) -> Pose:
    """The pose in a text file of 4 rows of 4 numbers, translation in millimetres.

    Numbers may be parted by blanks, commas or semicolons; empty lines and lines starting with # are
    skipped. The convention is the one of `Pose` (that of SimNIBS' matsimnibs).

    Raises
    ------
    UnreadableFile : no such file, not 4×4 numbers, or not rigid; names the file and the line
    """
    rows = [_numbers(path, number, line) for number, line in _content_lines(path)]
    if len(rows) != 4:
        mending = "add the last one, 0 0 0 1" if len(rows) == 3 else "write it again so"
        raise UnreadableFile(
            f"{path} has {len(rows)} rows of numbers; a pose is 4 rows of 4 numbers, translation in mm: {mending}"
        )
    matrix = np.array(rows)
    matrix[:3, 3] *= mm
    try:
        return Pose(head_from_coil=matrix)
    except ValueError as error:
        raise UnreadableFile(f"{path} is not a coil pose: {error}; write it again as a rigid 4×4 matrix") from error


def write_pose(path: Path | str, pose: Pose) -> None:
    """Write `pose` as 4 rows of 4 numbers, translation in millimetres.

    Raises
    ------
    CannotWrite : the file cannot be written
    """
    matrix = pose.head_from_coil.copy()
    matrix[:3, 3] /= mm
    lines = [" ".join(f"{value + 0.0:.12g}" for value in row) for row in matrix]
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _content_lines(path: Path | str) -> list[tuple[int, str]]:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path} is not text; a pose is 4 rows of 4 numbers, translation in mm") from error
    except OSError as error:
        raise UnreadableFile(f"cannot read {path}: {error.strerror}; check its name and permissions") from error
    numbered = enumerate(text.splitlines(), start=1)
    return [(number, line) for number, line in numbered if line.strip() and not line.lstrip().startswith("#")]


def _numbers(path: Path | str, number: int, line: str) -> list[float]:
    words = line.replace(",", " ").replace(";", " ").split()
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise UnreadableFile(f"{path}, line {number} holds something that is not a number; mend that line") from error
    if len(numbers) != 4:
        raise UnreadableFile(f"{path}, line {number} has {len(numbers)} numbers where a pose has 4; mend that line")
    return numbers


def _unit(vector: ArrayLike, what: str) -> Array:
    given = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(given))
    if given.shape != (3,) or not np.isfinite(length) or length == 0:
        raise ValueError(f"the {what} is not a direction: {given}")
    unit: Array = given / length
    return unit


def _refuse_unless_rigid(rotation: Array) -> None:
    gram = rotation.T @ rotation
    lengths = np.sqrt(np.diag(gram))
    if np.any(lengths == 0):
        raise ValueError("the pose has an axis of length zero")
    if np.abs(np.diag(gram) - 1).max() > RIGID_TOLERANCE:
        raise ValueError(f"the pose is scaled: its axes have lengths {', '.join(f'{v:.6g}' for v in lengths)}, not 1")
    cosines = gram - np.diag(np.diag(gram))
    if np.abs(cosines).max() > RIGID_TOLERANCE:
        worst = np.degrees(np.arccos(np.clip(cosines.flat[np.abs(cosines).argmax()], -1, 1)))
        raise ValueError(f"the pose is sheared: two of its axes meet at {worst:.4g}°, not 90°")
    determinant = float(np.linalg.det(rotation))
    if determinant < 0:
        raise ValueError(f"the pose is mirrored: its axes are left-handed (determinant {determinant:.3g})")


def _nearest_rotation(rotation: Array) -> Array:
    """The rotation closest to a nearly orthonormal matrix (Higham 1986): round-off goes no further."""
    left, _, right = np.linalg.svd(rotation)
    nearest: Array = left @ right
    return nearest
