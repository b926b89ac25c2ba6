"""Many heads: the same numbers whatever the workers, one failure is one row, and nothing finished is lost."""

import csv
import json
import os
import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from distributed import LocalCluster
from numpy.testing import assert_allclose
from pyarrow import parquet

import anodyne.plan.cohort.planning as cohort
import anodyne.plan.cohort.plot
from anodyne.errors import CannotWrite, PlacementRefused, UnreadableFile, WorkersLost
from anodyne.head import MNI152_FROM_MNI305, Surface, find_target, load_head, save_head, write_mesh
from anodyne.plan import (
    COHORT_COLUMNS,
    Prescription,
    SearchGrid,
    Subject,
    SubjectStatus,
    cluster_workers,
    find_heads,
    local_workers,
    plan_cohort,
    read_plan,
    table_columns,
)
from anodyne.plan.cohort.fsaverage import (
    FsaverageField,
    field_on_fsaverage,
    fsaverage5,
    group_field,
    read_fsaverage_field,
    write_fsaverage_field,
)
from anodyne.plan.cohort.plot import plot_at_target, plot_group
from anodyne.plan.cohort.subjects import difference
from anodyne.plan.cohort.table import region_column
from anodyne.plan.cohort.workers import Lost
from anodyne.protocol import find_protocol
from anodyne.units import degree, mm

PLANNED = ("sub-01", "sub-02")
EIGHT = """# number of elements
4
# elements
-0.04 0 -0.006 0 0 60
-0.02 0 -0.006 0 0 60
0.02 0 -0.006 0 0 -60
0.04 0 -0.006 0 0 -60
"""
"""A coil of four dipoles, which costs little."""


@pytest.fixture(scope="session")
def heads(planned, tmp_path_factory):
    """Two balls of different size, and a bare mesh that no named target has a place in."""
    folder, ball = tmp_path_factory.mktemp("heads"), planned.head
    save_head(replace(ball, name="one"), folder / "sub-01.head")
    small = replace(ball.mesh, nodes=0.95 * ball.mesh.nodes)
    surfaces = {
        name: Surface(points=0.95 * getattr(ball, name).points, triangles=getattr(ball, name).triangles)
        for name in ("scalp", "pial", "mid_grey")
    }
    affine = np.diag([0.91, 0.91, 0.91, 1.0])
    save_head(replace(ball, name="two", mesh=small, head_from_mni=affine, **surfaces), folder / "sub-02.head")
    write_mesh(folder / "sub-03.msh", small)
    (folder / "eight.ccd").write_text(EIGHT)
    return folder


def subjects_of(heads, **changes):
    prescription = Prescription(
        **{
            "target": find_target("right-dlpfc"),
            "protocol": find_protocol("fibromyalgia-1hz-right-dlpfc"),
            "rmt": 0.52,
            "grid": SearchGrid(radius=8 * mm, spacing=8 * mm, angle_step=60 * degree),
            **changes,
        }
    )
    return [
        Subject(name=name, head=path, prescription=prescription, coil=str(heads / "eight.ccd"), maximum_di_dt=1e6)
        for name, path in find_heads(heads).items()
    ]


@contextmanager
def within(workers=1):
    """A scheduler with workers in this very process, where a test can reach into them."""
    with LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def here():
    """Workers of such a scheduler."""
    with within() as cluster, cluster_workers(cluster.scheduler_address) as workers:
        yield workers


@pytest.fixture(scope="session")
def by_two(heads, tmp_path_factory):
    """The cohort planned by two processes, and where it is."""
    folder = tmp_path_factory.mktemp("two") / "cohort"
    with local_workers(2) as workers:
        return plan_cohort(subjects_of(heads), folder, workers), folder


@pytest.fixture
def finished(by_two, tmp_path, monkeypatch):
    """A copy of that cohort to go on with; its figures are not drawn again."""
    monkeypatch.setattr(anodyne.plan.cohort.plot, "draw_group", lambda *_: None)
    shutil.copytree(by_two[1], tmp_path / "cohort")
    return tmp_path / "cohort"


def numbers(folder, subjects=(*PLANNED, "sub-03")):
    """Everything a cohort says of these subjects and of the group, but when and how long."""
    said = {}
    for path in (folder / "subjects" / name for name in subjects):
        record = json.loads((path / "subject.json").read_text())
        record["row"].pop("seconds")
        said[path.name] = [record]
        if (path / "plan.json").exists():
            plan = read_plan(path)
            plan.pop("created")
            plan["search"].pop("scoring_s")
            said[path.name] += [plan, *((path / name).read_bytes() for name in maps(path))]
    return said, [(folder / "group" / name).read_bytes() for name in maps(folder / "group")]


def maps(folder):
    return sorted(path.name for path in folder.glob("*.gii"))


def test_results_are_the_same_whatever_the_workers(heads, by_two, tmp_path):
    with local_workers(1) as workers:
        plan_cohort(subjects_of(heads), tmp_path / "cohort", workers)
        assert numbers(tmp_path / "cohort") == numbers(by_two[1])
        assert len(maps(tmp_path / "cohort" / "group")) == 2
        answers = dict(workers.results(os._exit, [(1,)]))
        assert answers == {0: Lost(attempts=2)}
        assert dict(workers.results(divmod, [(7, 2), (1, 0)]))[0] == (3, 1)


def test_one_failure_is_one_row(by_two):
    result, folder = by_two
    assert [row["status"] for row in result.rows] == ["planned", "planned", "failed"]
    assert [row["subject"] for row in result.of(SubjectStatus.PLANNED)] == list(PLANNED)
    (failed,) = result.of(SubjectStatus.FAILED)
    assert failed["subject"] == "sub-03"
    assert "MNI space" in failed["reason"]
    assert failed["rmt_percent"] == 52
    assert failed["e_at_target_v_per_m"] is None
    log = (folder / "subjects" / "sub-03" / "error.log").read_text()
    assert log.startswith("Traceback")
    assert "PlacementRefused" in log


def test_rows_say_what_the_plans_say(by_two):
    result, folder = by_two
    for row in result.of(SubjectStatus.PLANNED):
        plan = read_plan(folder / "subjects" / row["subject"])
        assert row["e_at_target_v_per_m"] == plan["e_field"]["regions"][0]["magnitude_v_per_m"]
        assert row["output_percent"] == plan["dose"]["output_percent"]
        assert row["warnings"] == len(plan["warnings"])
        assert row["head_fingerprint"] == plan["head"]["fingerprint"]
        for region in plan["e_field"]["regions"]:
            assert row[region_column(region["name"])] == region["magnitude_v_per_m"]
        assert row["e_at_target_highest_v_per_m"] == plan["e_field"]["regions"][0]["highest_v_per_m"]
        place = [line[3] for line in plan["placement"]["head_from_coil_mm"][:3]]
        assert_allclose([row[f"coil_{axis}_mm"] for axis in "xyz"], place, atol=1e-3)


def test_table_is_the_same_in_both_files(by_two):
    result, folder = by_two
    names = [column.name for column in table_columns()]
    with (folder / "table.csv").open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    table = parquet.read_table(folder / "table.parquet")
    assert list(lines[0]) == table.column_names == names
    for row, line, stored in zip(result.rows, lines, table.to_pylist(), strict=True):
        assert stored == row
        assert line == {name: "" if value is None else str(value) for name, value in row.items()}


def test_every_column_names_its_unit_or_needs_none():
    plain = {"warnings", "tetrahedra", "sessions", "pulses_per_session", "seconds"}
    units = ("_mm", "_cm3", "_v_per_m", "_a_per_us", "_percent", "_percent_of_threshold")
    for column in table_columns():
        assert column.kind is str or column.name in plain or column.name.endswith(units), column.name
        assert column.meaning


def test_group_is_laid_on_fsaverage(by_two):
    result, folder = by_two
    assert result.on_fsaverage == PLANNED
    fields = [read_fsaverage_field(folder / "subjects" / name) for name in PLANNED]
    assert all(len(field.magnitude) == 20484 for field in fields)
    for row, field in zip(result.rows, fields, strict=False):
        assert row["fsaverage_distance_median_mm"] == pytest.approx(field.percentile_of_distance(0.5) / mm, abs=0.01)
        assert row["fsaverage_distance_95th_mm"] == pytest.approx(field.percentile_of_distance(0.95) / mm, abs=0.01)
        assert row["fsaverage_distance_95th_mm"] > 1.1 * row["fsaverage_distance_median_mm"]
    for name in ("fsaverage.png", "target.png"):
        assert (folder / "group" / name).stat().st_size > 10_000


def test_finished_work_is_kept(heads, finished, here, monkeypatch):
    before = numbers(finished, PLANNED)
    monkeypatch.setattr(cohort, "make_plan", _must_not_be_called)
    (finished / "subjects" / ".sub-02-killed").mkdir()
    result = plan_cohort(subjects_of(heads), finished, here)
    assert result.kept == set(PLANNED)
    assert numbers(finished, PLANNED) == before
    assert not (finished / "subjects" / ".sub-02-killed").exists()


def _must_not_be_called(*_):
    raise AssertionError("planned again")


def test_other_options_are_refused_and_replace_only_when_told(heads, finished, here, monkeypatch):
    subjects = subjects_of(heads, intensity=0.8)
    before = numbers(finished)
    with pytest.raises(CannotWrite, match=r"sub-01 and 1 more: now intensity 80 % instead of none.*--replace"):
        plan_cohort(subjects, finished, here)
    assert numbers(finished) == before
    monkeypatch.setattr(cohort, "make_plan", _refusing)
    result = plan_cohort(subjects, finished, here, replaces_others=True)
    assert result.kept == set()
    assert {row["reason"] for row in result.rows[:2]} == {"no place"}


def _refusing(*_):
    raise PlacementRefused("no place")


def test_a_head_that_changed_is_planned_anew(heads, finished, here, tmp_path, monkeypatch, planned):
    shutil.copytree(heads, tmp_path / "heads")
    description = tmp_path / "heads" / "sub-02.head" / "head.json"
    description.write_text(description.read_text().replace('"two"', '"other"'))
    assert read_plan(finished / "subjects" / "sub-02")["head"]["name"] == "two"
    monkeypatch.setattr(cohort, "make_plan", lambda *_: planned)
    result = plan_cohort(subjects_of(tmp_path / "heads"), finished, here)
    assert result.kept == {"sub-01"}
    assert result.rows[1]["status"] == "planned"
    assert read_plan(finished / "subjects" / "sub-02")["head"]["name"] == planned.head.name


def test_a_failure_never_throws_a_finished_plan_away(heads, finished, here, monkeypatch):
    before = (finished / "subjects" / "sub-01" / "plan.json").read_bytes()

    def unreadable(self):
        raise UnreadableFile("the disk is away")

    monkeypatch.setattr(Subject, "head_digest", unreadable)
    result = plan_cohort(subjects_of(heads), finished, here)
    assert {row["status"] for row in result.rows} == {"failed"}
    assert (finished / "subjects" / "sub-01" / "plan.json").read_bytes() == before
    monkeypatch.undo()
    monkeypatch.setattr(cohort, "make_plan", _must_not_be_called)
    monkeypatch.setattr(anodyne.plan.cohort.plot, "draw_group", lambda *_: None)
    assert plan_cohort(subjects_of(heads), finished, here).kept == set(PLANNED)


def test_an_unexpected_exception_is_named_and_logged(heads, here, tmp_path, monkeypatch):
    def broken(*_):
        raise ArithmeticError("one line\nand another")

    monkeypatch.setattr(cohort, "make_plan", broken)
    result = plan_cohort(subjects_of(heads), tmp_path / "cohort", here)
    assert result.rows[0]["reason"] == "ArithmeticError: one line"
    assert 'raise ArithmeticError("one line' in (tmp_path / "cohort" / "subjects" / "sub-01" / "error.log").read_text()
    assert result.on_fsaverage == ()
    assert (tmp_path / "cohort" / "table.parquet").exists()


def test_a_worker_that_sees_another_folder_writes_nothing(heads, tmp_path):
    terms = cohort.CohortTerms(folder=tmp_path, token="a", version=cohort.anodyne.__version__, with_reports=False)
    row, kept = cohort.plan_subject(subjects_of(heads)[0], terms)
    assert not kept
    assert "does not see" in row["reason"]
    row, _ = cohort.plan_subject(subjects_of(heads)[0], replace(terms, version="0"))
    assert "install the same" in row["reason"]
    assert list(tmp_path.iterdir()) == []


def test_a_scheduler_that_dies_leaves_the_table_of_what_is_done(heads, finished, monkeypatch):
    shutil.rmtree(finished / "subjects" / "sub-02")
    started = threading.Event()

    def endless(*_):
        started.set()
        time.sleep(1.5)
        raise PlacementRefused("too late")

    monkeypatch.setattr(cohort, "make_plan", endless)
    with within() as cluster, cluster_workers(cluster.scheduler_address) as workers:
        thread = threading.Thread(target=lambda: started.wait(20) and cluster.close())
        thread.start()
        with pytest.raises(WorkersLost, match=r"of 3 subjects are done.*give the same command again"):
            plan_cohort(subjects_of(heads), finished, workers)
        thread.join()
    with (finished / "table.csv").open(encoding="utf-8") as stream:
        assert [line["status"] for line in csv.DictReader(stream)][:2] == ["planned", "not-reached"]


def test_a_cluster_without_workers_is_given_up(heads, tmp_path):
    with within(workers=0) as cluster, cluster_workers(cluster.scheduler_address, patience=0.01) as workers:
        assert workers.count == 0
        with pytest.raises(WorkersLost, match="has had no worker"):
            plan_cohort(subjects_of(heads), tmp_path / "cohort", workers)
    assert (tmp_path / "cohort" / "table.csv").exists()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "foo://bar"])
def test_a_scheduler_that_is_not_there(address):
    with pytest.raises(WorkersLost, match="no scheduler answers"), cluster_workers(address):
        pass


def test_what_is_wrong_for_all_is_a_mistake_in_the_call(heads, here, tmp_path):
    one = subjects_of(heads)[0]
    for subjects in ([], [one, one]):
        with pytest.raises(ValueError, match="different names"):
            plan_cohort(subjects, tmp_path / "cohort", here)
    with pytest.raises(ValueError, match="cannot name"):
        replace(one, name="a/b")
    with pytest.raises(ValueError, match="at least one"), local_workers(0):
        pass
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(CannotWrite, match="something else"):
        plan_cohort([one], tmp_path / "photos", here)


def test_heads_are_found_by_name(heads, tmp_path):
    for name in ("sub-01_ses-02.head", "m2m_sub-04", "sub-05", ".hidden", "old"):
        (tmp_path / name).mkdir()
    (tmp_path / "old" / "cohort.json").touch()
    (tmp_path / "sub-06.msh").touch()
    (tmp_path / "participants.tsv").touch()
    assert list(find_heads(tmp_path)) == ["sub-01_ses-02", "sub-04", "sub-05", "sub-06"]
    (tmp_path / "sub-04.msh").touch()
    with pytest.raises(UnreadableFile, match="both be the subject sub-04"):
        find_heads(tmp_path)


def test_folders_without_heads_are_refused(heads, tmp_path):
    for place, says in (
        (tmp_path, "holds no heads"),
        (tmp_path / "no", "no folder"),
        (heads / "sub-01.head", "one head"),
    ):
        with pytest.raises(UnreadableFile, match=says):
            find_heads(place)
    (tmp_path / "a;b.msh").touch()
    with pytest.raises(UnreadableFile, match="cannot be a subject's name"):
        find_heads(tmp_path)


def test_orders_tell_every_change_apart(heads, tmp_path):
    one = subjects_of(heads)[0]
    assert difference(one.order(), subjects_of(heads)[1].order()) is None
    assert difference(json.loads(json.dumps(one.order())), one.order()) is None
    changes = {
        "rmt": 0.6,
        "target": find_target("left-dlpfc"),
        "grid": SearchGrid(hair=3 * mm),
        "conductivities": one.prescription.conductivities.replaced({4: 0.02}, source="test"),
    }
    for name, value in changes.items():
        assert difference(subjects_of(heads, **{name: value})[0].order(), one.order()) is not None, name
    assert difference(replace(one, coil="brainsway-h1").order(), one.order()) is not None
    coil = tmp_path / "own.ccd"
    coil.write_text("# one\n")
    mine = replace(one, coil=str(coil)).order()
    coil.write_text("# another\n")
    os.utime(coil, ns=(1, 1))
    assert difference(replace(one, coil=str(coil)).order(), mine) == "content of the coil file"


def test_fsaverage_is_whole():
    left, right = fsaverage5()
    for half, side in ((left, -1), (right, 1)):
        assert half.pial.points.shape == (10242, 3)
        assert half.pial.triangles.shape == (20480, 3)
        assert np.array_equal(half.pial.triangles, half.inflated.triangles)
        assert side * half.pial.points[:, 0].mean() > 20 * mm
        assert 0.95 < half.is_cortex.mean() < 1
        assert abs(half.pial.points[~half.is_cortex, 0]).mean() < 12 * mm


def test_vertices_take_the_nearest_points_field(heads, planned):
    head = load_head(heads / "sub-01.head")
    found = field_on_fsaverage(head, planned.field)
    vertex = fsaverage5()[1].pial.points[123]
    place = head.from_mni(MNI152_FROM_MNI305[:3, :3] @ vertex + MNI152_FROM_MNI305[:3, 3])
    away = np.linalg.norm(head.mid_grey.points - place, axis=1)
    assert found.distance[10242 + 123] == pytest.approx(away.min())
    expected = planned.field.at_points(head.mid_grey.points[[away.argmin()]], 2)
    assert found.magnitude[10242 + 123] == pytest.approx(np.linalg.norm(expected))
    with pytest.raises(ValueError, match="MNI space"):
        field_on_fsaverage(replace(head, head_from_mni=None), planned.field)


def test_group_is_mean_and_spread(tmp_path):
    generator = np.random.default_rng(5)
    fields = {
        name: FsaverageField(magnitude=generator.uniform(0, 90, 20484), distance=generator.uniform(0, 9 * mm, 20484))
        for name in "abc"
    }
    group = group_field(fields)
    stacked = np.array([field.magnitude for field in fields.values()])
    assert_allclose(group.mean, stacked.mean(axis=0))
    assert_allclose(group.spread**2, ((stacked - stacked.mean(axis=0)) ** 2).sum(axis=0) / 2)
    assert group_field({"a": fields["a"]}).spread is None
    with pytest.raises(ValueError, match="at least one"):
        group_field({})
    write_fsaverage_field(tmp_path, fields["a"])
    assert_allclose(read_fsaverage_field(tmp_path).magnitude, fields["a"].magnitude, rtol=1e-6)


def test_pictures_say_what_they_show():
    field = FsaverageField(magnitude=np.linspace(0, 80, 20484), distance=np.full(20484, 2 * mm))
    figure = plot_group(group_field({"a": field, "b": replace(field, magnitude=field.magnitude / 2)}))
    labels = {ax.get_ylabel() for ax in figure.axes}
    assert {"mean of |E| (V/m)", "standard deviation (V/m)"} <= labels
    assert "nearest" in figure.get_supxlabel()
    assert "2.0 mm" in figure.get_supxlabel()
    rows = [{"subject": f"sub-{i}", "target": "sma", "e_at_target_v_per_m": 60.0 + i} for i in range(3)]
    ax = plot_at_target(rows)
    assert ax.get_xlabel() == "mean |E| over sma (V/m)"
    assert "mean 61.0 V/m" in ax.get_title(loc="left")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["sub-0", "sub-1", "sub-2"]
    mixed = plot_at_target([*rows, {**rows[0], "target": "dacc"}] * 20)
    assert mixed.get_title(loc="left") == ""
    assert "80 subjects" in mixed.get_ylabel()


def test_columns_are_documented(root):
    page = (root / "docs" / "how-to" / "cohort.md").read_text(encoding="utf-8")
    for column in COHORT_COLUMNS:
        assert f"`{column.name}`" in page, column.name
