"""``anodyne cohort plan`` as a person calls it, on spheres, with workers inside the test's own process."""

import csv
import json
import shutil

import pytest
from distributed import LocalCluster

import anodyne.plan.cohort.planning as cohort
import anodyne.plan.cohort.plot
import anodyne.plan.exports
from anodyne.cli import main
from anodyne.cli.prescribing import Wanted
from anodyne.errors import PlacementRefused


@pytest.fixture(scope="module")
def address():
    """Of a scheduler with one worker in this process."""
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def heads(place, bodies):
    """A folder with two spheres as heads."""
    for name in ("sub-01", "sub-02"):
        shutil.copytree(bodies / "sphere.head", place / "heads" / f"{name}.head")
    return place / "heads"


@pytest.fixture
def drawn(monkeypatch):
    """Group figures that are not drawn; gives the rows they would have shown."""
    shown = []
    monkeypatch.setattr(anodyne.plan.cohort.plot, "draw_group", lambda folder, rows, group: shown.append(rows))
    return shown


@pytest.fixture
def prescribed(monkeypatch, planned, drawn):
    """Plans that are made already, reports that are empty; gives what was prescribed for which coil."""
    given = []
    monkeypatch.setattr(
        anodyne.plan.exports, "write_report_files", lambda folder, planned: (folder / "report.html").touch()
    )

    def make_plan(head, coil, prescription):
        given.append((coil, prescription))
        return planned

    monkeypatch.setattr(cohort, "make_plan", make_plan)
    return given


@pytest.fixture
def words(heads, address):
    """A cohort, all but who and how strongly."""
    return [
        *("cohort", "plan", "heads", "--protocol", "fibromyalgia-1hz-right-dlpfc", "--coil", "magstim-70mm"),
        *("--out", "cohort", "--scheduler", address),
    ]


def table(place):
    with (place / "cohort" / "table.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_head_becomes_a_row(succeed, words, prescribed, drawn, place):
    text = succeed(*words, "--rmt-percent", "52")
    assert "2 of 2 heads planned" in text
    assert "Research software, not a medical device." in text
    assert max(map(len, text.splitlines())) <= 80
    assert [row["subject"] for row in table(place)] == ["sub-01", "sub-02"]
    assert {row["status"] for row in table(place)} == {"planned"}
    assert [[row["subject"] for row in rows] for rows in drawn] == [["sub-01", "sub-02"]]
    assert [prescription.rmt for _, prescription in prescribed] == [0.52, 0.52]
    assert "kept as they were" not in text
    assert "2, kept as they were" in " ".join(succeed(*words, "--rmt-percent", "52").split())
    assert len(prescribed) == 2


def test_subjects_file_says_who_and_how_strongly(succeed, words, prescribed, place):
    (place / "who.csv").write_text(
        "subject;rmt_percent;target;coil\nsub-02;61;-27,30,18;magventure-cool-d-b80\nsub-01;;left-dlpfc;\n",
        encoding="utf-8-sig",
    )
    result = json.loads(succeed(*words, "--subjects", "who.csv", "--rmt-percent", "40", "--space", "head", "--json"))
    assert [row["subject"] for row in result["rows"]] == ["sub-02", "sub-01"]
    assert result["planned"] == 2
    (_, second), (_, first) = sorted(prescribed, key=lambda one: -one[1].rmt)
    assert (second.rmt, first.rmt) == (0.61, 0.40)
    assert second.target.point[1] == pytest.approx(0.030)
    assert first.target.name == "left-dlpfc"
    assert {coil.name for coil, _ in prescribed} == {"magstim-70mm", "magventure-cool-d-b80"}


def test_heads_without_a_line_are_left_out(succeed, words, prescribed, place):
    (place / "who.csv").write_text("subject,rmt_percent\nsub-02,61\n")
    result = json.loads(succeed(*words, "--subjects", "who.csv", "--json"))
    assert [row["subject"] for row in result["rows"]] == ["sub-02"]


def test_shared_options_reach_every_plan(succeed, words, prescribed):
    succeed(
        *(*words, "--rmt-percent", "52", "--intensity-percent", "80", "--hair-mm", "4"),
        *("--objective", "normal-component", "--conductivity", "4=0.02", "--maximum-di-dt", "1e8"),
    )
    for coil, prescription in prescribed:
        assert coil.maximum_di_dt == 1e8
        assert prescription.intensity == pytest.approx(0.8)
        assert prescription.grid.hair == pytest.approx(4e-3)
        assert prescription.objective.value == "normal-component"
        assert prescription.conductivities.values[4] == 0.02


def test_options_are_those_of_plan_make():
    one, many = (
        {parameter.name: parameter for parameter in main.commands[noun].commands[verb].params}
        for noun, verb in (("plan", "make"), ("cohort", "plan"))
    )
    for name in Wanted.__dataclass_fields__:
        assert one[name].opts == many[name].opts
        assert one[name].help == many[name].help


def test_a_failing_subject_is_a_row_and_the_status(run, words, prescribed, place, monkeypatch, planned):
    def make_plan(head, coil, prescription):
        if len(prescribed) == 0:
            prescribed.append(None)
            raise PlacementRefused("the coil cannot rest there")
        return planned

    monkeypatch.setattr(cohort, "make_plan", make_plan)
    result = run(*words, "--rmt-percent", "52")
    assert result.exit_code == 1
    assert "1 of 2 heads planned" in result.stdout
    assert "the coil cannot rest there" in result.stdout
    assert result.stderr.count("\n") == 1
    assert "1 of 2 subjects could not be planned" in result.stderr
    assert sorted(row["status"] for row in table(place)) == ["failed", "planned"]


def test_a_dose_beyond_the_stimulator_fails_that_subject_only(run, words, prescribed, place):
    (place / "who.csv").write_text("subject,rmt_percent\nsub-01,95\nsub-02,50\n")
    result = run(*words, "--subjects", "who.csv", "--intensity-percent", "120")
    assert result.exit_code == 1
    assert [row["status"] for row in table(place)] == ["failed", "planned"]
    assert "114 %" in table(place)[0]["reason"]


def test_other_options_in_the_same_folder(run, refuse, succeed, words, prescribed):
    succeed(*words, "--rmt-percent", "52")
    assert "motor threshold 50 % instead of 52 %" in refuse(*words, "--rmt-percent", "50", status=1)
    succeed(*words, "--rmt-percent", "50", "--replace")
    assert len(prescribed) == 4


def test_reports_when_asked_for(succeed, words, prescribed, place):
    succeed(*words, "--rmt-percent", "52")
    assert not (place / "cohort" / "subjects" / "sub-01" / "report.html").exists()
    (place / "who.csv").write_text("subject,rmt_percent\nsub-01,52\n")
    succeed(*words, "--subjects", "who.csv", "--reports")
    assert (place / "cohort" / "subjects" / "sub-01" / "report.html").exists()
    assert len(prescribed) == 3


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        ([], 2, "no motor threshold for sub-01"),
        (["--rmt-percent", "19"], 2, "outside 20 to 100 %"),
        (["--rmt-percent", "52", "--workers", "2"], 2, "give one"),
        (["--rmt-percent", "52", "--workers", "0"], 2, "--workers"),
        (["--rmt-percent", "52", "--wait-minutes", "nan"], 2, "not a finite number"),
        (["--rmt-percent", "52", "--protocol", "fibromyalgia-1hz-right-dlpfc-lee"], 2, "reports no intensity"),
        (["--rmt-percent", "52", "--protocol", "fibromyalgia-1hz"], 1, "no protocol is named"),
        (["--rmt-percent", "52", "--coil", "magstim-70"], 1, "'magstim-70mm'"),
        (["--rmt-percent", "52", "--target", "right-dlpf"], 1, "'right-dlpfc'"),
        (["--rmt-percent", "52", "--out", "heads"], 1, "holds something else"),
        (["--rmt-percent", "52", "--subjects", "nowhere.csv"], 1, "cannot read nowhere.csv"),
        (["--rmt-percent", "52", "--scheduler", "tcp://127.0.0.1:9"], 1, "no scheduler answers"),
    ],
)
def test_bad_input(refuse, words, prescribed, given, status, says):
    assert says in refuse(*words, *given, status=status)


@pytest.mark.parametrize("folder", ["nowhere", ".", "heads/sub-01.head"])
def test_folder_without_heads(refuse, words, folder):
    assert "head" in refuse(*words[:2], folder, *words[3:], "--rmt-percent", "52", status=1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("subject,rmt_percent\n", "names no subjects"),
        ("subject,rmt\nsub-01,50\n", "a column 'rmt'"),
        ("rmt_percent\n50\n", "one column 'subject'"),
        ("subject,subject\na,b\n", "no column twice"),
        ("subject,rmt_percent\nsub-1,50\n", "line 2: there is no head"),
        ("subject,rmt_percent\nsub-01,50\nsub-01,50\n", "line 3: sub-01 stands there twice"),
        ("subject,rmt_percent\nsub-01,150\n", "'150' is not in 20 to 100 %"),
        ("subject,rmt_percent\nsub-01,half\n", "'half' is not in"),
        ("subject,rmt_percent,target\nsub-01,50,1,2,3\n", "5 cells in 3 columns"),
        ('subject,rmt_percent,target\nsub-01,50,"1,2"\n', "no point x,y,z"),
        ("subject,rmt_percent,target\nsub-01,50,right-dlpf\n", "'right-dlpfc'"),
        ("subject,rmt_percent,coil\nsub-01,50,magstim-70\n", "'magstim-70mm'"),
    ],
)
def test_garbled_subjects_file(refuse, words, place, text, says):
    (place / "who.csv").write_text(text)
    assert says in refuse(*words, "--subjects", "who.csv", status=1)
