"""Models carried to another array library give the fields that they give on the processor."""

import sys
from types import SimpleNamespace

import array_api_compat
import array_api_strict
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_matrix, random_array

from anodyne.coil import CompositeCoil, CurrentElements, DipoleCoil, MagneticDipoles, Pose, WireCoil
from anodyne.errors import NotAvailable, PlacementRefused
from anodyne.field import ChargeModel, FieldModel, FittedSphere, SecondOrderModel, find_device
from anodyne.field.carrying import to_numpy
from anodyne.field.elements import device_cycle, row_sums
from anodyne.field.elements.device_cycle import DeviceMultigrid
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
    there = array_api_strict.asarray(x, device=APART)
    assert_allclose(to_numpy(carried.times(there)), matrix @ x, atol=1e-14)
    assert_allclose(to_numpy(carried.single().times(there)), matrix @ x, atol=1e-6)


def test_slices_are_no_larger_than_allowed(monkeypatch):
    monkeypatch.setattr(row_sums, "LARGEST_SLICE", 32)
    matrix = csr_matrix(random_array((40, 30), density=0.4, rng=np.random.default_rng(1)))
    carried = RowSums.of(matrix, array_api_strict, None, np.float64)
    assert all(values.size <= 32 for _, values in carried.slices)
    assert_allclose(np.asarray(carried.times(array_api_strict.ones((30, 1)))), matrix @ np.ones((30, 1)), atol=1e-14)


def test_row_sums_of_nothing():
    x = array_api_strict.ones((4, 2))
    empty = RowSums.of(csr_matrix((3, 4)), array_api_strict, None, np.float64)
    assert_allclose(np.asarray(empty.times(x)), np.zeros((3, 2)))
    assert RowSums.of(csr_matrix((0, 4)), array_api_strict, None, np.float64).times(x).shape == (0, 2)


def test_a_device_without_its_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(NotAvailable, match=r"'cuda' needs PyTorch.*pip install 'anodyne\[gpu\]'"):
        find_device("cuda")


class OutOfMemoryError(RuntimeError):
    """As PyTorch's."""


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OutOfMemoryError("Tried to allocate 20.00 MiB"), "device 'xpu' has too little memory for even a product"),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), "'xpu' has too little memory"),
        (RuntimeError("Required aspect fp64 is not supported\nsee below"), r"double.* \(Required .* not supported\); "),
        (NotImplementedError("a line"), r"PyTorch 2\.x has no device 'xpu' .*\(a line\); leave --device out"),
        (ModuleNotFoundError("No module named 'habana'"), r"has no device 'xpu' .*\(No module named 'habana'\)"),
        (AssertionError(), r"has no device 'xpu' .*\(AssertionError\)"),
    ],
)
def test_a_device_that_fails_a_small_product_is_refused(monkeypatch, error, sentence):
    def fails(*_, **__):
        raise error

    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(__version__="2.x", device=str))
    monkeypatch.setattr(array_api_compat, "torch", SimpleNamespace(float64=None, ones=fails), raising=False)
    with pytest.raises(NotAvailable, match=sentence) as caught:
        find_device("xpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["meta", "gpu9", "hpu", ""])
@pytest.mark.filterwarnings("default")  # PyTorch's own, at its start
def test_devices_of_pytorch_that_compute_nothing_here(name):
    pytest.importorskip("torch", reason="PyTorch is not installed, so no device can be asked")
    with pytest.raises(NotAvailable, match=f"has no device '{name}'"):
        find_device(name)


def test_a_device_without_enough_memory_is_named(mesh, coil, monkeypatch):
    def full(*_, **__):
        raise OutOfMemoryError("Tried to allocate 2.00 GiB")

    def broken(*_, **__):
        raise RuntimeError("index out of range")

    model = FieldModel(mesh)
    there = model.on(array_api_strict, APART)
    monkeypatch.setattr(array_api_strict, "take", full)
    with pytest.raises(NotAvailable, match="too little memory for the model"):
        model.on(array_api_strict, APART)
    with pytest.raises(NotAvailable, match=r"device '.*device1.*' has too little memory for 3 placements; .*fewer"):
        there.solve_many(coil, POSES, DI_DT)
    monkeypatch.setattr(array_api_strict, "take", broken)
    with pytest.raises(RuntimeError, match="index out of range"):
        there.solve_many(coil, POSES, DI_DT)


@pytest.mark.parametrize("largest", [0, device_cycle.LARGEST_TABLE])
def test_the_cycle_is_the_processors_with_and_without_zeros(mesh, monkeypatch, largest):
    monkeypatch.setattr(device_cycle, "LARGEST_TABLE", largest)
    model = FieldModel(mesh)
    finest = RowSums.of(model.matrix, array_api_strict, APART, np.float64).single()
    cycle = DeviceMultigrid(model.parts.multigrid, finest, array_api_strict, APART)
    residual = np.random.default_rng(2).normal(size=(len(model.used), 2)).astype(np.float32)
    residual -= residual.mean(axis=0)
    expected = model.parts.multigrid.apply(residual)
    found = to_numpy(cycle.apply(array_api_strict.asarray(residual, device=APART)))
    assert_allclose(found, expected, rtol=0, atol=1e-5 * abs(expected).max())


@pytest.mark.filterwarnings("default")  # PyTorch's own, at its start
def test_pytorch_itself_will_do_for_its_namespace(mesh, coil):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed, so its arrays cannot be tried")
    model = FieldModel(mesh)
    alike(model.on(torch, "cpu").solve(coil, POSES[0], DI_DT), model.solve(coil, POSES[0], DI_DT))


@pytest.mark.gpu
@pytest.mark.filterwarnings("default")  # PyTorch's own, at its start
@pytest.mark.parametrize("name", MODELS)
def test_the_same_field_on_a_gpu(card, name, mesh, coil):
    model = MODELS[name](mesh, tolerance=1e-9)
    for one, pose in zip(model.on(*find_device(card)).solve_many(coil, POSES, DI_DT), POSES, strict=True):
        alike(one, model.solve(coil, pose, DI_DT), tolerance=1e-4)
