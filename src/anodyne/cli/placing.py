"""What a person may ask of a placement: its objective and direction, ceilings elsewhere, how its place is found."""

from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.options import Decorator, Number, finite

if TYPE_CHECKING:
    from anodyne.plan import Ceiling

OBJECTIVES = ("magnitude", "normal-component", "direction", "focality", "expected-magnitude")
NAVIGATION = ("neuronavigated", "cap")
FIELD = Number(unit="V/m", low=1e-6, high=1e6)


class Direction(click.ParamType[tuple[float, ...]]):
    """A direction in the head, written ``x,y,z``; its length does not count."""

    name = "x,y,z"

    def convert(
        self, value: str | tuple[float, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """The three numbers."""
        if isinstance(value, tuple):
            return value
        parts = value.split(",")
        if len(parts) != 3:
            self.fail(f"{value!r} has {len(parts)} numbers where a direction has 3", param, ctx)
        numbers = tuple(finite(self, part, param, ctx) for part in parts)
        if not any(numbers):
            self.fail("a direction cannot be 0,0,0", param, ctx)
        return numbers


class WhereAndLimit(click.ParamType[tuple[str, float]]):
    """A place and the most |E| that is allowed there in V/m, written ``scalp=150``."""

    name = "where=limit"

    def convert(
        self, value: str | tuple[str, float], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        """The place and the limit."""
        if isinstance(value, tuple):
            return value
        where, equals, limit = value.partition("=")
        if not (where.strip() and equals):
            self.fail(f"{value!r} is not WHERE=LIMIT, a place and its V/m, as in scalp=150", param, ctx)
        return where.strip(), FIELD.convert(limit, param, ctx)


PLACING_OPTIONS: tuple[Decorator, ...] = (
    click.option(
        "--objective", type=click.Choice(OBJECTIVES), default="magnitude", show_default=True,
        help="What the search makes largest at the target: the field's magnitude, its part along the cortex's normal "
        "(either way) or towards --direction (its sign counts), its magnitude relative to the rest of the cortex "
        "(focality), or the magnitude expected when the coil is misplaced as with --navigation.",
    ),
    click.option(
        "--direction", type=Direction(), metavar="x,y,z",
        help="Where the field is to point while the coil's current rises, for --objective direction: right, front and "
        "up in head coordinates; the opposite direction asks for the opposite handle.",
    ),
    click.option(
        "--ceiling", type=WhereAndLimit(), metavar="WHERE=V/m", multiple=True,
        help="The largest field allowed elsewhere in V/m, at the prescribed strength; WHERE is scalp, eyes or the name "
        "of a target; may be repeated.",
    ),
    click.option(
        "--navigation", type=click.Choice(NAVIGATION),
        help="How the coil's place will be found again, for --objective expected-magnitude: published errors of "
        "neuronavigation or of marks on a cap.",
    ),
)  # fmt: skip


def placing(objective: str, direction: tuple[float, ...] | None, navigation: str | None) -> dict[str, Any]:
    """The parts of a prescription that these options fill.

    Raises
    ------
    click.UsageError : an option that another needs is missing, or stands alone
    """
    from anodyne.plan import Objective, find_pose_error

    context = click.get_current_context()
    if (objective == "direction") != (direction is not None):
        raise click.UsageError("--objective direction and --direction x,y,z go together; give both or neither", context)
    if (objective == "expected-magnitude") != (navigation is not None):
        raise click.UsageError(
            "--objective expected-magnitude and --navigation go together; give both or neither", context
        )
    return {
        "objective": Objective(objective),
        "direction": direction,
        "error": None if navigation is None else find_pose_error(navigation),
    }


def ceilings(given: tuple[tuple[str, float], ...]) -> "tuple[Ceiling, ...]":
    """The ceilings of the command line.

    Raises
    ------
    click.UsageError : a place is given twice
    UnknownName : a place that is neither scalp, eyes nor a target
    """
    from anodyne.head import find_target
    from anodyne.plan import EYES, SCALP, Ceiling

    places = [where for where, _ in given]
    if len(set(places)) < len(places):
        raise click.BadParameter("a place is given twice; keep one of them", param_hint="'--ceiling'")
    for where in places:
        if where not in (SCALP, EYES):
            find_target(where)
    return tuple(Ceiling(where=where, limit=limit) for where, limit in given)
