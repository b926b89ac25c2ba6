"""The rule of heat at the skin, kept by a controller over a coil that warms."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anodyne.protocol import HEAT_LIMIT, BodySite, IntensityBasis, Side
from anodyne.stimulator.delivery import LogEvent, LogLine, PoseDeviation, Resume, State, status_of
from anodyne.stimulator.delivery.heat import HeatWatch
from anodyne.stimulator.emulation import CoilWarmth, Habits
from anodyne.stimulator.magpro import MagProEmulator
from anodyne.stimulator.rapid2 import Rapid2Emulator

ZERO = 273.15
SHORT = replace(HEAT_LIMIT, sustained_for=9.0, window=20.0)
"""The rule with a second for each minute."""

SITE = BodySite(words="median nerve at the wrist", side=Side.LEFT)


@pytest.fixture
def hurried(monkeypatch):
    """The rule as controllers know it, with a second for each minute."""
    monkeypatch.setattr("anodyne.stimulator.delivery.order.HEAT_LIMIT", SHORT)


def on_the_body(order, *, limit=44.0):
    """The same order for a site, where somebody allows the coil so many °C."""
    return replace(
        order,
        site=SITE,
        pose_tolerance=None,
        threshold_by=IntensityBasis.TWITCH_THRESHOLD,
        maximum_coil_temperature=limit + ZERO,
    )


def warm_emulator(room=24.0, kelvin_per_joule=0.0, cooling_time=1200.0):
    """A MagPro whose coil rests at so many °C, and which itself never finds that too much."""
    warmth = CoilWarmth(room=room + ZERO, kelvin_per_joule=kelvin_per_joule, cooling_time=cooling_time)
    return MagProEmulator(habits=Habits(keeps_energy_law=False, warmth=warmth, hottest=400.0))


# ------------------------------------------------------------------------------------------------ the watch


@given(st.lists(st.tuples(st.floats(0.01, 3.0), st.floats(20, 50)), min_size=1, max_size=60))
def test_watch_is_never_milder_than_the_rule(readings):
    """Of readings less than a second apart the warmest counts, so that nothing warm is overlooked."""
    watch = HeatWatch(SHORT)
    times = np.cumsum([wait for wait, _ in readings])
    celsius = [degrees for _, degrees in readings]
    for now, degrees in zip(times, celsius, strict=True):
        watch.note(float(now), degrees + ZERO)
    last = times > times[-1] - SHORT.window
    if max(np.array(celsius)[last]) >= 45:
        assert watch.unmet
    assert watch.time_above >= SHORT.time_above(times, np.array(celsius) + ZERO) - 1.0 - 1e-9


def test_watch_keeps_no_more_than_it_needs():
    watch = HeatWatch(SHORT)
    for tick in range(5000):
        watch.note(tick * 0.02, 300.0)
    assert len(watch._readings) <= SHORT.window + 2


def test_reading_that_is_not_known_changes_nothing():
    watch = HeatWatch(SHORT)
    watch.note(0.0, 315.15)
    watch.note(5.0, None)
    watch.note(6.0, float("nan"))
    watch.note(8.0, 300.0)
    assert watch.time_above == 8.0


def test_watch_says_that_it_is_the_coil_and_quotes_the_rule():
    watch = HeatWatch(HEAT_LIMIT)
    watch.note(0.0, 45 + ZERO)
    (words,) = watch.unmet
    for phrase in ("of the coil (not of the skin", "45.0 °C were reached", "FDA K210021", HEAT_LIMIT.in_words):
        assert phrase in words


def test_log_hears_each_minute_of_a_warm_coil_and_when_it_has_cooled():
    watch, heard = HeatWatch(HEAT_LIMIT), []
    for second in range(600):
        watch.note(float(second), (42.0 if 100 <= second < 300 else 30.0) + ZERO)
        if (news := watch.news(float(second))) is not None:
            heard.append((second, news["coil_temperature_celsius"]))
    assert heard == [(100, 42.0), (160, 42.0), (220, 42.0), (280, 42.0), (300, 30.0)]


def test_nothing_is_watched_without_a_rule():
    watch = HeatWatch(None)
    watch.note(0.0, 400.0)
    watch.recall([], 0.0, datetime(2026, 11, 20, tzinfo=UTC))
    assert (watch.unmet, watch.news(0.0), watch.time_above) == ((), None, 0.0)


def test_watch_recalls_what_a_log_tells_of_its_window():
    began = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

    def line(number, seconds, celsius):
        at = (began + timedelta(seconds=seconds)).isoformat()
        facts = {} if celsius is None else {"coil_temperature_celsius": celsius}
        return LogLine(
            number=number, at=at, clock=seconds, event=LogEvent.ENDED, facts=facts, previous="", hash=str(number)
        )

    lines = [line(0, 0, 44.0), line(1, 100, None), line(2, 105, 42.0), line(3, 110, 42.0)]
    wall = began + timedelta(seconds=113)
    watch = HeatWatch(SHORT)
    watch.recall(lines, now=3.0, wall=wall)
    assert watch.time_above == pytest.approx(5.0)
    watch.note(3.0, 300.0)
    assert watch.time_above == pytest.approx(8.0)
    assert not watch.unmet
    after_the_clock_was_set_back = HeatWatch(SHORT)
    after_the_clock_was_set_back.recall([line(4, 500, 50.0)], now=3.0, wall=wall)
    assert after_the_clock_was_set_back.unmet


# ------------------------------------------------------------------------------------------------ the controller


def test_nine_of_twenty_minutes_end_the_pulses(bench_on, order_of):
    """The rule as it is published, to the minute."""
    order = on_the_body(order_of("magventure-r30", trains=60, pulses=20, wait=13.0))
    bench = bench_on("magpro", order=order, emulator=warm_emulator(room=42.0))
    bench.start()
    bench.go_on_for(700.0)
    assert bench.emulator.pulses[-1].time < 541
    assert bench.emulator.pulses[-1].time > 520
    assert bench.controller.state in (State.PAUSED, State.CHECKING)
    said = "; ".join((bench.controller.message, *bench.controller.holding))
    assert "more than 41 °C have lasted 9" in said
    assert "not of the skin" in said
    assert not bench.emulator.machine.stage.is_armed
    assert status_of(bench.controller).heat_time >= 540


@pytest.mark.usefixtures("hurried")
def test_head_knows_no_such_rule(bench_on, order_of):
    order = replace(order_of("magventure-r30", trains=4), maximum_coil_temperature=44 + ZERO)
    bench = bench_on("magpro", order=order, emulator=warm_emulator(room=42.0))
    bench.start()
    bench.go_on_to(State.DONE)
    assert bench.given == order.pulses
    assert status_of(bench.controller).heat_time is None


@pytest.mark.usefixtures("hurried")
def test_coil_below_the_rule_delivers_to_the_end(bench_on, make, order_of):
    device = {"rapid2": "magstim-rapid2", "magpro": "magventure-r30"}[make]
    bench = bench_on(make, order=on_the_body(order_of(device), limit=40.0))
    bench.start()
    bench.go_on_to(State.DONE)
    assert bench.given == bench.order.pulses
    assert status_of(bench.controller).heat_time == 0
    (opened,) = [line for line in bench.log.lines if line.event is LogEvent.OPENED]
    assert opened.facts["order"]["site"] == SITE.words
    assert opened.facts["order"]["side"] == "left"
    assert opened.facts["order"]["heat_rule"] == SHORT.in_words


@pytest.mark.usefixtures("hurried")
def test_ceiling_disarms_in_the_middle_of_a_train_and_stays_shut_for_a_window(bench_on, order_of):
    order = on_the_body(order_of("magventure-r30", trains=2, pulses=40), limit=60.0)
    emulator = warm_emulator(kelvin_per_joule=0.02, cooling_time=5.0)
    bench = bench_on("magpro", order=order, emulator=emulator)
    bench.start()
    bench.go_on_to(State.PAUSED)
    stopped = bench.clock.now()
    assert 20 <= bench.given < 40
    assert "45 °C is the limit" in bench.controller.message
    assert not emulator.machine.stage.is_armed
    (paused,) = [line for line in bench.log.lines if line.event is LogEvent.PAUSED]
    assert "not of the skin" in paused.facts["why"]
    given = bench.given
    bench.inbox.put(Resume())
    bench.go_on(lambda: bench.given > given, longest=60.0)
    assert bench.clock.now() >= stopped + SHORT.window - 1.0
    assert emulator.machine.coil_temperature < 45 + ZERO


@pytest.mark.usefixtures("hurried")
def test_what_was_warm_before_a_restart_still_counts(bench_on, order_of):
    order = on_the_body(order_of("magventure-r30", trains=6, wait=1.0))
    first = bench_on("magpro", order=order, emulator=warm_emulator(room=42.0))
    first.start()
    first.go_on(lambda: first.given == 40)
    first.go_on_to(State.WAITING)
    first.leave()
    second = bench_on("magpro", order=order, emulator=first.emulator, clock=first.clock)
    assert second.controller.heat.time_above > 4.0
    assert LogEvent.COIL_WARM in [line.event for line in second.log.lines]
    second.start()
    second.go_on(lambda: bool(second.controller.heat.unmet), longest=8.0)
    second.go_on_for(0.5)
    assert not second.emulator.machine.stage.is_armed


def test_somebody_vouches_that_the_coil_is_held(bench_on, order_of):
    bench = bench_on("magpro", order=on_the_body(order_of("magventure-r30"), limit=40.0))
    bench.start()
    bench.inbox.pose(PoseDeviation(distance=0.0, angle=0.0))
    bench.go_on_for(10)
    assert bench.controller.state is State.CHECKING
    assert bench.controller.holding == ("nobody vouches that the coil is held at the site",)
    bench.inbox.pose(PoseDeviation(distance=0.0, angle=0.0, fixed=True))
    bench.go_on_to(State.DONE)
    assert bench.given == bench.order.pulses


@pytest.mark.parametrize(("limit", "may"), [(40.0, False), (44.0, True)])
def test_site_says_how_warm_a_coil_may_be_whose_own_limit_is_not_known(bench_on, order_of, limit, may):
    order = on_the_body(order_of("magventure-r30", trains=1), limit=limit)
    bench = bench_on("magpro", order=order, emulator=warm_emulator(room=41.0))
    bench.start()
    bench.go_on_for(20)
    assert bench.given == (order.pulses if may else 0)


def test_nobody_lifts_a_devices_own_limit(bench_on, order_of):
    order = on_the_body(order_of("magstim-rapid2", trains=1), limit=60.0)
    warmth = CoilWarmth(room=41.0 + ZERO)
    emulator = Rapid2Emulator(habits=Habits(keeps_energy_law=False, warmth=warmth, hottest=400.0))
    bench = bench_on("rapid2", order=order, emulator=emulator)
    bench.start()
    bench.go_on_for(20)
    assert bench.given == 0
    assert bench.controller.holding == ("the coil is too hot",)
