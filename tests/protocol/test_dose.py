"""From threshold to current slope, and what is refused on the way."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from anodyne.certainty import Certainty
from anodyne.errors import SafetyRefusal
from anodyne.protocol import PROTOCOLS, Dose, Fact, IntensityBasis, find_protocol, prescribe
from anodyne.units import A_per_us

TANWAR = find_protocol("fibromyalgia-1hz-right-dlpfc")


@given(st.floats(0.2, 1.0), st.floats(0.1, 1.0), st.floats(1e6, 3e8))
def test_the_current_slope_is_threshold_times_intensity_times_peak(rmt, intensity, peak):
    dose = Dose(rmt=rmt, intensity=intensity, peak_di_dt=peak)
    assert_allclose(dose.output, rmt * intensity)
    assert_allclose(dose.di_dt, rmt * intensity * peak)


@given(st.floats(0.2, 1.0), st.floats(0.1, 2.0))
def test_a_dose_is_given_in_full_or_refused_but_never_lowered(rmt, intensity):
    if rmt * intensity > 1:
        with pytest.raises(SafetyRefusal, match="not lowered"):
            Dose(rmt=rmt, intensity=intensity, peak_di_dt=1e8)
    else:
        assert Dose(rmt=rmt, intensity=intensity, peak_di_dt=1e8).output == rmt * intensity


def test_the_protocols_intensity_is_used():
    dose = prescribe(TANWAR, rmt=0.52, peak_di_dt=100 * A_per_us)
    assert_allclose(dose.output, 0.468)
    assert_allclose(dose.di_dt, 46.8 * A_per_us)


def test_full_output_is_allowed_and_a_hair_more_is_refused():
    assert Dose(rmt=1.0, intensity=1.0, peak_di_dt=1e8).output == 1
    with pytest.raises(SafetyRefusal, match=r"110 % of a threshold of 95 % would need 104.5 % of stimulator"):
        prescribe(find_protocol("fm-carretero"), rmt=0.95, peak_di_dt=1e8)


@pytest.mark.parametrize("rmt", [0.19, 1.01, 52.0, -0.5, 0.0, float("nan")])
def test_a_threshold_outside_20_to_100_percent_is_a_mistake(rmt):
    with pytest.raises(ValueError, match="outside 20 to 100 %"):
        prescribe(TANWAR, rmt=rmt, peak_di_dt=1e8)


def test_the_threshold_is_quoted_in_percent():
    with pytest.raises(ValueError, match="threshold of 15 % of stimulator output"):
        prescribe(TANWAR, rmt=0.15, peak_di_dt=1e8)


def test_an_intensity_that_no_source_reports_must_be_given():
    lee = find_protocol("fm-lee-LF")
    with pytest.raises(ValueError, match="reports no intensity"):
        prescribe(lee, rmt=0.5, peak_di_dt=1e8)
    assert prescribe(lee, rmt=0.5, peak_di_dt=1e8, intensity=0.9).output == 0.45


def test_a_fixed_device_has_no_dose_by_threshold():
    with pytest.raises(ValueError, match="fixed output"):
        prescribe(find_protocol("stms-aura"), rmt=0.5, peak_di_dt=1e8, intensity=1.0)


@pytest.mark.parametrize("name", ["np-20", "rPMS-4f"])
def test_a_protocol_without_pattern_cannot_be_given(name):
    with pytest.raises(SafetyRefusal, match="pulse pattern is not known"):
        prescribe(find_protocol(name), rmt=0.5, peak_di_dt=1e8, intensity=0.8)


@pytest.mark.parametrize(("intensity", "peak"), [(0.0, 1e8), (float("nan"), 1e8), (0.9, 0.0), (0.9, float("inf"))])
def test_senseless_numbers_are_refused(intensity, peak):
    with pytest.raises(ValueError, match="positive"):
        Dose(rmt=0.5, intensity=intensity, peak_di_dt=peak)


def test_a_filled_in_fact_keeps_saying_that_it_is_assumed():
    assumed = Fact(value=60.0, certainty=Certainty.ASSUMED, source="operator")
    filled = replace(TANWAR, inter_train_interval=assumed)
    assert str(filled.session.duration) == "27 min"
    assert any("inter-train interval" in warning and "Not confirmed" in warning for warning in filled.warnings())


def test_every_protocol_relative_to_a_threshold_can_be_prescribed_or_says_why_not():
    for protocol in PROTOCOLS.values():
        if protocol.session is None or protocol.intensity_basis is IntensityBasis.FIXED_OUTPUT:
            continue
        intensity = protocol.intensity.value or 1.0
        assert prescribe(protocol, rmt=0.5, peak_di_dt=1e8, intensity=intensity).di_dt == 0.5 * intensity * 1e8
