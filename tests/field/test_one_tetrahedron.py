"""The smallest conductors: every solver answers on one tetrahedron, and says what is wrong with a flat one."""

from dataclasses import replace

import numpy as np
import pytest

from anodyne.coil import Pose, find_entry
from anodyne.field import SOLVERS, ChargeModel, FieldModel, FittedSphere
from anodyne.field.charges.grid import SmoothSum
from anodyne.head import TetrahedralMesh, layered_sphere
from anodyne.units import A_per_us, mm

ABOVE = Pose.from_point_and_handle([10 * mm, 5 * mm, 100 * mm], [0, 0, -1], [0.3, 1, 0])
DI_DT = 1 * A_per_us
MOST_CUTS = 200


@pytest.fixture(scope="module")
def coil():
    return find_entry("magstim-70mm").dipole_coil()


@pytest.fixture(scope="module")
def one():
    corners = 50 * mm * np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    return TetrahedralMesh(nodes=corners, tetrahedra=np.array([[0, 1, 2, 3]]), tissue=np.array([2]))


@pytest.fixture
def few_cuts(monkeypatch):
    """A search for the charges' cut that goes on for long fails instead of never ending."""
    tried, count = [], SmoothSum.points

    def counted(*arguments):
        tried.append(arguments)
        assert len(tried) < MOST_CUTS, "the search for a cut does not end"
        return count(*arguments)

    monkeypatch.setattr(SmoothSum, "points", counted)


@pytest.mark.parametrize("name", SOLVERS)
def test_every_solver_answers_on_one_tetrahedron(one, coil, name, few_cuts):
    field = SOLVERS[name].make(one).solve(coil, ABOVE, DI_DT)
    primary = np.linalg.norm(coil.da_dt(one.nodes, ABOVE, DI_DT), axis=1).max()
    assert field.e_field.shape == (1, 3)
    assert 0 <= field.magnitude[0] < primary
    assert field.residual < 1e-4


@pytest.mark.parametrize("name", ["fem1", "fem1-sphere", "fem2"])
def test_no_current_flows_on_the_whole(one, coil, name):
    """No current leaves, so its mean is nothing: in one linear element E itself, in a quadratic one E's mean."""
    field = SOLVERS[name].make(one).solve(coil, ABOVE, DI_DT)
    primary = np.linalg.norm(coil.da_dt(one.nodes, ABOVE, DI_DT), axis=1).max()
    mean = field.e_field
    if field.corners is not None:  # a quadratic part that is 1 at the barycentre has a mean of 4/5
        linear = field.corners.mean(axis=1)
        mean = linear + 4 / 5 * (field.e_field - linear)
        assert field.magnitude[0] > 0.01 * primary
    assert np.abs(mean).max() < 1e-6 * primary


def test_finer_facets_bring_the_charges_of_one_tetrahedron_to_a_limit(one, coil, few_cuts):
    fields = [ChargeModel(one, splits=splits).solve(coil, ABOVE, DI_DT).e_field[0] for splits in range(4)]
    steps = np.linalg.norm(np.diff(fields, axis=0), axis=1)
    assert (steps[1:] < 0.5 * steps[:-1]).all(), steps


def test_spheres_of_a_hundred_facets_are_solved_by_charges(coil, few_cuts):
    directions = np.random.default_rng(4).normal(size=(200, 3))
    points = directions / np.linalg.norm(directions, axis=1)[:, None] * np.linspace(5 * mm, 55 * mm, 200)[:, None]
    truth = FittedSphere(centre=np.zeros(3)).at(points, coil, ABOVE, DI_DT)
    models = [ChargeModel(layered_sphere([92 * mm], [2], edge)) for edge in (60 * mm, 30 * mm)]
    errors = [
        np.linalg.norm(model.charges(coil, ABOVE, DI_DT).e_field_at(points) - truth) / np.linalg.norm(truth)
        for model in models
    ]
    assert [model.facet_count for model in models] == [96, 384]
    assert errors[0] < 0.2
    assert errors[1] < errors[0] / 2.5


@pytest.mark.parametrize("name", SOLVERS)
def test_a_tetrahedron_without_volume_is_refused(one, name):
    nodes = np.concatenate([one.nodes, one.nodes[:3].mean(axis=0)[None]])
    tetrahedra = np.concatenate([one.tetrahedra, [[0, 1, 2, 4]]])
    flat = replace(one, nodes=nodes, tetrahedra=tetrahedra, tissue=np.array([2, 2]))
    for conductivity in (None, [0.3, 0.3]):
        with pytest.raises(ValueError, match="1 tetrahedra have no volume, the first is number 1"):
            SOLVERS[name].make(flat, conductivity)


@pytest.mark.parametrize("pair", [(0, 1), (1, 0), (0, 2), (2, 1)])
def test_a_tensor_that_is_not_its_own_transpose_is_refused(one, pair):
    tensor = 0.3 * np.eye(3)
    tensor[pair] = 0.001
    with pytest.raises(ValueError, match=r"must be symmetric; 1 tensors are not, .* tetrahedron 0,.* by 0.001 S/m"):
        FieldModel(one, tensor[None])


def test_a_tensor_may_be_off_its_transpose_by_rounding(one):
    turn = ABOVE.rotation.astype(np.float32)
    tensor = turn @ np.diag(np.array([0.1, 0.3, 0.7], np.float32)) @ turn.T
    tensor[0, 1] *= np.float32(1 + 4e-7)
    assert tensor[0, 1] != tensor[1, 0]
    FieldModel(one, tensor[None])
