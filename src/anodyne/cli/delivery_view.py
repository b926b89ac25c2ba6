"""A delivery on a terminal, as it goes on and when it is over."""

from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from anodyne.disclaimer import DISCLAIMER
from anodyne.units import CELSIUS_ZERO, A_per_us, degree, mm, ms, percent

if TYPE_CHECKING:
    from anodyne.stimulator import DeliveryOrder, DeliveryStatus

STYLES = {
    "firing": "bold white on dark_red",
    "armed": "bold black on yellow",
    "arming": "bold black on yellow",
    "faulted": "bold white on red",
    "stopped": "bold white on red",
    "paused": "bold black on bright_cyan",
    "done": "bold black on green",
}
KEYS = "space or enter: I am here    p: pause    any other key: STOP"
KEYS_PAUSED = "r: go on    any other key: STOP"
KEYS_UNCERTAIN = "g: take it as given and go on    n: it was not given, go on    any other key: STOP"


def live_view(order: "DeliveryOrder", status: "DeliveryStatus", title: str, *, keys: bool) -> RenderableType:
    """The delivery as it is now."""
    head = Text.assemble((f" {status.state.upper()} ", STYLES.get(status.state, "bold reverse")), "  ", status.message)
    parts: list[RenderableType] = [head, ""]
    if order.site is not None:
        parts += [_on_the_body(order), ""]
    parts += [_progress(status), "", _numbers(order, status)]
    if status.holding:
        parts += ["", Text.assemble(("Held up: ", "bold yellow"), "; ".join(status.holding))]
    if status.uncertain is not None and status.state in ("paused", "faulted"):
        number, pulses = status.uncertain
        words = f"Nobody knows how much of train {number} was given: up to {pulses} pulses."
        parts += ["", Text(words, style="bold yellow")]
    if keys and status.state not in ("done", "stopped"):
        parts += ["", Text(_keys(status), style="dim")]
    return Panel(Group(*parts), title=title, subtitle=Text(DISCLAIMER, style="bold yellow"), padding=(1, 2))


def _on_the_body(order: "DeliveryOrder") -> RenderableType:
    """Where the coil is held, and what the output is relative to."""
    assert order.site is not None
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=16, style="dim")
    grid.add_column()
    grid.add_row("site", Text(f"{order.site.in_words} (held there by your word)"))
    grid.add_row("threshold", f"{order.rmt / percent:.4g} % of output: {order.threshold_by.threshold_in_words}")
    return grid


def _keys(status: "DeliveryStatus") -> str:
    if status.state not in ("paused", "faulted"):
        return KEYS
    return KEYS_PAUSED if status.uncertain is None else KEYS_UNCERTAIN


def _progress(status: "DeliveryStatus") -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=16, style="dim")
    grid.add_column(width=30)
    grid.add_column()
    train = "complete" if status.train is None else f"train {status.train} of {status.trains}"
    grid.add_row("session", _bar(status.pulses_given, status.pulses_planned), f"{_of(status, whole=True)}   {train}")
    if status.train is not None:
        grid.add_row("train", _bar(status.train_pulses, status.train_planned), _of(status, whole=False))
    return grid


def _bar(done: int, total: int) -> ProgressBar:
    return ProgressBar(total=max(total, 1), completed=min(done, total), width=30, complete_style="cyan")


def _of(status: "DeliveryStatus", *, whole: bool) -> str:
    done, total = (status.pulses_given, status.pulses_planned) if whole else (status.train_pulses, status.train_planned)
    return f"{done} of {total} pulses"


def _numbers(order: "DeliveryOrder", status: "DeliveryStatus") -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for width, style in ((16, "dim"), (20, ""), (14, "dim"), (32, "")):
        grid.add_column(width=width, style=style)
    cells = [
        ("remaining", _minutes(status.remaining)),
        ("next train in", "–" if status.next_start_in is None else _minutes(status.next_start_in)),
        ("power", _beside(status.power, status.device_power, percent, "%", ".0f")),
        ("dI/dt", _beside(status.planned_di_dt, status.di_dt, A_per_us, "A/µs", ".1f")),
        ("coil", _temperature(order, status)),
        _place(order, status),
        ("keep-alive late", f"{status.keep_alive_worst / ms:.0f} ms at worst"),
        ("start late", f"{status.start_jitter_worst / ms:.0f} ms at worst"),
    ]
    for (left, left_value), (right, right_value) in zip(cells[::2], cells[1::2], strict=True):
        grid.add_row(left, left_value, right, right_value)
    return grid


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d} min"


def _beside(planned: float | None, found: float | None, unit: float, name: str, digits: str) -> str:
    """A planned value, and what the stimulator says beside it with how far that is off."""
    if planned is None:
        return "–"
    words = f"{planned / unit:{digits}} {name}"
    if found is None:
        return words
    off = f"{100 * (found / planned - 1):+.1f}"
    return f"{words}, is {found / unit:{digits}}" + ("" if float(off) == 0 else f" ({off} %)")


def _temperature(order: "DeliveryOrder", status: "DeliveryStatus") -> str:
    limit = order.maximum_coil_temperature - CELSIUS_ZERO
    if status.coil_temperature is None:
        return f"? of {limit:.0f} °C"
    return f"{status.coil_temperature - CELSIUS_ZERO:.1f} of {limit:.0f} °C"


def _place(order: "DeliveryOrder", status: "DeliveryStatus") -> tuple[str, str]:
    """How far the coil is off; on the body how long it was warm, by the rule of heat at the skin."""
    heat = order.heat_limit
    if heat is None:
        return "coil is off by", _deviation(status)
    warm = "not known" if status.heat_time is None else _minutes(status.heat_time).removesuffix(" min")
    return f"above {heat.sustained - CELSIUS_ZERO:.0f} °C", f"{warm} of {_minutes(heat.sustained_for)}"


def _deviation(status: "DeliveryStatus") -> str:
    if status.deviation_distance is None or status.deviation_angle is None:
        return "not known"
    return f"{status.deviation_distance / mm:.1f} mm, {status.deviation_angle / degree:.1f}°"


def summary_document(order: "DeliveryOrder", status: "DeliveryStatus", log: str) -> dict[str, Any]:
    """What became of a session, for a program."""
    stop, left = status.stop_latency, status.uncertain
    return {
        "disclaimer": DISCLAIMER,
        "state": status.state,
        "message": status.message,
        "person": order.person,
        "protocol": order.protocol,
        "device": order.device,
        "coil": order.coil,
        "site": None if order.site is None else order.site.words,
        "side": None if order.site is None or order.site.side is None else order.site.side.value,
        "threshold_by": order.threshold_by.value,
        "heat_rule": None if order.heat_limit is None else order.heat_limit.in_words,
        "heat_time_s": None if status.heat_time is None else round(status.heat_time, 1),
        "order_hash": order.hash,
        "pulses_given": status.pulses_given,
        "pulses_planned": status.pulses_planned,
        "trains": status.trains,
        "uncertain": None if left is None else {"train": left[0], "pulses": left[1]},
        "keep_alive_worst_ms": round(status.keep_alive_worst / ms, 2),
        "silence_worst_ms": round(status.contact_gap_worst / ms, 2),
        "start_late_worst_ms": round(status.start_jitter_worst / ms, 2),
        "stop_latency_ms": None if stop is None else round(stop / ms, 2),
        "log": log,
    }


def summary_rows(document: dict[str, Any]) -> list[tuple[str, str]]:
    """The same for a person."""
    rows = [
        (
            "session",
            document["message"] if document["state"] == "stopped" else f"{document['state']}: {document['message']}",
        ),
        ("pulses", f"{document['pulses_given']} of {document['pulses_planned']}"),
        ("keep-alive", f"{document['keep_alive_worst_ms']:.0f} ms late at worst"),
        ("trains", f"started {document['start_late_worst_ms']:.0f} ms late at worst"),
        ("log", document["log"]),
        ("order", document["order_hash"]),
    ]
    if document["heat_time_s"] is not None:
        warm = f"{document['heat_time_s']:.0f} s above the lower limit; {document['heat_rule']}"
        rows.insert(4, ("heat of the coil", warm))
    if document["stop_latency_ms"] is not None:
        rows.insert(2, ("STOP", f"disarmed {document['stop_latency_ms']:.0f} ms after it was said"))
    if document["uncertain"] is not None:
        left = document["uncertain"]
        rows.insert(2, ("uncertain", f"train {left['train']}, up to {left['pulses']} pulses"))
    return rows
