"""Steering an array: the field wanted at one place of the cortex after another, and what the currents make of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from anodyne.coil import Pose
from anodyne.errors import PlacementRefused
from anodyne.field import FieldModel
from anodyne.head import Head, TargetSite, Tissue
from anodyne.plan.arrays.currents import Limits, array_currents
from anodyne.plan.arrays.model import CoilArray
from anodyne.plan.search.placement import hexagonal_grid, onto_scalp, resting_candidates
from anodyne.progress import SILENT, Progress
from anodyne.units import mm

Floats = NDArray[np.float64]

PATCH_RADIUS = 50 * mm
"""Of the cortex about the array's axis on which the field is looked at."""

AVERAGED_OVER = 5 * mm
"""The field at a point of the cortex is its mean over the grey matter within this distance."""

ASIDE = 3 * mm
"""An aim is the point of the cortex nearest to the array among those no further than this from where it is wanted."""

SUMMIT = 0.95
"""The field's summit is where it exceeds this part of its maximum; where that lies is the mean of those points."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SteeringGrid:
    """Which aims are tried, and for what field.

    Attributes
    ----------
    direction : (3,) of the wanted field in head space; only its part across the array's axis counts
    magnitude : of the wanted field, V/m
    radius, spacing : of the aims about the array's axis, m
    most_elsewhere : \\|E\\| allowed anywhere on the cortex beneath, the aim included, relative to `magnitude`, so at
        least 1; infinite for no limit
    rate : largest rate of current of any coil, A/s; infinite for no limit

    Raises
    ------
    ValueError : a number that makes no sense
    """

    direction: ArrayLike
    magnitude: float
    radius: float = 15 * mm
    spacing: float = 5 * mm
    most_elsewhere: float = np.inf
    rate: float = np.inf

    def __post_init__(self) -> None:
        for name in ("magnitude", "spacing", "rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"the steering grid's {name} must be positive, not {getattr(self, name)}")
        if not self.most_elsewhere >= 1:
            raise ValueError(
                "the limit on the field beneath holds at the aim too, so most_elsewhere must be at least 1, "
                f"not {self.most_elsewhere}"
            )
        if not 0 <= self.radius < PATCH_RADIUS:
            raise ValueError(f"aims lie within {PATCH_RADIUS / mm:.0f} mm of the axis, not {self.radius / mm:g} mm")

    def offsets(self) -> Floats:
        """(n, 2) where the aims lie across the array's axis: a hexagonal grid with its middle on the axis, m."""
        kept = hexagonal_grid(self.radius, self.spacing)
        return np.asarray(kept[np.argsort(np.linalg.norm(kept, axis=1), kind="stable")])


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrayFields:
    """What each coil of an array does on the cortex beneath it, for a rate of 1 A/s.

    Attributes
    ----------
    pose : of the array
    points : (p, 3) of the mid-grey surface, m
    e_field : (n, p, 3) mean E in the grey matter about each point, V/m
    """

    pose: Pose
    points: Floats
    e_field: Floats

    @property
    def across(self) -> Floats:
        """(p, 2) the points in the array's own x and y, m."""
        return self.pose.to_coil(self.points)[:, :2]

    def aim(self, offset: Floats) -> int:
        """Index of the point to aim at for an offset from the axis (2,), m."""
        aside = np.linalg.norm(self.across - offset, axis=1)
        depth = self.pose.to_coil(self.points)[:, 2]
        near = aside <= max(ASIDE, float(aside.min()))
        return int(np.flatnonzero(near)[np.argmin(depth[near])])


@dataclass(frozen=True, kw_only=True, eq=False)
class Steered:
    """One aim and what came of it.

    Attributes
    ----------
    offset : (2,) wanted, across the array's axis, m
    aim : (3,) the point of the cortex that stands for it, m
    rates : (n,) of the coils' currents, A/s; None where no currents give the field
    e_field : (3,) mean E there, V/m
    summit : (3,) where \\|E\\| on the cortex is strongest, m
    off_aim : distance of the summit from the aim across the array's axis, m
    highest : largest \\|E\\| on the patch of cortex, V/m
    refusal : why no currents give the field, else None
    """

    offset: Floats
    aim: Floats
    rates: Floats | None = None
    e_field: Floats | None = None
    summit: Floats | None = None
    off_aim: float = np.nan
    highest: float = np.nan
    refusal: str | None = None


def rest_array(head: Head, array: CoilArray, site: TargetSite, angle: float, hair: float) -> Pose:
    """The array flat on the scalp above a target.

    Parameters
    ----------
    angle : about its axis, rad, as a coil's handle angle
    hair : distance kept between scalp and casing, m

    Raises
    ------
    PlacementRefused : its casing cannot rest there
    """
    points, normals = onto_scalp(head, np.asarray(site.scalp_point)[None])
    found = resting_candidates(head, array.body, points, normals, [angle], hair)
    if not len(found.angle):
        raise PlacementRefused(
            f"{array.label} cannot rest on the scalp above {site.target.label}; choose another target"
        )
    return Pose(head_from_coil=found.head_from_coil[0])


def array_fields(
    model: FieldModel, head: Head, array: CoilArray, pose: Pose, progress: Progress = SILENT
) -> ArrayFields:
    """The field of every coil of an array on the cortex about its axis, by one full solve each.

    Raises
    ------
    PlacementRefused : there is no cortex beneath the array
    """
    in_array = pose.to_coil(head.mid_grey.points)
    depth = in_array[:, 2]
    beneath = np.linalg.norm(in_array[:, :2], axis=1) <= PATCH_RADIUS
    if not (beneath & (depth > 0)).any():
        raise PlacementRefused(f"no cortex lies beneath {array.label} at this pose; check its z axis")
    shallow = depth[beneath & (depth > 0)].min()
    beneath &= (depth > 0) & (depth <= shallow + PATCH_RADIUS)
    points = head.mid_grey.points[beneath]
    tetrahedra, means = _means_about(model, points)
    e_field = np.empty((len(array.channels), len(points), 3))
    with progress.stage("solve for each coil", len(array.channels)) as advance:
        for row, coil in zip(e_field, array.channels, strict=True):
            row[:] = means @ model.solve(coil, pose, 1.0).e_field[tetrahedra]
            advance(1)
    return ArrayFields(pose=pose, points=points, e_field=e_field)


def steer(fields: ArrayFields, array: CoilArray, grid: SteeringGrid) -> tuple[Steered, ...]:
    """Every aim of a grid with the currents that reach it at least cost, the nearest to the axis first.

    Raises
    ------
    ValueError : a wanted direction along the array's axis
    """
    along = np.asarray(grid.direction, dtype=float)
    axis = fields.pose.into_head
    along = along - (along @ axis) * axis
    if np.linalg.norm(along) < 1e-3 * max(float(np.linalg.norm(np.asarray(grid.direction))), 1e-300):
        raise ValueError(
            "the wanted direction runs along the array's axis; a coil on the scalp makes no field that way"
        )
    along /= np.linalg.norm(along)
    axes = np.stack([along, np.cross(axis, along)])
    wanted = np.array([grid.magnitude, 0.0])
    highest = grid.most_elsewhere * grid.magnitude
    elsewhere = fields.e_field if np.isfinite(highest) else None
    limits = Limits(elsewhere=elsewhere, highest=highest, rate=grid.rate)
    return tuple(_steered(fields, array, offset, (axes, wanted), limits) for offset in grid.offsets())


def _steered(
    fields: ArrayFields, array: CoilArray, offset: Floats, goal: tuple[Floats, Floats], limits: Limits
) -> Steered:
    aim = fields.aim(offset)
    try:
        rates = array_currents(fields.e_field[:, aim], array.cost, *goal, limits)
    except PlacementRefused as refusal:
        return Steered(offset=offset, aim=fields.points[aim], refusal=str(refusal))
    e_field = np.tensordot(rates, fields.e_field, axes=1)
    magnitude = np.linalg.norm(e_field, axis=1)
    strong = magnitude >= SUMMIT * magnitude.max()
    summit = fields.points[strong].mean(axis=0)
    away = fields.pose.to_coil(np.stack([summit, fields.points[aim]]))
    return Steered(
        offset=offset,
        aim=fields.points[aim],
        rates=rates,
        e_field=e_field[aim],
        summit=summit,
        off_aim=float(np.linalg.norm(away[0, :2] - away[1, :2])),
        highest=float(magnitude.max()),
    )


def _means_about(model: FieldModel, points: Floats) -> tuple[NDArray[np.int64], csr_matrix]:
    """Grey tetrahedra, and the (points, tetrahedra) matrix of volume-weighted means about each point."""
    mesh = model.mesh
    grey = np.flatnonzero(mesh.tissue == Tissue.GREY_MATTER)
    tree = cKDTree(mesh.barycentres[grey])
    near = tree.query_ball_point(points, AVERAGED_OVER)
    nearest = tree.query(points)[1]
    members = [np.array(found or [one]) for found, one in zip(near, nearest, strict=True)]
    rows = np.repeat(np.arange(len(points)), [len(found) for found in members])
    columns = np.concatenate(members)
    used, column = np.unique(columns, return_inverse=True)
    volumes = mesh.volumes[grey[used]][column]
    totals = np.bincount(rows, volumes, len(points))
    matrix = csr_matrix((volumes / totals[rows], (rows, column)), shape=(len(points), len(used)))
    return grey[used], matrix
