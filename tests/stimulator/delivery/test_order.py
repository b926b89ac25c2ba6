"""Orders: their hash, and what is refused before anything is given."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from anodyne.errors import SafetyRefusal, UnreadableFile
from anodyne.protocol import THETA_BURST
from anodyne.stimulator.delivery import PlannedTrain, order_from_data, order_to_data
from anodyne.stimulator.model import TrainSettings


def test_order_survives_its_way_through_json(order_of):
    order = order_of()
    assert order_from_data(order_to_data(order)) == order
    assert order_from_data(order_to_data(order)).hash == order.hash


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(power=st.integers(1, 100), rate=st.integers(1, 1000), bursts=st.integers(1, 200), bursting=st.booleans())
def test_every_setting_of_a_wire_survives(order_of, power, rate, bursts, bursting):
    settings = TrainSettings(
        power=power / 100, rate=rate / 100, pulses=bursts * 3, burst=THETA_BURST if bursting else None
    )
    order = replace(order_of(), trains=(PlannedTrain(settings=settings, wait_after=0.0),))
    again = order_from_data(order_to_data(order))
    assert again.trains[0].settings.power == pytest.approx(settings.power, abs=1e-9)
    assert again.hash == order.hash
    assert order_from_data(order_to_data(again)) == again


@pytest.mark.parametrize(
    "change",
    [
        {"plan_hash": "1" * 64},
        {"person": "P-018"},
        {"coil": "other"},
        {"rmt": 0.51},
        {"maximum_coil_temperature": 314.15},
    ],
)
def test_any_change_changes_the_hash(order_of, change):
    signed = order_of()
    changed = replace(signed, **change)
    with pytest.raises(SafetyRefusal, match="changed after it was signed"):
        changed.refuse_unless_signed(signed.hash)
    changed.refuse_unless_signed(changed.hash.upper())


def test_old_threshold_is_refused(order_of):
    order = order_of()
    order.refuse_old_threshold(date(2026, 11, 25))
    with pytest.raises(SafetyRefusal, match="8 days old and the limit here is 7 days"):
        order.refuse_old_threshold(date(2026, 11, 26))
    with pytest.raises(SafetyRefusal, match="the computer's clock"):
        order.refuse_old_threshold(date(2026, 11, 17))


def test_pulses_timed_over_the_serial_line_are_refused(order_of):
    with pytest.raises(SafetyRefusal, match="put the pulses into one train"):
        order_of(pulses=1, rate=10.0, wait=0.5)
    order_of(pulses=1, rate=1.0, wait=0.0)


@pytest.mark.parametrize("person", ["", "Ann Smith", "a" * 41, "-x", "ä"])
def test_names_are_no_pseudonyms(order_of, person):
    with pytest.raises(ValueError, match="pseudonym"):
        replace(order_of(), person=person)


@pytest.mark.parametrize(("key", "value"), [("schema_version", "2.0"), ("trains", None), ("rmt_measured", "today")])
def test_data_that_are_no_order_are_refused(order_of, key, value):
    with pytest.raises(UnreadableFile, match="no delivery order"):
        order_from_data({**order_to_data(order_of()), key: value})
