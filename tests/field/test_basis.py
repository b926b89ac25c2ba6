"""The field basis: equal to full solutions, linear, the same every time and in every array library."""

import errno
from dataclasses import replace
from itertools import pairwise

import array_api_strict
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import anodyne.field.basis.file
from anodyne.coil import CompositeCoil, Pose, find_coil, find_entry
from anodyne.errors import CannotWrite, NotAvailable, PlacementRefused, UnreadableFile
from anodyne.field import (
    FieldBasis,
    RandomPlacements,
    SecondOrderModel,
    build_basis,
    find_device,
    read_basis,
    write_basis,
)
from anodyne.field.basis.sources import points_elsewhere
from anodyne.field.carrying import to_numpy
from anodyne.head import Tissue
from anodyne.units import A_per_us, mm

APART = array_api_strict.Device("device1")
RADII = (74 * mm, 77 * mm, 83 * mm, 89 * mm)
ABOVE = Pose.from_point_and_handle([0, 0, 93 * mm], [0, 0, -1], [0.3, 1, 0])
COILS = {"wires": find_coil("magstim-70mm"), "dipoles": find_entry("magventure-c-b60").dipole_coil()}
COILS["both"] = CompositeCoil(name="both", label="both", source="this test", parts=(COILS["wires"], COILS["dipoles"]))


@pytest.fixture(scope="module")
def ball(ball_of):
    return ball_of(12 * mm)


@pytest.fixture(scope="module")
def coarse(ball_of):
    return ball_of(20 * mm)


@pytest.fixture(scope="module")
def basis(ball):
    return build_basis(ball, modes=112, points=300, tests=5)


@pytest.fixture(scope="module")
def placements(ball):
    generator = RandomPlacements(head=ball, generator=np.random.default_rng(11))
    return [generator.of(COILS["wires"]) for _ in range(5)]


def test_basis_gives_the_full_solution_within_its_own_estimate(ball, basis, placements):
    model = SecondOrderModel(ball.mesh)
    for pose in placements[:3]:
        full = model.solve(COILS["wires"], pose, 1 * A_per_us).on_surface(basis.surface, Tissue.GREY_MATTER)
        found = basis.evaluate(COILS["wires"], pose, 1 * A_per_us)
        error = np.linalg.norm(found - full) / np.linalg.norm(full)
        assert error < 1.5 * basis.estimated_error(COILS["wires"], pose)[0]
        assert error < 0.02


def test_tests_are_kept_and_improve_with_the_number_of_modes(basis):
    assert len({test.coil for test in basis.tests}) == 5
    assert np.median([test.error for test in basis.tests]) < 0.02
    counts, medians = zip(
        *(
            (count, np.median([dict(test.by_modes)[count] for test in basis.tests]))
            for count, _ in basis.tests[0].by_modes
        ),
        strict=True,
    )
    assert counts[-1] == len(basis.modes)
    assert all(after < before for before, after in pairwise(medians))
    assert medians[-1] < medians[0] / 4


def test_modes_are_orthogonal_and_ordered(basis):
    flat = basis.modes.reshape(len(basis.modes), -1).astype(float)
    gram = flat @ flat.T
    scale = np.sqrt(np.outer(np.diag(gram), np.diag(gram)))
    assert np.abs(gram / scale - np.eye(len(gram))).max() < 2e-2
    assert (np.diff(basis.singular_values) <= 1e-6 * basis.singular_values[0]).all()


def test_field_is_linear_in_the_current(basis):
    once = basis.evaluate(COILS["wires"], ABOVE, 1 * A_per_us)
    assert_allclose(
        basis.evaluate(COILS["wires"], ABOVE, -3 * A_per_us), -3 * once, rtol=0, atol=1e-5 * abs(once).max()
    )


def test_points_elsewhere_lie_in_bone_and_skin(ball_of, ball):
    thick = ball_of(10 * mm, (*RADII[:3], 110 * mm))
    points = points_elsewhere(thick, np.zeros(3))
    assert len(points) > 50
    distances = np.linalg.norm(points, axis=1)
    assert RADII[1] + 8 * mm < distances.min()
    assert distances.max() < 102 * mm
    assert len(points_elsewhere(ball, np.zeros(3))) == 0  # nowhere so deep and so far


def test_two_coils_in_series_add_up(basis):
    both = basis.evaluate(COILS["both"], ABOVE, 1 * A_per_us)
    parts = sum(basis.evaluate(COILS[name], ABOVE, 1 * A_per_us) for name in ("wires", "dipoles"))
    assert_allclose(both, parts, rtol=0, atol=1e-5 * abs(both).max())


def test_many_placements_are_each_of_them(basis, placements):
    many = basis.evaluate_many(COILS["wires"], placements, 1 * A_per_us)
    each = np.array([basis.evaluate(COILS["wires"], pose, 1 * A_per_us) for pose in placements])
    assert_allclose(many, each, rtol=0, atol=1e-5 * abs(each).max())
    magnitudes = basis.magnitudes(COILS["wires"], placements, 1 * A_per_us)
    assert_allclose(magnitudes, np.linalg.norm(many, axis=2), rtol=1e-5)


def test_averages_and_regions_are_parts_of_the_whole(basis, placements):
    generator = np.random.default_rng(0)
    weights = generator.normal(size=(2, *basis.points.shape))
    many = basis.evaluate_many(COILS["wires"], placements, 1 * A_per_us)
    expected = np.einsum("fni,pni->pf", weights, many)
    found = basis.averages(weights, COILS["wires"], placements, 1 * A_per_us)
    assert_allclose(found, expected, rtol=0, atol=1e-4 * abs(expected).max())
    high = basis.points[:, 2] > 60 * mm
    part = basis.within(high).evaluate_many(COILS["wires"], placements, 1 * A_per_us)
    assert_allclose(part, many[:, high], rtol=0, atol=1e-5 * abs(many).max())


@pytest.mark.parametrize("name", COILS)
def test_the_same_numbers_in_another_array_library(basis, placements, name):
    elsewhere = basis.on(array_api_strict, APART)
    found = elsewhere.evaluate_many(COILS[name], placements[:2], 1 * A_per_us)
    assert found.device == APART
    here = basis.evaluate_many(COILS[name], placements[:2], 1 * A_per_us)
    assert_allclose(to_numpy(found), here, rtol=0, atol=1e-4 * abs(here).max())


@pytest.mark.gpu
@pytest.mark.filterwarnings("default")  # PyTorch's own, at its start
@pytest.mark.parametrize("name", COILS)
def test_the_same_numbers_on_a_gpu(card, basis, placements, name):
    found = basis.on(*find_device(card)).evaluate_many(COILS[name], placements, 1 * A_per_us)
    here = basis.evaluate_many(COILS[name], placements, 1 * A_per_us)
    assert found.device.type == card
    assert_allclose(to_numpy(found), here, rtol=0, atol=1e-4 * abs(here).max())


def test_a_device_without_enough_memory_is_named(basis, placements, monkeypatch):
    def full(*_, **__):
        raise RuntimeError("CUDA error: out of memory")

    elsewhere = basis.on(array_api_strict, APART)
    monkeypatch.setattr(array_api_strict, "matmul", full)
    with pytest.raises(NotAvailable, match="too little memory for this field basis"):
        basis.on(array_api_strict, APART)
    for evaluate in (elsewhere.evaluate_many, elsewhere.amounts, elsewhere.brought_back):
        with pytest.raises(NotAvailable, match=r"'.*device1.*' has too little memory for 5 placements; .* fewer"):
            evaluate(COILS["wires"], placements, 1 * A_per_us)


def test_a_device_that_rounds_single_precision_is_refused(basis, monkeypatch):
    exact = array_api_strict.matmul

    def rounded(a, b):
        bits = to_numpy(a).view(np.int32) & ~0x1FFF  # TF32 keeps 10 bits of 23
        return exact(array_api_strict.asarray(bits.view(np.float32), device=a.device), b)

    monkeypatch.setattr(array_api_strict, "matmul", rounded)
    with pytest.raises(NotAvailable, match="set_float32_matmul_precision"):
        basis.on(array_api_strict, APART)


def test_readings_that_are_no_numbers_are_refused(basis):
    with pytest.raises(PlacementRefused, match="off by an unknown part"):
        basis.refuse_unexplained(COILS["wires"], np.array([0.001, np.nan]))


def test_computing_twice_gives_the_same(coarse):
    one, other = (build_basis(coarse, modes=16, points=100, tests=0) for _ in range(2))
    for name in ("points", "modes", "reading", "sensors"):
        assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_file_keeps_everything(basis, tmp_path):
    write_basis(tmp_path / "field_basis.npz", basis)
    back = read_basis(tmp_path / "field_basis.npz")
    assert (back.head, back.fingerprint, back.tests) == (basis.head, basis.fingerprint, basis.tests)
    assert dict(back.options) == dict(basis.options)
    assert_array_equal(back.evaluate(COILS["wires"], ABOVE, 1e6), basis.evaluate(COILS["wires"], ABOVE, 1e6))


@pytest.mark.parametrize("damage", ["truncated", "garbled", "other", "text", "empty", "not finite", "missing"])
def test_a_damaged_file_is_refused_in_one_sentence(basis, tmp_path, damage):
    path = tmp_path / "field_basis.npz"
    write_basis(path, basis)
    whole = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "garbled":
        path.write_bytes(whole[:3000] + b"\x5a" * 200 + whole[3200:])
    elif damage == "other":
        np.savez(path, numbers=np.arange(3))
    elif damage in ("text", "empty"):
        path.write_text("x,y,z" if damage == "text" else "")
    elif damage == "not finite":
        write_basis(path, replace(basis, reading=np.full_like(basis.reading, np.nan)))
    else:
        path.unlink()
    with pytest.raises(UnreadableFile, match=r"^(cannot read )?\S*field_basis\.npz.*compute") as caught:
        read_basis(path)
    assert "\n" not in str(caught.value)
    assert not any(word in str(caught.value) for word in ("Error", "pickle", "allow_"))


def test_a_basis_of_another_version_is_to_be_computed_anew(basis, tmp_path, monkeypatch):
    monkeypatch.setattr(anodyne.field.basis.file, "SCHEMA_VERSION", 1)
    write_basis(tmp_path / "field_basis.npz", basis)
    monkeypatch.undo()
    with pytest.raises(UnreadableFile, match=r"another version of Anodyne.* --again'$"):
        read_basis(tmp_path / "field_basis.npz")


def test_a_full_disk_leaves_nothing_behind(basis, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(anodyne.field.basis.file.np, "savez", full)
    with pytest.raises(CannotWrite, match="full"):
        write_basis(tmp_path / "field_basis.npz", basis)
    assert list(tmp_path.iterdir()) == []


def test_the_basis_of_another_head_is_refused(basis, ball, coarse):
    basis.refuse_other(ball)
    with pytest.raises(UnreadableFile, match="computed for ball"):
        basis.refuse_other(coarse)


@pytest.mark.parametrize(("height", "words"), [(80 * mm, "inside the head"), (9.0, "millimetres")])
def test_poses_in_the_head_or_metres_away_are_refused(basis, height, words):
    pose = Pose.from_point_and_handle([0, 0, height], [0, 0, -1], [0, 1, 0])
    for evaluate in (basis.evaluate, basis.on(array_api_strict, APART).evaluate_many):
        with pytest.raises(PlacementRefused, match=words):
            evaluate(COILS["wires"], pose, 1 * A_per_us)


def test_the_estimated_error_grows_near_the_scalp_and_refuses_when_large(basis):
    near, far = (Pose.from_point_and_handle([0, 0, height], [0, 0, -1], [0, 1, 0]) for height in (91 * mm, 130 * mm))
    assert basis.estimated_error(COILS["wires"], far)[0] < basis.estimated_error(COILS["wires"], near)[0]
    assert basis.truncated(8).estimated_error(COILS["wires"], near)[0] == np.inf  # nothing is known of so few
    poor = replace(basis, tests=(replace(basis.tests[0], error=0.9, unexplained=1e-4),))
    for evaluate in (poor.evaluate, poor.on(array_api_strict, APART).evaluate_many):
        with pytest.raises(PlacementRefused, match="would be off by about"):
            evaluate(COILS["wires"], near, 1 * A_per_us)


def test_numbers_that_cannot_be_are_refused(basis, ball):
    with pytest.raises(ValueError, match="1 to 112"):
        basis.truncated(113)
    with pytest.raises(ValueError, match="at least one"):
        basis.within(np.zeros(len(basis.points), bool))
    with pytest.raises(ValueError, match="weights have shape"):
        basis.averages(np.ones((2, 3)), COILS["wires"], ABOVE, 1.0)
    with pytest.raises(ValueError, match="modes asked for"):
        build_basis(ball, modes=100_000)
    with pytest.raises(ValueError, match="tests asked for"):
        build_basis(ball, tests=17)
    with pytest.raises(ValueError, match="modes has shape"):
        FieldBasis(**{**{f: getattr(basis, f) for f in basis.__dataclass_fields__}, "modes": basis.modes[:, :-1]})


def test_matrices_that_are_no_poses_are_refused_and_none_give_nothing(basis):
    mirrored, scaled = (
        ABOVE.head_from_coil @ np.diag(diagonal) for diagonal in ([-1.0, 1, 1, 1], [1.02, 1.02, 1.02, 1])
    )
    nowhere = np.where(np.arange(16).reshape(4, 4) == 3, np.nan, ABOVE.head_from_coil)
    away = basis.on(array_api_strict, APART)
    for matrix in (mirrored, scaled, nowhere):
        for evaluate in (basis.evaluate_many, away.evaluate_many, basis.amounts, away.amounts):
            with pytest.raises(ValueError, match=r"^placement 2: "):
                evaluate(COILS["wires"], [ABOVE.head_from_coil, matrix], 1 * A_per_us)
    none = np.empty((0, 4, 4))
    assert basis.evaluate_many(COILS["wires"], none, 1e6).shape == (0, *basis.points.shape)
    assert away.evaluate_many(COILS["wires"], none, 1e6).shape == (0, *basis.points.shape)
    assert basis.amounts(COILS["wires"], none, 1e6).shape == (0, len(basis.modes))
    assert basis.estimated_error(COILS["wires"], none).shape == (0,)
