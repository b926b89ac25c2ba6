"""Laws of the pulse shapes, and the recordings they were fitted to."""

from math import exp, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from anodyne.errors import UnknownName
from anodyne.protocol import RECORDED_PULSES, Pulse, PulseShape, find_pulse
from anodyne.protocol.pulse import undershoot_of_damping
from anodyne.units import us

pulses = st.builds(
    Pulse,
    shape=st.just(PulseShape.BIPHASIC),
    period=st.floats(100e-6, 500e-6),
    decay=st.floats(300e-6, 1e-2),
    phase=st.floats(-0.3, 0.045),
) | st.builds(
    Pulse,
    shape=st.just(PulseShape.MONOPHASIC),
    period=st.floats(100e-6, 500e-6),
    decay=st.floats(300e-6, 1e-2),
    damping=st.floats(1.0, 4.0),
)


@given(pulses)
def test_the_first_peak_is_one_and_nothing_is_larger(pulse):
    field = pulse.waveform(np.linspace(0, pulse.duration, 20001))
    assert_allclose(field.max(), 1.0, atol=1e-6)
    assert np.abs(field).max() <= 1 + 1e-9


@given(pulses)
def test_there_is_no_field_outside_of_the_pulse(pulse):
    assert_allclose(pulse.waveform([-1e-9, -1.0, pulse.duration * 1.0001, 1.0]), 0)


@given(pulses)
def test_the_field_passes_zero_where_it_says(pulse):
    assert_allclose(pulse.waveform(pulse.first_zero), 0, atol=1e-9)
    before, after = pulse.waveform([0.9 * pulse.first_zero, 1.1 * pulse.first_zero])
    assert before > 0 > after


@pytest.mark.parametrize("damping", [1.0, 1.0000001, 1.1, 1.33, 3.0])
def test_coil_current_of_a_monophasic_pulse_returns_to_zero_without_reversing(damping):
    pulse = Pulse(shape=PulseShape.MONOPHASIC, period=300 * us, damping=damping)
    t = np.linspace(0, 5 * pulse.duration, 400_001)
    t = t[t <= pulse.duration]
    field = pulse.waveform(t)
    current = np.concatenate([[0], np.cumsum((field[1:] + field[:-1]) / 2 * np.diff(t))])
    assert current.min() > -1e-3 * current.max()
    assert abs(current[-1]) < 0.01 * current.max()


@pytest.mark.parametrize("damping", [1.0, 1.2, 1.33, 2.5])
def test_the_undershoot_of_a_monophasic_pulse_follows_from_its_damping(damping):
    pulse = Pulse(shape=PulseShape.MONOPHASIC, period=300 * us, damping=damping)
    assert_allclose(pulse.undershoot, undershoot_of_damping(damping), atol=1e-4)


def test_an_undamped_biphasic_pulse_is_one_cosine():
    pulse = Pulse(shape=PulseShape.BIPHASIC, period=300 * us)
    t = np.linspace(0, 300 * us, 50)
    assert_allclose(pulse.waveform(t), np.cos(2 * pi * t / (300 * us)), atol=1e-12)


def test_the_shape_of_the_time_array_is_kept():
    pulse = Pulse(shape=PulseShape.HALF_SINE, period=300 * us)
    assert pulse.waveform(np.zeros((3, 4))).shape == (3, 4)


def test_a_biphasic_pulse_loses_what_its_envelope_loses():
    pulse = find_pulse("magventure-c-b60").pulse
    assert_allclose(pulse.waveform(pulse.period), exp(-pulse.period / pulse.decay), rtol=1e-3)


def test_the_magpro_shapes_agree_with_the_recording():
    # Recorded by Koponen: monophasic first zero 74.4 us, undershoot -0.301; biphasic second phase -0.895.
    monophasic = find_pulse("magpro-x100-monophasic").pulse
    assert_allclose(monophasic.first_zero, 74.4 * us, rtol=1e-6)
    assert_allclose(monophasic.undershoot, -0.301, atol=5e-4)
    assert_allclose(find_pulse("magventure-c-b70").pulse.undershoot, -0.895, atol=0.02)
    assert_allclose(find_pulse("magventure-c-b70").pulse.first_zero, 74.8 * us, rtol=0.02)


def test_every_recording_names_coil_stimulator_and_source():
    assert len(RECORDED_PULSES) == 9
    for name, recording in RECORDED_PULSES.items():
        assert recording.name == name
        assert recording.coil
        assert recording.stimulator
        assert recording.source


def test_an_unknown_pulse_names_its_near_misses():
    with pytest.raises(UnknownName, match="magventure-c-b60"):
        find_pulse("magventure-cb60")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"period": 0.0}, "0.0 s"),
        ({"period": float("nan")}, "nan s"),
        ({"decay": -1.0}, "-1.0 s"),
        ({"phase": 2.0}, "2.0 rad"),
        ({"damping": 1.3}, "does not fit a biphasic"),
        ({"shape": PulseShape.MONOPHASIC}, "does not fit a monophasic"),
        ({"shape": PulseShape.MONOPHASIC, "damping": 0.5}, "at least 1"),
    ],
)
def test_impossible_pulses_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Pulse(**({"shape": PulseShape.BIPHASIC, "period": 300 * us} | change))
