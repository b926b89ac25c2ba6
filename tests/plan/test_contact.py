"""The quick way to a coil's resting height gives what asking every point of the casing gives."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import Pose, find_coil
from anodyne.plan.search.contact import CONTACT_TOLERANCE, LARGEST_LIFT, _clusters, resting_lift
from anodyne.plan.search.placement import casing_points
from anodyne.units import mm

HAIR = 3 * mm


def asking_every_point(head, casing, rotations, points):
    """Sphere tracing with the whole casing."""
    lifts = []
    for rotation, point in zip(rotations, points, strict=True):
        lift = HAIR
        for _ in range(60):
            missing = HAIR - head.scalp_distance_at(casing @ rotation.T + point - lift * rotation[:, 2]).min()
            lift += max(missing, 0)
            if missing <= CONTACT_TOLERANCE or lift >= LARGEST_LIFT:
                break
        lifts.append(lift if missing <= 2 * CONTACT_TOLERANCE and lift < LARGEST_LIFT else np.inf)
    return np.array(lifts)


@pytest.fixture(scope="module")
def placements(planned):
    """Rotations and scalp points all over the ball, some of them tilted by up to 30 degrees."""
    rng = np.random.default_rng(5)
    outward = rng.normal(size=(12, 3))
    outward /= np.linalg.norm(outward, axis=1)[:, None]
    tilted = outward + 0.3 * rng.normal(size=(12, 3))
    poses = [
        Pose.from_point_and_handle(89 * mm * n, -t, handle)
        for n, t, handle in zip(outward, tilted, rng.normal(size=(12, 3)), strict=True)
    ]
    return np.array([pose.rotation for pose in poses]), np.array([pose.position for pose in poses])


@pytest.mark.parametrize("name", ["magstim-70mm", "magventure-cool-d-b80"])
def test_clusters_pass_over_nothing_that_matters(planned, placements, name):
    casing = casing_points(find_coil(name))
    lifts = resting_lift(planned.head, casing, *placements, HAIR)
    assert_allclose(lifts, asking_every_point(planned.head, casing, *placements), rtol=0, atol=1e-12)
    assert lifts.max() > HAIR + 1 * mm


def test_clusters_hold_every_point_once():
    casing = casing_points(find_coil("magventure-cool-d-b80"))
    clusters = _clusters(casing)
    assert sorted(map(tuple, clusters.points)) == sorted(map(tuple, casing))
    cluster = np.repeat(np.arange(len(clusters.centres)), np.diff(clusters.first))
    away = np.linalg.norm(clusters.points - clusters.centres[cluster], axis=1)
    assert_allclose(away, clusters.away)
    assert (away <= clusters.radii[cluster] + 1e-12).all()


def test_what_cannot_rest_is_infinite(planned, placements):
    spike = np.linspace(0, 0.3, 31)[:, None] * [0, 0, 1]
    assert np.isinf(resting_lift(planned.head, spike, *placements, HAIR)).all()


def test_no_placements(planned):
    nothing = resting_lift(planned.head, np.zeros((1, 3)), np.empty((0, 3, 3)), np.empty((0, 3)), HAIR)
    assert nothing.shape == (0,)
