"""What a person may write after an option, checked where it is written."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.outputs import FIGURE

if TYPE_CHECKING:
    from anodyne.head import Conductivities, TetrahedralMesh

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Number(click.ParamType[float]):
    """A finite number, from `low` to `high` in `unit` where these are given."""

    name = "number"

    def __init__(self, *, unit: str, low: float | None = None, high: float | None = None) -> None:
        self.unit, self.low, self.high = unit, low, high

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number, if it is one and lies in the range."""
        number = finite(self, value, param, ctx)
        below, above = self.low is not None and number < self.low, self.high is not None and number > self.high
        if below or above:
            span = f"{self.low:g} to {self.high:g}" if self.high is not None else f"{self.low:g} and above"
            self.fail(f"{number:g} {self.unit} is outside {span} {self.unit}", param, ctx)
        return number


SLOWEST, FASTEST = 1e3, 1e9
"""Rates of a coil's current, A/s, beyond which the unit was most likely mistaken: no stimulator's lies there."""


class Rate(click.ParamType[float]):
    """A rate of change of a coil's current in A/s, of either sign and of a size that a stimulator may reach."""

    name = "rate"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The rate, if it is one."""
        rate = finite(self, value, param, ctx)
        if rate == 0:
            self.fail("a rate of 0 A/s induces no field; give another", param, ctx)
        if abs(rate) < SLOWEST:
            self.fail(f"{rate:g} A/s is below {SLOWEST:g} A/s; is this in A/µs? multiply it by 1e6", param, ctx)
        if abs(rate) > FASTEST:
            self.fail(f"{rate:g} A/s is above {FASTEST:g} A/s, more than any stimulator reaches; give A/s", param, ctx)
        return rate


HIGHEST_CONDUCTIVITY = 10.0
"""S/m; several times that of cerebrospinal fluid, so a larger one was most likely typed in mS/m."""


class TagAndValue(click.ParamType[tuple[int, float]]):
    """A tissue's tag and its conductivity in S/m, written ``4=0.008``."""

    name = "tag=value"

    def convert(
        self, value: str | tuple[int, float], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, float]:
        """The tag and the conductivity."""
        if isinstance(value, tuple):
            return value
        tag, equals, conductivity = value.partition("=")
        if not (equals and tag.strip().isdecimal() and int(tag) >= 1):
            self.fail(f"{value!r} is not TAG=VALUE, a tissue's number and its S/m, as in 4=0.008", param, ctx)
        number = finite(self, conductivity, param, ctx)
        if number <= 0:
            self.fail(f"a conductivity of {number:g} S/m is not positive", param, ctx)
        if number > HIGHEST_CONDUCTIVITY:
            self.fail(
                f"a conductivity of {number:g} S/m is above {HIGHEST_CONDUCTIVITY:g} S/m, more than any tissue's; is "
                "this in mS/m? divide it by 1000", param, ctx,
            )  # fmt: skip
        return int(tag), number


METRES_MM = 0.2
"""A point this near to the origin, but not on it, was most likely typed in metres: no head reaches further."""


class NameOrPoint(click.ParamType[str | tuple[float, ...]]):
    """The name of a target, or the three coordinates of a point in millimetres, written ``x,y,z``."""

    name = "name|x,y,z"

    def convert(
        self, value: str | tuple[float, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | tuple[float, ...]:
        """The name, or the coordinates in millimetres."""
        if isinstance(value, tuple) or "," not in value:
            return value
        parts = value.split(",")
        if len(parts) != 3:
            self.fail(f"{value!r} has {len(parts)} coordinates where a point has 3", param, ctx)
        point = tuple(finite(self, part, param, ctx) for part in parts)
        if 0 < max(map(abs, point)) < METRES_MM:
            self.fail(f"{value!r} looks as if it were in metres; points are in mm, so multiply it by 1000", param, ctx)
        return point


def finite(
    kind: click.ParamType[Any], value: str | float, param: click.Parameter | None, ctx: click.Context | None
) -> float:
    """A finite number as a person wrote it; a failure of the option's kind if it is none."""
    try:
        number = float(value)
    except ValueError:
        kind.fail(f"{value!r} is not a number", param, ctx)
    if not isfinite(number):
        kind.fail(f"{value} is not a finite number", param, ctx)
    return number


def json_option(what: str) -> Decorator:
    """``--json``: print `what` for a program instead of a person."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print {what} as JSON.")


def figure_option(what: str) -> Decorator:
    """``--figure FILE``: draw `what`."""
    return click.option("--figure", type=FIGURE, metavar="FILE", help=f"Draw {what} into FILE (.png, .pdf or .svg).")


coil_option: Decorator = click.option(
    "--coil", required=True, help="A built-in coil's name or a .ccd, .tcd or .nii.gz file."
)

rate_option: Decorator = click.option(
    "--di-dt", required=True, type=Rate(), help="Rate of change of the coil current in A/s (1 A/µs is 1e6)."
)

quiet_option: Decorator = click.option("--quiet", is_flag=True, help="Show no progress and no remarks.")

conductivity_option: Decorator = click.option(
    "--conductivity",
    "conductivity",
    type=TagAndValue(),
    metavar="TAG=VALUE",
    multiple=True,
    help="Conductivity of one tissue of the mesh in S/m, 10 at most, in place of the usual one (SimNIBS'); may be "
    "repeated.",
)


def conductivities(given: Sequence[tuple[int, float]]) -> "Conductivities":
    """The usual conductivities with those of the command line in their place.

    Raises
    ------
    click.UsageError : a tag is given twice
    """
    from anodyne.head import Conductivities

    changes = dict(given)
    if len(changes) < len(given):
        raise click.BadParameter("a tissue's tag is given twice; keep one of them", param_hint="'--conductivity'")
    return Conductivities().replaced(changes, source="given on the command line")


def refuse_unknown_tissues(table: "Conductivities", mesh: "TetrahedralMesh") -> None:
    """Refuse a mesh with a tissue whose conductivity nobody has given, and a conductivity of a tissue it lacks.

    Raises
    ------
    click.UsageError : names every such tag
    """
    import numpy as np

    from anodyne.head import Conductivities

    present = {int(tag) for tag in np.unique(mesh.tissue)}
    try:
        table.of(sorted(present))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--conductivity'") from error
    usual = Conductivities().values
    if lacking := [tag for tag, value in table.values.items() if usual.get(tag) != value and tag not in present]:
        raise click.BadParameter(
            f"the mesh holds no tissue {', '.join(map(str, lacking))}; it holds {tissues_in_words(mesh)}",
            param_hint="'--conductivity'",
        )


def tissues_in_words(mesh: "TetrahedralMesh") -> str:
    """The tissues of a mesh by tag and name, for a person who has to choose one."""
    import numpy as np

    from anodyne.head import tissue_name

    return ", ".join(f"{tag} ({tissue_name(int(tag))})" for tag in np.unique(mesh.tissue))
