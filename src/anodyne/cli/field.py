"""``anodyne field``: the E-field of a coil at a pose."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.options import (
    Number,
    conductivities,
    conductivity_option,
    json_option,
    quiet_option,
    refuse_unknown_tissues,
)
from anodyne.cli.outputs import OutputFile, rehearse_file
from anodyne.cli.places import open_head
from anodyne.cli.settings import Settings
from anodyne.cli.solvers import solver_option, solvers, validate
from anodyne.cli.talk import Talk
from anodyne.units import A_per_us, mm

if TYPE_CHECKING:
    from anodyne.coil import Coil, Pose
    from anodyne.field import ElectricField, SolverEntry, TissuePeak
    from anodyne.head import Head, TetrahedralMesh
    from anodyne.progress import Progress

ENDINGS = (".npz", ".msh", ".vtu", ".nii.gz", ".nii")


@click.group()
def field() -> None:
    """Electric fields."""


field.add_command(solvers)
field.add_command(validate)


@field.command()
@click.argument("head", metavar="HEAD|MESH.msh")
@click.option("--coil", required=True, help="A built-in coil's name or a .ccd, .tcd or .nii.gz file.")
@click.option(
    "--pose", "pose_file", required=True, type=click.Path(path_type=Path), metavar="POSE.txt",
    help="Where the coil is: 4 rows of 4 numbers, columns x, y, z, position in mm, z into the head.",
)  # fmt: skip
@click.option(
    "--di-dt", required=True, type=Number(unit="A/s"), help="Rate of change of the coil current in A/s (1 A/µs is 1e6)."
)
@click.option(
    "--out", required=True, type=OutputFile(*ENDINGS), metavar="OUT",
    help="Where the field goes: .npz, .msh, .vtu or .nii.gz by its ending.",
)  # fmt: skip
@click.option(
    "--points", "points_file", type=click.Path(path_type=Path), metavar="FILE.csv",
    help="Points x,y,z in mm, one a line, at which the field is wanted too (in an .npz).",
)  # fmt: skip
@solver_option("How the field is solved; fem2 if not given, fem1 for SimNIBS' own numbers.")
@conductivity_option
@json_option("timings, iterations, residual and peak field by tissue")
@quiet_option
@click.pass_obj
def solve(
    settings: Settings,
    head: str,
    coil: str,
    pose_file: Path,
    di_dt: float,
    out: Path,
    points_file: Path | None,
    solver: str | None,
    conductivity: tuple[tuple[int, float], ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Solve the E-field of a coil at a pose.

    HEAD is a head's folder, a .msh file with SimNIBS' tissue tags, a SimNIBS m2m folder, or the word
    "template" for the embedded head.
    """
    from anodyne.cli.points import read_points
    from anodyne.coil import find_coil, read_pose
    from anodyne.field import find_solver, refuse_coil_inside, write_field

    if points_file is not None and not out.name.endswith(".npz"):
        raise click.BadParameter("the field at points goes into an .npz file; end --out so", param_hint="'--points'")
    table, chosen = conductivities(conductivity), find_solver(solver)
    rehearse_file(out)
    with Talk(quiet=quiet) as talk:
        begin = perf_counter()
        found, pose = find_coil(coil), read_pose(pose_file)
        at_points = read_points(points_file) if points_file is not None else None
        known, mesh = _read(head, settings, talk.progress)
        seconds = {"read": perf_counter() - begin}
        refuse_unknown_tissues(table, mesh)
        refuse_coil_inside(mesh, found, pose)
        solved = chosen.make(mesh, table, talk.progress).solve(found, pose, di_dt, talk.progress)
        begin = perf_counter()
        with talk.progress.stage(f"write {out.name}"):
            write_field(out, solved, at_points=at_points, like=known.t1 if known is not None else None)
        seconds |= {**solved.timings, "write": perf_counter() - begin}
        outside = 0 if at_points is None else int((mesh.locate(at_points)[0] < 0).sum())
    result = _Solved(
        head=known, coil=found, pose=pose, solver=chosen, field=solved, out=out, seconds=seconds, points_outside=outside
    )
    _show(result, as_json)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Solved:
    head: "Head | None"
    coil: "Coil"
    pose: "Pose"
    solver: "SolverEntry"
    field: "ElectricField"
    out: Path
    seconds: dict[str, float]
    points_outside: int

    def heights(self) -> dict[str, float] | None:
        """Distances from the scalp by the plane they are measured to, m; None where the scalp is not known."""
        from anodyne.plan import casing_clearance, winding_clearance

        if self.head is None:
            return None
        heights = {"casing_centre": float(self.head.scalp_distance_at(self.pose.position[None])[0])}
        if len(self.coil.outline):
            heights["casing"] = casing_clearance(self.head, self.coil, self.pose)
            heights["winding"] = winding_clearance(self.head, self.coil, self.pose)
        return heights


def _read(head: str, settings: Settings, progress: "Progress") -> "tuple[Head | None, TetrahedralMesh]":
    from anodyne.head import read_mesh

    if head.lower().endswith(".msh"):
        return None, read_mesh(head, progress)
    known = open_head(head, settings, progress)
    return known, known.mesh


def _show(result: _Solved, as_json: bool) -> None:
    from anodyne.cli.tables import facts, heading, show, show_json, table
    from anodyne.field import peak_by_tissue

    solved, peaks, heights = result.field, peak_by_tissue(result.field), result.heights()
    if as_json:
        show_json(_document(result, peaks, heights))
        return
    rows = [
        (name, f"{peak.top_cubic_centimetre:.4g}", f"{peak.percentile_99_9:.4g}", f"{peak.highest:.4g}")
        for name, peak in peaks.items()
    ]
    seconds = result.seconds
    pairs = [
        ("mesh", f"{len(solved.mesh.nodes):,} nodes, {len(solved.mesh.tetrahedra):,} tetrahedra"),
        *([("above the scalp (mm)", _heights_in_words(heights))] if heights is not None else []),
        ("solver", f"{result.solver.name}: {result.solver.label}"),
        ("converged", f"{solved.iterations} iterations to a relative residual of {solved.residual:.1e}"),
        ("time (s)", ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in seconds.items())),
        ("written", str(result.out)),
    ]
    if result.points_outside:
        pairs.append(("points outside", f"{result.points_outside} lie outside the mesh; the field there is NaN"))
    columns = ["|E| in V/m", ">mean of highest 1 cm³", ">99.9th percentile", ">highest element"]
    show(
        heading(result.coil.label, f"E-field at {solved.di_dt / A_per_us:.4g} A/µs"), table(columns, rows), facts(pairs)
    )


def _heights_in_words(heights: dict[str, float]) -> str:
    words = {"casing": "casing at its nearest", "casing_centre": "casing's centre", "winding": "winding at its nearest"}
    return ", ".join(f"{words[plane]} {height / mm:.1f}" for plane, height in heights.items())


def _document(result: _Solved, peaks: "dict[str, TissuePeak]", heights: dict[str, float] | None) -> dict[str, Any]:
    solved = result.field
    return {
        "out": str(result.out),
        "coil": {"name": result.coil.name, "label": result.coil.label},
        "solver": result.solver.name,
        "di_dt_a_per_s": solved.di_dt,
        "nodes": len(solved.mesh.nodes),
        "tetrahedra": len(solved.mesh.tetrahedra),
        "timings": {f"{name}_s": value for name, value in result.seconds.items()},
        "iterations": solved.iterations,
        "residual": solved.residual,
        "peak_e_field": {
            name: {
                "tissue": peak.tissue,
                "highest_v_per_m": peak.highest,
                "percentile_99_9_v_per_m": peak.percentile_99_9,
                "top_1_cm3_v_per_m": peak.top_cubic_centimetre,
            }
            for name, peak in peaks.items()
        },
        "height_above_scalp_mm": None if heights is None else {k: v / mm for k, v in heights.items()},
        "points_outside": result.points_outside,
    }
