"""Orders: their hash, and what is refused before anything is given."""

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from anodyne.errors import SafetyRefusal, UnreadableFile
from anodyne.protocol import HEAT_LIMIT, THETA_BURST, BodySite, IntensityBasis, Side
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


# ------------------------------------------------------------------------------------------------ for the body

WRIST = BodySite(words="median nerve at the wrist", side=Side.LEFT)


@pytest.fixture
def body(order_of):
    return replace(order_of(), site=WRIST, pose_tolerance=None, threshold_by=IntensityBasis.TOLERANCE)


def test_order_for_the_body_survives_its_way_through_json(body):
    data = order_to_data(body)
    assert order_from_data(json.loads(json.dumps(data))) == body
    assert (data["site"], data["side"], data["threshold_by"]) == ("median nerve at the wrist", "left", "tolerance")
    assert data["pose_tolerance_mm"] is None
    assert data["heat_rule"] == HEAT_LIMIT.in_words
    assert body.heat_limit is HEAT_LIMIT


@pytest.mark.parametrize(
    "change",
    [
        {"site": BodySite(words="median nerve at the elbow", side=Side.LEFT)},
        {"site": replace(WRIST, side=Side.RIGHT)},
        {"site": replace(WRIST, side=None)},
        {"threshold_by": IntensityBasis.TWITCH_THRESHOLD},
    ],
)
def test_another_site_or_threshold_is_another_order(body, change):
    changed = replace(body, **change)
    assert changed.hash != body.hash
    with pytest.raises(SafetyRefusal, match="changed after it was signed"):
        changed.refuse_unless_signed(body.hash)


def test_head_has_a_pose_and_the_body_none(order_of, body):
    assert order_of().heat_limit is None
    with pytest.raises(ValueError, match="pose tolerance"):
        replace(order_of(), pose_tolerance=None)
    with pytest.raises(ValueError, match="pose tolerance"):
        replace(body, pose_tolerance=order_of().pose_tolerance)


@pytest.mark.parametrize(
    ("basis", "words"),
    [
        (IntensityBasis.TOLERANCE, "the comfort threshold .* is 8 days old"),
        (IntensityBasis.TWITCH_THRESHOLD, "the twitch threshold at the site .* is 8 days old"),
        (IntensityBasis.RESTING_MOTOR_THRESHOLD, "the motor threshold of .* is 8 days old"),
    ],
)
def test_old_threshold_is_called_by_its_name(body, basis, words):
    with pytest.raises(SafetyRefusal, match=words):
        replace(body, threshold_by=basis).refuse_old_threshold(date(2026, 11, 26))
