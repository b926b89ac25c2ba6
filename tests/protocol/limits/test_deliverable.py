"""Whether a stimulator and its coil can give a dose."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anodyne.certainty import Certainty
from anodyne.protocol import DEVICES, CoilInUse, Dose, Fact, Verdict, check_dose, find_protocol

RAPID, SUPER, X100 = (DEVICES[name] for name in ("magstim-rapid2", "magstim-super-rapid2", "magventure-x100"))
OWN = CoilInUse(label="Magstim 70 mm", stimulator="Magstim Rapid2")


def findings(protocol, *, rmt=0.5, intensity=None, device=RAPID, coil=OWN):
    found = find_protocol(protocol)
    dose = Dose(rmt=rmt, intensity=intensity or found.intensity.known, peak_di_dt=1e8)
    check = check_dose(found, dose=dose, device=device, coil=coil)
    return {each.what: each for each in check.findings}


def test_a_dose_that_can_be_given():
    found = findings("fm-mhalla")
    assert found["stimulator: train"].verdict is Verdict.INSIDE_TESTED
    assert found["stimulator: train"].cell == "up to 50 %: 30 Hz"
    assert found["stimulator: wait"].verdict is Verdict.INSIDE_TESTED
    assert found["stimulator: continuous"].verdict is Verdict.INSIDE_TESTED
    assert found["coil"].verdict is Verdict.INSIDE_TESTED


def test_a_rate_that_it_cannot_keep_at_this_power():
    found = findings("ocd-dTMS", rmt=0.9)
    assert found["stimulator: train"].verdict is Verdict.BLOCKED
    assert "at most 15 Hz at 90 % of output" in found["stimulator: train"].sentence
    assert findings("ocd-dTMS", rmt=0.9, device=SUPER)["stimulator: train"].verdict is Verdict.INSIDE_TESTED


def test_a_pause_that_is_too_short_for_the_supply():
    found = findings("fm-lee-HF", rmt=1.0, intensity=1.0)
    assert found["stimulator: wait"].verdict is Verdict.BLOCKED
    assert "needs 11.20 s after each train, and the pause is 10 s" in found["stimulator: wait"].sentence
    assert "lengthen the pause" in found["stimulator: wait"].sentence


def test_an_unknown_pause_is_said_and_decides_nothing():
    found = findings("fm-tanwar", rmt=0.52)
    assert found["stimulator: wait"].verdict is None
    assert "needs 0.50 s after each train" in found["stimulator: wait"].sentence


def test_what_the_magpro_needs_is_not_known_and_said():
    found = findings("fm-mhalla", device=X100, coil=CoilInUse(label="Cool-B65", stimulator="MagPro X100"))
    assert "stimulator: wait" not in found
    assert found["stimulator: not known"].verdict is None
    assert found["coil: heat"].verdict is None


def test_an_output_between_two_settings_is_told():
    finding = findings("fm-tanwar", rmt=0.52)["stimulator: setting"]
    assert "46.8 % of output is no step of 1 %" in finding.sentence
    assert "46 % (88.5 %) or 47 % (90.4 %)" in finding.sentence
    assert "stimulator: setting" not in findings("fm-tanwar", rmt=0.50)


@pytest.mark.parametrize(
    ("stimulator", "verdict", "says"),
    [
        ("Magstim Rapid2", Verdict.INSIDE_TESTED, "is that on"),
        ("Magstim Rapid", None, "is not known"),
        ("MagPro X100", Verdict.BLOCKED, "belongs to MagPro X100"),
        ("DuoMAG XT", Verdict.BLOCKED, "belongs to DuoMAG XT"),
        (None, None, "is not stated"),
    ],
)
def test_a_coil_belongs_to_a_stimulator(stimulator, verdict, says):
    finding = findings("fm-mhalla", coil=CoilInUse(label="coil", stimulator=stimulator))["coil"]
    assert finding.verdict is verdict
    assert says in finding.sentence


def test_a_protocol_for_a_deep_coil_wants_one():
    assert findings("ocd-dTMS")["coil: kind"].verdict is Verdict.NEEDS_OVERRIDE
    assert "coil: kind" not in findings("ocd-dTMS", coil=replace(OWN, is_deep=True))


def test_heat_is_watched_at_coil_and_skin():
    assert "40 °C" in findings("fm-mhalla")["coil: heat"].cell
    assert "skin: heat" not in findings("fm-mhalla")
    skin = findings("rPMS-np", intensity=1.0)["skin: heat"]
    assert skin.cell == "stop at 45 °C, or when more than 41 °C have lasted 9 of 20 min"
    assert skin.certainty is Certainty.READ


def test_a_device_with_a_fixed_output_is_not_this_one():
    aura = replace(find_protocol("stms-aura"), intensity=Fact(value=1.0, certainty=Certainty.GIVEN))
    check = check_dose(aura, dose=Dose(rmt=0.5, intensity=1.0, peak_di_dt=1e8), device=RAPID, coil=OWN)
    assert check.verdict is Verdict.BLOCKED


shapes = st.tuples(st.sampled_from([1.0, 5.0, 10.0, 20.0]), st.integers(1, 300), st.sampled_from([0.5, 2.0, 5.0, 20.0]))


@given(
    st.sampled_from(list(DEVICES.values())),
    st.tuples(shapes, shapes),
    st.tuples(st.floats(0.3, 1.2), st.floats(0.3, 1.2)).map(sorted),
)
def test_no_stimulator_finds_more_easier_to_give(device, shape, intensity):
    rate = shape[0][0]
    few, many = sorted((shape[0][1], shape[1][1]))
    short, long = sorted((shape[0][2], shape[1][2]))
    mild, strict = (
        check_dose(
            shaped(pulses=pulses, rate=rate, interval=interval),
            dose=Dose(rmt=0.6, intensity=strength, peak_di_dt=1e8),
            device=device,
        ).verdict
        for pulses, interval, strength in ((few, long, intensity[0]), (many, short, intensity[1]))
    )
    assert mild <= strict


def shaped(*, pulses, rate, interval):
    """Mhalla's protocol with another session."""

    def told(value):
        return Fact(value=value, certainty=Certainty.GIVEN, source="a test")

    return replace(
        find_protocol("fm-mhalla"),
        rate=told(rate),
        pulses_per_train=told(pulses),
        inter_train_interval=told(interval),
        pulses_per_session=told(15 * pulses),
    )
