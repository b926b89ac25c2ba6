"""``anodyne plan peripheral`` and what comes of it: the plan shown, refused where a head is needed, and delivered."""

import json
import os
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from anodyne.cli.delivery_view import live_view
from anodyne.plan import peripheral_document, read_any_plan, write_document
from anodyne.protocol import BodySite, IntensityBasis, Side
from anodyne.stimulator import (
    CoilWarmth,
    DeliveryOrder,
    DeliveryStatus,
    Emulator,
    Habits,
    LogEvent,
    MagProEmulator,
    MagProModel,
    PlannedTrain,
    Rapid2Emulator,
    TrainSettings,
    order_from_data,
    read_log,
)

SPEED = 1.5
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
WHO = "Dr A. Bell, consultant in pain medicine: the dose was tolerated in the first course"
COILS = {"rapid2": "magstim-70mm", "magpro": "magventure-cool-b65"}


def planning(protocol="rPMS-MSK", *more, coil="magstim-70mm", site="median nerve at the wrist") -> list[object]:
    return [
        *("plan", "peripheral", "--protocol", protocol, "--site", site, "--side", "left", "--coil", coil),
        *("--threshold-percent", 50, "--intensity-percent", 90, *more),
    ]


@pytest.fixture
def undrawn(monkeypatch):
    """Plans that are written without their reports."""
    from anodyne.files import replacing_folder

    def write(folder, plan, progress):
        with replacing_folder(folder, marker="plan.json") as temporary:
            write_document(temporary / "plan.json", peripheral_document(plan))

    monkeypatch.setattr("anodyne.plan.write_peripheral_plan", write)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_plan_from_words_to_report(run, place):
    result = run(*planning(), "--out", "plan")
    assert result.exit_code == 0, result.stderr
    assert {path.name for path in (place / "plan").iterdir()} == {"plan.json", "report.html", "report.pdf", "figures"}
    document = read_any_plan(place / "plan")
    assert document["site"] == {"words": "median nerve at the wrist", "side": "left"}
    assert document["dose"]["output_percent"] == 45
    assert document["stimulator"] == "magstim-rapid2"
    assert max(map(len, result.stdout.splitlines())) <= 80
    words = flat(result.stdout)
    for phrase in (
        "over the left median nerve at the wrist",
        "50 % of output: the twitch threshold at the site",
        "45 % (90 % of the threshold)",
        "May be given: outside the tested range, but as in a cited published protocol.",
        "strength at the site",
        "stop at 45 °C, or when more than 41 °C have lasted 9 of 20 min",
        "not that of the skin",
        "plan/report.html",
        "Research software, not a medical device.",
    ):
        assert phrase in words


@pytest.mark.usefixtures("undrawn")
def test_plan_shown_later_and_for_programs(succeed, place):
    made = json.loads(succeed(*planning(), "--out", "plan", "--quiet", "--json"))
    assert json.loads(succeed("plan", "show", "plan", "--json")) == made
    words = flat(succeed("plan", "show", "plan/plan.json"))
    assert made["protocol"]["evidence"]["citation"] in words
    assert all(check in words for check in made["checks_by_two_people"])
    assert all(flat(warning) in words for warning in made["warnings"])
    assert "published-peripheral" in words
    assert "Research software, not a medical device." in words


@pytest.mark.usefixtures("undrawn")
def test_threshold_by_comfort_is_called_that(succeed):
    words = ("plan", "peripheral", "--protocol", "rPMS-np", "--site", "sural nerve", "--threshold-percent", 40)
    coil = ("--coil", "magstim-70mm", "--intensity-percent", 100, "--firmware", 9)
    document = json.loads(succeed(*words, *coil, "--out", "plan", "--quiet", "--json"))
    assert document["dose"]["threshold_by"] == "tolerance"
    assert document["site"]["side"] is None
    assert document["circumstances"]["firmware"] == 9
    assert "comfort threshold (strongest tolerated output)" in flat(succeed("plan", "show", "plan"))


@pytest.mark.usefixtures("undrawn")
def test_dose_that_needs_an_override_is_planned_with_the_warning(succeed):
    words = flat(succeed(*planning(), "--modifier", "tramadol", "--quiet", "--out", "plan"))
    assert "Not to be given: outside: needs a named consultant's override" in words
    assert "without one it is not delivered" in words
    allowed = json.loads(
        succeed(*planning(), "--modifier", "tramadol", "--override", WHO, "--quiet", "--json", "--out", "plan")
    )
    assert allowed["dose_check"]["override"]["who"] == "Dr A. Bell"
    assert allowed["circumstances"]["modifiers"] == ["tramadol"]


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (planning("fm-tanwar"), 2, "'anodyne plan make'"),
        (planning("rPMS-4f"), 1, "does not report rate, pulses and trains"),
        (planning("rPMS-MSKK"), 1, "did you mean 'rPMS-MSK'"),
        (planning(site=""), 2, "a muscle or a nerve in words"),
        (planning(site="  "), 2, "a muscle or a nerve in words"),
        (planning(site="right wrist"), 2, "the side is left and the site's words say right"),
        (planning("rPMS-MSK", "--side", "middle"), 2, "'middle' is not one of"),
        (planning("rPMS-np", "--intensity-percent", 110), 1, "is blocked"),
        (planning("rPMS-MSK", "--stimulator", "magventure-x100"), 1, "take a coil of this stimulator"),
        (planning("rPMS-MSK", "--stimulator", "rapid3"), 1, "no stimulator is named"),
        (planning("rPMS-MSK", "--modifier", "seizure-within-a-year"), 1, "is blocked"),
        (planning("rPMS-MSK", "--threshold-percent", 10), 2, "outside 20 to 100 %"),
        (planning("rPMS-MSK", "--maximum-di-dt", "nan"), 2, "not a finite number"),
        (planning(coil="magstim-70"), 1, "magstim-70mm"),
        (planning()[:-2], 2, "choose one with --intensity-percent"),
        (
            [
                *("plan", "make", "template", "--protocol", "rPMS-MSK", "--target", "left-m1-hand"),
                *("--coil", "magstim-70mm", "--rmt-percent", 50),
            ],
            2,
            "'anodyne plan peripheral'",
        ),
    ],
)
def test_refusals(refuse, words, status, says):
    assert says in refuse(*words, "--out", "plan", status=status)


@pytest.mark.usefixtures("undrawn")
def test_what_needs_a_head_refuses_a_plan_for_the_body(succeed, refuse):
    succeed(*planning(), "--out", "plan", "--quiet")
    assert "is a plan for the body" in refuse("plan", "dose", "plan", status=1)


def test_folder_of_something_else_is_left_alone(refuse, place):
    (place / "letters").mkdir()
    (place / "letters" / "one.txt").write_text("mine")
    assert "holds something else" in refuse(*planning(), "--out", "letters", status=1)


# ------------------------------------------------------------------------------------------------ delivery

needs_terminals = pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")


@pytest.fixture
def emulator_served(on_a_port):
    """A stimulator of a make on a port, in hurried time, with habits of its own."""

    def served(make: str, **habits: object):
        def made(now: float) -> Emulator:
            given = {"now": now, "habits": Habits(**habits)}
            return Rapid2Emulator(**given) if make == "rapid2" else MagProEmulator(model=MagProModel.X100, **given)

        return on_a_port(made, SPEED)

    return served


@pytest.fixture
def body_plan(succeed, place, undrawn):
    """Makes a plan; more than one train, 3 s apart, are closer than was published and need an override."""

    def made(coil: str, *more: object, pulses: int = 10, trains: int = 2) -> str:
        succeed(*planning("rPMS-MSK", *more, coil=coil), "--out", "plan", "--quiet")
        document = read_any_plan(place / "plan")
        document["protocol"] |= {
            "rate": 10.0, "pulses_per_train": pulses, "trains": trains, "pulses_per_session": trains * pulses,
            "inter_train_interval": 3.0, "session_duration": None,
        }  # fmt: skip
        write_document(place / "plan" / "plan.json", document)
        return coil

    return made


def delivering(port: str, coil: str, *more: object, override: bool = True) -> list[object]:
    return [
        *("stimulator", "deliver", "plan", "--port", port, "--person", "P-017", "--threshold-date", YESTERDAY),
        *("--coil-attached", coil, "--pose-fixed", "--yes-hearing-protection", "--present", "--speed", SPEED, *more),
        *(("--override", WHO) if override else ()),
    ]


@needs_terminals
@pytest.mark.parametrize("make", ["rapid2", "magpro"])
def test_session_of_a_peripheral_plan_to_its_record(emulator_served, succeed, place, body_plan, make):
    coil = body_plan(COILS[make])
    with emulator_served(make) as (port, emulator):
        said = flat(succeed(*delivering(port, coil, "--log", "log")))
    assert "20 of 20" in said
    assert "left median nerve at the wrist" in said
    assert "0 s above the lower limit" in said
    assert "Research software, not a medical device." in said
    assert [pulse.power for pulse in emulator.pulses] == [pytest.approx(0.45)] * 20
    order = order_from_data(read_log(place / "log").lines[0].facts["order"])
    assert order.site.in_words == "left median nerve at the wrist"
    assert order.threshold_by.value == "twitch-threshold"
    assert order.rmt == 0.5
    assert order.maximum_coil_temperature == pytest.approx(313.15)


@needs_terminals
def test_record_of_another_site_is_another_order(emulator_served, run, succeed, place, body_plan):
    coil = body_plan(COILS["magpro"], trains=1)
    with emulator_served("magpro") as (port, emulator):
        told = [json.loads(line) for line in succeed(*delivering(port, coil, "--log", "log", "--json")).splitlines()]
        assert told[-1]["summary"]["site"] == "median nerve at the wrist"
        assert told[-1]["summary"]["side"] == "left"
        assert told[0]["status"]["heat_time"] is not None
        document = read_any_plan(place / "plan")
        document["site"]["side"] = "right"
        write_document(place / "plan" / "plan.json", document)
        refused = run(*delivering(port, coil, "--log", "log"))
        assert refused.exit_code == 1
        assert "another order" in refused.stderr
        signed = run(*delivering(port, coil, "--log", "other", "--signed", told[-1]["summary"]["order_hash"]))
        assert "changed after it was signed" in signed.stderr
        assert len(emulator.pulses) == 10


@needs_terminals
def test_coil_that_warms_the_skin_ends_the_session_by_the_rule(emulator_served, run, place, body_plan, monkeypatch):
    """A site may allow a MagPro's coil more than the usual 40 °C; then the rule of heat at the skin still holds."""
    coil = body_plan(COILS["magpro"], pulses=50)
    (place / "site.toml").write_text("[delivery]\nmaximum_coil_temperature_celsius = 60\n", encoding="utf-8")
    monkeypatch.setenv("ANODYNE_SITE", "site.toml")
    with emulator_served("magpro", warmth=CoilWarmth(kelvin_per_joule=0.02), hottest=400.0) as (port, emulator):
        result = run(*delivering(port, coil, "--log", "log"))
    assert result.exit_code == 1
    assert "45 °C is the limit" in flat(result.stderr)
    assert "not of the skin" in flat(result.stderr)
    assert 15 < len(emulator.pulses) < 50
    assert not emulator.machine.stage.is_armed
    paused = [line for line in read_log(place / "log").lines if line.event is LogEvent.PAUSED]
    assert "FDA K210021" in paused[0].facts["why"]


@needs_terminals
def test_what_the_plan_was_checked_for_holds_for_its_delivery(emulator_served, run, succeed, body_plan):
    with emulator_served("magpro") as (port, emulator):
        coil = body_plan(COILS["magpro"], "--modifier", "tramadol", trains=1)
        refused = run(*delivering(port, coil, override=False))
        assert refused.exit_code == 1
        assert "raised by 1 for what lowers the seizure threshold" in refused.stderr
        assert emulator.pulses == []
        succeed(*delivering(port, coil))
        assert len(emulator.pulses) == 10
        body_plan(COILS["magpro"], trains=1)
        succeed(*delivering(port, coil, "--log", "another", override=False))
        assert len(emulator.pulses) == 20


@needs_terminals
@pytest.mark.parametrize(
    ("options", "status", "reason"),
    [
        (("--pose", "pose.txt"), 2, "no pose to hold --pose against"),
        (("--site", "sural nerve"), 2, "the site is the plan's, the left median nerve at the wrist"),
        (("--threshold-date", "2020-01-01"), 1, "the twitch threshold at the site of 2020-01-01"),
        (("--coil-attached", "magstim-90mm"), 1, "attach the right one"),
        (("--power-percent", "40"), 1, "another dose needs another plan"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(emulator_served, run, body_plan, options, status, reason):
    coil = body_plan(COILS["rapid2"])
    with emulator_served("rapid2") as (port, emulator):
        result = run(*delivering(port, coil, *options))
    assert result.exit_code == status
    assert reason in flat(result.stderr)
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert emulator.pulses == []


def test_view_says_where_and_by_what_and_how_warm():
    order = DeliveryOrder(
        plan_hash="0" * 64, protocol="rPMS-np", person="P-017", device="magventure-x100", coil="magventure-cool-b65",
        trains=(PlannedTrain(settings=TrainSettings(power=0.4, rate=0.5, pulses=100), wait_after=0.0),),
        pose_tolerance=None, maximum_coil_temperature=317.15, peak_di_dt=150e6, rmt=0.4,
        rmt_measured=date(2026, 11, 18), rmt_age_limit=604800.0, threshold_by=IntensityBasis.TOLERANCE,
        site=BodySite(words="sural nerve", side=Side.LEFT),
    )  # fmt: skip
    status = DeliveryStatus(
        state="checking", train=1, trains=1, pulses_given=0, pulses_planned=100, train_pulses=0, train_planned=100,
        remaining=200.0, next_start_in=None, power=0.4, device_power=0.4, di_dt=None, planned_di_dt=60e6,
        coil_temperature=315.15, deviation_distance=0.0, deviation_angle=0.0, keep_alive_worst=0.0,
        contact_gap_worst=0.5, start_jitter_worst=0.0, stop_latency=None, holding=("heat of the coil",),
        uncertain=None, message="waiting", heat_time=545.0,
    )  # fmt: skip
    console = Console(width=100, record=True, file=StringIO())
    console.print(live_view(order, status, "a session", keys=True))
    shown = console.export_text()
    for words in (
        "left sural nerve (held there by your word)", "40 % of output: comfort threshold (strongest tolerated output)",
        "42.0 of 44 °C", "above 41 °C", "9:05 of 9:00 min", "Held up: heat of the coil", "not a medical device",
    ):  # fmt: skip
        assert words in shown
    assert "coil is off by" not in shown


@needs_terminals
def test_operator_vouches_for_where_the_coil_is_held(emulator_served, run, body_plan):
    coil = body_plan(COILS["rapid2"])
    with emulator_served("rapid2") as (port, _):
        result = run(*[word for word in delivering(port, coil) if word != "--pose-fixed"])
    assert result.exit_code == 2
    assert "you vouch that the coil is held at the left median nerve at the wrist" in flat(result.stderr)
