"""``anodyne threshold``: measure a threshold pulse by pulse, read evoked potentials, compare methods."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.options import Number, figure_option, json_option, quiet_option
from anodyne.cli.outputs import rehearse_file
from anodyne.cli.talk import Talk
from anodyne.disclaimer import DISCLAIMER
from anodyne.units import percent

if TYPE_CHECKING:
    from anodyne.cli.threshold_log import ThresholdLog
    from anodyne.protocol import (
        EmgEpoch,
        MethodScore,
        ResponseObservation,
        ThresholdResult,
        ThresholdSearch,
        VirtualPatient,
    )

METHODS = ("pest", "samt", "samt-adaptive", "ifcn", "mills-nithi", "bayes", "comfort")
DEFAULT_START, WEAK_START = 50.0, 20.0
"""% of output; the second for a measurement that begins where a pulse is hardly felt (assumed)."""

MOST_SUBJECTS = 20_000
MICROVOLT = 1e-6


@click.group()
def threshold() -> None:
    """Motor thresholds: measured pulse by pulse, and the methods to do so compared."""


@threshold.command("measure")
@click.option(
    "--method", type=click.Choice(METHODS), required=True,
    help="ML-PEST, stochastic approximation (fixed or adaptive steps), IFCN 5 of 10, Mills-Nithi, or MAP-Bayes; "
    "comfort for the strongest output that is tolerated, as peripheral stimulation may be dosed.",
)  # fmt: skip
@click.option(
    "--start-percent", type=Number(unit="%", low=1, high=100), metavar="%",
    help=f"The first pulse in % of output, best where an answer is expected; {DEFAULT_START:g} if not given, "
    f"{WEAK_START:g} for comfort.",
)  # fmt: skip
@click.option(
    "--maximum-percent", type=Number(unit="%", low=1, high=100), default=100.0, show_default=True, metavar="%",
    help="No pulse is proposed above this.",
)  # fmt: skip
@click.option(
    "--resolution-percent", type=Number(unit="%", low=0, high=10), default=1.0, show_default=True, metavar="%",
    help="The smallest step in which the stimulator is set.",
)  # fmt: skip
@click.option(
    "--step-percent", type=Number(unit="%", low=0.1, high=10), metavar="%",
    help="Between levels, for ifcn (1 or 2), mills-nithi and comfort.  [default: 1, comfort 2]",
)  # fmt: skip
@click.option(
    "--pulses", type=click.IntRange(1, 200), metavar="N",
    help="How many pulses, for the other methods.  [default: 25]",
)  # fmt: skip
@click.option("--visual", is_flag=True, help="Responses are seen by eye; the result is flagged as likely too high.")
@click.option(
    "--site", default="", metavar="WORDS",
    help="Of peripheral stimulation: the muscle or nerve beneath the coil, and side. Its twitch is then what is sought "
    "and carries no flag.",
)  # fmt: skip
@click.option(
    "--emg-folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="FOLDER",
    help="Read each answer from the newest epoch (.csv or .npz) that the recorder leaves in FOLDER.",
)  # fmt: skip
@click.option(
    "--virtual", type=click.IntRange(min=0), metavar="SEED",
    help="Measure a virtual patient instead of asking; the same SEED is the same patient.",
)  # fmt: skip
@click.option(
    "--log", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Keep every pulse in FILE as it is given; a measurement begun there goes on.",
)  # fmt: skip
@figure_option("every pulse and the threshold")
@json_option("the result")
@quiet_option
def measure(
    method: str,
    start_percent: float | None,
    maximum_percent: float,
    resolution_percent: float,
    step_percent: float | None,
    pulses: int | None,
    visual: bool,
    site: str,
    emg_folder: Path | None,
    virtual: int | None,
    log: Path | None,
    figure: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure a threshold: says the next intensity, takes the answer, and shows where the threshold lies.

    Answer y or n, or type the amplitude in µV. With --virtual nobody is asked. No pulse is given by this program.
    Research software, not a medical device.
    """
    from anodyne.cli.threshold_log import no_log, open_log
    from anodyne.protocol import ThresholdMethod, VirtualPatient, begin_search, conclude_search

    seen = _observation(method, visual, emg_folder, virtual, site)
    if start_percent is None:
        start_percent = min(WEAK_START if method == "comfort" else DEFAULT_START, maximum_percent)
    if figure is not None:
        rehearse_file(figure)
    try:
        search = begin_search(
            ThresholdMethod(method),
            start=start_percent * percent,
            maximum=maximum_percent * percent,
            resolution=resolution_percent * percent,
            step=None if step_percent is None else step_percent * percent,
            pulses=pulses,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    patient = None if virtual is None else VirtualPatient(virtual)
    settings = {
        "method": method,
        "start_percent": start_percent,
        "maximum_percent": maximum_percent,
        "resolution_percent": resolution_percent,
        "step_percent": step_percent,
        "pulses": pulses,
        "observation": seen.value,
        "site": site,
        "virtual_seed": virtual,
    }
    with no_log() if log is None else open_log(log, settings) as record:
        search = record.replayed(search)
        if patient is not None:
            search, rejected = _measured_on(patient, search, record)
        else:
            from anodyne.cli.threshold_dialogue import Dialogue

            search, rejected = Dialogue(search, record, seen, emg_folder, quiet=quiet).held()
    result = conclude_search(search, seen, site=site)
    if figure is not None:
        _draw_search(search, figure)
    _show(result, search, patient, rejected, as_json)


def _observation(
    method: str, visual: bool, emg_folder: Path | None, virtual: int | None, site: str
) -> "ResponseObservation":
    """By what responses are seen.

    Raises
    ------
    click.UsageError : options that contradict each other
    """
    from anodyne.protocol import ResponseObservation

    if method == "comfort" and (visual or virtual is not None or emg_folder is not None):
        raise click.UsageError("comfort is the person's own word; leave out --visual, --virtual and --emg-folder")
    if visual and (virtual is not None or emg_folder is not None):
        raise click.UsageError("--visual is for answers seen by eye; leave out --virtual and --emg-folder")
    if virtual is not None and emg_folder is not None:
        raise click.UsageError("a virtual patient has an EMG of its own; leave out --emg-folder")
    if virtual is not None and site:
        raise click.UsageError("a virtual patient is stimulated over the motor cortex; leave out --site")
    if method == "comfort":
        return ResponseObservation.WORD
    return ResponseObservation.VISUAL if visual else ResponseObservation.EMG


def _measured_on(
    patient: "VirtualPatient", search: "ThresholdSearch", record: "ThresholdLog"
) -> "tuple[ThresholdSearch, int]":
    """The search at its end, answered by a virtual patient's EMG, and how many pulses did not count."""
    from anodyne.protocol import read_mep

    for _ in range(record.pulses_given):
        patient.emg(0.5)  # what it answered before this measurement was interrupted is behind it
    rejected = record.rejected
    while not search.is_finished:
        intensity = search.next_intensity
        reading = read_mep(patient.emg(intensity))
        if reading.is_preactivated:
            rejected += 1
            record.reject(intensity, reading.in_words)
            continue
        record.answer(intensity, reading.responded, reading.amplitude)
        search = search.record(reading.responded, amplitude=reading.amplitude)
    return search, rejected


def _draw_search(search: "ThresholdSearch", path: Path) -> None:
    from anodyne.cli.figures import save_figure, without_windows

    without_windows()
    from anodyne.protocol.threshold.plot import plot_search

    figure = plot_search(search).figure.get_figure(root=True)
    save_figure(figure, path)


def _show(
    result: "ThresholdResult", search: "ThresholdSearch", patient: "VirtualPatient | None", rejected: int, as_json: bool
) -> None:
    from anodyne.cli.tables import caution, facts, heading, remarks, show, show_json

    if as_json:
        show_json(_document(result, search, patient, rejected))
        return
    found = result.threshold
    pairs = [
        *([("site", result.site)] if result.site else []),
        (result.sought, "none" if found is None else f"{100 * found:.1f} % of stimulator output"),
        ("interval", "none" if result.interval is None else _interval_in_words(result)),
        ("method", result.method),
        ("responses", result.observation.in_words),
        ("pulses", f"{result.pulses} counted, {rejected} not counted"),
    ]
    if patient is not None:
        pairs += _truth(patient, found)
    warnings = result.warnings()
    parts = [remarks(warnings, title="Warnings", style="yellow")] if warnings else []
    words = result.in_words
    title = result.sought[0].upper() + result.sought[1:]
    show(heading(title, words[0].upper() + words[1:]), caution(DISCLAIMER), facts(pairs), *parts)


def _interval_in_words(result: "ThresholdResult") -> str:
    assert result.interval is not None
    return f"{result.interval.in_words} ({result.interval.basis.value})"


def _truth(patient: "VirtualPatient", found: float | None) -> list[tuple[str, str]]:
    seed = "virtual, seed " + ", ".join(map(str, patient.seed))
    error = "" if found is None else f"; the estimate is {100 * (found / patient.threshold - 1):+.1f} % off"
    return [("patient", seed), ("true threshold", f"{100 * patient.threshold:.1f} % of stimulator output{error}")]


def _document(
    result: "ThresholdResult", search: "ThresholdSearch", patient: "VirtualPatient | None", rejected: int
) -> dict[str, Any]:
    document = {
        "sought": result.sought,
        "site": result.site or None,
        "threshold_percent": _percent(result.threshold),
        "interval_percent": _interval(result),
        "interval_level_percent": None if result.interval is None else _percent(result.interval.level),
        "interval_basis": None if result.interval is None else result.interval.basis.value,
        "outcome": result.outcome.value,
        "method": result.method,
        "observation": result.observation.value,
        "flagged_visual": result.is_visual,
        "pulses": result.pulses,
        "pulses_not_counted": rejected,
        "maximum_percent": _percent(result.maximum),
        "in_words": result.in_words,
        "warnings": list(result.warnings()),
        "trials": [
            {
                "intensity_percent": _percent(trial.intensity),
                "responded": trial.responded,
                "amplitude_uv": None if trial.amplitude is None else round(trial.amplitude / MICROVOLT, 2),
            }
            for trial in search.trials
        ],
        "disclaimer": DISCLAIMER,
    }
    if patient is not None:
        document |= {"virtual_seed": patient.seed[0], "true_threshold_percent": _percent(patient.threshold)}
    return document


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else round(fraction / percent, 4)


def _interval(result: "ThresholdResult") -> list[float | None] | None:
    if result.interval is None:
        return None
    ends = (result.interval.low, result.interval.high)
    return [_percent(end) if 0 < end < float("inf") else None for end in ends]


@threshold.command("read")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option(
    "--largest-baseline-uv", type=Number(unit="µV", low=1, high=1000), default=50.0, show_default=True, metavar="µV",
    help="The range of the EMG before the pulse above which the muscle was active (recalled: 50 to 100).",
)  # fmt: skip
@figure_option("the last epoch with its windows")
@json_option("every reading")
def read(files: tuple[Path, ...], largest_baseline_uv: float, figure: Path | None, as_json: bool) -> None:
    """Read motor evoked potentials from epochs of EMG (.csv or .npz, time and EMG in columns named with units)."""
    from anodyne.cli.tables import caution, show, show_json, table
    from anodyne.errors import UnreadableFile
    from anodyne.protocol import MepCriteria, read_epoch, read_mep

    criteria = MepCriteria(largest_baseline=largest_baseline_uv * MICROVOLT)
    rows = []
    if figure is not None:
        rehearse_file(figure)
    for path in files:
        epoch = read_epoch(path)
        try:
            reading = read_mep(epoch, criteria)
        except ValueError as error:
            raise UnreadableFile(f"{path} cannot be used: {error}") from error
        rows.append(
            {
                "file": str(path),
                "amplitude_uv": round(reading.amplitude / MICROVOLT, 2),
                "before_the_pulse_uv": round(reading.baseline_range / MICROVOLT, 2),
                "first_peak_ms": round(reading.latency * 1e3, 2),
                "active_before": reading.is_preactivated,
                "responded": reading.responded and not reading.is_preactivated,
            }
        )
    if figure is not None:
        _draw_epoch(epoch, criteria, figure)
    if as_json:
        show_json(rows)
        return
    cells = [
        (
            Path(str(row["file"])).name,
            f"{row['amplitude_uv']:.0f}",
            f"{row['before_the_pulse_uv']:.0f}",
            f"{row['first_peak_ms']:.1f}",
            "not counted: active before" if row["active_before"] else "response" if row["responded"] else "no response",
        )
        for row in rows
    ]
    columns = ["file", ">peak to peak (µV)", ">before (µV)", ">first peak (ms)", "answer"]
    show(table(columns, cells), caution(DISCLAIMER))


def _draw_epoch(epoch: "EmgEpoch", criteria: Any, path: Path) -> None:
    from anodyne.cli.figures import save_figure, without_windows

    without_windows()
    from anodyne.protocol.threshold.plot import plot_epoch

    figure = plot_epoch(epoch, criteria).figure.get_figure(root=True)
    save_figure(figure, path)


@threshold.command("compare")
@click.option(
    "--subjects", type=click.IntRange(10, MOST_SUBJECTS), default=600, show_default=True, metavar="N",
    help="How many virtual patients.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Which virtual patients.")
@click.option(
    "--maximum-percent", type=Number(unit="%", low=20, high=100), default=100.0, show_default=True, metavar="%",
    help="The most the stimulator gives.",
)  # fmt: skip
@click.option(
    "--resolution-percent", type=Number(unit="%", low=0, high=10), default=0.0, show_default=True, metavar="%",
    help="The smallest step in which it is set; 0 for none, as in the reference simulation.",
)  # fmt: skip
@figure_option("errors against pulses, and the pulses used,")
@json_option("every figure")
@quiet_option
def compare(
    subjects: int,
    seed: int,
    maximum_percent: float,
    resolution_percent: float,
    figure: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Try every method on the same virtual patients, and hold their errors against the reference simulation's."""
    from anodyne.cli.comparison_view import comparison_document, show_comparison
    from anodyne.protocol import compare_threshold_methods, virtual_patients

    if figure is not None:
        rehearse_file(figure)
    with Talk(quiet=quiet) as talk:
        with talk.progress.stage(f"draw {subjects} virtual patients"):
            patients = virtual_patients(subjects, seed)
        scores = compare_threshold_methods(
            patients,
            maximum=maximum_percent * percent,
            resolution=resolution_percent * percent,
            progress=talk.progress,
        )
    if figure is not None:
        _draw_comparison(scores, figure, f"{subjects} virtual patients, first pulse where 95 % are answered")
    if as_json:
        from anodyne.cli.tables import show_json

        show_json(comparison_document(patients, scores, seed))
        return
    show_comparison(patients, scores, seed)


def _draw_comparison(scores: "tuple[MethodScore, ...]", path: Path, title: str) -> None:
    from anodyne.cli.figures import save_figure, without_windows

    without_windows()
    from anodyne.protocol.threshold.plot import comparison_figure

    save_figure(comparison_figure(scores, title), path)
