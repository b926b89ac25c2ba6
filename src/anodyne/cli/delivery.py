"""``anodyne stimulator deliver``: give one session of a plan, watched over from beginning to end."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.circumstances import Around, person_options, site_of
from anodyne.cli.delivering import Session, Ticks
from anodyne.cli.options import Number
from anodyne.cli.ordering import Ordering, default_log, is_for_the_body
from anodyne.cli.questions import asked, asked_date, confirmed
from anodyne.cli.settings import Settings

if TYPE_CHECKING:
    from anodyne.coil import Pose


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--port", required=True, metavar="PATH", help="The serial port, or what an emulator printed.")
@click.option(
    "--person", metavar="PSEUDONYM", help="Whom it is given to, by a pseudonym, no name; asked for on a terminal."
)
@click.option(
    "--rmt-date",
    "--threshold-date",
    "rmt_date",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day on which the plan's threshold was measured: of the motor cortex, or by twitch or comfort at a site; "
    "asked for on a terminal.",
)
@click.option(
    "--log",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=(
        "The session's record; a session begun in it goes on where it ended. Default: a file of today in this folder."
    ),
)
@click.option(
    "--signed",
    metavar="HASH",
    help=(
        "The order's hash that was signed; needed for a real stimulator. Nothing is given unless it is that of this "
        "plan and these numbers."
    ),
)
@click.option("--stimulator", metavar="NAME", help="The model, if not the plan's; see 'anodyne stimulator list'.")
@click.option("--coil-attached", metavar="NAME", help="The coil that you see attached; asked for on a terminal.")
@click.option(
    "--power-percent",
    type=Number(unit="%", low=1, high=100),
    help="What to set, where the plan's output lies between two steps of the stimulator.",
)
@click.option(
    "--inter-train-interval",
    type=Number(unit="s", low=0),
    metavar="SECONDS",
    help="Pause between trains, where the plan's protocol reports none.",
)
@click.option(
    "--pose",
    "pose_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=(
        "A pose file that a navigator keeps writing; the coil may leave the plan's pose by no more than the tolerance. "
        "Not for the body, where a plan has no pose."
    ),
)
@click.option(
    "--pose-fixed",
    is_flag=True,
    help="The coil is clamped in the plan's pose, or held at the plan's site on the body, and you vouch for that.",
)
@click.option(
    "--tolerance-mm",
    type=Number(unit="mm", low=0.1, high=50),
    default=5.0,
    show_default=True,
    help="How far the coil may be off its pose over a head while armed (assumed, without a source).",
)
@click.option(
    "--tolerance-degrees",
    type=Number(unit="degrees", low=0.1, high=90),
    default=10.0,
    show_default=True,
    help="How far it may be turned while armed (assumed, without a source).",
)
@click.option(
    "--yes-hearing-protection", is_flag=True, help="The ears of patient and operator are protected; asked for else."
)
@click.option(
    "--uncertain",
    metavar="WORD",
    help=("Of a train whose end nobody saw: 'given', 'not-given', or how many pulses were counted."),
)
@click.option("--emulated", is_flag=True, help="Refuse every port that no emulator serves, whatever the site allows.")
@click.option("--present", is_flag=True, help="Renew the operator's presence by itself; only with an emulator.")
@click.option(
    "--speed",
    type=Number(unit="times real time", low=0.01, high=1000),
    default=1.0,
    help="How many times as fast as real time; only with an emulator of the same --speed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print each status as a line of JSON, the summary last.")
@person_options
@click.pass_obj
def deliver(
    settings: Settings,
    plan: Path,
    port: str,
    person: str | None,
    rmt_date: datetime | None,
    log: Path | None,
    signed: str | None,
    stimulator: str | None,
    coil_attached: str | None,
    power_percent: float | None,
    inter_train_interval: float | None,
    pose_file: Path | None,
    pose_fixed: bool,
    tolerance_mm: float,
    tolerance_degrees: float,
    yes_hearing_protection: bool,
    uncertain: str | None,
    emulated: bool,
    present: bool,
    speed: float,
    around: Around,
    as_json: bool,
) -> None:
    """Give one session of a PLAN with the stimulator on a port, from the first train to the last.

    Research software, not a medical device. Delivery to a real stimulator is off: only the port of
    'anodyne stimulator emulate' is accepted, unless a site's file (ANODYNE_SITE) names the port, two people and the
    date.

    Hold the space bar while you are present: without it nothing is armed, and when you let go the stimulator is
    disarmed. p pauses after the train, r goes on; any other key, Ctrl-C, or the end of this program is STOP. After a
    crash the same command goes on where the record ends.

    A plan for the body ('anodyne plan peripheral') takes the same way. There the coil lies on the skin, so its
    temperature, which is the coil's and not the skin's, is also held against the rule of heat at the skin.
    """
    from anodyne.plan import read_any_plan
    from anodyne.stimulator import Site, is_emulated, read_site, refuse_port

    document = read_any_plan(plan)
    _refuse_of_a_site(document, pose_file, around)
    site = Site() if settings.site is None else read_site(settings.site)
    person = person or asked("Pseudonym of the person", "--person")
    measured = rmt_date.date() if rmt_date else asked_date("Day on which the threshold was measured", "--rmt-date")
    ordering = Ordering(
        person=person, rmt_measured=measured, stimulator=stimulator, power_percent=power_percent,
        inter_train_interval=inter_train_interval, tolerance_mm=tolerance_mm, tolerance_degrees=tolerance_degrees,
        around=around,
    ).completed(document)  # fmt: skip
    order = ordering.order(document, site)
    today = datetime.now(UTC).date()
    is_ours = is_emulated(port)
    refuse_port(port, Site() if emulated else site, emulated=is_ours, today=today)
    _refuse_unwatched(is_ours, signed, present, speed)
    record = log or default_log(plan, person, today)
    ticks = Ticks(
        coil_attached=coil_attached or asked("Name of the coil attached", "--coil-attached"),
        hearing=yes_hearing_protection or _hearing_confirmed(),
        pose_file=pose_file,
        pose_fixed=pose_fixed or (pose_file is None and _vouched_for(document)),
        present=present,
        uncertain=uncertain or _word_for(record),
    )
    _refuse_unplaced(document, pose_file, ticks.pose_fixed)
    session = Session(
        order=order, signed=signed or order.hash, port=port, log=record, site=settings.site, speed=speed, ticks=ticks,
        planned=None if is_for_the_body(document) else _planned_pose(document), is_emulated=is_ours,
    )  # fmt: skip
    session.give(as_json=as_json)


def _context() -> click.Context:
    return click.get_current_context()


def _refuse_of_a_site(document: dict[str, Any], pose_file: Path | None, around: Around) -> None:
    """Refuse what a plan for the body cannot take: a navigator's pose, and another site than its own."""
    if not is_for_the_body(document):
        return
    site = site_of(document).in_words
    if pose_file is not None:
        raise click.UsageError(
            "a plan for the body has no pose to hold --pose against; say --pose-fixed, by which you vouch that the "
            f"coil is held at the {site}",
            _context(),
        )
    if around.site:
        raise click.UsageError(
            f"the site is the plan's, the {site}; leave --site out, or make another plan", _context()
        )


def _vouched_for(document: dict[str, Any]) -> bool:
    """Whether the operator at the terminal vouches that the coil is where it should be."""
    where = f"held at the {site_of(document).in_words}" if is_for_the_body(document) else "clamped in the plan's pose"
    return confirmed(f"Is the coil {where}, and do you vouch for that?")


def _refuse_unplaced(document: dict[str, Any], pose_file: Path | None, pose_fixed: bool) -> None:
    """Refuse to begin unless it was said, in one way, where the coil is."""
    if pose_fixed != (pose_file is not None):
        return
    if is_for_the_body(document):
        words = f"say --pose-fixed, by which you vouch that the coil is held at the {site_of(document).in_words}"
    else:
        words = "say where the coil is: --pose FILE of a navigator, or --pose-fixed"
    raise click.UsageError(words, _context())


def _refuse_unwatched(is_emulated: bool, signed: str | None, present: bool, speed: float) -> None:
    """Refuse what only an emulator may be given: no signature, nobody there, hurried time."""
    import sys

    if not is_emulated:
        for wrong, words in (
            (signed is None, "a real stimulator needs --signed, the hash of the order that was signed"),
            (present, "--present is for emulators; with a real stimulator somebody must be there"),
            (speed != 1, "--speed is for emulators"),
        ):
            if wrong:
                raise click.UsageError(words, _context())
    if not present and not sys.stdin.isatty():
        raise click.UsageError(
            "presence is the space bar of a terminal; run this on one, or rehearse with --present on an emulator",
            _context(),
        )


def _hearing_confirmed() -> bool:
    return confirmed("Are the patient's ears protected?") and confirmed("And the operator's?")


def _word_for(record: Path) -> str | None:
    """The operator's word on a train that the record leaves uncertain; None if there is none."""
    import sys

    from anodyne.stimulator import read_log, resume_point

    if not record.exists() or record.stat().st_size == 0:
        return None
    lines = read_log(record).lines
    left = resume_point(lines).uncertain if lines else None
    if left is None:
        return None
    question = f"Nobody saw the end of train {left.train + 1} (up to {left.pulses} pulses)"
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question}; say --uncertain given, not-given, or how many were counted", _context())
    word: str = click.prompt(f"{question}: given, not-given, or how many were counted", err=True)
    return word


def _planned_pose(document: dict[str, Any]) -> "Pose":
    """The coil's pose in a plan for a head."""
    import numpy as np

    from anodyne.coil import Pose
    from anodyne.units import mm

    matrix = np.array(document["placement"]["head_from_coil_mm"], dtype=np.float64)
    matrix[:3, 3] *= mm
    return Pose(head_from_coil=matrix)
