"""Misplaced coils stay on the head, and what they lose is what placing them there says."""

import sys
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.cli.plan_view import _if_misplaced
from anodyne.coil import Pose
from anodyne.errors import PlacementRefused
from anodyne.field import FieldModel, mean, placement_components
from anodyne.plan import CAP, NEURONAVIGATED, Goal, Objective, casing_clearance, plan_document
from anodyne.plan.document import plan_schema
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
    along_x, along_y, about_x, about_y, turned = misplaced(rest, *meant, np.diag([0.01, 0.01, 0.1, 0.1, 0.1]))
    moved = (np.stack([along_x[:3, 3], along_y[:3, 3]]) - pose.position) @ pose.rotation[:, :2]
    assert_allclose(moved, 10 * mm * np.eye(2), atol=1.5 * mm)
    assert_allclose(about_x[:3, 2] @ pose.rotation, [0, -np.sin(0.1), np.cos(0.1)], atol=0.01)
    assert_allclose(about_y[:3, 2] @ pose.rotation, [np.sin(0.1), 0, np.cos(0.1)], atol=0.01)
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


def test_sums_are_the_mean_and_the_fifth_percentile(planned, rest, meant, goal):
    found = robustness(planned.search.exterior, rest, goal, *meant, CAP)
    matrices = misplaced(rest, *meant, CAP.drawn(1024))
    scores = goal.score(placement_components(planned.search.exterior, rest.coil, matrices, goal.di_dt))
    assert (found.drawn, found.placements) == (1024, len(scores))
    assert found.expected == pytest.approx(scores.sum() / len(scores))
    assert (scores < found.percentile_5).mean() == pytest.approx(0.05, abs=1e-3)


@pytest.mark.parametrize("rests", [0, 19])
def test_too_few_that_rest_are_refused_in_a_sentence(planned, rest, meant, goal, monkeypatch, rests):
    here = sys.modules[robustness.__module__]
    monkeypatch.setattr(here, "misplaced", lambda *_: np.tile(np.eye(4), (rests, 1, 1)))
    with pytest.raises(PlacementRefused, match=f"only {rests} of 1024 placements .* marks on a cap find a rest"):
        robustness(planned.search.exterior, rest, goal, *meant, CAP)


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
    assert "magnitude of the mean E over the target" in section.blocks[0].text
    assert "elsewhere was not computed" in section.blocks[1].text
    assert section.blocks[2].rows[0][-1] == "1,024 of 1,024"
    document = robustness_document(found["cap"])
    assert (document["drawn"], document["placements"]) == (1024, found["cap"].placements)
    assert document["mean_distance_mm"] == 10.66
    assert document["certainty"] == "read"
    assert "Rayleigh" in document["assumed"]
    assert document["expected_v_per_m"] == pytest.approx(found["cap"].expected, rel=1e-4)
    assert robustness_sections(replace(planned.plan, robustness=())) == ()


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        (Objective.FOCALITY, "magnitude of the mean E over the target"),
        (Objective.NORMAL_COMPONENT, "component of the mean E along the cortical normal, either way"),
        (Objective.DIRECTION, "component of the mean E towards the direction given, signed for a rising current"),
    ],
)
def test_what_was_scored_is_named_wherever_it_is_told(planned, objective, words):
    plan = replace(planned.plan, search=replace(planned.plan.search, objective=objective))
    (section,) = robustness_sections(plan)
    lead, _, table = section.blocks
    assert f"planned ({words})" in lead.text
    assert table.notes[0].startswith(f"Scored: {words}")
    assert dict(_if_misplaced(plan_document(plan)))["if misplaced"].startswith(words)


def test_a_field_turned_round_by_misplacing_is_written_as_it_is(planned):
    """The part towards a direction may fall below nothing."""
    turned = tuple(replace(one, percentile_5=-1.5) for one in planned.plan.robustness)
    jsonschema.validate(plan_document(replace(planned.plan, robustness=turned)), plan_schema())
