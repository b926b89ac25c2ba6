"""Dosing by field or depth, beside plain per cent of threshold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from anodyne.errors import SafetyRefusal
from anodyne.protocol import STOKES_SLOPE, DosingMethod, dose_by_depth, dose_for_field, dose_matching_m1, plain_dose
from anodyne.units import mm

rmts, intensities, fields = st.floats(0.2, 1.0), st.floats(0.3, 1.0), st.floats(50, 300)


@given(rmts, intensities, fields, st.floats(0.05, 1))
def test_the_field_comes_out_as_it_was_wanted(rmt, intensity, full, share):
    dose = dose_for_field(share * full, rmt=rmt, intensity=intensity, field_at_full_output=full)
    assert_allclose(dose.output * full, share * full)
    assert_allclose(dose.relative * rmt, dose.output)
    assert_allclose(dose.plain_output * (1 + dose.difference), dose.output)


@given(rmts, intensities, fields)
def test_over_the_motor_cortex_itself_matching_it_changes_nothing(rmt, intensity, full):
    dose = dose_matching_m1(rmt=rmt, intensity=intensity, field_at_full_output=full, m1_field_at_full_output=full)
    assert_allclose(dose.output, plain_dose(rmt=rmt, intensity=intensity).output)


@given(rmts, intensities, fields, fields)
def test_matching_the_motor_cortex_gives_the_target_its_field(rmt, intensity, full, m1_full):
    if rmt * intensity * m1_full / full > 1:
        with pytest.raises(SafetyRefusal, match="not lowered"):
            dose_matching_m1(rmt=rmt, intensity=intensity, field_at_full_output=full, m1_field_at_full_output=m1_full)
        return
    dose = dose_matching_m1(rmt=rmt, intensity=intensity, field_at_full_output=full, m1_field_at_full_output=m1_full)
    assert_allclose(dose.output * full, intensity * rmt * m1_full)


def test_stokes_adds_three_percent_of_output_for_each_millimetre():
    dose = dose_by_depth(rmt=0.5, intensity=1.0, target_distance=20 * mm, m1_distance=15 * mm)
    assert_allclose(dose.output, 0.65)
    assert_allclose(dose.output_range, (0.635, 0.65))
    assert_allclose(dose.difference, 0.3)
    shallower = dose_by_depth(rmt=0.5, intensity=0.9, target_distance=12 * mm, m1_distance=15 * mm)
    assert_allclose(shallower.output, 0.9 * 0.41)
    assert_allclose(shallower.output_range, (0.9 * 0.41, 0.9 * 0.419))


@given(rmts, intensities, st.floats(0, 0.02))
def test_at_the_same_depth_the_correction_is_none(rmt, intensity, depth):
    dose = dose_by_depth(rmt=rmt, intensity=intensity, target_distance=depth, m1_distance=depth)
    assert_allclose(dose.output, rmt * intensity)
    assert dose.method is DosingMethod.STOKES


def test_the_slope_has_its_published_range_and_sources():
    low, high = STOKES_SLOPE.published
    assert_allclose((low * mm, high * mm, STOKES_SLOPE.known * mm), (0.027, 0.03, 0.03))
    assert "Stokes 2005" in STOKES_SLOPE.source
    assert "recalled" in STOKES_SLOPE.source


def test_more_than_the_stimulator_has_is_refused_not_lowered():
    with pytest.raises(SafetyRefusal, match=r"A field at the target would need 120 % of stimulator output"):
        dose_for_field(120, rmt=0.5, intensity=1.0, field_at_full_output=100)
    with pytest.raises(SafetyRefusal, match="corrected for depth"):
        dose_by_depth(rmt=0.9, intensity=1.0, target_distance=25 * mm, m1_distance=15 * mm)


@pytest.mark.parametrize(
    "give",
    [
        lambda: dose_for_field(0, rmt=0.5, intensity=1, field_at_full_output=100),
        lambda: dose_for_field(50, rmt=0.5, intensity=1, field_at_full_output=float("nan")),
        lambda: dose_for_field(50, rmt=0.1, intensity=1, field_at_full_output=100),
        lambda: dose_for_field(50, rmt=0.5, intensity=0, field_at_full_output=100),
        lambda: dose_by_depth(rmt=0.5, intensity=1, target_distance=-1 * mm, m1_distance=15 * mm),
        lambda: dose_by_depth(rmt=0.2, intensity=1, target_distance=2 * mm, m1_distance=15 * mm),
    ],
)
def test_senseless_numbers_are_refused(give):
    with pytest.raises(ValueError, match=r"positive|negative|outside"):
        give()
