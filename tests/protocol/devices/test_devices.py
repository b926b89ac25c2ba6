"""What each stimulator can give: laws, and the worked examples that were published."""

from dataclasses import replace
from math import inf

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from anodyne.certainty import Certainty
from anodyne.errors import SafetyRefusal, UnknownName
from anodyne.protocol import DEVICES, Burst, Fact, Train, find_device
from anodyne.protocol.devices.library import DEVICES_FILE, read_devices
from anodyne.protocol.devices.model import Steps

RAPID = DEVICES["magstim-rapid2"]
MAGSTIM = [model for model in DEVICES.values() if model.maker == "Magstim"]
MAGPRO = [model for model in DEVICES.values() if model.maker == "MagVenture"]

devices = st.sampled_from(list(DEVICES.values()))
magstims = st.sampled_from(MAGSTIM)
powers = st.floats(0.01, 1.0)
trains = st.builds(Train, rate=st.integers(1, 1000).map(lambda tenths: tenths / 10), pulses=st.integers(1, 6000))


@given(devices, powers, powers)
def test_the_highest_rate_never_grows_with_power(device, one, other):
    low, high = sorted((one, other))
    assert device.maximum_rate(high) <= device.maximum_rate(low)


@given(devices, powers)
def test_between_two_points_the_rate_is_one_that_a_source_gives_at_no_lower_power(device, power):
    points = device.maximum_rates.known
    assert device.rate_point(power) in points
    assert device.rate_point(power).power >= power * (1 - 1e-9)


@given(magstims, trains, powers, powers)
def test_more_power_needs_a_longer_wait_and_allows_less_time(device, train, one, other):
    low, high = sorted((one, other))
    assert device.energy_per_pulse(low) <= device.energy_per_pulse(high)
    assert device.wait_after(train, low) <= device.wait_after(train, high)
    assert device.maximum_on_time(train.rate, low) >= device.maximum_on_time(train.rate, high)
    assert device.continuous_rate(low) >= device.continuous_rate(high)


@given(magstims, powers, st.floats(0.1, 50), st.integers(1, 5999))
def test_more_pulses_need_no_shorter_wait(device, power, rate, pulses):
    shorter, longer = (Train(rate=rate, pulses=count) for count in (pulses, pulses + 1))
    assert device.wait_after(shorter, power) <= device.wait_after(longer, power)


@given(powers, trains)
def test_train_and_wait_together_draw_no_more_than_the_supply_gives(power, train):
    energy = train.pulses * RAPID.energy_per_pulse(power)
    assert energy <= 1050 * (train.duration + RAPID.wait_after(train, power)) * (1 + 1e-9)


@given(st.integers(0, 100))
def test_energy_grows_with_the_square_of_power_to_a_fifth_of_a_joule(percent):
    assert abs(RAPID.energy_per_pulse(percent / 100) - 252 * (percent / 100) ** 2) <= 0.2


@pytest.mark.parametrize(
    ("power", "rate", "pulses", "wait", "on_time"),
    [
        (0.73, 25, 250, "21.95", None),
        (0.60, 10, 100, "0.50", "69.5"),
        (0.80, 10, 80, "4.28", "39.1"),
        (0.60, 20, 100, "3.64", "34.7"),
    ],
)
def test_worked_examples(power, rate, pulses, wait, on_time):
    train = Train(rate=rate, pulses=pulses)
    assert f"{RAPID.wait_after(train, power):.2f}" == wait
    if on_time is not None:
        assert f"{RAPID.maximum_on_time(rate, power):.1f}" == on_time


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        ("magstim-rapid2", {0.3: 50, 0.31: 30, 0.5: 30, 0.51: 18, 0.8: 18, 0.81: 15, 1.0: 15}),
        ("magstim-super-rapid2", {0.3: 100, 0.5: 50, 0.8: 30, 1.0: 25}),
        ("magstim-super-rapid2-plus", {0.48: 100, 0.5: 97, 0.8: 57, 1.0: 41}),
        ("magstim-rapid2-115v", {0.3: 36, 0.5: 23, 0.8: 14, 1.0: 11}),
        ("magstim-super-rapid2-115v", {0.3: 60, 0.5: 44, 0.8: 27, 1.0: 22}),
        ("magstim-super-rapid2-plus-115v", {0.3: 60, 0.5: 58, 0.8: 34, 1.0: 25}),
        ("magventure-r30", {0.3: 30, 1.0: 30}),
        ("magventure-x100", {0.3: 100, 1.0: 100}),
    ],
)
def test_rates_by_power(name, rates):
    assert {power: DEVICES[name].maximum_rate(power) for power in rates} == rates


def test_of_two_sources_the_lower_rate_stands_and_that_is_said():
    model = DEVICES["magstim-super-rapid2"]
    assert model.maximum_rate(0.8) == 30
    assert any("35 Hz" in note and "lower" in note for note in model.notes)


def test_what_is_not_known_of_the_magpro_is_not_made_up():
    train = Train(rate=10, pulses=100)
    for model in MAGPRO:
        assert model.energy_per_pulse(0.5) is None
        assert model.wait_after(train, 0.5) is None
        assert model.maximum_on_time(10, 0.5) is None
        assert model.continuous_rate(0.5) is None
        assert any("not known" in doubt for doubt in model.doubts(train, 0.5))


def test_at_no_power_it_may_pulse_without_end():
    assert RAPID.maximum_on_time(10, 0) == inf
    assert RAPID.continuous_rate(0) == 50


def test_continuous_rate_is_the_supply_over_the_energy():
    assert_allclose(RAPID.continuous_rate(0.8), 1050 / 161.2)


@pytest.mark.parametrize(
    ("train", "power", "firmware", "says"),
    [
        (Train(rate=20, pulses=10), 0.6, None, "at most 18 Hz at 60 % of output and this train needs 20 Hz"),
        (Train(rate=5, pulses=30, burst=Burst(pulses=3, rate=50)), 0.4, None, "needs 50 Hz within its bursts"),
        (Train(rate=1, pulses=7000), 0.3, None, "at most 6000 pulses"),
        (Train(rate=10, pulses=1000), 0.8, None, "39.1 s in a minute"),
        (Train(rate=1, pulses=150), 0.4, 7, "with firmware V7 can be told trains of at most 99.9 s, not 150 s"),
        (Train(rate=1 / 30, pulses=2), 0.4, None, "0.03333 Hz cannot be set"),
        (Train(rate=10, pulses=10), 1.01, None, "101 % of maximum output is more than"),
    ],
)
def test_trains_that_cannot_be_given(train, power, firmware, says):
    with pytest.raises(SafetyRefusal, match=says):
        RAPID.refuse_train(train, power, firmware)


def test_a_train_that_can_be_given_passes_and_its_firmware_is_asked_for():
    train = Train(rate=1, pulses=150)
    RAPID.refuse_train(train, 0.468, 9)
    RAPID.refuse_train(train, 0.468)
    assert any("V9 or later" in doubt for doubt in RAPID.doubts(train, 0.468))
    assert RAPID.doubts(train, 0.468, 9) == ()


def test_too_many_bursts_a_second_are_refused():
    with pytest.raises(SafetyRefusal, match="at most 20 bursts a second"):
        DEVICES["magventure-x100"].refuse_train(Train(rate=25, pulses=30, burst=Burst(pulses=2, rate=100)), 0.4)


def test_settings_that_nobody_has_told_us_of_are_doubted_not_refused():
    model, train = DEVICES["magventure-x100"], Train(rate=1.5, pulses=150)
    model.refuse_train(train, 0.5)
    doubts = " ".join(model.doubts(train, 0.5))
    assert "1.5 Hz" in doubts
    assert "150 pulses" in doubts
    assert "read-back" in doubts


@pytest.mark.parametrize("power", [-0.1, float("nan"), inf])
def test_a_power_that_is_none_is_a_mistake(power):
    with pytest.raises(ValueError, match="fraction of maximum output"):
        RAPID.maximum_rate(power)


def test_train_rates_are_what_the_generator_takes():
    assert 0.1 in RAPID.train_rates[0]
    assert 50.0 in RAPID.train_rates[0]
    assert not any(1.5 in steps for steps in DEVICES["magventure-r30"].train_rates)


@given(st.integers(0, 9), st.integers(1, 9), st.integers(0, 30))
def test_every_step_of_a_range_is_in_it(low, step, count):
    steps = Steps(low=low / 10, high=(low + step * count) / 10, step=step / 10)
    assert all((low + step * index) / 10 in steps for index in range(count + 1))
    assert (low + step * (count + 1)) / 10 not in steps


def test_names_and_aliases_are_found_in_any_case():
    assert find_device("MAGSTIM RAPID2") is RAPID
    assert {find_device(model.name).name for model in DEVICES.values()} == set(DEVICES)
    with pytest.raises(UnknownName, match="'magstim-rapid2'"):
        find_device("magstim-rapid3")


def test_every_fact_has_a_source_and_a_certainty():
    for model in DEVICES.values():
        facts = {name: value for name, value in vars(model).items() if isinstance(value, Fact)}
        assert len(facts) == 13
        assert all(fact.source for fact in facts.values())
    assert DEVICES["magventure-x100-option"].maximum_rates.certainty is Certainty.ASSUMED


def changed(tmp_path, change):
    data = yaml.safe_load(DEVICES_FILE.read_text())
    change(data)
    path = tmp_path / "stimulators.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


def test_a_garbled_table_is_refused(tmp_path):
    def misspell(data):
        data["models"]["magstim-rapid2"]["maximum_rates"] = 1

    def sink(data):
        data["models"]["magstim-rapid2"]["maximum_rate"]["value"] = [[0.5, 10], [1.0, 20]]

    def sure_of_nothing(data):
        data["families"]["magventure-magpro"]["full_energy"]["certainty"] = "read"

    for change, says in ((misspell, "unknown keys"), (sink, "do not grow"), (sure_of_nothing, "not known has no")):
        with pytest.raises(ValueError, match=says):
            read_devices(changed(tmp_path, change))


def test_a_model_needs_a_rate_up_to_full_power():
    with pytest.raises(ValueError, match="powers up to 1"):
        replace(RAPID, maximum_rates=replace(RAPID.maximum_rates, value=RAPID.maximum_rates.known[:2]))
