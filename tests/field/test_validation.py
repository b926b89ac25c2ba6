"""Where fields are compared, and which of several measurements is good enough, and what it stands beside."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import anodyne.field.validation
from anodyne.coil import find_coil
from anodyne.field import ElectricField, FittedSphere, Validation, compare_fields
from anodyne.field.validation import ABOVE, DEPTHS, DI_DT, POINTS, RADII, cortical_points, validate_case
from anodyne.units import mm

GOOD = Validation(
    solver="fem2",
    coil="figure",
    edge=8 * mm,
    tetrahedra=40_000,
    relative_error=0.004,
    relative_error_anywhere=0.02,
    rdm=0.004,
    magnitude_ratio=1.0,
    seconds=1.0,
    processor_seconds=2.0,
    seconds_more=0.5,
    memory=None,
)


@pytest.mark.parametrize(
    "changes", [{"relative_error": 0.011}, {"rdm": 0.011}, {"magnitude_ratio": 0.989}, {"magnitude_ratio": 1.011}]
)
def test_one_measure_beyond_the_goal_is_enough_to_miss_it(changes):
    assert GOOD.accurate
    assert not replace(GOOD, **changes).accurate


def test_cheapest_counts_processor_time_of_accurate_results():
    slower = replace(GOOD, edge=4 * mm, processor_seconds=9.0, seconds=0.1)
    worse = replace(GOOD, rdm=0.2, processor_seconds=0.1)
    circle = replace(GOOD, coil="circle", processor_seconds=0.1)
    quick = replace(GOOD, solver="quick", processor_seconds=1.0)
    assert Validation.cheapest((slower, worse, GOOD, circle, quick)) == (quick, GOOD, circle)
    assert Validation.cheapest((worse,)) == ()


def test_first_order_beside_it_has_half_the_edge_or_the_next_finer():
    first = [replace(GOOD, solver="fem1", edge=edge * mm) for edge in (8, 5, 4, 3)]
    assert GOOD.finer_first_order(first) is first[2]
    assert GOOD.finer_first_order(first[:2]) is None
    assert GOOD.finer_first_order([replace(first[2], coil="circle")]) is None


class ExactAtBarycentres:
    """In place of a solver: the closed form at every barycentre, and between them what is made of it."""

    made = ()

    def __init__(self, mesh):
        self.mesh = mesh

    def solve(self, coil, pose, di_dt):
        """The field, which is kept too."""
        field = ElectricField(
            mesh=self.mesh,
            conductivity=np.ones(len(self.mesh.tetrahedra)),
            e_field=FittedSphere(centre=np.zeros(3)).at(self.mesh.barycentres, coil, pose, di_dt),
            potential=np.zeros(len(self.mesh.nodes)),
            di_dt=di_dt,
            iterations=0,
            residual=0.0,
        )
        ExactAtBarycentres.made = (field,)
        return field


def test_errors_at_barycentres_and_at_points_anywhere_are_two_numbers(monkeypatch):
    monkeypatch.setattr(anodyne.field.validation, "_make", lambda _, mesh: ExactAtBarycentres(mesh))
    (result,) = validate_case("fem1", 20 * mm, ["magstim-70mm"])
    (field,) = ExactAtBarycentres.made
    points = cortical_points()
    truth = FittedSphere(centre=np.zeros(3)).at(points, find_coil("magstim-70mm"), ABOVE, DI_DT)
    assert result.relative_error < 1e-12
    assert result.rdm < 1e-6
    assert result.magnitude_ratio == pytest.approx(1)
    assert result.relative_error_anywhere == pytest.approx(compare_fields(field.at_points(points), truth)[0])
    assert result.relative_error_anywhere > 0.005


def test_points_lie_under_the_coil_where_the_cortex_would_be():
    points = cortical_points()
    depth = RADII[0] - np.linalg.norm(points, axis=1)
    assert points.shape == (POINTS, 3)
    assert (points[:, 2] * ABOVE.position[2] >= 0).all()
    assert_allclose([depth.min(), depth.max()], DEPTHS, atol=0.1 * mm)
    assert_allclose(points[:, :2].mean(axis=0), 0, atol=1 * mm)


def test_places_of_a_weak_field_do_not_count():
    """A tenth of the highest field counts, anything weaker does not."""
    truth = np.array([[0.0, 10, 0], [0, 0, 1.001], [0.999, 0, 0]])
    weak_is_wrong, strong_is_wrong = truth.copy(), truth.copy()
    weak_is_wrong[2] = 5
    strong_is_wrong[1, 2] += 5
    assert compare_fields(weak_is_wrong, truth) == (0.0, 0.0, 1.0)
    error, rdm, ratio = compare_fields(strong_is_wrong, truth)
    assert error == pytest.approx(5 / np.hypot(10, 1.001))
    assert rdm > 0.3
    assert ratio > 1.1
