"""Whether a dose may be given, and the doses of a plan, as a person asks for them."""

import json
from copy import deepcopy

import pytest

from anodyne.plan import plan_document, write_document
from anodyne.protocol import STOKES_SLOPE
from anodyne.units import mm, percent

RAPID = ("--stimulator", "magstim-rapid2", "--coil", "magstim-70mm")
WHO = "A. Example, consultant in pain medicine: all else was tried"


def checking(protocol, *words, rmt=52):
    return ("protocol", "check", protocol, "--rmt-percent", rmt, *RAPID, *words)


def flat(text):
    return " ".join(text.split())


def test_a_dose_inside_the_tested_range(succeed):
    text = succeed(*checking("fm-tanwar"))
    assert max(map(len, text.splitlines())) <= 80
    words = flat(text)
    assert "May be given: inside the tested range." in words
    assert "46.8 % of output, 53.69 A/µs: 90 % of a threshold of 52 %" in words
    assert "two people must check" in words
    assert "Research software, not a medical device." in words
    for table in ("wassermann-rossi", "chen", "chen-interval", "published-rtms", "stimulators, magstim-rapid2"):
        assert table in words
    assert "Rossi 2009, table 4; recalled]" in words


def test_the_check_for_a_program(succeed):
    document = json.loads(succeed(*checking("fm-mhalla", "--json")))
    assert document["verdict"] == "as-published"
    assert document["allowed"] is True
    assert document["output_percent"] == pytest.approx(41.6)
    assert document["stimulator"] == "magstim-rapid2"
    train = document["findings"][0]
    assert train["table"] == "wassermann-rossi"
    assert "Mhalla 2011" in train["precedent"]
    assert train["certainty"] == "recalled"
    assert document["disclaimer"] == "Research software, not a medical device."


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (checking("fm-short", rmt=50), "is blocked: A train of 5 s at 10 Hz and 120 % of threshold is longer than"),
        (checking("fm-mhalla", "--intensity-percent", 85), "needs a named consultant's override"),
        (checking("fm-mhalla", "--modifier", "tramadol"), "raised by 1 for what lowers the seizure threshold"),
        (checking("fm-mhalla", "--threshold-method", "visual"), "needs a named consultant's override"),
        (checking("ocd-dTMS", rmt=90), "at most 15 Hz at 90 % of output"),
        (checking("fm-short", "--override", WHO, rmt=50), "an override cannot lift that"),
    ],
)
def test_what_may_not_be_given_is_shown_and_ends_with_one_sentence(run, place, words, says):
    result = run(*words)
    assert result.exit_code == 1
    assert "Not to be given" in result.stdout
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert says in result.stderr
    in_json = run(*words, "--json")
    assert in_json.exit_code == 1
    assert json.loads(in_json.stdout)["allowed"] is False


def test_an_override_allows_and_is_shown(succeed):
    words = checking("fm-mhalla", "--intensity-percent", 85, "--override", WHO)
    text = flat(succeed(*words))
    assert "May be given, with an override" in text
    assert "A. Example, consultant in pain medicine: all else was tried" in text
    override = json.loads(succeed(*words, "--json"))["override"]
    assert override["who"] == "A. Example"
    assert override["when"].endswith("+00:00")


def test_another_pause_is_judged_and_held_against_the_supply(run):
    close = run(*checking("fm-mhalla", "--inter-train-interval", 3))
    assert close.exit_code == 1
    assert "needs a named consultant's override" in close.stderr
    strong = run(*checking("fm-mhalla", "--inter-train-interval", 3, "--intensity-percent", 100, rmt=95))
    assert "lengthen the pause" in flat(strong.stdout)


def test_what_lowers_the_seizure_threshold_is_named(succeed):
    text = flat(succeed(*checking("fm-tanwar", "--modifier", "Tramadol", "--modifier", "tricyclic")))
    assert "Tramadol (medicine) raises the verdict by one step for its kind." in text
    assert "inside the tested range, raised for what lowers the seizure threshold" in text


def test_peripheral_stimulation_takes_the_same_way(succeed):
    words = ("--intensity-percent", 100, "--site", "left median nerve at the wrist")
    text = flat(succeed(*checking("rPMS-np", *words)))
    for phrase in ("published-peripheral", "peripheral-intensity", "45 °C", "left median nerve at the wrist"):
        assert phrase in text


def test_magpro_says_what_is_not_known(succeed):
    text = flat(
        succeed(
            *("protocol", "check", "fm-passard", "--rmt-percent", 50, "--stimulator", "magventure-x100"),
            *("--coil", "magventure-c-b60"),
        )
    )
    assert "The energy of a pulse of MagVenture MagPro X100 is not known" in text


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("protocol", "check", "fm-tanwar", "--rmt-percent", 52, "--stimulator", "rapid3", *RAPID[2:]), 1, "rapid"),
        (checking("fm-tanwer"), 1, "did you mean 'fm-tanwar'"),
        (checking("fm-tanwar", rmt=10), 2, "outside 20 to 100 %"),
        (checking("fm-lee-LF"), 2, "choose one with --intensity-percent"),
        (checking("rPMS-4f", "--intensity-percent", 90), 1, "pulse pattern is not known"),
        (checking("fm-carretero", rmt=95), 1, "more than it has"),
        (checking("fm-tanwar", "--modifier", "tramadoll"), 1, "'tramadol'"),
        (checking("fm-tanwar", "--override", "A. Example, nurse: because it is wanted"), 2, "consultant's to give"),
        (checking("fm-tanwar", "--override", "yes"), 2, "NAME, ROLE: REASON"),
        (checking("fm-tanwar", "--sessions-per-day", 0), 2, "sessions-per-day"),
        (checking("stms-aura"), 2, "fixed output"),
    ],
)
def test_refusals(refuse, words, status, says):
    assert says in refuse(*words, status=status)


@pytest.fixture
def document(planned):
    return plan_document(planned.plan)


@pytest.fixture
def plan_folder(place, document):
    return written(place / "plan", document)


def written(folder, document):
    folder.mkdir()
    write_document(folder / "plan.json", document)
    return folder


def aimed(document, name, magnitude):
    """The same plan with the coil over another target, where it gives another field."""
    other = deepcopy(document)
    other["target"]["name"] = name
    other["e_field"]["regions"][0] |= {"name": name, "magnitude_v_per_m": magnitude}
    return other


def test_doses_of_a_plan_stand_beside_plain_percent(succeed, plan_folder, document):
    text = succeed("plan", "dose", plan_folder)
    assert max(map(len, text.splitlines())) <= 80
    assert "→ % of threshold" in text
    assert "(Stokes)" in text
    told = json.loads(succeed("plan", "dose", plan_folder, "--json"))
    plain, stokes = told["doses"]
    assert plain["output_percent"] == pytest.approx(46.8)
    assert plain["difference_from_plain_percent"] == 0
    region = document["e_field"]["regions"][0]
    assert plain["field_v_per_m"] == pytest.approx(region["magnitude_v_per_m"], rel=1e-4)
    depths = {each["name"]: each["scalp_to_cortex_mm"] * mm for each in document["e_field"]["regions"]}
    deeper = depths["right-dlpfc"] - depths["right-m1-hand"]
    output = 0.9 * (0.52 + STOKES_SLOPE.known * deeper)
    assert stokes["output_percent"] == pytest.approx(output / percent, rel=1e-4)


def test_the_field_that_was_wanted_comes_out(succeed, plan_folder, document):
    now = document["e_field"]["regions"][0]["magnitude_v_per_m"]
    told = json.loads(succeed("plan", "dose", plan_folder, "--field", now * 1.1, "--json"))
    chosen = next(dose for dose in told["doses"] if dose["chosen"])
    assert chosen["method"] == "field"
    assert chosen["field_v_per_m"] == pytest.approx(now * 1.1, rel=1e-4)
    assert chosen["difference_from_plain_percent"] == pytest.approx(10, rel=1e-2)
    assert told["check"]["intensity_percent_of_threshold"] == pytest.approx(99, rel=1e-3)


def test_the_field_of_the_motor_cortex_comes_from_a_plan_there(succeed, plan_folder, place, document):
    now = document["e_field"]["regions"][0]["magnitude_v_per_m"]
    motor = written(place / "motor", aimed(document, "right-m1-hand", now * 1.2))
    told = json.loads(succeed("plan", "dose", plan_folder, "--m1-equivalent", "--m1-plan", motor, "--json"))
    chosen = next(dose for dose in told["doses"] if dose["chosen"])
    assert chosen["method"] == "m1-equivalent"
    assert chosen["percent_of_threshold"] == pytest.approx(108, rel=1e-3)
    assert chosen["field_v_per_m"] == pytest.approx(now * 1.2, rel=1e-3)


def test_another_threshold_moves_every_dose(succeed, plan_folder):
    told = json.loads(succeed("plan", "dose", plan_folder, "--rmt-percent", 60, "--json"))
    assert told["doses"][0]["output_percent"] == pytest.approx(54)


def test_a_dose_by_field_beyond_the_tables_is_shown_and_not_given(run, place, document):
    document["protocol"]["inter_train_interval"] = {"value": 30.0, "certainty": "assumed", "source": "chosen"}
    plan_folder = written(place / "plan", document)
    now = document["e_field"]["regions"][0]["magnitude_v_per_m"]
    result = run("plan", "dose", plan_folder, "--field", now * 1.7)
    assert result.exit_code == 1
    assert "Not to be given" in result.stdout
    assert "needs a named consultant's override" in result.stderr
    allowed = run("plan", "dose", plan_folder, "--field", now * 1.7, "--override", WHO)
    assert allowed.exit_code == 0


def test_more_than_the_stimulator_has_is_refused(refuse, plan_folder, document):
    now = document["e_field"]["regions"][0]["magnitude_v_per_m"]
    line = refuse("plan", "dose", plan_folder, "--field", min(now * 3, 1000), status=1)
    assert "% of stimulator output, more than it has" in line


def test_other_refusals_of_a_plan(refuse, plan_folder, place, document):
    assert "--m1-plan" in refuse("plan", "dose", plan_folder, "--m1-equivalent", status=2)
    assert "keep one" in refuse("plan", "dose", plan_folder, "--stokes", "--field", 50, status=2)
    assert "nowhere" in refuse("plan", "dose", "nowhere", status=1)
    elsewhere = written(place / "elsewhere", aimed(document, "left-dlpfc", 60.0))
    assert "aims at left-dlpfc" in refuse("plan", "dose", plan_folder, "--m1-plan", elsewhere, status=1)
    stranger = aimed(document, "right-m1-hand", 60.0)
    stranger["coil"]["name"] = "another"
    other = written(place / "stranger", stranger)
    assert "another coil" in refuse("plan", "dose", plan_folder, "--m1-plan", other, status=1)
    bare = deepcopy(document)
    bare["e_field"]["regions"] = bare["e_field"]["regions"][:1]
    shallow = written(place / "shallow", bare)
    assert "does not say how far right-m1-hand is" in refuse("plan", "dose", shallow, "--stokes", status=1)
    alone = refuse("plan", "dose", plan_folder, "--target-distance-mm", 15, status=2)
    assert "belong together" in alone


def test_measured_distances_stand_in_for_the_plans(succeed, plan_folder):
    words = ("--stokes", "--target-distance-mm", 18, "--m1-distance-mm", 15, "--json")
    told = json.loads(succeed("plan", "dose", plan_folder, *words))
    chosen = next(dose for dose in told["doses"] if dose["chosen"])
    assert chosen["output_percent"] == pytest.approx(0.9 * 61)
    assert chosen["output_range_percent"] == pytest.approx([0.9 * 60.1, 0.9 * 61])


def test_a_protocol_is_shown_with_its_verdict(succeed):
    text = flat(succeed("protocol", "show", "fm-short"))
    assert "Against limits" in text
    assert "is blocked: A train of 5 s at 10 Hz and 120 % of threshold is longer than the limit of 4.2 s" in text
    assert "two people must check" in text
    limits = json.loads(succeed("protocol", "show", "fm-mhalla", "--json"))["limits"]
    assert limits["verdict"] == "as-published"
    assert "two people" in limits["note"]


def test_a_plan_carries_its_verdict(planned):
    text = " ".join(planned.plan.warnings)
    assert "Against limits: fibromyalgia-1hz-right-dlpfc is inside the tested range" in text
    assert "two people must check" in text


def test_the_side_of_the_threshold_can_be_another(succeed, place, document):
    for region in document["e_field"]["regions"]:
        if region["name"] == "left-m1-hand":
            region["scalp_to_cortex_mm"] += 2
    folder = written(place / "plan", document)
    own, other = (
        json.loads(succeed("plan", "dose", folder, "--stokes", "--m1-side", side, "--json"))["doses"][-1]
        for side in ("right", "left")
    )
    assert other["output_percent"] == pytest.approx(own["output_percent"] - 0.9 * 6, abs=0.3)


def test_a_plan_for_another_region_than_the_protocols_has_no_precedent(run, place, document):
    mhalla = json.loads(run("protocol", "show", "fm-mhalla", "--json").stdout)
    for key in ("limits", "warnings"):
        mhalla.pop(key)
    document["protocol"] = mhalla
    elsewhere = run("plan", "dose", written(place / "plan", document))
    assert elsewhere.exit_code == 1
    assert "needs a named consultant's override" in elsewhere.stderr


def test_a_deep_coil_is_known_by_its_name(run):
    words = ("protocol", "check", "fm-tanwar", "--rmt-percent", 52, "--stimulator", "magstim-rapid2")
    document = json.loads(run(*words, "--coil", "magstim-double-cone", "--json").stdout)
    assert document["findings"][0]["table"] == "published-deep-coil"
