"""The files of a plan for people and for other programs, beside plan.json."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from anodyne.coil import write_pose
from anodyne.errors import CannotWrite
from anodyne.field import write_field
from anodyne.files import replacing
from anodyne.head import write_surface
from anodyne.plan.navigators import write_brainsight
from anodyne.plan.report.cortex import field_on
from anodyne.progress import SILENT, Progress

if TYPE_CHECKING:
    from anodyne.plan.making import Planned
    from anodyne.plan.report.cortex import SurfaceField


def write_report_files(folder: Path | str, planned: Planned, progress: Progress = SILENT) -> None:
    """Write all of a plan but plan.json into an existing folder, best one of `anodyne.files.replacing_folder`.

    ``report.html``, ``report.pdf``, ``figures/*.png``, ``e_field.msh``, ``e_field.nii.gz`` (on the T1's grid),
    ``surfaces/pial.gii`` and ``surfaces/mid_grey.gii`` with E, ``poses/simnibs.txt`` and
    ``poses/brainsight.txt``.

    Raises
    ------
    CannotWrite : a file cannot be written, since something stands in its place or the disk is full
    """
    goal = Path(folder)
    for name in ("figures", "surfaces", "poses"):
        _make_folder(goal / name)
    _write_poses(goal / "poses", planned)
    cortex = _write_surfaces(goal / "surfaces", planned, progress)
    with progress.stage("write the field", total=2) as advance:
        write_field(goal / "e_field.msh", planned.field)
        advance(1)
        write_field(goal / "e_field.nii.gz", planned.field, like=planned.head.t1)
        advance(1)
    _write_reports(goal, planned, cortex, progress)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"cannot make the folder {path}: {error.strerror}; choose another place") from error


def _write_poses(folder: Path, planned: Planned) -> None:
    plan = planned.plan
    write_pose(folder / "simnibs.txt", plan.placement.pose)
    write_brainsight(folder / "brainsight.txt", {plan.field.target.site.target.name: plan.placement.pose})


def _write_surfaces(folder: Path, planned: Planned, progress: Progress) -> SurfaceField:
    """Both cortical surfaces with E, V/m; the pial one is given back for the pictures."""
    surfaces = {"mid_grey": planned.head.mid_grey, "pial": planned.head.pial}
    with progress.stage("find the field on the cortex", total=len(surfaces)) as advance:
        for name, surface in surfaces.items():
            found = field_on(surface, planned.field)
            data = {"E": found.e_field, "magnE": found.magnitude, "E_normal": found.normal_component}
            write_surface(folder / f"{name}.gii", surface, vertex_data=data)
            advance(1)
    return found


def _write_reports(folder: Path, planned: Planned, cortex: SurfaceField, progress: Progress) -> None:
    # Drawing and typesetting libraries take seconds to import; plans are also read without them.
    from anodyne.plan.report.chapters import report_of
    from anodyne.plan.report.figures import report_pictures
    from anodyne.plan.report.pages import TurningHead, write_html
    from anodyne.plan.report.pdf import write_pdf

    report = report_of(planned, report_pictures(planned, cortex, progress))
    for picture in report.pictures:
        with replacing(folder / "figures" / f"{picture.name}.png") as temporary:
            temporary.write_bytes(picture.png)
    with progress.stage("write the report", total=2) as advance:
        write_html(folder / "report.html", report, TurningHead.of_plan(planned, cortex))
        advance(1)
        write_pdf(folder / "report.pdf", report)
        advance(1)
