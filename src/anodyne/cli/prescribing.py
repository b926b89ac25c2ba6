"""What a person may ask of a plan, whoever it is for: the options that ``plan make`` and ``cohort plan`` share."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.options import Decorator, NameOrPoint, Number, coil_option, conductivities, conductivity_option
from anodyne.cli.placing import PLACING_OPTIONS, ceilings, placing
from anodyne.cli.solvers import solver_option
from anodyne.units import mm, percent

if TYPE_CHECKING:
    from anodyne.coil import Coil
    from anodyne.head import Target
    from anodyne.plan import Prescription
    from anodyne.protocol import Protocol

SPACES = ("mni", "head", "t1")
RMT = Number(unit="%", low=20, high=100)
"""A resting motor threshold in % of stimulator output."""

peak_option: Decorator = click.option(
    "--maximum-di-dt", type=Number(unit="A/s", low=1e5, high=1e9), metavar="A/S",
    help="Rate of current at full output in A/s, for a coil file that states none, or as measured on your "
    "stimulator.",
)  # fmt: skip

intensity_option: Decorator = click.option(
    "--intensity-percent", type=Number(unit="%", low=1, high=200),
    help="Intensity in % of the threshold in place of the protocol's own.",
)  # fmt: skip

interval_option: Decorator = click.option(
    "--inter-train-interval", type=Number(unit="s", low=0), metavar="SECONDS",
    help="Pause between trains, where the protocol's source reports none or another is wanted.",
)  # fmt: skip

_OPTIONS: tuple[Decorator, ...] = (
    click.option(
        "--target", type=NameOrPoint(), metavar="NAME|x,y,z",
        help="Where to stimulate: a name (see 'anodyne target list') or a point in mm. Default: the protocol's target.",
    ),
    click.option(
        "--space", type=click.Choice(SPACES), default="mni", show_default=True,
        help="The space of a point: MNI152, the head's own, or its T1's.",
    ),
    click.option(
        "--protocol", required=True, metavar="NAME|FILE",
        help="A published protocol's name (see 'anodyne protocol list'), or your own: FILE.yaml or FILE.yaml:NAME.",
    ),
    coil_option,
    peak_option,
    intensity_option,
    interval_option,
    click.option(
        "--pain-side", type=click.Choice(["left", "right"]),
        help="The side of the pain, for protocols that stimulate the opposite side.",
    ),
    click.option(
        "--hair-mm", type=Number(unit="mm", low=0, high=50), default=2.0, show_default=True,
        help="Distance kept between scalp and casing, for hair.",
    ),
    *PLACING_OPTIONS,
    solver_option("How the field at the chosen placement is solved; fem2 if not given."),
    conductivity_option,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The shared options as they were given; what the command line leaves open comes from the protocol.

    Attributes
    ----------
    target : a name, or a point in mm in `space`; None for the protocol's own
    protocol, coil : names or files
    maximum_di_dt : A/s
    inter_train_interval : s
    direction : in head space
    solver : a name, None for the default
    ceiling : places and their V/m
    conductivity : tags and their S/m
    """

    target: str | tuple[float, ...] | None
    space: str
    protocol: str
    coil: str
    maximum_di_dt: float | None
    intensity_percent: float | None
    inter_train_interval: float | None
    pain_side: str | None
    hair_mm: float
    objective: str
    direction: tuple[float, ...] | None
    ceiling: tuple[tuple[str, float], ...]
    navigation: str | None
    solver: str | None
    conductivity: tuple[tuple[int, float], ...]

    def prescription(
        self, protocol: "Protocol", rmt_percent: float, target: str | tuple[float, ...] | None = None
    ) -> "Prescription":
        """What is wanted for one person with this threshold, at a target of that person's own if one is given."""
        from anodyne.field import find_solver
        from anodyne.plan import Prescription, SearchGrid

        _refuse_body(protocol)
        wanted = target if target is not None else self.target
        return Prescription(
            target=_own_target(protocol, self.pain_side) if wanted is None else target_of(wanted, self.space),
            protocol=protocol,
            rmt=rmt_percent * percent,
            intensity=None if self.intensity_percent is None else self.intensity_percent * percent,
            inter_train_interval=self.inter_train_interval,
            **placing(self.objective, self.direction, self.navigation),
            ceilings=ceilings(self.ceiling),
            grid=SearchGrid(hair=self.hair_mm * mm),
            solver=find_solver(self.solver).name,
            conductivities=conductivities(self.conductivity),
        )

    def find_coil(self) -> "Coil":
        """The coil, with the rate of current from the command line if one was given."""
        return coil_with_peak(self.coil, self.maximum_di_dt)


def coil_with_peak(name: str, maximum_di_dt: float | None) -> "Coil":
    """A coil, with another rate of current (A/s) than its own if one is given."""
    from anodyne.coil import find_coil

    coil = find_coil(name)
    return coil if maximum_di_dt is None else replace(coil, maximum_di_dt=maximum_di_dt)


def _refuse_body(protocol: "Protocol") -> None:
    """Raise `click.UsageError` for a protocol that stimulates the body."""
    from anodyne.protocol import Modality

    if protocol.modality is Modality.PERIPHERAL:
        raise click.UsageError(
            f"{protocol.name} stimulates the body ({protocol.target.known.name}), so it has no target in the head; "
            "plan it with 'anodyne plan peripheral'",
            click.get_current_context(),
        )


def refuse_unless_stated(protocol: "Protocol", intensity: float | None) -> None:
    """Raise `click.UsageError` for a protocol whose source reports no intensity where none was chosen."""
    from anodyne.protocol import IntensityBasis

    unstated = protocol.intensity.value is None and protocol.intensity_basis is not IntensityBasis.FIXED_OUTPUT
    if unstated and intensity is None:
        raise click.UsageError(
            f"the source of {protocol.name} reports no intensity; choose one with --intensity-percent",
            click.get_current_context(),
        )


def prescribing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the shared options, which it receives together as ``wanted``."""

    @wraps(command)
    def gathered(*arguments: Any, **given: Any) -> Any:
        shared = {name: given.pop(name) for name in Wanted.__dataclass_fields__}
        return command(*arguments, wanted=Wanted(**shared), **given)

    optioned: Callable[..., Any] = gathered
    for option in reversed(_OPTIONS):
        optioned = option(optioned)
    return optioned


def refuse_unless_dosed(prescription: "Prescription", coil: "Coil") -> None:
    """Refuse a protocol without an intensity, and a dose that the coil's stimulator cannot give.

    Raises
    ------
    click.UsageError : the protocol's source reports no intensity and none was chosen, or it takes none
    SafetyRefusal : the stimulator cannot give it, or the coil's peak dI/dt is not known
    """
    from anodyne.plan import dose_for

    refuse_unless_stated(prescription.protocol, prescription.intensity)
    try:
        dose_for(coil, prescription)
    except ValueError as error:
        raise click.UsageError(str(error), click.get_current_context()) from error


def target_of(wanted: str | tuple[float, ...], space: str) -> "Target":
    """The target of a name, or at a point in mm.

    Raises
    ------
    UnknownName : no such name
    click.UsageError : a point that is none
    """
    from anodyne.head import Space, find_target, point_target

    if isinstance(wanted, str):
        return find_target(wanted)
    try:
        return point_target([coordinate * mm for coordinate in wanted], Space(space))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--target'") from error


def _own_target(protocol: "Protocol", pain_side: str | None) -> "Target":
    """The target that the protocol itself names."""
    from anodyne.head import find_target
    from anodyne.protocol import Side

    try:
        name = protocol.target_name(None if pain_side is None else Side(pain_side))
    except ValueError as error:
        context = click.get_current_context()
        raise click.UsageError(f"{error}; add --pain-side or --target", context) from error
    return find_target(name)
