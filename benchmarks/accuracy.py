"""How right the field is: against the closed form of the sphere, and sane on the embedded head."""

from collections.abc import Iterator

import numpy as np

from anodyne.coil import Coil, Pose, find_coil, find_entry
from anodyne.field import ElectricField, FieldModel, mean, mean_of_highest, percentile, sphere_e_field
from anodyne.head import ADULT, MNI, Head, HeadRecipe, Tissue, find_target, layered_sphere, place_target, template_head
from anodyne.units import A_per_us, cm3, mm
from benchmarks.report import Row

DI_DT = 1 * A_per_us
RADII = (78 * mm, 80 * mm, 86 * mm, 92 * mm)
EDGES = (8 * mm, 5.5 * mm, 4 * mm, 3 * mm)
SAMPLE = 20_000


def rows() -> Iterator[Row]:
    """Every number of this topic."""
    yield from _sphere()
    for name, size in (("adult", ADULT), ("MNI", MNI)):
        yield from _hand_area(name, size)


def _sphere() -> Iterator[Row]:
    pose = Pose.from_point_and_handle([0, 0, 96 * mm], [0, 0, -1], [0, 1, 0])
    coils = {name: find_entry(name).dipole_coil() for name in ("magstim-70mm", "magstim-90mm")}
    for edge in EDGES:
        model = FieldModel(layered_sphere(RADII, (2, 3, 4, 5), edge))
        for name, coil in coils.items():
            field = model.solve(coil, pose, DI_DT)
            raw, recovered = _errors(field, coil, pose)
            note = f"{len(field.e_field):,} tetrahedra, brain, relative L2"
            yield Row(name=f"sphere, {name}, per element", value=100 * raw, unit="%", note=note)
            yield Row(name=f"sphere, {name}, recovered", value=100 * recovered, unit="%", note=note)


def _errors(field: ElectricField, coil: Coil, pose: Pose) -> tuple[float, float]:
    """Relative L2 errors of the field of the elements and of the recovered one, over random brain elements."""
    (dipoles,) = coil.sources()
    brain = np.flatnonzero(field.mesh.tissue == Tissue.GREY_MATTER)
    some = np.random.default_rng(0).choice(brain, min(SAMPLE, len(brain)), replace=False)
    points, volumes = field.mesh.barycentres[some], field.mesh.volumes[some]
    moments = dipoles.moments  # type: ignore[attr-defined]
    truth = sphere_e_field(points, pose.to_head(dipoles.positions), DI_DT * moments @ pose.rotation.T)
    recovered = field.recovered.at(some, np.full((len(some), 4), 0.25))

    def error(values: np.ndarray) -> float:
        return float(np.sqrt((volumes @ ((values - truth) ** 2)).sum() / (volumes @ truth**2).sum()))

    return error(field.e_field[some]), error(recovered)


def _hand_area(name: str, size: HeadRecipe) -> Iterator[Row]:
    head = template_head(size=size)
    model = FieldModel(head.mesh)
    coil = find_coil("magstim-70mm")
    site = place_target(head, find_target("left-m1-hand"))
    for height in (4 * mm, 7.5 * mm, 10.5 * mm):
        pose = _above(head, site.position, height - (coil.winding_depth or 0.0))
        field = model.solve(coil, pose, DI_DT)
        grey = head.mesh.tissue == Tissue.GREY_MATTER
        values, volumes = field.magnitude[grey], head.mesh.volumes[grey]
        at = f"{name} head, left M1 hand, winding's nearest plane {height / mm:g} mm above the scalp: grey matter"
        region = site.region
        numbers = {
            "99.9th percentile": (percentile(values, volumes, 0.999), "about 1.6" if height == 4 * mm else ""),
            "mean of the highest 1 cm³": (
                mean_of_highest(values, volumes, 1 * cm3),
                "about 1.6" if height == 4 * mm else "",
            ),
            "mean within 5 mm of the target": (
                float(mean(field.magnitude[region], head.mesh.volumes[region])),
                "0.75 to 0.8" if height == 4 * mm else "",
            ),
        }
        for what, (value, target) in numbers.items():
            yield Row(name=f"{at}, {what}", value=value, unit="V/m per A/µs", target=target)


def _above(head: Head, target: np.ndarray, distance: float) -> Pose:
    """Casing over the scalp point nearest to the target, handle 45° behind and outward."""
    nearest = np.linalg.norm(head.scalp.points - target, axis=1).argmin()
    point = head.scalp.points[nearest]
    close = np.linalg.norm(head.scalp.points - point, axis=1) < 12 * mm
    normal = head.scalp.normals[close].mean(axis=0)
    return Pose.facing(point, normal, point + np.array([1.0, 1.0, 0.0]), distance=distance)
