"""A whole plan on a ball: what it says agrees with the field it was made from."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import find_coil, find_entry
from anodyne.errors import SafetyRefusal
from anodyne.field import mean, percentile, solve
from anodyne.head import Tissue, find_target
from anodyne.plan import Prescription, dose_for
from anodyne.plan.making import _warnings
from anodyne.protocol import find_protocol
from anodyne.units import A_per_us, mm

PROTOCOL = find_protocol("fibromyalgia-1hz-right-dlpfc")


def prescription(**changes):
    return Prescription(**{"target": find_target("right-dlpfc"), "protocol": PROTOCOL, "rmt": 0.52, **changes})


def test_dose_is_threshold_times_intensity_times_the_coil(planned):
    dose = planned.plan.dose
    assert dose.output == pytest.approx(0.52 * 0.9)
    assert dose.di_dt == pytest.approx(0.468 * find_coil("magstim-70mm").maximum_di_dt)
    assert planned.field.di_dt == dose.di_dt


def test_reciprocity_and_a_full_solve_with_the_same_elements_agree(planned):
    plan, region = planned.plan, planned.plan.field.target.site.region
    first_order = solve(planned.head.mesh, planned.coil, plan.placement.pose, plan.dose.di_dt, solver="fem1")
    confirmed = np.linalg.norm(mean(first_order.e_field[region], planned.head.mesh.volumes[region]))
    assert plan.search.scored == pytest.approx(confirmed, rel=0.01)


def test_the_field_is_that_of_the_default_solver_and_the_plan_says_so(planned):
    plan = planned.plan
    second_order = solve(planned.head.mesh, planned.coil, plan.placement.pose, plan.dose.di_dt)
    assert_allclose(planned.field.e_field, second_order.e_field, atol=1e-5 * second_order.magnitude.max())
    assert plan.search.solver == "fem2"


def test_target_numbers_are_those_of_the_field(planned):
    summary, field = planned.plan.field, planned.field
    region = summary.target.site.region
    volumes = field.mesh.volumes[region]
    assert_allclose(summary.mean_vector, mean(field.e_field[region], volumes))
    assert summary.target.magnitude == pytest.approx(float(mean(field.magnitude[region], volumes)))
    assert np.linalg.norm(summary.mean_vector) <= summary.target.magnitude
    grey = field.mesh.tissue == Tissue.GREY_MATTER
    high = percentile(field.magnitude[grey], field.mesh.volumes[grey], 0.999)
    assert summary.grey_matter_percentile_99_9 == high
    above = grey & (field.magnitude > high / 2)
    assert summary.focality_volume == pytest.approx(field.mesh.volumes[above].sum())


def test_far_regions_get_less(planned):
    shares = {region.site.target.name: region.share_of_target for region in planned.plan.field.regions}
    assert shares["right-dlpfc"] == 1
    assert shares["left-s1-hand"] < 0.3
    assert shares["right-thalamus"] < 0.6


def test_regions_without_a_place_are_said_not_hidden(planned):
    named = {region.site.target.name for region in planned.plan.field.regions}
    assert len(named) == len(planned.plan.field.regions)
    if planned.plan.field.unplaced:
        assert any("not reported" in warning for warning in planned.plan.warnings)


def test_depth_profile_starts_at_the_scalp_and_falls(planned):
    profile = planned.plan.field.profile
    assert profile.depth[0] < 2 * mm
    assert profile.tissue[np.searchsorted(profile.depth, 2 * mm)] == Tissue.SCALP
    assert profile.magnitude[-1] < profile.magnitude[:10].mean()
    assert planned.plan.field.half_depth > 89 * mm - 77 * mm


def test_heights_are_in_order(planned):
    placement = planned.plan.placement
    assert placement.hair - 0.2 * mm < placement.casing_to_scalp < placement.winding_to_scalp
    assert placement.casing_to_scalp <= placement.centre_to_scalp + 0.2 * mm


def test_warnings_say_what_a_stranger_must_know(planned):
    text = " ".join(planned.plan.warnings)
    for words in ("Evidence", "Not known", "average of many people", "casing is assumed", "two people"):
        assert words in text


def test_operator_chosen_interval_is_marked_as_such():
    given = prescription(inter_train_interval=30.0).protocol_given
    assert given.inter_train_interval.value == 30
    assert given.inter_train_interval.certainty.value == "assumed"
    assert given.session.duration.length == pytest.approx(8 * 150 + 7 * 30)


def test_intensity_beyond_the_stimulator_is_refused():
    with pytest.raises(SafetyRefusal, match="more than it has"):
        dose_for(find_coil("magstim-70mm"), prescription(rmt=0.9, intensity=1.2))


def test_a_coil_without_peak_slope_is_refused():
    plain = dataclasses.replace(find_entry("magstim-70mm").dipole_coil(), maximum_di_dt=None)
    with pytest.raises(SafetyRefusal, match="not known"):
        dose_for(plain, prescription())


@pytest.mark.parametrize("rmt", [0.1, 1.01, float("nan")])
def test_threshold_outside_its_range_is_refused(rmt):
    with pytest.raises(ValueError, match="20 to 100"):
        dose_for(find_coil("magstim-70mm"), prescription(rmt=rmt))


def test_dose_grows_with_the_coil():
    weak = dataclasses.replace(find_coil("magstim-70mm"), maximum_di_dt=50 * A_per_us)
    assert dose_for(weak, prescription()).di_dt == pytest.approx(0.468 * 50 * A_per_us)


def test_a_coil_that_does_not_fit_the_head_says_so(planned):
    far = dataclasses.replace(planned.plan.placement, centre_to_scalp=40 * mm)
    plan = planned.plan
    arguments = (planned.head, planned.coil, prescription(), plan.field, plan.search)
    assert any("40 mm above the scalp" in warning for warning in _warnings(*arguments, far))
    assert not any("does not fit" in warning for warning in _warnings(*arguments, plan.placement))
