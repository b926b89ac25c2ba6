"""The closer look: focality, ceilings, expected scores are what they say, and the best allowed placement is taken."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import Pose
from anodyne.errors import PlacementRefused
from anodyne.field import FieldModel, mean, percentile
from anodyne.head import TetrahedralMesh, Tissue, find_target, place_target
from anodyne.plan import CAP, Ceiling, Goal, Objective, SearchGrid, robustness, search_placement
from anodyne.plan.search.finalists import FINALISTS, Watched, handle_first, judged, watch
from anodyne.plan.search.robustness import Rest
from anodyne.units import A_per_us, degree, mm

GRID = SearchGrid(radius=12 * mm, spacing=12 * mm, angle_step=60 * degree)


@pytest.fixture(scope="module")
def model(planned):
    return FieldModel(planned.head.mesh)


@pytest.fixture(scope="module")
def few(monkeypatch_module):
    """Few finalists, for speed."""
    monkeypatch_module.setattr("anodyne.plan.search.finalists.FINALISTS", 4)
    monkeypatch_module.setattr("anodyne.plan.search.finalists.FINALISTS_MISPLACED", 6)


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def goal(planned):
    site = place_target(planned.head, find_target("right-dlpfc"))
    return Goal(
        site=site, di_dt=1 * A_per_us, objective=Objective.FOCALITY, ceilings=(Ceiling(where="scalp", limit=9.0),)
    )


@pytest.fixture(scope="module")
def focal(model, planned, goal, few):
    return search_placement(model, planned.head, planned.coil, goal, GRID)


def test_finalists_are_the_best_and_no_two_alike(focal):
    finalists = focal.finalists
    assert len(finalists.index) == 4 < FINALISTS
    assert focal.score[finalists.index].min() > 0.9 * focal.score.max()
    points = focal.candidates.scalp_point[finalists.index]
    axes = focal.candidates.head_from_coil[finalists.index, :3, 1]
    for i in range(4):
        for j in range(i):
            apart = np.linalg.norm(points[i] - points[j]) >= 3 * mm - 1e-12
            assert apart or abs(axes[i] @ axes[j]) <= np.cos(15 * degree) + 1e-12


def test_focality_and_ceiling_are_those_of_the_full_field(model, planned, goal, focal):
    field = model.solve(planned.coil, focal.pose, goal.di_dt)
    mesh, magnitude = model.mesh, field.magnitude
    far = np.linalg.norm(mesh.barycentres - goal.site.position, axis=1) > 2 * goal.site.target.radius
    rest = (mesh.tissue == Tissue.GREY_MATTER) & far
    at_target = mean(magnitude[goal.site.region], mesh.volumes[goal.site.region])
    assert focal.finalists.best_value == pytest.approx(
        at_target / percentile(magnitude[rest], mesh.volumes[rest], 0.999)
    )
    scalp = mesh.tissue == Tissue.SCALP
    assert_allclose(focal.finalists.best_readings, [percentile(magnitude[scalp], mesh.volumes[scalp], 0.999)])


def test_the_best_finalist_is_taken(focal):
    finalists = focal.finalists
    assert finalists.best == focal.best
    assert finalists.best_value >= 0.99 * finalists.value[finalists.allowed].max()
    assert finalists.allowed[finalists.index == finalists.best].all()


@pytest.fixture(scope="module")
def again(model, planned, focal):
    """The same candidates judged by another goal."""
    rest = Rest(head=planned.head, coil=planned.coil, hair=GRID.hair)

    def by(goal):
        return judged(model, rest, goal, focal.candidates, (focal.score, focal.exterior))

    return by


def test_a_ceiling_keeps_the_milder_placements(again, goal, focal):
    readings = focal.finalists.readings[:, 0]
    middle = float(np.sort(readings)[1:3].mean())
    found = again(replace(goal, ceilings=(Ceiling(where="scalp", limit=middle),)))
    assert_allclose(found.readings[:, 0], readings)
    assert found.allowed.sum() == 2
    assert found.best_readings[0] <= middle


def test_a_ceiling_no_placement_keeps_is_refused(again, goal):
    with pytest.raises(PlacementRefused, match=r"none of the 4 best placements keeps .* the mildest gives scalp"):
        again(replace(goal, ceilings=(Ceiling(where="scalp", limit=0.1),)))


def test_a_region_below_its_ceiling(model, planned, again, goal, focal):
    """The mean field at the neighbour is known by reciprocity first, and confirmed in full."""
    plain = replace(goal, objective=Objective.MAGNITUDE, ceilings=())
    neighbour = place_target(planned.head, find_target("right-m1-hand"))

    def there(number):
        pose = Pose(head_from_coil=focal.candidates.head_from_coil[number])
        field = model.solve(planned.coil, pose, goal.di_dt)
        return float(mean(field.magnitude[neighbour.region], model.mesh.volumes[neighbour.region]))

    limit = 0.97 * there(int(np.argmax(focal.score)))
    found = again(replace(plain, ceilings=(Ceiling(where="right-m1-hand", limit=limit),)))
    assert found.best_readings[0] == pytest.approx(there(found.best), rel=1e-6)
    assert found.best_readings[0] <= limit
    assert focal.score[found.best] <= focal.score.max()


def test_a_region_ceiling_out_of_reach_is_refused_before_any_solve(again, goal, monkeypatch):
    monkeypatch.setattr("anodyne.plan.search.finalists.full_solves", None)
    with pytest.raises(PlacementRefused, match="every placement tried"):
        again(replace(goal, ceilings=(Ceiling(where="right-m1-hand", limit=1e-4),)))


def test_expected_magnitude_is_that_of_the_misplaced_coil(model, planned, goal, few):
    wary = Goal(site=goal.site, di_dt=goal.di_dt, objective=Objective.EXPECTED_MAGNITUDE, error=CAP)
    found = search_placement(model, planned.head, planned.coil, wary, GRID)
    rest = Rest(head=planned.head, coil=planned.coil, hair=GRID.hair)
    point = found.candidates.scalp_point[found.best]
    alone = robustness(found.exterior, rest, wary, found.pose, point, CAP)
    assert found.finalists.best_value == pytest.approx(alone.expected, rel=0.02)
    assert found.finalists.best_value < found.score[found.best]


def test_ceilings_where_there_is_nothing(again, goal):
    with pytest.raises(PlacementRefused, match="has no eyes"):
        again(replace(goal, ceilings=(Ceiling(where="eyes", limit=1.0),)))


@pytest.fixture(scope="module")
def seeing(planned):
    """The ball with two eyes in its scalp."""
    mesh = planned.head.mesh
    sides = np.array([[35, 70, -20], [-35, 70, -20]]) * mm
    near = np.linalg.norm(mesh.barycentres[:, None] - sides, axis=2).min(axis=1) < 18 * mm
    tissue = np.where((mesh.tissue == Tissue.SCALP) & near, Tissue.EYES, mesh.tissue)
    return replace(planned.head, mesh=TetrahedralMesh(nodes=mesh.nodes, tetrahedra=mesh.tetrahedra, tissue=tissue))


def test_a_ceiling_on_the_eyes_reads_the_eyes(model, planned, seeing, goal, focal):
    milder = replace(goal, ceilings=(Ceiling(where="eyes", limit=9.0), Ceiling(where="scalp", limit=9.0)))
    rest = Rest(head=seeing, coil=planned.coil, hair=GRID.hair)
    found = judged(model, rest, milder, focal.candidates, (focal.score, focal.exterior))
    pose = Pose(head_from_coil=focal.candidates.head_from_coil[found.best])
    magnitude = model.solve(planned.coil, pose, goal.di_dt).magnitude
    eyes, scalp = (seeing.mesh.tissue == tissue for tissue in (Tissue.EYES, Tissue.SCALP))
    assert eyes.sum() > 20
    exact = [percentile(magnitude[there], seeing.mesh.volumes[there], 0.999) for there in (eyes, scalp)]
    assert exact[0] < 0.9 * exact[1]
    assert_allclose(found.best_readings, exact)


def test_watched_points_belong_where_they_say(planned, goal):
    tetrahedra, watched = watch(planned.head, goal, (None,))
    mesh = planned.head.mesh
    assert np.array_equal(np.sort(tetrahedra[watched.target]), np.sort(goal.site.region))
    assert (mesh.tissue[tetrahedra[watched.rest]] == Tissue.GREY_MATTER).all()
    assert (mesh.tissue[tetrahedra[watched.elsewhere[0]]] == Tissue.SCALP).all()


def test_focality_by_hand():
    watched = Watched(weights=np.ones(5), target=np.array([0, 1]), rest=np.array([2, 3, 4]), elsewhere=())
    assert watched.focality(np.array([2.0, 4.0, 1.0, 1.0, 2.0])) == pytest.approx(1.5)


def test_of_equal_placements_the_handle_behind_is_first(planned):
    candidates = planned.search.candidates
    order = handle_first(candidates, np.ones(len(candidates.angle)))
    assert candidates.head_from_coil[order[0], 1, 1] == candidates.head_from_coil[:, 1, 1].max()


def test_a_handle_towards_the_face_is_no_better_where_the_field_runs_the_wrong_way(planned):
    candidates = planned.search.candidates
    forwards = -candidates.head_from_coil[:, 1, 1]
    pair = candidates.chosen([int(np.argmax(forwards)), int(np.argmin(forwards))])
    assert list(handle_first(pair, np.array([-1.0, -1.0]))) == [1, 0]
    assert list(handle_first(pair, np.array([1.0, 1.0]))) == [1, 0]


def test_finalists_for_a_direction_all_drive_the_field_towards_it(model, planned, goal, focal):
    towards = Goal(
        site=goal.site, di_dt=goal.di_dt, objective=Objective.DIRECTION, direction=np.array([0.0, -1.0, 0.0]),
        ceilings=(Ceiling(where="scalp", limit=9.0),),
    )  # fmt: skip
    rest = Rest(head=planned.head, coil=planned.coil, hair=GRID.hair)
    score = towards.score(focal.e_field)
    found = judged(model, rest, towards, focal.candidates, (score, focal.exterior))
    assert (found.value > 0).all()
    assert found.best_value == found.value[found.allowed].max()
    with pytest.raises(PlacementRefused, match="no placement tried keeps"):
        judged(model, rest, towards, focal.candidates, (-np.abs(score), focal.exterior))


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf")])
def test_impossible_ceilings_are_refused(limit):
    with pytest.raises(ValueError, match="must be a positive field"):
        Ceiling(where="scalp", limit=limit)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"objective": Objective.DIRECTION}, "needs a direction"),
        ({"direction": np.array([1.0, 0, 0])}, "no other takes one"),
        ({"objective": Objective.DIRECTION, "direction": np.zeros(3)}, "not all zero"),
        ({"objective": Objective.EXPECTED_MAGNITUDE}, "how the coil will be misplaced"),
    ],
)
def test_goals_that_lack_something_are_refused(goal, wrong, says):
    with pytest.raises(ValueError, match=says):
        Goal(site=goal.site, di_dt=1.0, **wrong)


def test_a_direction_is_made_a_unit_and_keeps_its_sign(goal):
    along = Goal(site=goal.site, di_dt=1.0, objective=Objective.DIRECTION, direction=np.array([3.0, 0, 4.0]))
    assert_allclose(along.score(np.array([[1.0, 5.0, 1.0], [-3, 0, -4]])), [1.4, -5.0])
