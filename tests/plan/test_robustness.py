"""Misplaced coils stay on the head, and what they lose is what placing them there says."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import Pose
from anodyne.field import FieldModel, mean, placement_components
from anodyne.plan import CAP, NEURONAVIGATED, Goal, casing_clearance
from anodyne.plan.report.robustness_chapter import robustness_document, robustness_sections
from anodyne.plan.search.robustness import Rest, _turned_by, _turning_onto, misplaced, robustness
from anodyne.units import A_per_us, degree, mm


@pytest.fixture(scope="module")
def rest(planned):
    return Rest(head=planned.head, coil=planned.coil, hair=2 * mm)


@pytest.fixture(scope="module")
def meant(planned):
    return planned.search.pose, planned.search.candidates.scalp_point[planned.search.best]


@pytest.fixture(scope="module")
def goal(planned):
    return Goal(site=planned.plan.field.target.site, di_dt=1 * A_per_us)


def test_no_error_is_the_plans_own_place(rest, meant):
    (matrix,) = misplaced(rest, *meant, np.zeros((1, 5)))
    assert_allclose(matrix, meant[0].head_from_coil, atol=0.2 * mm)


def test_a_misplaced_coil_never_enters_the_hair(rest, meant):
    for matrix in misplaced(rest, *meant, CAP.drawn(64)):
        clearance = casing_clearance(rest.head, rest.coil, Pose(head_from_coil=matrix))
        assert 1.85 * mm < clearance < 2.3 * mm


def test_errors_move_the_coil_by_what_they_say(rest, meant):
    pose = meant[0]
    aside, tilted, turned = misplaced(
        rest, *meant, np.array([[0.01, 0, 0, 0, 0], [0, 0, 0.1, 0, 0], [0, 0, 0, 0, 0.1]])
    )
    assert_allclose(np.linalg.norm(aside[:3, 3] - pose.position), 10 * mm, rtol=0.1)
    assert_allclose(np.arccos(tilted[:3, 2] @ pose.into_head), 0.1, atol=0.01)
    assert_allclose(turned[:3, 1] @ pose.rotation, [-np.sin(0.1), np.cos(0.1), 0], atol=0.01)


def test_expected_score_is_that_of_full_solves(planned, rest, meant, goal):
    """A handful of misplacements by full solves, and the same ones by reciprocity."""
    few = misplaced(rest, *meant, CAP.drawn(4))
    model = FieldModel(planned.head.mesh)
    region = goal.site.region
    volumes = model.mesh.volumes[region]
    fields = [model.solve(rest.coil, Pose(head_from_coil=matrix), goal.di_dt).e_field[region] for matrix in few]
    exact = goal.score(np.array([mean(field, volumes) for field in fields]))
    fast = goal.score(placement_components(planned.search.exterior, rest.coil, few, goal.di_dt))
    assert_allclose(fast, exact, rtol=6e-3)


def test_a_cap_costs_more_than_navigation(planned, rest, meant, goal):
    cap, navigated = (robustness(planned.search.exterior, rest, goal, *meant, error) for error in (CAP, NEURONAVIGATED))
    assert cap.planned == pytest.approx(navigated.planned)
    assert cap.percentile_5 < cap.expected < navigated.expected <= navigated.planned * 1.001
    assert navigated.share > 0.99
    assert cap.placements == 1024


def test_without_error_nothing_is_lost(planned, rest, meant, goal):
    none = replace(CAP, distance=0.0, tilt=0.0, turn=0.0)
    found = robustness(planned.search.exterior, rest, goal, *meant, none)
    assert found.expected == pytest.approx(found.planned, rel=2e-3)


def test_turns_are_rotations():
    vectors = np.random.default_rng(0).normal(size=(20, 3))
    turns = _turned_by(vectors)
    assert_allclose(turns @ turns.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (20, 3, 3)), atol=1e-12)
    assert_allclose(np.linalg.det(turns), 1)
    assert_allclose(turns @ vectors[:, :, None], vectors[:, :, None], atol=1e-12)
    assert_allclose(_turned_by(np.array([[0, 0, 90 * degree]]))[0] @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    assert_allclose(_turning_onto(units[0], units) @ units[0], units, atol=1e-12)


def test_plan_and_report_tell_it(planned):
    found = {one.error.name: one for one in planned.plan.robustness}
    assert set(found) == {"cap", "neuronavigated"}
    (section,) = robustness_sections(planned.plan)
    assert "marks on a cap" in section.blocks[0].text
    document = robustness_document(found["cap"])
    assert document["mean_distance_mm"] == 10.66
    assert document["certainty"] == "read"
    assert "Rayleigh" in document["assumed"]
    assert document["expected_v_per_m"] == pytest.approx(found["cap"].expected, rel=1e-4)
    assert robustness_sections(replace(planned.plan, robustness=())) == ()
