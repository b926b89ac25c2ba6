"""A plan for the body as a folder: plan.json and the report."""

from pathlib import Path

from anodyne.files import replacing, replacing_folder
from anodyne.plan.document import DOCUMENT_NAME, write_document
from anodyne.plan.peripheral.document import peripheral_document
from anodyne.plan.peripheral.plan import PeripheralPlan
from anodyne.progress import SILENT, Progress


def write_peripheral_plan(folder: Path | str, plan: PeripheralPlan, progress: Progress = SILENT) -> None:
    """Write the folder of a plan for the body whole or not at all; an earlier plan there, of either kind, is replaced.

    ``plan.json`` (see `plan_schema`), ``report.html``, ``report.pdf``, and ``figures/`` where something can be drawn.

    Raises
    ------
    CannotWrite : something else stands there, no permission, or the disk is full
    """
    # Drawing and typesetting libraries take seconds to import; plans are also read without them.
    from anodyne.plan.peripheral.report import peripheral_report
    from anodyne.plan.report.figures import protocol_pictures
    from anodyne.plan.report.pages import write_html
    from anodyne.plan.report.pdf import write_pdf

    with replacing_folder(folder, marker=DOCUMENT_NAME) as temporary:
        with progress.stage("draw the report's pictures"):
            pictures = protocol_pictures(plan.protocol, plan.created.date())
        if pictures:
            (temporary / "figures").mkdir()
        for picture in pictures.values():
            with replacing(temporary / "figures" / f"{picture.name}.png") as path:
                path.write_bytes(picture.png)
        with progress.stage("write the report", total=2) as advance:
            report = peripheral_report(plan, pictures)
            write_html(temporary / "report.html", report)
            advance(1)
            write_pdf(temporary / "report.pdf", report)
            advance(1)
        write_document(temporary / DOCUMENT_NAME, peripheral_document(plan))
