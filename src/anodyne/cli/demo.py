"""``anodyne demo``: a whole plan on the embedded head."""

from pathlib import Path

import click

from anodyne.cli.options import quiet_option
from anodyne.cli.places import TEMPLATE
from anodyne.cli.plan import carry_out, show_planned
from anodyne.cli.settings import Settings
from anodyne.units import percent

PROTOCOL, TARGET, COIL, RMT_PERCENT = "fibromyalgia-1hz-right-dlpfc", "right-dlpfc", "magstim-70mm", 52
"""What the demonstration plans: the protocol of Tanwar 2020 at an invented motor threshold."""


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default="demo-plan", show_default=True, metavar="DIR",
    help="The plan's folder.",
)  # fmt: skip
@quiet_option
@click.pass_obj
def demo(settings: Settings, out: Path, quiet: bool) -> None:
    """Plan 20 sessions of 1 Hz over the right DLPFC on the embedded head; print where the report is.

    Nobody's own head: an average of many people, with an invented motor threshold of 52 %. The first run
    builds the head and keeps it in the cache.
    """
    from anodyne.cli.tables import caution, show
    from anodyne.coil import find_coil
    from anodyne.head import find_target
    from anodyne.plan import Prescription
    from anodyne.protocol import find_protocol

    prescription = Prescription(target=find_target(TARGET), protocol=find_protocol(PROTOCOL), rmt=RMT_PERCENT * percent)
    planned = carry_out(prescription, find_coil(COIL), TEMPLATE, out, settings, quiet=quiet)
    show(caution(f"A demonstration: an average head and an invented motor threshold of {RMT_PERCENT} %, no patient."))
    show_planned(planned, out, as_json=False)
