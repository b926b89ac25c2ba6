"""``anodyne plan`` and ``anodyne demo``: what they make, and everything they refuse."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest

import anodyne.cli.protocol
import anodyne.head
import anodyne.plan
from anodyne.cli.demo import COIL, PROTOCOL, RMT_PERCENT, TARGET
from anodyne.cli.placing import NAVIGATION, OBJECTIVES
from anodyne.cli.prescribing import SPACES
from anodyne.head import Space, layered_sphere, load_head, write_mesh
from anodyne.plan import POSE_ERRORS, Objective, read_plan
from anodyne.units import mm


def changed(words, **options):
    """The words with other values after some options; None drops an option."""
    given = list(words)
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if option in given:
            place = given.index(option)
            del given[place : place + 2]
        if value is not None:
            given += [option, value]
    return given


def test_plan_aims_where_its_protocol_does(succeed, plan_words, hasty, place):
    text = succeed(*plan_words, "--out", "plan")
    document = read_plan(place / "plan")
    assert document["target"]["name"] == "right-dlpfc"
    assert document["dose"]["rmt_percent"] == 52
    assert document["dose"]["output_percent"] == pytest.approx(46.8)
    assert f"{Path('plan') / 'report.html'}" in text
    assert "Research software, not a medical device." in text
    assert max(map(len, text.splitlines())) <= 80
    regions = {region["name"] for region in document["e_field"]["regions"]}
    assert all(name in text for name in regions)
    warnings = " ".join(text.split())
    assert all(" ".join(warning.split()) in warnings for warning in document["warnings"])


def test_plan_shown_later(succeed, plan_words, hasty, place):
    made = json.loads(succeed(*plan_words, "--out", "plan", "--json"))
    assert json.loads(succeed("plan", "show", "plan", "--json")) == made
    assert json.loads(succeed("plan", "show", "plan/plan.json", "--json")) == made
    text = " ".join(succeed("plan", "show", "plan").split())
    assert made["head"]["fingerprint"][:12] in text
    assert made["protocol"]["evidence"]["citation"] in text
    assert all(check in text for check in made["checks_by_two_people"])
    assert "Research software, not a medical device." in text


def test_options_reach_the_plan(succeed, plan_words, hasty):
    words = changed(
        plan_words,
        target="-27,30,18",
        space="head",
        intensity_percent="80",
        inter_train_interval="45",
        hair_mm="4",
        objective="normal-component",
        conductivity="4=0.02",
    )
    succeed(*words, "--out", "plan")
    (prescribed,) = hasty
    np.testing.assert_allclose(prescribed.target.point, [-0.027, 0.030, 0.018])
    assert prescribed.target.space is Space.HEAD
    assert prescribed.rmt == pytest.approx(0.52)
    assert prescribed.intensity == pytest.approx(0.80)
    assert prescribed.inter_train_interval == 45
    assert prescribed.grid.hair == pytest.approx(4 * mm)
    assert prescribed.objective is Objective.NORMAL_COMPONENT
    assert prescribed.conductivities.values[4] == 0.02


def test_what_is_not_said_is_left_to_the_protocol(succeed, plan_words, hasty):
    succeed(*plan_words, "--out", "plan")
    (prescribed,) = hasty
    assert prescribed.target.name == "right-dlpfc"
    assert prescribed.intensity is None
    assert prescribed.inter_train_interval is None


def test_side_of_pain_chooses_the_other_side(succeed, plan_words, hasty):
    words = changed(plan_words, protocol="neuropathic-10hz-contralateral-m1", pain_side="left")
    succeed(*words, "--out", "plan")
    assert hasty[0].target.name == "right-m1-hand"


def test_earlier_plan_is_replaced(succeed, plan_words, hasty, place):
    (place / "plan").mkdir()
    (place / "plan" / "plan.json").write_text("{}")
    (place / "plan" / "old.txt").write_text("old")
    succeed(*plan_words, "--out", "plan")
    assert [path.name for path in (place / "plan").iterdir()] == ["plan.json"]


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        ({"target": "right-dlpf"}, 1, "'right-dlpfc'"),
        ({"target": "1,2"}, 2, "2 coordinates"),
        ({"target": "1,2,nan"}, 2, "not a finite number"),
        ({"target": "1,2,up"}, 2, "not a number"),
        ({"target": "900,0,0"}, 2, "half a metre"),
        ({"target": "0.04,-0.03,0.05"}, 2, "in metres"),
        ({"target": "0,0,0", "space": "talairach"}, 2, "--space"),
        ({"target": "0,0,150", "space": "head"}, 1, "outside the head"),
        ({"protocol": "fibromyalgia-1hz"}, 1, "'fibromyalgia-1hz-left-m1'"),
        ({"coil": "magstim-70"}, 1, "'magstim-70mm'"),
        ({"rmt_percent": "19"}, 2, "outside 20 to 100 %"),
        ({"rmt_percent": "101"}, 2, "outside 20 to 100 %"),
        ({"rmt_percent": "nan"}, 2, "not a finite number"),
        ({"rmt_percent": "half"}, 2, "not a number"),
        ({"rmt_percent": None}, 2, "--rmt-percent"),
        ({"rmt_percent": "95", "intensity_percent": "120"}, 1, "114 %"),
        ({"intensity_percent": "0"}, 2, "outside 1 to 200 %"),
        ({"inter_train_interval": "-1"}, 2, "0 and above s"),
        ({"hair_mm": "51"}, 2, "outside 0 to 50 mm"),
        ({"objective": "power"}, 2, "--objective"),
        ({"conductivity": "4:0.01"}, 2, "TAG=VALUE"),
        ({"protocol": "fibromyalgia-1hz-right-dlpfc-lee"}, 2, "reports no intensity"),
        ({"protocol": "neuropathic-10hz-contralateral-m1"}, 2, "--pain-side"),
        ({"protocol": "peripheral-four-frequency"}, 2, "no target in the head"),
        ({"protocol": "migraine-single-pulse-occiput", "target": "sma"}, 2, "fixed output"),
    ],
)
def test_refused_before_the_work(refuse, plan_words, monkeypatch, options, status, says):
    monkeypatch.setattr(anodyne.plan, "write_plan", None, raising=False)
    assert says in refuse(*changed(plan_words, **options), "--out", "plan", status=status)


def test_refusal_names_the_intensity_option(refuse, plan_words):
    words = changed(plan_words, protocol="fibromyalgia-1hz-right-dlpfc-lee")
    assert "--intensity-percent" in refuse(*words, "--out", "plan", status=2)


def test_coil_without_a_peak_gives_no_dose(refuse, plan_words, place):
    (place / "bare.ccd").write_text("# number of elements\n1\n# elements\n0 0 -0.005 0 0 1\n")
    assert "peak dI/dt" in refuse(*changed(plan_words, coil="bare.ccd"), "--out", "plan", status=1)


@pytest.fixture
def no_work(monkeypatch):
    """Heads are not opened: whoever comes so far has waited for nothing."""

    def opened(*_, **__):
        raise AssertionError("the head was opened")

    monkeypatch.setattr(anodyne.head, "load_head", opened)
    monkeypatch.setattr(anodyne.plan, "write_plan", opened, raising=False)


def test_folder_that_holds_something_else(refuse, plan_words, place, no_work):
    (place / "photos").mkdir()
    (place / "photos" / "cat.jpg").write_text("miaow")
    assert "holds something else" in refuse(*plan_words, "--out", "photos", status=1)
    (place / "file").write_text("a file")
    assert "is a file" in refuse(*plan_words, "--out", "file", status=1)
    assert "file" in refuse(*plan_words, "--out", "file/plan", status=1)


def test_parents_are_made_only_with_the_plan(refuse, succeed, plan_words, hasty, place):
    nowhere = [*plan_words[:2], "nowhere", *plan_words[3:]]
    refuse(*nowhere, "--out", "new/parents/plan", status=1)
    succeed(*plan_words, "--out", "new/parents/plan")
    assert (place / "new" / "parents" / "plan" / "plan.json").is_file()


def test_full_disk_leaves_nothing(refuse, plan_words, hasty, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("anodyne.plan.document.Path.write_text", full)
    assert "is full" in refuse(*plan_words, "--out", "plan", status=1)


@pytest.mark.parametrize("head", ["nowhere", "nowhere.msh", "."])
def test_head_that_is_none(refuse, plan_words, head, hasty):
    words = [*plan_words[:2], head, *plan_words[3:]]
    assert "head" in refuse(*words, "--out", "plan", status=1)


def test_mistyped_template_is_told_its_name(refuse, plan_words, hasty):
    words = [*plan_words[:2], "templat", *plan_words[3:]]
    assert "say template for the embedded head" in refuse(*words, "--out", "plan", status=1)


def test_head_without_cortex(refuse, plan_words, shared):
    words = [*plan_words[:2], shared / "data" / "mesh" / "sphere3.msh", *plan_words[3:]]
    assert "no grey matter" in refuse(*changed(words, target="0,0,80", space="head"), "--out", "plan", status=1)


def test_head_with_a_tissue_nobody_knows(refuse, plan_words, place):
    write_mesh(place / "odd.msh", layered_sphere((80 * mm, 90 * mm), (2, 77), 20 * mm))
    words = changed([*plan_words[:2], "odd.msh", *plan_words[3:]], target="0,0,70", space="head")
    assert "77" in refuse(*words, "--out", "plan", status=2)


def test_named_target_in_a_mesh_alone(refuse, plan_words, bodies):
    words = [*plan_words[:2], bodies / "sphere.msh", *plan_words[3:]]
    assert "MNI space" in refuse(*words, "--out", "plan", status=1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no json", "not JSON"),
        ("[1, 2]", "version"),
        ('{"schema_version": "0.1"}', "version '0.1'"),
        ('{"schema_version": "1.0"}', "is not a plan"),
    ],
)
def test_garbled_plan(refuse, place, text, says):
    (place / "plan").mkdir()
    (place / "plan" / "plan.json").write_text(text)
    assert says in refuse("plan", "show", "plan", status=1)
    assert says in refuse("plan", "show", "plan", "--json", status=1)


def test_plan_that_is_not_there(refuse):
    assert "nowhere" in refuse("plan", "show", "nowhere", status=1)


def test_choices_are_those_of_the_library():
    assert tuple(space.value for space in Space) == SPACES
    assert tuple(objective.value for objective in Objective) == OBJECTIVES
    assert tuple(error.name for error in POSE_ERRORS) == NAVIGATION


@pytest.fixture
def sphere_as_template(monkeypatch, bodies):
    """The sphere in place of the embedded head, which takes a minute to build."""
    sphere = load_head(bodies / "sphere.head")
    monkeypatch.setattr(anodyne.head, "template_head", lambda **_: sphere)


def test_demonstration_says_that_it_is_one(succeed, hasty, sphere_as_template, place):
    text = " ".join(succeed("demo").split())
    document = read_plan(place / "demo-plan")
    assert "no patient" in text
    assert "demo-plan/report.html" in text.replace("\\", "/")
    assert "Research software, not a medical device." in text
    assert document["coil"]["name"] == COIL
    (prescribed,) = hasty
    assert prescribed.protocol.name == PROTOCOL
    assert prescribed.target.name == TARGET
    assert prescribed.rmt == pytest.approx(RMT_PERCENT / 100)


def test_demonstration_goes_where_it_is_told(succeed, refuse, hasty, sphere_as_template, place):
    succeed("demo", "--out", "elsewhere", "--quiet")
    assert [path.name for path in place.iterdir()] == ["elsewhere"]
    (place / "demo-plan").write_text("something else")
    refuse("demo", status=1)


def test_word_template_stands_for_the_embedded_head(succeed, plan_words, hasty, sphere_as_template):
    words = [*plan_words[:2], "template", *plan_words[3:]]
    assert json.loads(succeed(*words, "--out", "plan", "--json"))["head"]["name"] == "sphere"


@pytest.mark.slow
def test_whole_plan_with_its_report(succeed, plan_words, place):
    text = succeed(*plan_words, "--out", "plan")
    assert "report.html" in text
    for name in ("plan.json", "report.html", "report.pdf", "e_field.msh", "poses/simnibs.txt"):
        assert (place / "plan" / name).stat().st_size > 100
    solved = json.loads(
        succeed(
            *("field", "solve", plan_words[2], "--coil", "magstim-70mm", "--json"),
            *("--pose", "plan/poses/simnibs.txt", "--di-dt", "1e6", "--out", "field.npz"),
        )
    )
    document = read_plan(place / "plan")
    grey = solved["peak_e_field"]["grey matter"]["percentile_99_9_v_per_m"]
    np.testing.assert_allclose(
        grey * document["dose"]["di_dt_a_per_us"],
        document["e_field"]["grey_matter_percentile_99_9_v_per_m"],
        rtol=1e-3,
    )


def test_a_coil_file_that_states_no_slope_needs_one(refuse, succeed, plan_words, hasty, shared):
    words = changed(plan_words, coil=shared / "data" / "coil" / "Magstim_70mm_Fig8.ccd")
    assert "--maximum-di-dt" in refuse(*words, "--out", "plan", status=1)
    succeed(*changed(words, maximum_di_dt="1.1e8"), "--out", "plan")
    assert len(hasty) == 1


def test_a_slope_no_stimulator_has_is_refused(refuse, plan_words):
    assert "outside" in refuse(*changed(plan_words, maximum_di_dt="114"), "--out", "plan", status=2)
