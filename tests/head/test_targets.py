"""Named targets, targets of one's own, and where they come to lie."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.errors import PlacementRefused, UnknownName
from anodyne.head import (
    TARGET_ALIASES,
    TARGETS,
    Laterality,
    Space,
    Tissue,
    find_target,
    place_target,
    point_target,
)
from anodyne.units import mm

SIDED = ("dlpfc", "dlpfc-ba46", "m1-hand", "m1-leg", "m1-face", "s1-hand", "s2", "anterior-insula", "posterior-insula")
PROMISED = {f"{side}-{name}" for side in ("left", "right") for name in (*SIDED, "thalamus")} | {"dacc", "sma", "pag"}


def test_every_promised_target_is_there_with_its_source():
    assert set(TARGETS) >= PROMISED
    assert all(target.source and target.label for target in TARGETS.values())


def test_left_and_right_mirror_each_other_and_lie_on_their_side():
    for name, target in TARGETS.items():
        if target.laterality is Laterality.LEFT:
            other = TARGETS[name.replace("left-", "right-", 1)]
            assert_allclose(target.mni, other.mni * [-1, 1, 1])
            assert target.mni[0] < 0 < other.mni[0]
        elif target.laterality is Laterality.MIDDLE:
            assert abs(target.mni[0]) < 3 * mm


def test_targets_are_found_by_alias_and_in_any_case():
    assert find_target("Right-DLPFC") is TARGETS["right-dlpfc"]
    for alias, name in TARGET_ALIASES.items():
        assert find_target(alias) is TARGETS[name]


def test_unknown_target_names_the_near_misses():
    with pytest.raises(UnknownName, match="did you mean 'right-dlpfc'"):
        find_target("right-dlpcf")


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_has_a_place_in_the_embedded_head(coarse_head, name):
    site = place_target(coarse_head, TARGETS[name])
    mesh = coarse_head.mesh
    assert len(site.region) > 0
    assert 8 * mm < site.depth < 90 * mm
    assert site.depth == pytest.approx(np.linalg.norm(site.position - site.scalp_point), abs=2.5 * mm)
    if site.target.report_only:
        assert site.normal is None
        assert site.moved == 0
        assert site.whole_region
    else:
        assert site.moved < 7 * mm
        assert np.linalg.norm(site.normal) == pytest.approx(1)
        assert not site.whole_region
        assert (mesh.tissue[site.region] == Tissue.GREY_MATTER).all()
    away = np.linalg.norm(mesh.barycentres[site.region] - site.position, axis=1)
    assert (away <= site.target.radius).all()


def test_targets_sit_on_their_own_side_of_the_head(coarse_head):
    left = place_target(coarse_head, find_target("left-m1-hand"))
    right = place_target(coarse_head, find_target("right-m1-hand"))
    assert_allclose(left.position * [-1, 1, 1], right.position, atol=2 * mm)
    assert left.position[0] < -20 * mm


def test_a_point_means_the_same_place_in_either_space(coarse_head):
    named = find_target("left-dlpfc")
    in_head = coarse_head.from_mni(named.point[None])[0]
    sites = [
        place_target(coarse_head, point_target(point, space))
        for point, space in ((named.point, Space.MNI), (in_head, Space.HEAD), (in_head, Space.T1))
    ]
    for site in sites:
        assert_allclose(site.position, place_target(coarse_head, named).position)


def test_points_round_trip_through_mni_space(coarse_head, rng):
    points = rng.normal(scale=50 * mm, size=(20, 3))
    assert_allclose(coarse_head.to_mni(coarse_head.from_mni(points)), points, atol=1e-12)


@pytest.mark.parametrize(
    ("point", "message"),
    [([0, 0, 0.3], "outside the head"), ([0, 0.03, -0.075], "mm from the cortex")],
)
def test_points_off_the_cortex_are_refused(coarse_head, point, message):
    with pytest.raises(PlacementRefused, match=message):
        place_target(coarse_head, point_target(point, Space.HEAD))


def test_named_target_needs_the_way_from_mni_space(coarse_head):
    stranger = replace(coarse_head, head_from_mni=None)
    with pytest.raises(PlacementRefused, match="give a point in head space"):
        place_target(stranger, find_target("dacc"))


def test_point_in_millimetres_is_noticed():
    with pytest.raises(ValueError, match="within half a metre"):
        point_target([38, 44, 26])


def test_point_with_another_space_has_no_mni_coordinates():
    with pytest.raises(ValueError, match="given in head space"):
        _ = point_target([0.03, 0, 0.05], Space.HEAD).mni
