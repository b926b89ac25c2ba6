"""``anodyne stimulator``: models, what is on a port, and emulators to practise and test with."""

import errno
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.options import Number, json_option
from anodyne.cli.talk import Talk
from anodyne.disclaimer import DISCLAIMER
from anodyne.units import CELSIUS_ZERO, percent

if TYPE_CHECKING:
    from anodyne.protocol import DeviceModel, Fact
    from anodyne.stimulator import Clock, DeviceState, Emulator, Identity, PlannedFault, Witness

UNSURE = ("fitted", "recalled", "assumed")
VERSIONS = ("v5", "v7", "v9", "v10")
MAKES = ("rapid2", "magpro")
SHOWN_POWERS = (0.3, 0.5, 0.8, 1.0)
"""Fractions of maximum output at which rates are listed: those of the published tables."""


@click.group()
def stimulator() -> None:
    """Stimulators: what models can do, what is on a port, and emulators."""


@stimulator.command("list")
@json_option("the models")
def list_(as_json: bool) -> None:
    """List the models of stimulator, what each can do, and how surely that is known."""
    from anodyne.cli.tables import caution, show, show_json, table
    from anodyne.protocol import DEVICES

    if as_json:
        show_json([_model_document(model) for model in DEVICES.values()])
        return
    rows = [
        (
            f"{model.name}\n  {model.label}",
            *(f"{model.maximum_rate(power):g}{_star(model.maximum_rates)}" for power in SHOWN_POWERS),
            _number(model.full_energy),
            _number(model.most_pulses),
        )
        for model in DEVICES.values()
    ]
    note = (
        "Columns in %: the highest rate in Hz at that power, in % of maximum output; between two of its powers a model "
        "is taken to give the lower rate. J: energy of a pulse at full output. Pulses: most in one train. * fitted, "
        "recalled or assumed; ? not known. '--json' gives each fact with its certainty and source."
    )
    powers = [f">{power / percent:.0f} %" for power in SHOWN_POWERS]
    show(table(["name", *powers, ">J", ">pulses"], rows), note, caution(DISCLAIMER))


def _star(fact: "Fact[Any]") -> str:
    return "*" if fact.certainty.value in UNSURE else " "


def _number(fact: "Fact[Any]") -> str:
    return "? " if fact.value is None else f"{fact.value:g}{_star(fact)}"


def _model_document(model: "DeviceModel") -> dict[str, Any]:
    from dataclasses import fields

    from anodyne.protocol import Fact

    facts = {each.name: getattr(model, each.name) for each in fields(model)}
    return {
        "name": model.name,
        "label": model.label,
        "maker": model.maker,
        "aliases": list(model.aliases),
        "mains_v": model.mains,
        "facts": {
            name: {"value": _plain(fact.value), "certainty": fact.certainty.value, "source": fact.source}
            for name, fact in facts.items()
            if isinstance(fact, Fact)
        },
        "notes": list(model.notes),
    }


def _plain(value: Any) -> Any:
    """A fact's value in numbers and lists, SI."""
    from dataclasses import asdict, is_dataclass

    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


port_option = click.option(
    "--port", required=True, metavar="PATH", help="The serial port, or what an emulator printed."
)


@stimulator.command("probe")
@port_option
@json_option("what is known of the device")
def probe(port: str, as_json: bool) -> None:
    """Say which stimulator is on a port and how it is; changes nothing on it.

    A Magstim does not say which Rapid² it is; it is shown as the one that can do least.
    """
    from anodyne.cli.tables import caution, facts, heading, show, show_json
    from anodyne.stimulator import open_stimulator

    opened = open_stimulator(port)
    try:
        identity, state = opened.identify(), opened.state()
    finally:
        opened.close()
    if as_json:
        show_json(_probe_document(port, identity, state))
        return
    pairs = [
        ("port", port),
        ("firmware", identity.firmware or "not told"),
        ("serial number", identity.serial or "not told"),
        ("coil", (identity.coil or "connected") if state.coil_present else "none"),
        ("coil temperature", _celsius(state)),
        ("power", "not told" if state.power is None else f"{state.power / percent:.0f} % of maximum output"),
        ("state", _stage(state)),
        ("fault", "none" if state.fault is None else f"{state.fault.in_words}; {state.fault.advice}"),
    ]
    notes = [] if identity.serial else ["A Magstim does not say which Rapid² it is; this is the one that can do least."]
    show(heading(opened.device.label, identity.model), facts(pairs), *notes, caution(DISCLAIMER))


def _celsius(state: "DeviceState") -> str:
    if state.coil_temperature is None:
        return "not told"
    return f"{state.coil_temperature - CELSIUS_ZERO:.1f} °C"


def _stage(state: "DeviceState") -> str:
    if state.running:
        return "a train is running"
    stage = "ready" if state.ready else "armed" if state.armed else "standby"
    return f"{stage}, {'in' if state.remote else 'not in'} remote control"


def _probe_document(port: str, identity: "Identity", state: "DeviceState") -> dict[str, Any]:
    temperature = state.coil_temperature
    return {
        "port": port,
        "model": identity.model,
        "firmware": identity.firmware,
        "serial": identity.serial,
        "coil": identity.coil,
        "coil_present": state.coil_present,
        "coil_temperature_celsius": None if temperature is None else round(temperature - CELSIUS_ZERO, 2),
        "power": state.power,
        "remote": state.remote,
        "armed": state.armed,
        "ready": state.ready,
        "running": state.running,
        "fault": None if state.fault is None else state.fault.value,
    }


class FaultText(click.ParamType["PlannedFault"]):
    """A fault to emulate, and when: ``silent``, ``silent@30``, ``partial~60``."""

    name = "name[@seconds]"

    def convert(
        self, value: "str | PlannedFault", param: click.Parameter | None, ctx: click.Context | None
    ) -> "PlannedFault":
        """The planned fault."""
        from anodyne.errors import UnknownName
        from anodyne.stimulator import PlannedFault

        if isinstance(value, PlannedFault):
            return value
        try:
            return PlannedFault.from_text(value)
        except (UnknownName, ValueError) as error:
            hint = "see 'anodyne stimulator emulate --help'"  # a usage error says so of itself
            self.fail(str(error).removesuffix(f" ({hint})").removesuffix(f"; {hint}"), param, ctx)


@stimulator.command("emulate")
@click.argument("make", type=click.Choice(MAKES))
@click.option(
    "--version", type=click.Choice(VERSIONS, case_sensitive=False), help="Firmware of a rapid2; v9 unless given."
)
@click.option("--model", metavar="NAME", help="Which model of the make, as in 'anodyne stimulator list'.")
@click.option(
    "--fault",
    "faults",
    type=FaultText(),
    metavar="NAME[@SECONDS]",
    multiple=True,
    help="What goes wrong: at once, after SECONDS, or, as NAME~SECONDS, at random every so often; may be repeated.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of everything that is random; 0 unless given.")
@click.option(
    "--speed",
    type=Number(unit="times real time", low=0.01, high=1000),
    default=1.0,
    help="How many times as fast as real time it lives; its user must hurry as much.",
)
@click.option(
    "--truth",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write every pulse and event into FILE as it happens, one JSON object a line.",
)
def emulate(
    make: str,
    version: str | None,
    model: str | None,
    faults: "tuple[PlannedFault, ...]",
    seed: int,
    speed: float,
    truth: Path | None,
) -> None:
    """Run a stimulator that is only a program: rapid2 (Magstim Rapid²) or magpro (MagVenture MagPro).

    Prints the path of a pseudo-terminal, on which it answers as a stimulator on a serial port would, and runs until
    it is stopped with Ctrl-C or SIGTERM.

    \b
    Faults:
      dropped-byte, wrong-checksum, partial, late, noise   of the next answer
      unknown-command, state-conflict    the next command is refused
      read-back-mismatch                 the next power set is 3 % too high
      reset, remote-lost                 it restarts, or leaves remote control
      silent, port-lost, not-a-stimulator                  from then on
      coil-absent, coil-hot, replace-coil, fatal-error     from then on
    """
    from anodyne.stimulator import RealClock, ScaledClock, registered, serve

    clock: Clock = RealClock() if speed == 1 else ScaledClock(speed)
    stop = Event()
    with ExitStack() as lasting, _truth_file(truth) as witness, _stopped_by_signals(stop), Talk(quiet=False) as talk:
        begin = clock.now()
        emulator = _emulator(make, version, model)(faults=faults, seed=seed, witness=_since(begin, witness), now=begin)
        witness({"time": 0.0, "event": "start", "make": make, "speed": speed, "seed": seed})

        def announce(path: str) -> None:
            lasting.enter_context(registered(path))
            click.echo(path)
            talk.remark(f"An emulated {make} answers there until Ctrl-C. {DISCLAIMER}")

        serve(emulator, clock, announce=announce, stop=stop)
        witness({"time": round(clock.now() - begin, 6), "event": "stop"})


def _emulator(make: str, version: str | None, model: str | None) -> "Callable[..., Emulator]":
    """What makes the emulator that was asked for."""
    from functools import partial

    from anodyne.protocol import find_device
    from anodyne.stimulator import MagProEmulator, MagProModel, Make, Rapid2Emulator, Rapid2Firmware

    device = find_device(model) if model is not None else None
    if device is not None and Make.of_device(device).value != make:
        raise click.BadParameter(f"a {device.name} is no {make}", param_hint="'--model'")
    if make == "rapid2":
        firmware = Rapid2Firmware[(version or "v9").upper()]
        return partial(Rapid2Emulator, firmware=firmware, device=device)
    if version is not None:
        raise click.BadParameter("a magpro has no versions here; choose a --model", param_hint="'--version'")
    if device is None:
        return MagProEmulator
    chosen = next(each for each in MagProModel if each.device_name == device.name)
    return partial(MagProEmulator, model=chosen)


def _since(begin: float, witness: "Witness") -> "Witness":
    """A witness told of times since `begin`, s."""
    return lambda event: witness({**event, "time": round(event["time"] - begin, 6)})


@contextmanager
def _truth_file(path: Path | None) -> "Iterator[Witness]":
    """A witness that writes each event at once; one that writes nothing without a path."""
    if path is None:
        yield lambda event: None
        return
    from anodyne.errors import CannotWrite

    def refusal(error: OSError) -> CannotWrite:
        return CannotWrite(f"cannot write {path}: {error.strerror or error}; choose another place")

    try:
        file = path.open("wb", buffering=0)  # each line goes to the system whole, whatever then happens to us
    except OSError as error:
        raise refusal(error) from error

    def write(event: Mapping[str, Any]) -> None:
        line = json.dumps(event, ensure_ascii=False).encode() + b"\n"
        try:
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise refusal(error) from error

    with file:
        yield write


@contextmanager
def _stopped_by_signals(stop: Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM set `stop` instead of ending the program."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.signal(each, lambda *_: stop.set()) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
