"""The kernels outside the head are what they say, and condensing keeps what matters."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import find_entry
from anodyne.field.elements.first_order import AdjointSources
from anodyne.field.reciprocity.exterior import acting_on, condensed, condensed_adjoint, magnetic_field_on, potential_on
from anodyne.units import mm

RNG = np.random.default_rng(3)
SOURCES = 50 * mm * RNG.normal(size=(3, 5000)).astype(np.float32)
VECTORS = RNG.normal(size=(2, 3, 5000)).astype(np.float32)
POINTS = (np.array([0, 0, 0.3]) + 20 * mm * RNG.normal(size=(7, 3))).astype(np.float32)


def distances():
    """From each source to each point, (7, 5000, 3) and (7, 5000)."""
    away = SOURCES.T.astype(float) - POINTS[:, None].astype(float)
    return away, np.linalg.norm(away, axis=2)


def test_potential_is_the_sum_over_distance():
    _, distance = distances()
    assert_allclose(potential_on(SOURCES, VECTORS, POINTS), np.einsum("kcs,ps->pkc", VECTORS, 1 / distance), rtol=2e-4)


def test_magnetic_field_is_the_curl():
    away, distance = distances()
    wanted = np.cross(away[:, None], VECTORS.transpose(0, 2, 1)[None]) / distance[:, None, :, None] ** 3
    found = magnetic_field_on(SOURCES, VECTORS, POINTS)
    assert_allclose(found, wanted.sum(axis=2), rtol=0, atol=2e-4 * np.abs(wanted.sum(axis=2)).max())


def test_a_point_upon_a_source_stays_finite():
    for kernel in (potential_on, magnetic_field_on):
        assert np.isfinite(kernel(SOURCES, VECTORS, np.ascontiguousarray(SOURCES.T[:3]))).all()


def test_unknown_elements_are_refused():
    with pytest.raises(TypeError, match="no reciprocity"):
        acting_on(object())


def test_condensing_keeps_the_total_and_the_moment():
    """One wing: the moments of a figure-of-eight's two wings cancel, and nothing would be left to lose."""
    elements = find_entry("magstim-70mm").wire_coil().sources()[0]
    wing = elements.positions[:, 0] > 0
    places, vectors = elements.positions[wing], elements.vectors[wing]
    positions, strengths = condensed(places, vectors, 4 * mm)
    assert len(positions) < len(places) / 2
    assert_allclose(strengths.sum(axis=0), vectors.sum(axis=0), atol=1e-12)
    before, after = (0.5 * np.cross(*each).sum(axis=0) for each in ((places, vectors), (positions, strengths)))
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.linalg.norm(before) > 0.2 * lengths.sum() * np.linalg.norm(places - places.mean(axis=0), axis=1).mean()
    assert np.linalg.norm(after - before) < 2e-3 * np.linalg.norm(before)


def test_condensed_adjoint_keeps_the_total():
    adjoint = AdjointSources(positions=SOURCES.T.astype(float), vectors=VECTORS.transpose(0, 2, 1).astype(float))
    sources, vectors = condensed_adjoint(adjoint)
    assert sources.shape[1] == vectors.shape[2] <= SOURCES.shape[1]
    assert_allclose(vectors.sum(axis=2), VECTORS.sum(axis=2), atol=0.01)
