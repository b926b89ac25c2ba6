"""``anodyne threshold``: measuring, reading and comparing, and what is refused."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import anodyne.cli.threshold_dialogue
from anodyne.cli import main
from anodyne.protocol import VirtualPatient


@pytest.fixture
def talk(place):
    """Hold a dialogue: words of the command, then what is typed; gives the result of the run."""

    def hold(*words, typed):
        result = CliRunner().invoke(main, ["threshold", "measure", *map(str, words)], input="\n".join(typed) + "\n")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return hold


VIRTUAL = ("threshold", "measure", "--virtual", "7")


@pytest.mark.parametrize("method", ["pest", "samt", "samt-adaptive", "ifcn", "mills-nithi", "bayes"])
def test_a_virtual_patient_is_measured(succeed, method):
    document = json.loads(succeed(*VIRTUAL, "--method", method, "--start-percent", "75", "--json"))
    assert abs(document["threshold_percent"] / document["true_threshold_percent"] - 1) < 0.12
    assert document["pulses"] == len(document["trials"])
    assert document["flagged_visual"] is False
    low, high = document["interval_percent"]
    assert low < document["threshold_percent"] < high
    assert "not a medical device" in document["disclaimer"]
    assert all(trial["intensity_percent"] == round(trial["intensity_percent"]) for trial in document["trials"])


def test_the_same_seed_is_the_same_measurement(succeed):
    words = (*VIRTUAL, "--method", "samt", "--json")
    assert succeed(*words) == succeed(*words)


def test_on_a_terminal_with_a_figure(succeed, place):
    text = succeed(*VIRTUAL, "--method", "pest", "--figure", "search.png")
    assert "not a medical device" in text
    assert "true threshold" in text
    assert max(map(len, text.splitlines())) <= 80
    assert (place / "search.png").stat().st_size > 10_000


def test_a_person_answers(talk):
    typed = ["y", "u", "n", "120", "30,5", "x", "nonsense", "", "-3", "y", "q"]
    result = talk("--method", "samt", "--start-percent", "60", "--json", typed=typed)
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert [trial["responded"] for trial in document["trials"]] == [False, True, False, True]
    assert [trial["amplitude_uv"] for trial in document["trials"]] == [None, 120.0, 30.5, None]
    assert document["pulses_not_counted"] == 1
    assert document["outcome"] == "running"
    assert any("provisional" in warning for warning in document["warnings"])
    talked = result.stderr
    assert "one pulse at 60 %, " in talked
    assert "s or more after the last" in talked
    assert "'nonsense' is no answer" in talked
    assert "cannot be an amplitude" in talked
    assert "not a medical device" in talked
    assert "interval" in talked


def test_visual_answers_are_flagged_and_have_no_amplitude(talk):
    result = talk("--method", "ifcn", "--visual", "--start-percent", "50", "--json", typed=["80", *"yyyyy", *"nnnnnn"])
    document = json.loads(result.stdout)
    assert document["threshold_percent"] == 50
    assert document["observation"] == "visual"
    assert document["flagged_visual"] is True
    assert any("11.3 %" in warning for warning in document["warnings"])
    assert "Without EMG there is no amplitude" in result.stderr


def test_undoing_nothing(talk):
    assert "nothing to undo" in talk("--method", "pest", typed=["u", "q"]).stderr


def test_no_threshold_up_to_the_maximum(talk):
    result = talk("--method", "ifcn", "--start-percent", "100", typed=list("nnnnnn"))
    assert result.exit_code == 0
    assert "No threshold up to 100 %" in " ".join(result.stdout.split())


def test_a_log_is_gone_on_with_after_an_interruption(talk, place):
    words = ("--method", "pest", "--start-percent", "60", "--pulses", "6", "--log", "mt.jsonl", "--json")
    broken = talk(*words, typed=["y", "u", "y", "x", "n"])
    assert broken.exit_code == 130
    kept = (place / "mt.jsonl").read_bytes()
    assert [json.loads(line).get("event") for line in kept.splitlines()][1:] == [
        "pulse", "undone", "pulse", "not-counted", "pulse",
    ]  # fmt: skip
    (place / "mt.jsonl").write_bytes(kept + b'{"event": "pul')
    rest = talk(*words, typed=list("yyyy"))
    assert "Going on after 2 pulses" in rest.stderr
    document = json.loads(rest.stdout)
    assert [trial["responded"] for trial in document["trials"]] == [True, False, True, True, True, True]
    assert document["pulses_not_counted"] == 1
    once = talk(*[word for word in words if word not in ("--log", "mt.jsonl")], typed=list("ynyyyy"))
    assert json.loads(once.stdout)["threshold_percent"] == document["threshold_percent"]
    assert json.loads(talk(*words, typed=[]).stdout)["threshold_percent"] == document["threshold_percent"]


def test_a_virtual_log_goes_on_where_it_stopped(succeed, place):
    words = (*VIRTUAL, "--method", "samt", "--json")
    whole = succeed(*words, "--log", "a.jsonl")
    lines = (place / "a.jsonl").read_bytes().splitlines(keepends=True)
    (place / "a.jsonl").write_bytes(b"".join(lines[:9]))
    assert succeed(*words, "--log", "a.jsonl") == whole


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hello\n", "line 1 is not a line of a threshold log"),
        ("[1]\n", "line 1 is not a line of a threshold log"),
        ('{"kind": "anodyne threshold measurement"', "no whole line"),
    ],
)
def test_a_file_that_is_no_log_is_refused(refuse, place, text, says):
    (place / "mt.jsonl").write_text(text)
    assert says in refuse(*VIRTUAL, "--method", "pest", "--log", "mt.jsonl", status=1)


def test_another_measurement_in_the_log_is_refused(succeed, refuse, place):
    succeed(*VIRTUAL, "--method", "samt", "--log", "mt.jsonl")
    told = refuse(*VIRTUAL, "--method", "pest", "--log", "mt.jsonl", status=1)
    assert "holds a measurement with method samt, not pest" in told
    lines = (place / "mt.jsonl").read_text().splitlines(keepends=True)
    (place / "mt.jsonl").write_text("".join([lines[0], *lines[3:]]))
    told = refuse(*VIRTUAL, "--method", "samt", "--log", "mt.jsonl", status=1)
    assert "line 2 does not follow" in told


def test_two_measurements_cannot_share_a_log(talk, refuse, place):
    fcntl = pytest.importorskip("fcntl")
    words = ("--method", "pest", "--log", "mt.jsonl")
    talk(*words, typed=["y", "q"])
    with (place / "mt.jsonl").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        told = refuse("threshold", "measure", *words, status=1)
    assert "another measurement is writing" in told


def write_epoch(path, epoch):
    np.savez(path, time_s=epoch.times, emg_v=epoch.samples)


def test_answers_from_a_folder_of_epochs(place, run, monkeypatch):
    """What the recorder leaves in the folder between two pulses is the answer to the first."""
    folder = place / "emg"
    folder.mkdir()
    patient = VirtualPatient(7)
    write_epoch(folder / "old.npz", patient.emg(1.0))

    strong, weak = VirtualPatient(7).emg(1.0), VirtualPatient(7).emg(0.1)
    active = VirtualPatient(7, preactivation=1.0).emg(1.0)
    steps = iter([
        lambda: None,
        lambda: write_epoch(folder / "1.npz", strong),
        lambda: write_epoch(folder / "2.npz", active),
        lambda: write_epoch(folder / "3.npz", weak),
        lambda: (folder / "4.csv").write_text("nothing") and "",
        lambda: "q",
    ])  # fmt: skip
    words = ["threshold", "measure", "--method", "samt", "--emg-folder", "emg", "--json"]
    monkeypatch.setattr(anodyne.cli.threshold_dialogue.click, "prompt", lambda *_, **__: next(steps)() or "")
    result = run(*words)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert [trial["responded"] for trial in document["trials"]] == [True, False]
    assert document["pulses_not_counted"] == 1
    assert "No new epoch" in result.stderr
    assert "the muscle was active before the pulse" in result.stderr
    assert "4.csv" in result.stderr


def test_epochs_are_read(succeed, place):
    write_epoch(place / "strong.npz", VirtualPatient(7).emg(1.0))
    write_epoch(place / "active.npz", VirtualPatient(7, preactivation=1.0).emg(1.0))
    rows = json.loads(succeed("threshold", "read", "strong.npz", "active.npz", "--json"))
    assert [row["responded"] for row in rows] == [True, False]
    assert [row["active_before"] for row in rows] == [False, True]
    text = succeed("threshold", "read", "strong.npz", "active.npz", "--figure", "epoch.png")
    assert "not counted" in text
    assert "not a medical device" in text
    assert max(map(len, text.splitlines())) <= 80
    assert (place / "epoch.png").stat().st_size > 10_000


def test_unreadable_epochs_are_refused(refuse, place):
    assert "check the name" in refuse("threshold", "read", "none.csv", status=1)
    (place / "short.csv").write_text("time_ms,emg_uv\n" + "".join(f"{0.2 * n:g},1\n" for n in range(300)))
    assert "are needed" in refuse("threshold", "read", "short.csv", status=1)


def test_methods_are_compared(succeed, place):
    words = ("threshold", "compare", "--subjects", "20", "--seed", "3")
    document = json.loads(succeed(*words, "--json"))
    assert document["subjects"] == 20
    by_name = {method["method"]: method for method in document["methods"]}
    assert len(by_name) == 7
    pest = by_name["ML-PEST"]
    assert [error["pulses"] for error in pest["errors"]] == [5, 10, 15, 20, 25]
    assert pest["errors"][0]["reference"]["median_absolute_error_percent"] == 5.4
    assert by_name["five-of-ten, 1 % steps"]["errors"][0]["reference"]["pulses"] == 63
    assert by_name["MAP-Bayes"]["errors"][0]["reference"] is None
    text = succeed(*words, "--figure", "methods.png")
    assert "not a medical device" in text
    assert "(5.40)" in text
    assert max(map(len, text.splitlines())) <= 80
    assert (place / "methods.png").stat().st_size > 20_000


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["measure"], "--method"),
        (["measure", "--method", "guess"], "--method"),
        (["measure", "--method", "pest", "--start-percent", "0"], "outside 1 to 100 %"),
        (["measure", "--method", "pest", "--start-percent", "130"], "outside 1 to 100 %"),
        (["measure", "--method", "pest", "--start-percent", "80", "--maximum-percent", "70"], "within 0 to 70 %"),
        (["measure", "--method", "pest", "--step-percent", "1"], "chooses its own steps"),
        (["measure", "--method", "ifcn", "--pulses", "20"], "stops by its own rule"),
        (["measure", "--method", "ifcn", "--step-percent", "0.5"], "between those of the stimulator"),
        (["measure", "--method", "pest", "--visual", "--virtual", "1"], "leave out"),
        (["measure", "--method", "pest", "--emg-folder", "none"], "--emg-folder"),
        (["measure", "--method", "pest", "--virtual", "1", "--figure", "x.txt"], ".png"),
        (["compare", "--subjects", "1"], "--subjects"),
        (["read"], "FILE"),
    ],
)
def test_mistakes_are_refused(refuse, words, says):
    assert says in refuse("threshold", *words, status=2)


def test_a_log_that_cannot_be_written_is_refused(refuse):
    assert "choose another place" in refuse(*VIRTUAL, "--method", "pest", "--log", "none/mt.jsonl", status=1)


def test_comfort_is_found_from_below_and_named_as_that(talk):
    site = ("--site", "left sural nerve", "--step-percent", "5")
    result = talk("--method", "comfort", *site, "--json", typed=["y", "80", "y", "y", "n"])
    document = json.loads(result.stdout)
    assert [trial["intensity_percent"] for trial in document["trials"]] == [20, 25, 30, 35]
    assert document["threshold_percent"] == 30
    assert document["interval_percent"] is None
    assert (document["sought"], document["site"]) == ("strongest tolerated output", "left sural nerve")
    assert document["observation"] == "word"
    assert "y bearable, n too much" in result.stderr
    assert "Without EMG there is no amplitude" in result.stderr
    shown = talk("--method", "comfort", *site, typed=["y", "n"])
    assert "Strongest tolerated output" in shown.stdout
    assert "not a medical device" in shown.stdout


def test_nothing_bearable_is_said(talk):
    result = talk("--method", "comfort", "--start-percent", "2", "--step-percent", "1", typed=["n", "n"])
    assert "not even the weakest pulse was bearable" in " ".join(result.stdout.split()).lower()


def test_twitch_at_a_site_is_what_is_sought_and_not_flagged(talk):
    words = ("--method", "ifcn", "--visual", "--site", "right trapezius", "--start-percent", "50", "--json")
    document = json.loads(talk(*words, typed=[*"yyyyy", *"nnnnnn"]).stdout)
    assert document["threshold_percent"] == 50
    assert document["flagged_visual"] is False
    assert document["warnings"] == []


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--method", "comfort", "--virtual", "7"), "the person's own word"),
        (("--method", "comfort", "--visual"), "the person's own word"),
        (("--method", "pest", "--virtual", "7", "--site", "left sural nerve"), "leave out --site"),
        (("--method", "comfort", "--pulses", "9"), "stops by its own rule"),
    ],
)
def test_what_contradicts_itself_is_refused(refuse, words, reason):
    assert reason in refuse("threshold", "measure", *words, status=2)
