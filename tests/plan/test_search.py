"""The search finds what trying every placement by a full solve would find."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import Pose, SampledCoil, find_coil
from anodyne.field import FieldModel, mean
from anodyne.head import find_target, place_target
from anodyne.plan import Goal, Objective, SearchGrid, casing_clearance, search_placement, winding_clearance
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


@pytest.fixture(scope="module", params=list(Objective))
def objective(request):
    return request.param


@pytest.fixture(scope="module")
def result(model, planned, coil, site, objective):
    return search_placement(model, planned.head, coil, Goal(site=site, di_dt=1 * A_per_us, objective=objective), GRID)


def test_search_agrees_with_brute_force_on_a_small_grid(model, coil, site, objective, result):
    scores = []
    for matrix in result.candidates.head_from_coil[:: len(result.score) // 12]:
        field = model.solve(coil, Pose(head_from_coil=matrix), 1 * A_per_us)
        vector = mean(field.e_field[site.region], model.mesh.volumes[site.region])
        scores.append(np.linalg.norm(vector) if objective is Objective.MAGNITUDE else abs(vector @ site.normal))
    assert_allclose(result.score[:: len(result.score) // 12], scores, rtol=0, atol=6e-3 * max(scores))


def test_refining_never_loses(result):
    assert result.score[result.best] >= 0.989 * result.score[: result.first_grid].max()


def test_of_two_opposite_handles_the_one_behind_is_taken(result):
    handle = -result.pose.handle_direction
    opposite = np.flatnonzero(
        (result.candidates.head_from_coil[:, :3, 1] @ result.pose.handle_direction < -0.999)
        & (np.linalg.norm(result.candidates.head_from_coil[:, :3, 3] - result.pose.position, axis=1) < 1 * mm)
    )
    assert len(opposite)
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
