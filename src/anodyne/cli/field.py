"""``anodyne field``: the E-field of a coil at a pose."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.minding import facing_remarks, minded
from anodyne.cli.options import (
    coil_option,
    conductivities,
    conductivity_option,
    json_option,
    quiet_option,
    rate_option,
    refuse_unknown_tissues,
    tissues_in_words,
)
from anodyne.cli.outputs import OutputFile, rehearse_file
from anodyne.cli.places import open_head
from anodyne.cli.settings import Settings
from anodyne.cli.solvers import device_option, solver_option, solvers, validate
from anodyne.cli.talk import Talk
from anodyne.units import A_per_us, mm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from anodyne.coil import Coil, Pose
    from anodyne.field import ElectricField, SolverEntry, TissuePeak
    from anodyne.head import Head, TetrahedralMesh
    from anodyne.progress import Progress

ENDINGS = (".npz", ".msh", ".vtu", ".nii.gz", ".nii")
AT_ONCE = 8
"""Placements solved and written before the next are begun: bounds the memory."""

GREY_MATTER = "grey matter"


@click.group()
def field() -> None:
    """Electric fields."""


field.add_command(solvers)
field.add_command(validate)


@field.command()
@click.argument("head", metavar="HEAD|MESH.msh")
@coil_option
@click.option(
    "--pose", "pose_files", required=True, multiple=True, type=click.Path(path_type=Path), metavar="POSE.txt",
    help="Where the coil is: 4 rows of 4 numbers, columns x, y, z, position in mm, z into the head; may be repeated.",
)  # fmt: skip
@rate_option
@click.option(
    "--out", required=True, type=OutputFile(*ENDINGS), metavar="OUT",
    help="Where the field goes: .npz, .msh, .vtu or .nii.gz by its ending; of several poses OUT-1, OUT-2 and so on.",
)  # fmt: skip
@click.option(
    "--points", "points_file", type=click.Path(path_type=Path), metavar="FILE.csv",
    help="Points x,y,z in mm, one a line, at which the field is wanted too (in an .npz).",
)  # fmt: skip
@click.option(
    "--tissue", type=click.IntRange(1), metavar="TAG",
    help="At --points give the field of this tissue (2 is grey matter), of its nearest tetrahedron where a point lies "
    "outside of it; by default that of the tissue each point lies in.",
)  # fmt: skip
@solver_option("How the field is solved; fem2 if not given, fem1 for SimNIBS' own numbers.")
@device_option
@conductivity_option
@json_option("timings, iterations, residual and peak field by tissue")
@quiet_option
@click.pass_obj
def solve(
    settings: Settings,
    head: str,
    coil: str,
    pose_files: tuple[Path, ...],
    di_dt: float,
    out: Path,
    points_file: Path | None,
    tissue: int | None,
    solver: str | None,
    device: str | None,
    conductivity: tuple[tuple[int, float], ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Solve the E-field of a coil at one or more poses.

    HEAD is a head's folder, a .msh file with SimNIBS' tissue tags, a SimNIBS m2m folder, or the word
    "template" for the embedded head. Several poses share the set-up and every pass over the matrix.
    """
    from anodyne.cli.points import read_points
    from anodyne.coil import find_coil, read_pose
    from anodyne.field import find_solver, refuse_placement

    _refuse_points(points_file, tissue, out)
    table, chosen = conductivities(conductivity), find_solver(solver)
    places = _numbered(out, len(pose_files))
    for place in places:
        rehearse_file(place)
    with Talk(quiet=quiet) as talk:
        begin = perf_counter()
        found, poses = find_coil(coil), [read_pose(path) for path in pose_files]
        at_points = read_points(points_file) if points_file is not None else None
        known, mesh = _read(head, settings, talk.progress)
        seconds = {"read": perf_counter() - begin}
        refuse_unknown_tissues(table, mesh)
        _refuse_tissue(tissue, mesh)
        for pose in poses:
            refuse_placement(mesh, found, pose)  # before the model is made ready
        model = chosen.make(mesh, table, talk.progress, device)
        request = _Request(head=known, mesh=mesh, coil=found, solver=chosen, at_points=at_points, tissue=tissue)
        results = []
        for first in range(0, len(poses), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            fields = model.solve_many(found, poses[some], di_dt, talk.progress)
            for pose, solved, place in zip(poses[some], fields, places[some], strict=True):
                results.append(_written(request, pose, solved, (place, seconds), talk.progress))
    if len(results) > 1:
        _show_all(request, results, as_json)
    else:
        _show(request, results[0], as_json)


def _refuse_points(points_file: Path | None, tissue: int | None, out: Path) -> None:
    if points_file is not None and not out.name.endswith(".npz"):
        raise click.BadParameter("the field at points goes into an .npz file; end --out so", param_hint="'--points'")
    if tissue is not None and points_file is None:
        raise click.BadParameter("a tissue is chosen for points; give --points too", param_hint="'--tissue'")


def _refuse_tissue(tissue: int | None, mesh: "TetrahedralMesh") -> None:
    if tissue is not None and not (mesh.tissue == tissue).any():
        held = tissues_in_words(mesh)
        raise click.BadParameter(f"the mesh holds no tissue {tissue}; it holds {held}", param_hint="'--tissue'")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Request:
    """What all placements of a call share."""

    head: "Head | None"
    mesh: "TetrahedralMesh"
    coil: "Coil"
    solver: "SolverEntry"
    at_points: "NDArray[np.float64] | None"
    tissue: int | None

    def heights(self, pose: "Pose") -> dict[str, float] | None:
        """Distances from the scalp by the plane they are measured to, m; None where the scalp is not known."""
        from anodyne.plan import casing_clearance, winding_clearance

        if self.head is None:
            return None
        heights = {"casing_centre": float(self.head.scalp_distance_at(pose.position[None])[0])}
        if len(self.coil.outline):
            heights["casing"] = casing_clearance(self.head, self.coil, pose)
            heights["winding"] = winding_clearance(self.head, self.coil, pose)
        return heights

    @property
    def points_outside(self) -> int:
        return 0 if self.at_points is None else int((self.mesh.locate(self.at_points)[0] < 0).sum())


@dataclass(frozen=True, kw_only=True, eq=False)
class _Solved:
    """What is told of one placement; its field is in its file."""

    pose: "Pose"
    peaks: "dict[str, TissuePeak]"
    heights: dict[str, float] | None
    di_dt: float
    iterations: int
    residual: float
    seconds: dict[str, float]
    out: Path


def _written(
    request: _Request, pose: "Pose", solved: "ElectricField", where: tuple[Path, dict[str, float]], progress: "Progress"
) -> _Solved:
    from anodyne.field import peak_by_tissue, write_field

    begin, (place, seconds) = perf_counter(), where
    with progress.stage(f"write {place.name}"):
        like = request.head.t1 if request.head is not None else None
        write_field(place, solved, at_points=request.at_points, tissue=request.tissue, like=like)
    return _Solved(
        pose=pose,
        peaks=peak_by_tissue(solved),
        heights=request.heights(pose),
        di_dt=solved.di_dt,
        iterations=solved.iterations,
        residual=solved.residual,
        seconds={**seconds, **solved.timings, "write": perf_counter() - begin},
        out=place,
    )


def _numbered(out: Path, count: int) -> list[Path]:
    """The file itself for one pose; for several the same name with a number before its ending."""
    if count == 1:
        return [out]
    ending = next(ending for ending in ENDINGS if out.name.endswith(ending))
    stem = out.name.removesuffix(ending)
    return [out.with_name(f"{stem}-{number}{ending}") for number in range(1, count + 1)]


def _read(head: str, settings: Settings, progress: "Progress") -> "tuple[Head | None, TetrahedralMesh]":
    from anodyne.head import read_mesh

    if head.lower().endswith(".msh"):
        return None, read_mesh(head, progress)
    known = open_head(head, settings, progress)
    return known, known.mesh


def _show(request: _Request, result: _Solved, as_json: bool) -> None:
    from anodyne.cli.tables import facts, heading, show, show_json, table

    if as_json:
        show_json(_document(request, result))
        return
    rows = [
        (name, f"{peak.top_cubic_centimetre:.4g}", f"{peak.percentile_99_9:.4g}", f"{peak.highest:.4g}")
        for name, peak in result.peaks.items()
    ]
    heights = result.heights
    pairs = [
        ("mesh", _size(request)),
        *([("above the scalp (mm)", _heights_in_words(heights))] if heights is not None else []),
        ("solver", f"{request.solver.name}: {request.solver.label}"),
        ("converged", f"{result.iterations} iterations to a relative residual of {result.residual:.1e}"),
        ("time (s)", ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in result.seconds.items())),
        ("written", str(result.out)),
        *_outside(request),
        *minded(facing_remarks(request.mesh, [result.pose])),
    ]
    columns = ["|E| in V/m", ">mean of highest 1 cm³", ">99.9th percentile", ">highest element"]
    about = f"E-field at {result.di_dt / A_per_us:.4g} A/µs"
    show(heading(request.coil.label, about), table(columns, rows), facts(pairs))


def _show_all(request: _Request, results: list[_Solved], as_json: bool) -> None:
    from anodyne.cli.tables import facts, heading, show, show_json, table

    if as_json:
        show_json({"placements": [_document(request, result) for result in results]})
        return
    peaks = results[0].peaks
    tissue = GREY_MATTER if GREY_MATTER in peaks else next(iter(peaks))
    rows = []
    for result in results:
        centre, peak = ", ".join(f"{x / mm:.0f}" for x in result.pose.position), result.peaks[tissue]
        rows.append((result.out.name, centre, f"{peak.top_cubic_centimetre:.4g}", f"{peak.percentile_99_9:.4g}"))
    first, last = results[0], results[-1]
    pairs = [
        ("mesh", _size(request)),
        ("solver", f"{request.solver.name}: {request.solver.label}"),
        ("time (s)", f"{first.seconds['primary'] + first.seconds['solve']:.2f} a placement"),
        ("written", f"{first.out} to {last.out.name}"),
        *_outside(request),
        *minded(facing_remarks(request.mesh, [result.pose for result in results])),
    ]
    columns = ["file", "centre (mm)", ">mean of highest 1 cm³", ">99.9th percentile"]
    about = f"|E| in V/m in {tissue} at {first.di_dt / A_per_us:.4g} A/µs"
    show(heading(request.coil.label, about), table(columns, rows), facts(pairs))


def _size(request: _Request) -> str:
    return f"{len(request.mesh.nodes):,} nodes, {len(request.mesh.tetrahedra):,} tetrahedra"


def _outside(request: _Request) -> list[tuple[str, str]]:
    from anodyne.head import tissue_name

    count, tissue = request.points_outside, request.tissue
    there = "NaN" if tissue is None else f"that of the nearest {tissue_name(tissue)}"
    return [("points outside", f"{count} lie outside the mesh; the field there is {there}")] if count else []


def _heights_in_words(heights: dict[str, float]) -> str:
    words = {"casing": "casing at its nearest", "casing_centre": "casing's centre", "winding": "winding at its nearest"}
    return ", ".join(f"{words[plane]} {height / mm:.1f}" for plane, height in heights.items())


def _document(request: _Request, result: _Solved) -> dict[str, Any]:
    heights = result.heights
    return {
        "out": str(result.out),
        "coil": {"name": request.coil.name, "label": request.coil.label},
        "solver": request.solver.name,
        "di_dt_a_per_s": result.di_dt,
        "nodes": len(request.mesh.nodes),
        "tetrahedra": len(request.mesh.tetrahedra),
        "timings": {f"{name}_s": value for name, value in result.seconds.items()},
        "iterations": result.iterations,
        "residual": result.residual,
        "peak_e_field": {
            name: {
                "tissue": peak.tissue,
                "highest_v_per_m": peak.highest,
                "percentile_99_9_v_per_m": peak.percentile_99_9,
                "top_1_cm3_v_per_m": peak.top_cubic_centimetre,
            }
            for name, peak in result.peaks.items()
        },
        "height_above_scalp_mm": None if heights is None else {k: v / mm for k, v in heights.items()},
        "points_outside": request.points_outside,
        "remarks": facing_remarks(request.mesh, [result.pose]),
    }
