"""Plans for the body: their dose, their document, their report, and what is refused."""

import copy
import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO

import jsonschema
import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anodyne.coil import find_coil
from anodyne.disclaimer import DISCLAIMER
from anodyne.errors import CannotWrite, SafetyRefusal, UnreadableFile
from anodyne.plan import (
    PeripheralPrescription,
    PlanKind,
    make_peripheral_plan,
    peripheral_checks,
    peripheral_document,
    plan_kind,
    plan_schema,
    read_any_plan,
    read_plan,
    write_document,
    write_peripheral_plan,
)
from anodyne.plan.peripheral.plan import LIMITS_NOTE
from anodyne.plan.peripheral.report import peripheral_report
from anodyne.plan.report.pages import html_page
from anodyne.plan.report.pdf import pdf_bytes
from anodyne.protocol import (
    HEAT_LIMIT,
    BodySite,
    Circumstances,
    IntensityBasis,
    Side,
    find_device,
    find_modifier,
    find_protocol,
    protocol_from_data,
)

WRIST = BodySite(words="median nerve at the wrist", side=Side.LEFT)
SCHEMA = plan_schema(PlanKind.PERIPHERAL)


def wanted(name="rPMS-MSK", **changes):
    given = {"protocol": find_protocol(name), "site": WRIST, "threshold": 0.5, "intensity": 0.9}
    return PeripheralPrescription(**{**given, "device": find_device("magstim-rapid2"), **changes})


def made(name="rPMS-MSK", **changes):
    return make_peripheral_plan(find_coil("magstim-70mm"), wanted(name, **changes))


@pytest.fixture(scope="module")
def plan():
    return made()


@pytest.fixture(scope="module")
def folder(plan, tmp_path_factory):
    place = tmp_path_factory.mktemp("peripheral") / "plan"
    write_peripheral_plan(place, plan)
    return place


def test_schema_is_a_schema_and_accepts_the_plan(plan):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(peripheral_document(plan), SCHEMA)


@given(
    threshold=st.floats(0.2, 0.6),
    intensity=st.floats(0.3, 1.0),
    by_comfort=st.booleans(),
    side=st.sampled_from([None, *Side]),
)
def test_dose_is_threshold_times_intensity_whatever_it_is_by(threshold, intensity, by_comfort, side):
    plan = made(
        "rPMS-np" if by_comfort else "rPMS-MSK",
        threshold=threshold,
        intensity=intensity,
        site=BodySite(words="sural nerve", side=side),
    )
    document = peripheral_document(plan)
    jsonschema.validate(document, SCHEMA)
    assert plan.dose.output == pytest.approx(threshold * intensity)
    assert plan.dose.di_dt == pytest.approx(threshold * intensity * find_coil("magstim-70mm").maximum_di_dt)
    assert document["dose"]["output_percent"] == pytest.approx(100 * threshold * intensity, rel=1e-4)
    assert document["dose"]["threshold_by"] == ("tolerance" if by_comfort else "twitch-threshold")
    assert document["site"]["side"] == (None if side is None else side.value)
    assert document["dose_check"]["verdict"] != "blocked"


@pytest.mark.parametrize(
    ("name", "basis", "words"),
    [
        ("rPMS-MSK", IntensityBasis.TWITCH_THRESHOLD, "twitch threshold at the site"),
        ("rPMS-np", IntensityBasis.TOLERANCE, "comfort threshold (strongest tolerated output)"),
    ],
)
def test_what_the_threshold_is_by_follows_from_the_protocol_and_is_said_everywhere(name, basis, words):
    plan = made(name)
    assert plan.threshold_by is basis
    document, report = peripheral_document(plan), peripheral_report(plan, {})
    assert words in document["dose"]["threshold_in_words"]
    assert any(words in check for check in document["checks_by_two_people"])
    page = words_of(html_page(report))
    assert f"It is the {words}" in page
    assert "it is no motor threshold of the head" in page


def test_heat_rule_and_what_is_measured_are_in_the_plan(plan):
    heat = peripheral_document(plan)["heat"]
    assert (heat["ceiling_celsius"], heat["sustained_celsius"]) == (45, 41)
    assert (heat["sustained_for_s"], heat["window_s"]) == (540, 1200)
    assert "FDA K210021" in heat["source"]
    assert heat["certainty"] == "read"
    assert "not that of the skin" in heat["measured"]


def test_what_is_recalled_stays_marked(plan):
    checks = peripheral_document(plan)["checks_by_two_people"]
    for what in ("implants and metal", "pacemaker", "thrombosis", "wound", "malignancy", "pregnancy"):
        assert any(what in check and "(recalled)" in check for check in checks), what


def test_protocol_survives(plan):
    data = dict(peripheral_document(plan)["protocol"])
    assert protocol_from_data(data.pop("name"), data) == plan.protocol


def test_protocols_of_the_head_are_refused():
    with pytest.raises(ValueError, match=r"stimulates the head .* 'anodyne plan make'"):
        wanted("fm-tanwar")
    odd = replace(find_protocol("rPMS-MSK"), intensity_basis=IntensityBasis.RESTING_MOTOR_THRESHOLD)
    with pytest.raises(ValueError, match="twitch-threshold or tolerance"):
        wanted(protocol=odd)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "rPMS-4f"}, "pulse pattern is not known"),
        ({"name": "rPMS-np", "intensity": 1.1}, "is blocked"),
        ({"threshold": 1.0, "intensity": 1.2}, "more than it has"),
        ({"device": find_device("magventure-x100")}, "take a coil of this stimulator"),
        (
            {"circumstances": Circumstances(modifiers=(find_modifier("seizure-within-a-year"),))},
            "is blocked",
        ),
    ],
)
def test_what_may_not_be_given_is_not_planned(changes, words):
    with pytest.raises(SafetyRefusal, match=words):
        made(**changes)


def test_dose_that_needs_an_override_is_planned_and_says_so():
    plan = made(intensity=1.2)
    assert not plan.check.allowed
    assert any("override with a reason; without one it is not delivered" in warning for warning in plan.warnings)
    assert peripheral_document(plan)["dose_check"]["verdict"] == "needs-override"
    assert "Not to be given" in words_of(html_page(peripheral_report(plan, {})))


def test_unknown_stimulator_is_said():
    plan = made(device=None)
    assert any("was not checked" in warning for warning in plan.warnings)
    assert peripheral_document(plan)["stimulator"] is None


def test_another_pause_is_marked_as_chosen():
    plan = made(inter_train_interval=40.0)
    assert plan.protocol.session.inter_train_interval == 40
    assert plan.protocol.inter_train_interval.certainty.value == "given"


# ------------------------------------------------------------------------------------------------ reading


def test_each_kind_of_plan_is_read_as_what_it_is(folder, plan):
    document = read_any_plan(folder)
    assert plan_kind(document) is PlanKind.PERIPHERAL
    assert document == peripheral_document(plan)
    with pytest.raises(UnreadableFile, match=r"is a plan for the body .*'anodyne plan make'") as refusal:
        read_plan(folder)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d.update(schema_version="9.9"), "schema version"),
        (lambda d: d["dose"].update(threshold_percent=5), "dose/threshold_percent"),
        (lambda d: d["dose"].update(threshold_by="rmt"), "dose/threshold_by"),
        (lambda d: d["site"].update(words=""), "site/words"),
        (lambda d: d["dose_check"].update(verdict="blocked"), "dose_check/verdict"),
        (lambda d: d.pop("heat"), "heat"),
        (lambda d: d.update(head={}), "head"),
        (lambda d: d.update(schema="anodyne-plan"), "not a plan"),
    ],
)
def test_what_is_not_such_a_plan_is_refused_in_one_sentence(plan, tmp_path, change, complaint):
    wrong = copy.deepcopy(peripheral_document(plan))
    change(wrong)
    (tmp_path / "plan.json").write_text(json.dumps(wrong))
    with pytest.raises(UnreadableFile, match=complaint) as refusal:
        read_any_plan(tmp_path)
    assert "\n" not in str(refusal.value)


def test_document_that_its_schema_would_not_accept_is_not_written(plan, tmp_path):
    wrong = {**peripheral_document(plan), "surprise": 1}
    with pytest.raises(jsonschema.ValidationError):
        write_document(tmp_path / "plan.json", wrong)
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------------------------------------ the report


def words_of(page):
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def test_folder_holds_every_file(folder):
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {"plan.json", "report.html", "report.pdf", "figures/session.png"}


def test_everything_stands_in_both_reports(folder, plan):
    paper = pypdf.PdfReader(folder / "report.pdf")
    on_screen = words_of((folder / "report.html").read_text(encoding="utf-8"))
    on_paper = "".join("".join(sheet.extract_text() for sheet in paper.pages).split())
    check = plan.check
    texts = [
        "left median nerve at the wrist",
        plan.coil.label,
        "45 % of stimulator output",
        "1,000 pulses",
        plan.version,
        check.headline,
        LIMITS_NOTE,
        HEAT_LIMIT.source,
        *plan.warnings,
        *(each.sentence for each in check.findings),
        *(each.source for each in check.findings),
        *(item[1:] for item in peripheral_checks(plan.threshold_by)),
    ]
    for text in texts:
        assert " ".join(text.split()) in on_screen
        assert "".join(text.split()) in on_paper
    for number, sheet in enumerate(paper.pages, start=1):
        assert DISCLAIMER in sheet.extract_text()
        assert f"page {number} of {len(paper.pages)}" in sheet.extract_text()
    assert on_screen.count(DISCLAIMER) >= 3


class Outline(HTMLParser):
    """Collects what accessibility asks for."""

    def __init__(self):
        super().__init__()
        self.images, self.anchors, self.targets, self.open = [], set(), [], []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors.add(given.get("id"))
        if tag == "img":
            self.images.append(given)
        if tag == "a":
            self.targets.append(given["href"])
        if tag not in ("img", "meta", "link", "br", "input", "col"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_needs_no_script_and_no_network(folder):
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "script-src" not in page
    assert "default-src 'none'" in page
    assert not re.findall(r"https?:", page)
    assert len(page) < 1e6
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert all(len(image["alt"]) > 20 for image in outline.images)
    assert all(target.removeprefix("#") in outline.anchors for target in outline.targets)


def test_page_escapes_what_it_is_given(plan):
    evil = "nerve </script><script>alert(1)</script>"
    report = peripheral_report(replace(plan, site=BodySite(words=evil)), {})
    page = html_page(report)
    assert "<script" not in page
    assert evil in words_of(page)
    assert "alert" in pypdf.PdfReader(BytesIO(pdf_bytes(report))).pages[0].extract_text()


def test_person_is_told_the_strength_of_this_plan(plan):
    page = words_of(html_page(peripheral_report(plan, {})))
    assert "The pulses have 90 % of the strength that just makes a muscle at that place twitch." in page
    bearable = words_of(html_page(peripheral_report(made("rPMS-np", intensity=1.0), {})))
    assert "as strong as you find bearable" in bearable


def test_nothing_else_is_overwritten_and_nothing_half_written(plan, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("mine")
    with pytest.raises(CannotWrite, match="holds something else"):
        write_peripheral_plan(other, plan)
    monkeypatch.setattr("anodyne.plan.report.pdf.write_pdf", lambda path, report: (_ for _ in ()).throw(OSError("no")))
    with pytest.raises(CannotWrite):
        write_peripheral_plan(tmp_path / "plan", plan)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other"]
