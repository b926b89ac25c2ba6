"""``anodyne plan steer``: the currents of a coil array that put the field where it is wanted."""

import csv
from math import inf, pi
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.options import (
    NameOrPoint,
    Number,
    conductivities,
    conductivity_option,
    figure_option,
    json_option,
    quiet_option,
    refuse_unknown_tissues,
)
from anodyne.cli.outputs import OutputFile, rehearse_file
from anodyne.cli.places import open_head
from anodyne.cli.placing import Direction
from anodyne.cli.prescribing import SPACES, target_of
from anodyne.cli.settings import Settings
from anodyne.cli.talk import Talk
from anodyne.disclaimer import DISCLAIMER
from anodyne.errors import PlacementRefused
from anodyne.units import A_per_us, degree, kA, mm, percent, us

if TYPE_CHECKING:
    from anodyne.plan import ArrayFields, CoilArray, Steered

ARRAYS = ("planar-five", "crossed-eights")


@click.command()
@click.argument("head", metavar="HEAD")
@click.option("--target", required=True, type=NameOrPoint(), metavar="NAME|x,y,z", help="Above what the array lies.")
@click.option(
    "--space", type=click.Choice(SPACES), default="mni", show_default=True,
    help="The space of a point: MNI152, the head's own, or its T1's.",
)  # fmt: skip
@click.option(
    "--array", "array_name", type=click.Choice(ARRAYS), default="planar-five", show_default=True,
    help="The set of coils; their sizes are assumed (see the documentation).",
)  # fmt: skip
@click.option(
    "--direction", type=Direction(), default="0,1,0", show_default=True, metavar="x,y,z",
    help="Along what the field is wanted: right, front, up in head coordinates; its part along the scalp counts.",
)  # fmt: skip
@click.option(
    "--magnitude", type=Number(unit="V/m", low=0.01, high=1e4), default=100.0, show_default=True, metavar="V/m",
    help="How strong it is wanted.",
)  # fmt: skip
@click.option(
    "--radius-mm", type=Number(unit="mm", low=0, high=40), default=15.0, show_default=True,
    help="How far from the array's axis it is wanted.",
)  # fmt: skip
@click.option(
    "--spacing-mm", type=Number(unit="mm", low=1, high=40), default=5.0, show_default=True,
    help="Between the places tried.",
)  # fmt: skip
@click.option(
    "--most-elsewhere-percent", type=Number(unit="%", low=100, high=1000), metavar="%",
    help="The largest field allowed anywhere on the cortex beneath, the aim included, in % of what is wanted; costs "
    "energy. Default: no limit.",
)  # fmt: skip
@click.option(
    "--rate", type=Number(unit="A/µs", low=0.01, high=1e4), metavar="A/µs",
    help="The fastest change of current that any coil may be given. Default: no limit.",
)  # fmt: skip
@click.option(
    "--period-us", type=Number(unit="µs", low=1, high=1e5), default=300.0, show_default=True,
    help="Period of the current's oscillation, which turns rates into currents and energy.",
)  # fmt: skip
@click.option(
    "--angle-degrees", type=Number(unit="°", low=-360, high=360), default=0.0, show_default=True,
    help="The array turned about its axis, as a coil's handle: 0 has y to the front.",
)  # fmt: skip
@click.option(
    "--hair-mm", type=Number(unit="mm", low=0, high=50), default=2.0, show_default=True,
    help="Distance kept between scalp and casing, for hair.",
)  # fmt: skip
@click.option("--out", type=OutputFile(".csv"), metavar="FILE.csv", help="Write every aim and its currents.")
@figure_option("the field on the cortex, and aims with what came of them,")
@conductivity_option
@json_option("every aim and its currents")
@quiet_option
@click.pass_obj
def steer(
    settings: Settings,
    head: str,
    target: str | tuple[float, ...],
    space: str,
    array_name: str,
    direction: tuple[float, ...],
    magnitude: float,
    radius_mm: float,
    spacing_mm: float,
    most_elsewhere_percent: float | None,
    rate: float | None,
    period_us: float,
    angle_degrees: float,
    hair_mm: float,
    out: Path | None,
    figure: Path | None,
    conductivity: tuple[tuple[int, float], ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Find the currents of a coil array that give a wanted field at least energy, place after place.

    HEAD is a head's folder, a SimNIBS m2m folder, or the word "template" for the embedded head. The array rests on the
    scalp above the target; the field is wanted on a grid of places about its axis, and for each the currents
    are found for which the field has the wanted size and direction there while the coils hold the least energy.
    """
    from anodyne.field import FieldModel
    from anodyne.head import place_target
    from anodyne.plan import SteeringGrid, array_fields, find_array, rest_array
    from anodyne.plan import steer as steered_by

    grid = SteeringGrid(
        direction=direction,
        magnitude=magnitude,
        radius=radius_mm * mm,
        spacing=spacing_mm * mm,
        most_elsewhere=inf if most_elsewhere_percent is None else most_elsewhere_percent * percent,
        rate=inf if rate is None else rate * A_per_us,
    )
    table = conductivities(conductivity)
    for path in (out, figure):
        if path is not None:
            rehearse_file(path)
    with Talk(quiet=quiet) as talk:
        wanted = target_of(target, space)
        if wanted.report_only:
            raise PlacementRefused(
                f"{wanted.label} is too deep for a coil to be aimed at; steer to a target of the cortex"
            )
        found = open_head(head, settings, talk.progress)
        refuse_unknown_tissues(table, found.mesh)
        site = place_target(found, wanted)
        with talk.progress.stage("wind the array"):
            array = find_array(array_name)
        pose = rest_array(found, array, site, angle_degrees * degree, hair_mm * mm)
        model = FieldModel(found.mesh, table, progress=talk.progress)
        fields = array_fields(model, found, array, pose, talk.progress)
        try:
            aims = steered_by(fields, array, grid)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="'--direction'") from error
    period = period_us * us
    document = _document(array, fields, aims, period, {"target": wanted.name, "magnitude_v_per_m": magnitude})
    if out is not None:
        _write_table(out, document)
    if figure is not None:
        title = f"{array.label} above {wanted.label}: {magnitude:g} V/m wanted"
        _draw(figure, fields, array, aims, period, title)
    _show(document, as_json)


def _document(
    array: "CoilArray", fields: "ArrayFields", aims: "tuple[Steered, ...]", period: float, asked: dict[str, Any]
) -> dict[str, Any]:
    matrix = fields.pose.head_from_coil.copy()
    matrix[:3, 3] /= mm
    return {
        "array": {
            "name": array.name,
            "label": array.label,
            "source": array.source,
            "certainty": array.certainty.value,
            "coils": [coil.label for coil in array.channels],
            "inductance_uh": None if array.inductance is None else (array.inductance / 1e-6).round(4).tolist(),
            "kept_small": array.cost_in_words,
        },
        **asked,
        "period_us": period / us,
        "head_from_array_mm": matrix.round(6).tolist(),
        "aims": [_aim(array, one, period) for one in aims],
    }


def _aim(array: "CoilArray", one: "Steered", period: float) -> dict[str, Any]:
    told: dict[str, Any] = {
        "offset_mm": (one.offset / mm).round(3).tolist(),
        "aim_mm": (one.aim / mm).round(3).tolist(),
        "refusal": one.refusal,
    }
    if one.rates is None or one.e_field is None or one.summit is None:
        return told
    currents = one.rates * period / (2 * pi)
    return told | {
        "rates_a_per_us": (one.rates / A_per_us).round(4).tolist(),
        "currents_ka": (currents / kA).round(5).tolist(),
        "energy_j": array.energy(currents),
        "e_field_v_per_m": one.e_field.round(4).tolist(),
        "highest_v_per_m": one.highest,
        "summit_mm": (one.summit / mm).round(3).tolist(),
        "summit_off_aim_mm": one.off_aim / mm,
    }


def _write_table(path: Path, document: dict[str, Any]) -> None:
    from anodyne.files import replacing

    labels = [f"{label} (A/us)" for label in document["array"]["coils"]]
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["offset x (mm)", "offset y (mm)", *labels, "energy (J)", "summit off aim (mm)", "refusal"])
        for aim in document["aims"]:
            rates = aim.get("rates_a_per_us", [""] * len(labels))
            writer.writerow(
                [
                    *aim["offset_mm"],
                    *rates,
                    aim.get("energy_j", ""),
                    aim.get("summit_off_aim_mm", ""),
                    aim["refusal"] or "",
                ]
            )


def _draw(
    path: Path, fields: "ArrayFields", array: "CoilArray", aims: "tuple[Steered, ...]", period: float, title: str
) -> None:
    from anodyne.cli.figures import save_figure, without_windows

    without_windows()
    from anodyne.plan.plot import steering_figure

    save_figure(steering_figure(fields, array, aims, period=period, title=title), path)


def _show(document: dict[str, Any], as_json: bool) -> None:
    from anodyne.cli.tables import caution, facts, heading, show, show_json, table

    if as_json:
        show_json(document)
        return
    array, aims = document["array"], document["aims"]
    reached = [aim for aim in aims if aim["refusal"] is None]
    rows = [
        (
            ", ".join(f"{value:.0f}" for value in aim["offset_mm"]),
            ", ".join(f"{value:.0f}" for value in aim["rates_a_per_us"]) if aim["refusal"] is None else "not reached",
            f"{aim['energy_j']:.0f}" if aim.get("energy_j") is not None else "",
            f"{aim['summit_off_aim_mm']:.1f}" if "summit_off_aim_mm" in aim else "",
        )
        for aim in aims
    ]
    pairs = [
        ("coils", "; ".join(f"{number} {label}" for number, label in enumerate(array["coils"], start=1))),
        ("kept small", array["kept_small"]),
        ("geometry", f"{array['certainty']}: {array['source']}"),
        ("reached", f"{len(reached)} of {len(aims)} aims"),
    ]
    refusals = [aim["refusal"] for aim in aims if aim["refusal"] is not None]
    if refusals:
        pairs.append(("why not all", refusals[0]))
    columns = ["aim x, y (mm)", "rates of the coils (A/µs)", ">energy (J)", ">summit off aim (mm)"]
    show(
        heading(f"{array['label']} above {document['target']}", f"{document['magnitude_v_per_m']:g} V/m wanted"),
        caution(DISCLAIMER),
        table(columns, rows),
        facts(pairs),
    )
