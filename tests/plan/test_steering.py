"""An array's currents put the field where it is wanted, along what is wanted."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import Pose
from anodyne.errors import PlacementRefused, UnknownName
from anodyne.field import FieldModel, mean
from anodyne.head import find_target, place_target
from anodyne.plan import (
    ARRAYS,
    CoilArray,
    SteeringGrid,
    array_fields,
    casing_clearance,
    crossed_eights,
    find_array,
    planar_five,
    rest_array,
    steer,
)
from anodyne.plan.plot import plot_field_beneath, plot_steering, steering_figure
from anodyne.units import mm, us

FRONT = [0.0, 1.0, 0.0]


@pytest.fixture(scope="module")
def head(planned):
    return planned.head


@pytest.fixture(scope="module")
def model(head):
    return FieldModel(head.mesh)


@pytest.fixture(scope="module")
def pose(head):
    return rest_array(head, planar_five(), place_target(head, find_target("right-m1-hand")), 0.0, 2 * mm)


@pytest.fixture(scope="module")
def fields(model, head, pose):
    return array_fields(model, head, planar_five(), pose)


@pytest.fixture(scope="module")
def steered(fields):
    return steer(fields, planar_five(), SteeringGrid(direction=FRONT, magnitude=80.0, radius=10 * mm, spacing=10 * mm))


def test_the_array_lies_on_the_hair(head, pose):
    assert casing_clearance(head, planar_five().body, pose) == pytest.approx(2 * mm, abs=0.1 * mm)


def test_every_aim_gets_the_field_that_was_wanted(pose, steered):
    axis = pose.into_head
    along = FRONT - (FRONT @ axis) * axis
    along /= np.linalg.norm(along)
    assert len(steered) == 7
    for one in steered:
        assert one.refusal is None
        assert_allclose(one.e_field @ along, 80, rtol=1e-6)
        assert_allclose(one.e_field @ np.cross(axis, along), 0, atol=1e-6)


def test_the_fields_summit_follows_the_aim(pose, fields, steered):
    aims = pose.to_coil(np.array([one.aim for one in steered]))[:, :2]
    summits = pose.to_coil(np.array([one.summit for one in steered]))[:, :2]
    assert_allclose([one.off_aim for one in steered], np.linalg.norm(aims - summits, axis=1))
    assert np.linalg.norm(aims - summits, axis=1).mean() < 6 * mm  # on a mesh of 9 mm edges
    moved = (aims - aims[0])[1:].ravel() @ (summits - summits[0])[1:].ravel()
    assert moved / (np.linalg.norm(aims - aims[0]) * np.linalg.norm(summits - summits[0])) > 0.9


def test_currents_superpose_to_one_full_solve(model, head, pose, fields, steered):
    """The sum of the coils' fields is the field of one coil that carries all their currents."""
    one = steered[3]
    total = sum(
        rate * model.solve(c, pose, 1.0).e_field for rate, c in zip(one.rates, planar_five().channels, strict=True)
    )
    near = np.linalg.norm(model.mesh.barycentres - one.aim, axis=1) <= 5 * mm
    near &= model.mesh.tissue == 2
    assert_allclose(mean(total[near], model.mesh.volumes[near]), one.e_field, rtol=1e-6, atol=1e-6)


def test_less_elsewhere_costs_energy(fields, steered):
    array = planar_five()
    strict = SteeringGrid(direction=FRONT, magnitude=80.0, radius=10 * mm, spacing=10 * mm, most_elsewhere=1.02)
    for free, bound in zip(steered, steer(fields, array, strict), strict=True):
        if bound.rates is None:
            assert free.highest > 1.02 * 80
            assert "anywhere beneath" in bound.refusal
            continue
        assert bound.highest <= 80 * 1.02 * 1.002
        assert array.energy(bound.rates) >= array.energy(free.rates) * (1 - 1e-9)


def test_energy_is_half_of_inductance_times_the_square_of_the_current():
    five = planar_five()
    assert five.energy(np.array([0, 2000.0, 0, 0, 0])) == pytest.approx(five.inductance[1, 1] * 2e6)
    together = (five.inductance[1, 1] + five.inductance[4, 4] + 2 * five.inductance[1, 4]) / 2
    assert five.energy(np.array([0, 1.0, 0, 0, 1])) == pytest.approx(together)


def test_an_array_turned_by_a_quarter_has_its_y_to_the_patients_left(head):
    site = place_target(head, find_target("right-m1-hand"))
    ahead, left = (rest_array(head, crossed_eights(), site, angle, 2 * mm) for angle in (0.0, np.pi / 2))
    assert ahead.rotation[1, 1] > 0.9
    assert left.rotation[0, 1] < -0.5
    assert abs(left.rotation[1, 1]) < 0.1


def test_crossed_eights_turn_the_field(model, head):
    array = crossed_eights()
    pose = rest_array(head, array, place_target(head, find_target("right-m1-hand")), 0.0, 2 * mm)
    fields = array_fields(model, head, array, pose)
    first = None
    for angle in np.radians([0, 45, 90]):
        along = np.cos(angle) * pose.rotation[:, 1] + np.sin(angle) * pose.rotation[:, 0]
        (one,) = steer(fields, array, SteeringGrid(direction=along, magnitude=80.0, radius=0))
        assert_allclose(one.e_field @ along, 80, rtol=1e-6)
        first = one.rates if first is None else first
    assert abs(first[0]) > 5 * abs(first[1])
    assert abs(one.rates[1]) > 5 * abs(one.rates[0])


def test_an_array_of_unknown_inductance_keeps_the_squares_of_its_currents_small(fields):
    five = planar_five()
    plain = CoilArray(name="x", label="x", source="x", certainty=five.certainty, channels=five.channels)
    assert "resistance" in plain.cost_in_words
    assert plain.energy(np.ones(5)) is None
    grid = SteeringGrid(direction=FRONT, magnitude=80.0, radius=0)
    (ours,), (theirs,) = steer(fields, plain, grid), steer(fields, five, grid)
    assert np.linalg.norm(ours.rates) <= np.linalg.norm(theirs.rates)
    assert five.energy(theirs.rates) <= five.energy(ours.rates)


def test_arrays_are_found_by_name():
    assert set(ARRAYS) == {"planar-five", "crossed-eights"}
    assert find_array("Planar-Five") is planar_five()
    with pytest.raises(UnknownName, match="planar-five"):
        find_array("planar-six")


def test_windings_lie_within_their_housing():
    for array in (planar_five(), crossed_eights()):
        for coil in array.channels:
            assert coil.outline[:, 2].max() < 0
            assert coil.outline[:, 2].min() > array.casing.points[:, 2].min()
            furthest = np.linalg.norm(coil.outline[:, :2], axis=1).max()
            assert furthest < np.linalg.norm(array.casing.points[:, :2], axis=1).max()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"inductance": np.eye(4)}, "symmetric 5 × 5"),
        ({"inductance": -np.eye(5)}, "positive energy"),
        ({"channels": ()}, "at least one coil"),
    ],
)
def test_impossible_arrays_are_refused(wrong, says):
    five = planar_five()
    given = {"name": "x", "label": "x", "source": "x", "certainty": five.certainty, "channels": five.channels, **wrong}
    with pytest.raises(ValueError, match=says):
        CoilArray(**given)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"magnitude": 0.0}, "magnitude must be positive"),
        ({"spacing": -1.0}, "spacing must be positive"),
        ({"radius": 0.06}, "within 50 mm"),
        ({"rate": float("nan")}, "rate must be positive"),
        ({"most_elsewhere": 0.9}, "holds at the aim too, .* at least 1, not 0.9"),
        ({"most_elsewhere": float("nan")}, "at least 1, not nan"),
    ],
)
def test_impossible_grids_are_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        SteeringGrid(**{"direction": FRONT, "magnitude": 80.0, **wrong})


def test_a_direction_through_the_scalp_is_refused(fields, pose):
    with pytest.raises(ValueError, match="along the array's axis"):
        steer(fields, planar_five(), SteeringGrid(direction=pose.into_head, magnitude=80.0))


def test_an_array_that_faces_away_is_refused(model, head, pose):
    away = Pose.from_point_and_handle(pose.position, -pose.into_head, [0, 1, 0])
    with pytest.raises(PlacementRefused, match="no cortex lies beneath"):
        array_fields(model, head, planar_five(), away)


def test_pictures_show_every_aim(fields, steered):
    figure = steering_figure(fields, planar_five(), steered, period=300 * us, title="a test")
    assert len(figure.axes) == 5  # three panels, a bar for both fields and one for the energy
    assert "not a medical device" in figure.get_supxlabel()
    assert "300 µs" in figure.get_suptitle()
    ax = plot_steering(fields, planar_five(), steered, period=300 * us)
    assert len(ax.collections[0].get_offsets()) == 7
    assert plot_field_beneath(fields, steered[0], highest=100).get_xlabel() == "x of the array (mm)"
    plt.close("all")


def test_pictures_are_seen_from_outside_the_head(fields, steered):
    """With z into the head and y up, what lies at the array's positive x is on the left."""
    for ax in (
        plot_field_beneath(fields, steered[0], highest=100),
        plot_steering(fields, planar_five(), steered, period=300 * us),
    ):
        assert ax.xaxis_inverted()
        assert not ax.yaxis_inverted()
    plt.close("all")
