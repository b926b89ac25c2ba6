"""The linear solver: few iterations at any size and contrast, the same ones every time."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import sleep

import numpy as np
import pyamg
import pytest
from numpy.testing import assert_array_equal

from anodyne.coil import Pose, find_coil
from anodyne.field import FieldModel, SecondOrderModel
from anodyne.field.elements.multigrid import Multigrid
from anodyne.head import Tissue, layered_sphere
from anodyne.units import A_per_us, mm

POSE = Pose.from_point_and_handle([0, 0, 97 * mm], [0, 0, -1], [1, 1, 0])


@pytest.fixture(scope="module")
def sphere():
    return layered_sphere((78 * mm, 80 * mm, 86 * mm, 92 * mm), (2, 3, 4, 5), 10 * mm)


def iterations(model):
    return model.solve(find_coil("magstim-70mm"), POSE, 1 * A_per_us).iterations


@pytest.mark.parametrize("bone", [1e-2, 1e-4, 1e-6, 1e-9], ids=lambda bone: f"{bone:g} S/m")
@pytest.mark.parametrize("kind", [FieldModel, SecondOrderModel], ids=["first order", "second order"])
def test_a_brain_that_hardly_anything_joins_to_the_scalp_is_solved_as_quickly(sphere, bone, kind):
    joined = iterations(kind(sphere, np.full(len(sphere.tetrahedra), 0.3)))
    apart = iterations(kind(sphere, np.where(sphere.tissue == Tissue.BONE, bone, 0.3)))
    assert apart <= 1.3 * joined


def test_iterations_hardly_grow_with_the_mesh(sphere):
    finer = layered_sphere((78 * mm, 80 * mm, 86 * mm, 92 * mm), (2, 3, 4, 5), 5 * mm)
    assert iterations(FieldModel(finer)) <= 1.3 * iterations(FieldModel(sphere))


@pytest.mark.parametrize("ratio", [10, 100])
def test_a_conductivity_stronger_along_one_axis_is_solved(sphere, ratio):
    tensors = np.broadcast_to(np.diag([0.3 * ratio, 0.3, 0.3]), (len(sphere.tetrahedra), 3, 3))
    assert iterations(FieldModel(sphere, tensors)) <= 100


def test_another_model_of_the_same_mesh_gives_the_same_field_to_the_last_bit(sphere):
    one, other = (FieldModel(sphere).solve(find_coil("magstim-70mm"), POSE, 1 * A_per_us) for _ in range(2))
    assert np.array_equal(one.e_field, other.e_field)


def test_threads_that_set_up_at_once_make_the_same_and_leave_the_random_numbers_alone(monkeypatch):
    """A hierarchy made slowly: the other thread has all the time to come between its random numbers."""
    matrix = FieldModel(layered_sphere((92 * mm,), (2,), 16 * mm)).matrix
    make, drawn, together = pyamg.smoothed_aggregation_solver, [], Barrier(2)

    def slowly(*arguments, **options):
        first = np.random.rand()  # noqa: NPY002
        sleep(0.05)
        drawn.append((first, np.random.rand()))  # noqa: NPY002
        return make(*arguments, **options)

    def set_up(_):
        together.wait(20)
        return Multigrid(matrix)

    monkeypatch.setattr(pyamg, "smoothed_aggregation_solver", slowly)
    before = np.random.get_state()  # noqa: NPY002
    with ThreadPoolExecutor(2) as threads:
        made = list(threads.map(set_up, range(2)))
    assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert np.random.get_state()[2] == before[2]  # noqa: NPY002
    assert len(drawn) == 2
    assert drawn[0] == drawn[1]
    one, other = made
    assert one.levels
    for a, b in zip(one.levels, other.levels, strict=True):
        assert_array_equal(a.prolongation.data, b.prolongation.data)
        assert_array_equal(a.smoother.weights, b.smoother.weights)
