"""A plan as a folder: plan.json and everything a person or another program looks at."""

from pathlib import Path

from anodyne.files import replacing_folder
from anodyne.plan.document import DOCUMENT_NAME, plan_document, write_document
from anodyne.plan.making import Planned
from anodyne.progress import SILENT, Progress


def write_plan(folder: Path | str, planned: Planned, progress: Progress = SILENT) -> None:
    """Write a plan's folder whole or not at all; an earlier plan there is replaced.

    ``plan.json`` (see `plan_schema`), ``report.html``, ``report.pdf``, ``figures/``, ``e_field.msh``,
    ``e_field.nii.gz``, ``surfaces/`` with E as GIfTI, and ``poses/`` for navigators.

    Raises
    ------
    CannotWrite : something else stands there, no permission, or the disk is full
    """
    from anodyne.plan.exports import write_report_files  # figures and pages take a second to import

    with replacing_folder(folder, marker=DOCUMENT_NAME) as temporary:
        write_report_files(temporary, planned, progress)
        write_document(temporary / DOCUMENT_NAME, plan_document(planned.plan))
