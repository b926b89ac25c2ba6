"""``anodyne field basis`` and ``anodyne field evaluate``: the cortex's field for any coil without another solution."""

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.field import field
from anodyne.cli.minding import facing_remarks, mid_grey_in_words, minded, surface_remarks
from anodyne.cli.options import (
    coil_option,
    conductivities,
    conductivity_option,
    figure_option,
    json_option,
    quiet_option,
    rate_option,
    refuse_unknown_tissues,
)
from anodyne.cli.outputs import OutputFile, rehearse_file
from anodyne.cli.places import TEMPLATE, open_head
from anodyne.cli.settings import Settings
from anodyne.cli.solvers import device_option
from anodyne.cli.talk import Talk
from anodyne.errors import UnreadableFile
from anodyne.units import A_per_us, mm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from anodyne.coil import Coil, Pose
    from anodyne.field import FieldBasis
    from anodyne.head import Conductivities, Head

LARGE_ERROR = 0.015
"""Estimated error above which a person is told."""

UNTESTED = "this basis was held against no full solution, so its error is unknown; compute it anew with --tests"


def basis_place(head: str, known: "Head", settings: Settings) -> Path:
    """Where a head's basis is kept: in its folder, beside its mesh, or in the cache for the embedded head."""
    from anodyne.field import BASIS_NAME

    if head == TEMPLATE:
        from platformdirs import user_cache_path

        cache = settings.cache if settings.cache is not None else user_cache_path("anodyne")
        return cache / f"field-basis-{known.fingerprint[:16]}.npz"
    place = Path(head)
    return place / BASIS_NAME if place.is_dir() else place.with_name(f"{place.stem}_{BASIS_NAME}")


@field.command()
@click.argument("head", metavar="HEAD")
@click.option(
    "--modes", type=click.IntRange(1, 2000), metavar="N", help="How many modes; 304 where a basis is computed."
)
@click.option(
    "--points", type=click.IntRange(1), metavar="N",
    help="At how many points of the cortex at least; 20,000 where a basis is computed.",
)  # fmt: skip
@click.option(
    "--tests", type=click.IntRange(0, 16), metavar="N",
    help="Full solutions to hold it against, at random placements; 10 where a basis is computed.",
)  # fmt: skip
@click.option("--again", is_flag=True, help="Compute the basis anew even where one is kept.")
@click.option(
    "--out", type=OutputFile(".npz"), metavar="FILE.npz", help="Keep the basis here rather than with the head."
)
@conductivity_option
@figure_option("the modes, the tests and the field of the first of them")
@json_option("the basis's size, cost and tests")
@quiet_option
@click.pass_obj
def basis(
    settings: Settings,
    head: str,
    modes: int | None,
    points: int | None,
    tests: int | None,
    again: bool,
    out: Path | None,
    conductivity: tuple[tuple[int, float], ...],
    figure: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compute or show a head's field basis: E at the cortex for any coil, in milliseconds.

    HEAD is a head's folder, a .msh file with SimNIBS' tissue tags, a SimNIBS m2m folder, or the word
    "template" for the embedded head. The basis is kept in the head's folder (beside a .msh file, in the cache for
    the embedded head) and shown when it is there already.
    """
    from anodyne.field import build_basis, write_basis

    table = conductivities(conductivity)
    if figure is not None:
        rehearse_file(figure)
    with Talk(quiet=quiet) as talk:
        known = open_head(head, settings, talk.progress)
        refuse_unknown_tissues(table, known.mesh)
        place = out if out is not None else basis_place(head, known, settings)
        if place.exists() and not again:
            found = _kept(place, known, table, {"modes": modes, "points": points, "tests": tests})
        else:
            rehearse_file(place)
            wanted = {"modes": modes, "points": points, "tests": tests}
            chosen = {name: number for name, number in wanted.items() if number is not None}
            try:
                found = build_basis(known, table, progress=talk.progress, **chosen)
            except ValueError as error:
                raise click.BadParameter(str(error), param_hint="'--modes'") from error
            with talk.progress.stage(f"write {place.name}"):
                write_basis(place, found)
        if figure is not None:
            with talk.progress.stage(f"draw {figure.name}"):
                _draw(found, figure)
    _show(found, place, known, points, as_json)


@field.command()
@click.argument("head", metavar="HEAD")
@coil_option
@click.option(
    "--pose", "pose_files", required=True, multiple=True, type=click.Path(path_type=Path), metavar="POSE.txt",
    help="Where the coil is, as for 'anodyne field solve'; may be repeated (into an .npz).",
)  # fmt: skip
@rate_option
@click.option(
    "--out", required=True, type=OutputFile(".npz", ".gii"), metavar="OUT",
    help="Where E at the cortex goes: .npz, or .gii with the surface, by its ending.",
)  # fmt: skip
@click.option(
    "--basis", "basis_file", type=click.Path(path_type=Path), metavar="FILE.npz",
    help="The basis, where it is not kept with the head.",
)  # fmt: skip
@device_option
@json_option("the peak field, the estimated errors and the time taken")
@quiet_option
@click.pass_obj
def evaluate(
    settings: Settings,
    head: str,
    coil: str,
    pose_files: tuple[Path, ...],
    di_dt: float,
    out: Path,
    basis_file: Path | None,
    device: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Evaluate a head's field basis for a coil at one or more poses.

    HEAD is as for 'anodyne field basis', which must have been run on it.
    """
    from anodyne.coil import find_coil, read_pose
    from anodyne.field import find_device, read_basis

    if len(pose_files) > 1 and out.suffix == ".gii":
        raise click.BadParameter("several poses go into an .npz file; end --out so", param_hint="'--out'")
    rehearse_file(out)
    with Talk(quiet=quiet) as talk:
        found, poses = find_coil(coil), [read_pose(path) for path in pose_files]
        known = open_head(head, settings, talk.progress)
        place = basis_file if basis_file is not None else basis_place(head, known, settings)
        with talk.progress.stage("read the field basis"):
            kept = read_basis(place)
        _refuse_other(kept, known, place, way_out=", or leave --basis out" if basis_file is not None else "")
        evaluated = kept.evaluate_many
        if device is not None:
            evaluated = kept.on(*find_device(device)).brought_back
            evaluated(found, poses[:1], di_dt)  # starts the library there and carries the coil: no placement's time
        begin = perf_counter()
        e_field = evaluated(found, poses, di_dt, talk.progress)
        seconds = perf_counter() - begin
        errors = kept.estimated_error(found, poses)
        _write(out, kept, e_field)
    remarks = [*_error_remarks(kept, errors), *facing_remarks(known.mesh, poses), *surface_remarks(known.mesh)]
    how = {"out": str(out), "di_dt": di_dt, "seconds": seconds, "remarks": remarks}
    _show_fields(found, poses, e_field, errors, how, as_json)


def _basis_remarks(basis: "FieldBasis", head: "Head", asked: int | None) -> list[str]:
    """What to mind about a basis of which so many points were asked for."""
    most = len(head.mid_grey.points)
    few = [f"{asked:,} points were asked for; this head's surface has only {most:,}"] if (asked or 0) > most else []
    return [*few, *([] if basis.tests else [UNTESTED]), *surface_remarks(head.mesh)]


def _error_remarks(basis: "FieldBasis", errors: "NDArray[np.float64]") -> list[str]:
    """What to mind about the errors estimated for placements."""
    if not basis.tests:
        return [UNTESTED]
    if (errors > LARGE_ERROR).any():
        return [f"errors above {100 * LARGE_ERROR:g} %: solve these in full with 'anodyne field solve'"]
    return []


def _refuse_other(basis: "FieldBasis", head: "Head", place: Path, *, way_out: str = "") -> None:
    """As `FieldBasis.refuse_other`, naming the file and another way out."""
    try:
        basis.refuse_other(head)
    except UnreadableFile as refusal:
        raise UnreadableFile(f"{place}: {refusal}{way_out}") from refusal


def _kept(place: Path, head: "Head", table: "Conductivities", wanted: dict[str, int | None]) -> "FieldBasis":
    """The basis of a file, refused where it is not what was asked for."""
    from anodyne.field import conductivity_fingerprint, read_basis

    found = read_basis(place)
    _refuse_other(found, head, place)
    again = "compute it anew with --again, or keep another with --out"
    holds = {"modes": len(found.modes), "points": len(found.points), "tests": len(found.tests)}
    most = {"points": len(head.mid_grey.points)}
    for name, number in wanted.items():
        if number is not None and holds[name] < min(number, most.get(name, number)):
            raise UnreadableFile(f"{place} holds {holds[name]:,} {name}, fewer than the {number:,} asked for; {again}")
    if found.options.get("conductivity") != conductivity_fingerprint(table.of(head.mesh.tissue)):
        raise UnreadableFile(f"{place} was computed with other conductivities than those asked for; {again}")
    return found


def _draw(basis: "FieldBasis", path: Path) -> None:
    from anodyne.cli.figures import save_figure, without_windows

    without_windows()
    from anodyne.field.plot import plot_basis

    figure = plot_basis(basis)[0].get_figure(root=True)
    if figure is not None:
        save_figure(figure, path)


def _show(basis: "FieldBasis", place: Path, head: "Head", asked: int | None, as_json: bool) -> None:
    from anodyne.cli.tables import facts, heading, show, show_json, table

    remarks = _basis_remarks(basis, head, asked)
    if as_json:
        show_json({**_document(basis, place), "remarks": remarks})
        return
    options = basis.options
    weakest = basis.singular_values[-1] / basis.singular_values[0]
    pairs = [
        ("modes", f"{len(basis.modes)}, the last {weakest:.1e} of the first" if len(basis.modes) > 1 else "1"),
        ("points", _points_in_words(basis, head)),
        ("sensors", f"{len(basis.sensors)} on the inner skull, three components each"),
        ("mesh", f"{options.get('nodes', 0):,} nodes, {options.get('tetrahedra', 0):,} tetrahedra"),
        (
            "computed in",
            f"{options.get('seconds', 0):.0f} s ({options.get('processor_seconds', 0):.0f} s of processor time)",
        ),
        ("kept in", f"{place} ({place.stat().st_size / 2**20:.0f} MiB)"),
        ("error", _error_in_words(basis)),
        *minded(remarks),
    ]
    rows = [
        (str(number), test.coil, _centre(test.pose), f"{100 * test.unexplained:.2f}", f"{100 * test.error:.2f}")
        for number, test in enumerate(basis.tests, start=1)
    ]
    columns = [">test", "coil", ">centre (mm)", ">not made up (%)", ">error (%)"]
    about = "E at the cortex for any coil"
    if rows:
        about += ", held against full solutions that did not enter it"
    show(heading(f"Field basis of {basis.head}", about), facts(pairs), *([table(columns, rows)] if rows else []))


def _points_in_words(basis: "FieldBasis", head: "Head") -> str:
    every = ", all that it has" if len(basis.points) == len(head.mid_grey.points) else ""
    return f"{len(basis.points):,} of the {mid_grey_in_words(head.mesh)}{every}"


def _error_in_words(basis: "FieldBasis") -> str:
    from statistics import median

    errors = [test.error for test in basis.tests]
    if not errors:
        return "not tested"
    count = f"{len(errors)} tests" if len(errors) > 1 else "1 test"
    return f"median {100 * median(errors):.2f} %, worst {100 * max(errors):.2f} % of {count}"


def _centre(pose: "Pose") -> str:
    return ", ".join(f"{x / mm:.0f}" for x in pose.position)


def _document(basis: "FieldBasis", place: Path) -> dict[str, Any]:
    return {
        "file": str(place),
        "head": basis.head,
        "fingerprint": basis.fingerprint,
        "modes": len(basis.modes),
        "points": len(basis.points),
        "sensors": len(basis.sensors),
        "options": dict(basis.options),
        "singular_values_v_per_m": basis.singular_values.tolist(),
        "error_per_unexplained": basis.error_per_unexplained if basis.tests else None,
        "tests": [
            {
                "coil": test.coil,
                "centre_mm": (test.pose.position / mm).tolist(),
                "error": test.error,
                "unexplained": test.unexplained,
                "error_by_modes": [list(pair) for pair in test.by_modes],
            }
            for test in basis.tests
        ],
    }


def _write(out: Path, basis: "FieldBasis", e_field: "NDArray[np.float32]") -> None:
    import numpy as np

    from anodyne.files import replacing
    from anodyne.head import write_surface

    if out.suffix == ".gii":
        magnitude = np.linalg.norm(e_field[0], axis=1)
        write_surface(out, basis.surface, vertex_data={"magnitude_v_per_m": magnitude, "e_field_v_per_m": e_field[0]})
        return
    fields = e_field[0] if len(e_field) == 1 else e_field
    with replacing(out) as temporary, temporary.open("wb") as file:
        np.savez(file, e_field=fields, points=basis.points, triangles=basis.triangles)


def _show_fields(
    coil: "Coil",
    poses: "list[Pose]",
    e_field: "NDArray[np.float32]",
    errors: "NDArray[np.float64]",
    how: dict[str, Any],
    as_json: bool,
) -> None:
    import numpy as np

    from anodyne.cli.tables import facts, heading, show, show_json, table

    magnitude = np.linalg.norm(e_field, axis=2)
    highest, top = magnitude.max(axis=1), np.quantile(magnitude, 0.999, axis=1)
    known = [float(error) if np.isfinite(error) else None for error in errors]
    if as_json:
        show_json(
            {
                "out": how["out"],
                "coil": {"name": coil.name, "label": coil.label},
                "di_dt_a_per_s": how["di_dt"],
                "seconds": how["seconds"],
                "remarks": how["remarks"],
                "placements": [
                    {
                        "centre_mm": (pose.position / mm).tolist(),
                        "highest_v_per_m": float(most),
                        "percentile_99_9_v_per_m": float(high),
                        "estimated_error": error,
                    }
                    for pose, most, high, error in zip(poses, highest, top, known, strict=True)
                ],
            }
        )
        return
    rows = [
        (_centre(pose), f"{high:.4g}", f"{most:.4g}", "unknown" if error is None else f"{100 * error:.2f}")
        for pose, high, most, error in zip(poses, top, highest, known, strict=True)
    ]
    columns = ["centre (mm)", ">99.9th percentile", ">highest", ">estimated error (%)"]
    pairs = [("time", f"{how['seconds'] / len(poses) / 1e-3:.1f} ms a placement"), ("written", how["out"])]
    title = f"|E| in V/m at the cortex, at {how['di_dt'] / A_per_us:.4g} A/µs"
    show(heading(coil.label, title), table(columns, rows), facts([*pairs, *minded(how["remarks"])]))
