"""Laws of courses on the calendar."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anodyne.protocol import Block, Cadence, Course, FollowUp, FollowUpOrigin, find_protocol

MONDAY = date(2026, 3, 2)

blocks = st.builds(
    Block,
    sessions=st.integers(1, 12),
    cadence=st.sampled_from([cadence for cadence in Cadence if cadence is not Cadence.ON_DEMAND]),
    per_day=st.integers(1, 3),
)
courses = st.builds(Course, blocks=st.lists(blocks, min_size=1, max_size=4).map(tuple), weekends=st.booleans())
starts = st.dates(date(2024, 1, 1), date(2030, 1, 1))


@given(courses, starts)
def test_every_session_has_a_date_and_dates_never_go_back(course, start):
    dates = course.dates(start)
    assert len(dates) == course.sessions
    assert list(dates) == sorted(dates)
    assert dates[0] >= start


@given(courses, starts)
def test_weekends_are_free_unless_the_course_says_otherwise(course, start):
    if not course.weekends:
        assert all(day.weekday() < 5 for day in course.dates(start))


@given(courses, starts, st.sets(st.integers(0, 40), max_size=10))
def test_holidays_are_free(course, start, offsets):
    holidays = {start + timedelta(days=offset) for offset in offsets}
    assert not holidays & set(course.dates(start, holidays=holidays))


@given(st.builds(Course, blocks=st.tuples(blocks), weekends=st.booleans()), starts)
def test_treatment_days_are_at_least_as_far_apart_as_the_cadence_short_of_a_move(course, start):
    days = sorted(set(course.dates(start)))
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    cadence = course.blocks[0].cadence.days
    assert all(gap >= cadence - 2 for gap in gaps)
    if course.weekends:
        assert all(gap == cadence for gap in gaps)


def test_twenty_daily_sessions_from_a_monday_fill_four_working_weeks():
    dates = find_protocol("fibromyalgia-1hz-right-dlpfc").course.dates(MONDAY)
    assert dates[0] == MONDAY
    assert dates[-1] == date(2026, 3, 27)
    assert [day.weekday() for day in dates] == [0, 1, 2, 3, 4] * 4


def test_a_start_on_a_saturday_moves_to_monday():
    assert find_protocol("fm-tanwar").course.dates(date(2026, 2, 28))[0] == MONDAY


def test_mhalla_spreads_out():
    dates = find_protocol("fm-mhalla").course.dates(MONDAY)
    gaps = [(later - earlier).days for earlier, later in pairwise(dates)]
    assert gaps == [1] * 4 + [7] * 3 + [14] * 3 + [28] * 3


def test_a_weekly_rhythm_survives_a_holiday():
    course = Course(blocks=(Block(sessions=4, cadence=Cadence.WEEKLY),))
    dates = course.dates(MONDAY, holidays=[date(2026, 3, 9)])
    assert [day.day for day in dates] == [2, 10, 16, 23]


def test_several_sessions_a_day_share_its_date():
    dates = find_protocol("SAINT").course.dates(MONDAY)
    assert len(dates) == 50
    assert sorted(set(dates)) == [MONDAY + timedelta(days=day) for day in range(5)]


def test_follow_ups_count_from_their_origin():
    dates = find_protocol("fm-tanwar").course.dates(MONDAY)
    visits = [visit.date(dates) for visit in find_protocol("fm-tanwar").follow_up.known]
    assert visits == [dates[-1] + timedelta(days=days) for days in (0, 15, 91, 182)]
    early = FollowUp(label="day 5", days=4, origin=FollowUpOrigin.FIRST_SESSION)
    assert early.date(dates) == date(2026, 3, 6)


def test_sessions_on_demand_have_no_dates():
    course = find_protocol("stms-aura").course
    assert course.is_on_demand
    with pytest.raises(ValueError, match="no dates"):
        course.dates(MONDAY)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Block(sessions=0, cadence=Cadence.DAILY), "0 sessions"),
        (lambda: Block(sessions=1, cadence=Cadence.DAILY, pause=60.0), "60.0 s"),
        (lambda: Course(blocks=()), "at least one block"),
        (
            lambda: Course(
                blocks=(
                    Block(sessions=1, cadence=Cadence.ON_DEMAND),
                    Block(sessions=1, cadence=Cadence.DAILY),
                )
            ),
            "stands alone",
        ),
        (lambda: FollowUp(label="before", days=-1, origin=FollowUpOrigin.LAST_SESSION), "-1 days"),
    ],
)
def test_impossible_courses_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_course_speaks_plainly():
    course = Course(
        blocks=(
            Block(sessions=20, cadence=Cadence.DAILY, per_day=2, pause=3000.0),
            Block(sessions=3, cadence=Cadence.MONTHLY),
        )
    )
    assert str(course) == "20 daily, 2 a day with pauses of 50 min (no weekends), then 3 monthly"
