"""Models carried to another array library give the fields that they give on the processor."""

import sys

import array_api_strict
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_matrix, random_array

from anodyne.coil import CompositeCoil, CurrentElements, DipoleCoil, MagneticDipoles, Pose, WireCoil
from anodyne.errors import NotAvailable, PlacementRefused
from anodyne.field import ChargeModel, FieldModel, FittedSphere, SecondOrderModel, find_device
from anodyne.field.carrying import to_numpy
from anodyne.field.elements.row_sums import RowSums
from anodyne.head import TetrahedralMesh, layered_sphere
from anodyne.units import A_per_us, mm

DI_DT = 1 * A_per_us
POSES = [
    Pose.from_point_and_handle([x * mm, 0, 97 * mm], [0, 0, -1], handle)
    for x, handle in ((0, [0, 1, 0]), (9, [1, 1, 0]), (-14, [1, 0, 0]))
]
APART = array_api_strict.Device("device1")
"""A device that is not the library's own: arrays left behind on that, or taken for numpy's, raise."""

MODELS = {"fem1": FieldModel, "fem2": SecondOrderModel}


@pytest.fixture(scope="module")
def mesh():
    return layered_sphere((78 * mm, 80 * mm, 86 * mm, 92 * mm), (2, 3, 4, 5), 24 * mm)


@pytest.fixture(scope="module")
def coil():
    """A ring of wire and a row of dipoles in series."""
    angle = np.linspace(0, 2 * np.pi, 61)
    ring = 35 * mm * np.column_stack([np.cos(angle), np.sin(angle), np.full(61, -0.2)])
    wires = CurrentElements(positions=(ring[1:] + ring[:-1]) / 2, vectors=np.diff(ring, axis=0))
    row = np.column_stack([np.linspace(-30, 30, 9) * mm, np.full(9, 20 * mm), np.full(9, -8 * mm)])
    dipoles = MagneticDipoles(positions=row, moments=np.tile([1e-4, 0, 3e-4], (9, 1)))
    about = {"label": "a ring and dipoles", "source": "made up for this test"}
    parts = (
        WireCoil(name="ring", elements=wires, **about),
        DipoleCoil(name="row", dipoles=dipoles, **about),
    )
    return CompositeCoil(name="both", parts=parts, **about)


def alike(found, expected, tolerance=1e-5):
    assert found.e_field.dtype == float
    for name in ("e_field", "potential", "corners", "bends"):
        one, other = getattr(found, name), getattr(expected, name)
        assert (one is None) == (other is None)
        if one is not None:
            assert_allclose(one, other, rtol=0, atol=tolerance * abs(other).max())


@pytest.mark.parametrize("name", MODELS)
def test_several_placements_at_once_on_another_library(name, mesh, coil):
    model = MODELS[name](mesh, tolerance=1e-9)
    found = model.on(array_api_strict, APART).solve_many(coil, POSES, DI_DT)
    assert len(found) == len(POSES)
    for one, pose in zip(found, POSES, strict=True):
        alike(one, model.solve(coil, pose, DI_DT))
        assert one.residual <= model.tolerance
        assert {"carry", "primary", "solve", "recover"} <= set(one.timings)


@pytest.mark.parametrize("name", MODELS)
def test_several_placements_at_once_are_those_one_by_one(name, mesh, coil):
    model = MODELS[name](mesh, tolerance=1e-9)
    for one, pose in zip(model.solve_many(coil, POSES * 3, DI_DT), POSES * 3, strict=True):
        alike(one, model.solve(coil, pose, DI_DT))
    assert model.solve_many(coil, [], DI_DT) == []


@pytest.mark.parametrize("name", MODELS)
def test_tensors_and_nodes_of_no_tetrahedron(name, mesh, coil):
    spare = TetrahedralMesh(
        nodes=np.concatenate([[[0, 0, 0]], mesh.nodes, [[1, 1, 1]]]),
        tetrahedra=mesh.tetrahedra + 1,
        tissue=mesh.tissue,
    )
    turned = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    tensors = np.where((mesh.tissue == 2)[:, None, None], turned @ np.diag([0.2, 0.3, 0.6]) @ turned.T, 0.1 * np.eye(3))
    model = MODELS[name](spare, tensors, tolerance=1e-9)
    alike(model.on(array_api_strict, APART).solve(coil, POSES[1], DI_DT), model.solve(coil, POSES[1], DI_DT))


def test_primary_field_without_a_device_formula_comes_from_the_processor(mesh, coil):
    model = FieldModel(mesh, primary=FittedSphere(centre=np.array([0, 0, 2 * mm])), tolerance=1e-9)
    alike(model.on(array_api_strict, APART).solve(coil, POSES[0], DI_DT), model.solve(coil, POSES[0], DI_DT))


@pytest.mark.parametrize(
    ("height", "words"),
    [(60 * mm, "lies inside the head"), (0, "multiply it by 1000"), (3, r"is 2\.9 m from the head")],
)
def test_impossible_places_are_refused_before_anything_is_solved(mesh, coil, height, words):
    impossible = Pose.from_point_and_handle([0, 0, height], [0, 0, -1], [0, 1, 0])
    for model in (FieldModel(mesh), FieldModel(mesh).on(array_api_strict, APART), ChargeModel(mesh)):
        with pytest.raises(PlacementRefused, match=words):
            model.solve_many(coil, [POSES[0], impossible], DI_DT)


@pytest.mark.parametrize("shape", [(40, 30), (1, 5), (7, 1), (5, 4)])
def test_row_sums_are_products(shape):
    generator = np.random.default_rng(1)
    matrix = csr_matrix(random_array(shape, density=0.4, rng=generator))
    matrix.data[:2] = 0
    x = generator.normal(size=(shape[1], 3))
    carried = RowSums.of(matrix, array_api_strict, APART, np.float64)
    assert_allclose(to_numpy(carried.times(array_api_strict.asarray(x, device=APART))), matrix @ x, atol=1e-14)


def test_row_sums_of_nothing():
    x = array_api_strict.ones((4, 2))
    empty = RowSums.of(csr_matrix((3, 4)), array_api_strict, None, np.float64)
    assert_allclose(np.asarray(empty.times(x)), np.zeros((3, 2)))
    assert RowSums.of(csr_matrix((0, 4)), array_api_strict, None, np.float64).times(x).shape == (0, 2)


def test_a_device_without_its_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(NotAvailable, match=r"'cuda' needs PyTorch.*pip install 'anodyne\[gpu\]'"):
        find_device("cuda")


@pytest.mark.gpu
@pytest.mark.parametrize("name", MODELS)
def test_the_same_field_on_a_gpu(name, mesh, coil):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed, so no GPU can be asked")
    if not torch.cuda.is_available():
        pytest.skip("no GPU that PyTorch knows on this machine")
    model = MODELS[name](mesh, tolerance=1e-9)
    for one, pose in zip(model.on(*find_device("cuda")).solve_many(coil, POSES, DI_DT), POSES, strict=True):
        alike(one, model.solve(coil, pose, DI_DT), tolerance=1e-4)
