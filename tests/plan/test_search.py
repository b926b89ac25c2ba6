"""The search finds what trying every placement by a full solve would find."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import Pose, SampledCoil, find_coil
from anodyne.errors import PlacementRefused
from anodyne.field import FieldModel, mean
from anodyne.head import find_target, place_target
from anodyne.plan import Goal, Objective, SearchGrid, casing_clearance, search_placement, winding_clearance
from anodyne.plan.search.choosing import EXACT_POSITIONS
from anodyne.plan.search.scoring import Scorer
from anodyne.units import A_per_us, degree, mm

GRID = SearchGrid(radius=8 * mm, spacing=8 * mm, angle_step=45 * degree)


@pytest.fixture(scope="module")
def model(planned):
    return FieldModel(planned.head.mesh)


@pytest.fixture(scope="module")
def site(planned):
    return place_target(planned.head, find_target("right-dlpfc"))


@pytest.fixture(scope="module")
def coil():
    return find_coil("magstim-70mm")


@pytest.fixture(scope="module", params=["magnitude", "normal-component", "direction"])
def goal(request, site):
    objective = Objective(request.param)
    along = np.array([1.0, -2.0, 0.5]) if objective is Objective.DIRECTION else None
    return Goal(site=site, di_dt=1 * A_per_us, objective=objective, direction=along)


@pytest.fixture(scope="module")
def result(model, planned, coil, goal):
    return search_placement(model, planned.head, coil, goal, GRID)


def mean_fields(model, coil, site, matrices):
    """Mean E over the site by a full solve at every pose."""
    fields = [model.solve(coil, Pose(head_from_coil=matrix), 1 * A_per_us) for matrix in matrices]
    return np.array([mean(field.e_field[site.region], model.mesh.volumes[site.region]) for field in fields])


def test_search_agrees_with_brute_force_on_a_small_grid(model, coil, site, goal, result):
    some = slice(None, None, len(result.score) // 5)
    vectors = mean_fields(model, coil, site, result.candidates.head_from_coil[some])
    if goal.objective is Objective.MAGNITUDE:
        scores = np.linalg.norm(vectors, axis=1)
    else:
        along = site.normal if goal.objective is Objective.NORMAL_COMPONENT else [1.0, -2.0, 0.5] / np.sqrt(5.25)
        scores = vectors @ along if goal.objective is Objective.DIRECTION else np.abs(vectors @ along)
    assert_allclose(result.score[some], scores, rtol=0, atol=6e-3 * scores.max())


def test_a_direction_counts_by_its_sign(model, planned, coil, site):
    """Wanted to the back and to the front: each handle drives the field its way while the current rises."""
    poses = {}
    for sign in (1, -1):
        towards = np.array([0.0, sign, 0.0])
        goal = Goal(site=site, di_dt=1 * A_per_us, objective=Objective.DIRECTION, direction=towards)
        found = search_placement(model, planned.head, coil, goal, GRID)
        (vector,) = mean_fields(model, coil, site, [found.pose.head_from_coil])
        assert vector @ towards == pytest.approx(found.score[found.best], rel=6e-3)
        assert found.score[found.best] >= 0.989 * np.abs(found.e_field @ towards).max()
        poses[sign] = found.pose
    assert poses[1].handle_direction @ poses[-1].handle_direction < -0.95


def test_a_field_that_no_placement_drives_the_right_way_is_refused(model, planned, coil, site, monkeypatch):
    monkeypatch.setattr(Goal, "score", lambda self, e_field: -np.linalg.norm(e_field, axis=1))
    grid = SearchGrid(radius=4 * mm, spacing=4 * mm, angle_step=90 * degree)
    with pytest.raises(PlacementRefused, match="the way that is wanted"):
        search_placement(model, planned.head, coil, Goal(site=site, di_dt=1 * A_per_us), grid)


def test_exact_angle_beats_every_angle_sampled_at_its_place(result):
    exact = np.arange(len(result.score))[-2:]  # the eighth of the best places: this angle, and the one opposite
    beaten = 0
    while result.candidates.angle[exact[0]] not in np.arange(0, 360, 45) * degree:
        place = result.candidates.position[exact[0]]
        sampled = np.setdiff1d(np.flatnonzero(result.candidates.position == place), exact)
        assert len(sampled) == 8
        # The lift between the angles sampled is interpolated: a hundredth of a millimetre, a ten-thousandth of E.
        assert result.score[exact].max() >= result.score[sampled].max() * (1 - 1e-4)
        assert_allclose(np.abs(result.score[exact[0]]), np.abs(result.score[exact[1]]), rtol=0.01)
        beaten += 1
        exact -= 2
    assert beaten == EXACT_POSITIONS


def test_exact_angle_is_the_best_of_a_thousand(model, planned, coil, site):
    """On a flat lift the score round the circle has its summit where the search says."""
    goal = Goal(site=site, di_dt=1 * A_per_us, objective=Objective.NORMAL_COMPONENT)
    result = search_placement(model, planned.head, coil, goal, GRID)
    scorer = Scorer(result.exterior, coil, goal)
    place = result.candidates.position[-1]
    sampled = result.candidates.chosen(np.flatnonzero(result.candidates.position == place)[:8])
    level = replace(sampled, head_from_coil=at_one_height(sampled))
    _, turned = scorer.e_field(level)
    angles = np.linspace(0, 2 * np.pi, 1000)
    everywhere = goal.score(turned.at(np.full(1000, place), angles, np.full(1000, level.lift[0])))
    best = turned.best_angle(level, goal)
    found = goal.score(turned.at([place], [best], [level.lift[0]]))[0]
    assert found >= everywhere.max() * (1 - 1e-9)
    beside = goal.score(turned.at([place, place], [best - 1e-4, best + 1e-4], level.lift[:2]))
    assert (beside < found).all()


def at_one_height(candidates):
    matrices = candidates.head_from_coil.copy()
    matrices[:, :3, 3] = candidates.scalp_point - 3 * mm * matrices[:, :3, 2]
    return matrices


def test_refining_never_loses(result):
    assert result.score[result.best] >= 0.989 * result.score[: result.first_grid].max()


def test_of_two_opposite_handles_the_one_behind_is_taken_unless_the_sign_counts(result, goal):
    handle = -result.pose.handle_direction
    opposite = np.flatnonzero(
        (result.candidates.head_from_coil[:, :3, 1] @ result.pose.handle_direction < -0.999)
        & (np.linalg.norm(result.candidates.head_from_coil[:, :3, 3] - result.pose.position, axis=1) < 1 * mm)
    )
    assert len(opposite)
    if goal.objective is Objective.DIRECTION:
        assert result.score[opposite].max() < 0 < result.score[result.best]
    else:
        assert handle[1] <= 1e-9


def test_a_target_further_round_the_head_draws_the_coil_there(model, planned, coil):
    left = place_target(planned.head, find_target("left-dlpfc"))
    found = search_placement(model, planned.head, coil, Goal(site=left, di_dt=1 * A_per_us), GRID)
    assert found.pose.position[0] < -20 * mm


def sampled_like(coil, spacing=7 * mm):
    """The coil as a file of samples would give it."""
    low, counts = np.array([-105, -105, -14]) * mm, (31, 31, 31)
    grid = low + spacing * np.argwhere(np.ones(counts, bool))
    affine = np.diag([spacing] * 3 + [1.0])
    affine[:3, 3] = low
    return SampledCoil(
        name="sampled",
        label="a sampled coil",
        source="this test",
        maximum_di_dt=coil.maximum_di_dt,
        samples=coil.vector_potential(grid).reshape(*counts, 3),
        coil_from_voxel=affine,
    )


def test_a_sampled_coil_is_placed_like_the_coil_it_was_sampled_from(model, planned, coil, site):
    goal = Goal(site=site, di_dt=1 * A_per_us)
    grid = SearchGrid(radius=4 * mm, spacing=4 * mm, angle_step=90 * degree)
    sampled = sampled_like(coil)
    wires, samples = (search_placement(model, planned.head, each, goal, grid) for each in (coil, sampled))
    assert samples.score[samples.best] == pytest.approx(wires.score[wires.best], rel=0.03)
    assert np.linalg.norm(samples.pose.position - wires.pose.position) < 6 * mm
    assert casing_clearance(planned.head, sampled, samples.pose) == pytest.approx(grid.hair, abs=0.2 * mm)
    assert winding_clearance(planned.head, sampled, samples.pose) > grid.hair
    confirmed = model.solve(sampled, samples.pose, 1 * A_per_us)
    vector = mean(confirmed.e_field[site.region], model.mesh.volumes[site.region])
    assert np.linalg.norm(vector) == pytest.approx(samples.score[samples.best], rel=6e-3)


@pytest.mark.parametrize(
    "wrong", [{"radius": 0}, {"spacing": -1 * mm}, {"angle_step": 0}, {"hair": 60 * mm}, {"hair": -1 * mm}]
)
def test_impossible_grids_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        SearchGrid(**wrong)
