"""One check for every dose: laws that hold for any dose, then the published protocols one by one."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anodyne.certainty import Certainty
from anodyne.errors import SafetyRefusal
from anodyne.protocol import (
    DEVICES,
    LIMITS,
    PROTOCOLS,
    Circumstances,
    CoilInUse,
    Dose,
    Fact,
    Modality,
    Override,
    ResponseObservation,
    Verdict,
    check_dose,
    find_modifier,
    find_protocol,
    not_reported,
)

TANWAR, MHALLA, THETA, DEEP = (find_protocol(name) for name in ("fm-tanwar", "fm-mhalla", "dep-iTBS", "ocd-dTMS"))
COIL = CoilInUse(label="Magstim 70 mm double coil", stimulator="Magstim Rapid2")
WHO = Override(
    who="A. Example",
    role="consultant in pain medicine",
    reason="all else was tried",
    when=datetime(2026, 3, 5, 9, tzinfo=UTC),
)
VISUAL = Circumstances(observation=ResponseObservation.VISUAL)


def shaped(protocol, *, rate, pulses, trains, interval):
    """A protocol with another session."""

    def given(value):
        return Fact(value=value, certainty=Certainty.GIVEN, source="a test")

    return replace(
        protocol,
        rate=given(rate),
        pulses_per_train=given(pulses),
        trains=given(trains),
        inter_train_interval=given(interval),
        pulses_per_session=given(pulses * trains),
        session_duration=not_reported(),
    )


def verdict(protocol, intensity, **given):
    return check_dose(replace(protocol, intensity=Fact(value=intensity, certainty=Certainty.GIVEN)), **given).verdict


kinds = st.sampled_from(
    [find_protocol(name) for name in ("fm-mhalla", "fm-tanwar", "dep-10-L", "ocd-dTMS", "rPMS-MSK")]
)
rates = st.sampled_from([0.5, 1.0, 3.0, 5.0, 10.0, 20.0, 25.0, 30.0])
intensities = st.sampled_from([0.5, 0.79, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4])
pulses, trains = st.integers(1, 400), st.integers(1, 100)
intervals = st.sampled_from([0.0, 0.5, 1.0, 1.5, 4.0, 5.0, 8.0, 10.0, 20.0, 26.0, 50.0, 60.0])


def pair(values):
    return st.tuples(values, values).map(sorted)


@given(kinds, rates, pair(intensities), pair(pulses), pair(trains), pair(intervals))
def test_stronger_longer_closer_or_more_is_never_judged_milder(kind, rate, intensity, count, trains, interval):
    mild = shaped(kind, rate=rate, pulses=count[0], trains=trains[0], interval=interval[1])
    strict = shaped(kind, rate=rate, pulses=count[1], trains=trains[1], interval=interval[0])
    assert verdict(mild, intensity[0]) <= verdict(strict, intensity[1])


@given(rates, intensities, pulses, trains, intervals, pair(st.integers(1, 12)))
def test_more_sessions_a_day_are_never_judged_milder(rate, intensity, count, trains, interval, per_day):
    protocol = shaped(MHALLA, rate=rate, pulses=count, trains=trains, interval=interval)
    few, many = (verdict(protocol, intensity, circumstances=Circumstances(sessions_per_day=each)) for each in per_day)
    assert few <= many


@given(st.sampled_from(list(PROTOCOLS.values())), intensities, st.sets(st.sampled_from(list(LIMITS.modifiers))))
def test_what_lowers_the_seizure_threshold_raises_the_verdict_one_step_for_each_kind(protocol, intensity, names):
    modifiers = tuple(find_modifier(name) for name in names)
    plain = verdict(protocol, intensity)
    raised = verdict(protocol, intensity, circumstances=Circumstances(modifiers=modifiers))
    steps = len({modifier.kind for modifier in modifiers})
    blocked = any(modifier.blocks for modifier in modifiers)
    assert raised == (Verdict.BLOCKED if blocked else Verdict(min(plain + steps, 3)))


@given(st.sampled_from(list(PROTOCOLS.values())), intensities)
def test_a_threshold_by_twitch_is_never_judged_milder(protocol, intensity):
    assert verdict(protocol, intensity) <= verdict(protocol, intensity, circumstances=VISUAL)


@given(kinds, rates, intensities, pulses, trains, intervals)
def test_an_override_allows_what_needs_one_and_nothing_that_is_blocked(kind, rate, intensity, count, trains, interval):
    protocol = shaped(kind, rate=rate, pulses=count, trains=trains, interval=interval)
    dose = Dose(rmt=0.5, intensity=intensity, peak_di_dt=1e8)
    without, with_one = (check_dose(protocol, dose=dose, override=override) for override in (None, WHO))
    assert without.verdict == with_one.verdict
    assert without.allowed == (without.verdict <= Verdict.AS_PUBLISHED)
    assert with_one.allowed == (with_one.verdict <= Verdict.NEEDS_OVERRIDE)


@given(kinds, rates, intensities, pulses, trains, intervals, st.sampled_from(list(DEVICES.values())))
def test_every_finding_says_where_it_stands(kind, rate, intensity, count, trains, interval, device):
    protocol = shaped(kind, rate=rate, pulses=count, trains=trains, interval=interval)
    dose = Dose(rmt=0.5, intensity=intensity, peak_di_dt=1e8)
    check = check_dose(protocol, dose=dose, device=device, coil=COIL, circumstances=VISUAL)
    for finding in check.findings:
        assert finding.what
        assert finding.sentence.endswith(".")
        assert finding.table
        assert finding.cell
        assert finding.source
        assert finding.sentence[0].isupper() or finding.sentence[0].isdigit()
    assert check.verdict == max(each.verdict for each in check.findings if each.verdict is not None)


VERDICTS = {
    "fm-tanwar": Verdict.INSIDE_TESTED,
    "fm-carretero": Verdict.INSIDE_TESTED,
    "fm-lee-LF": Verdict.BLOCKED,
    "fm-lee-HF": Verdict.BLOCKED,
    "fm-passard": Verdict.AS_PUBLISHED,
    "fm-mhalla": Verdict.AS_PUBLISHED,
    "fm-short": Verdict.BLOCKED,
    "fm-M1-LF": Verdict.INSIDE_TESTED,
    "np-attal": Verdict.AS_PUBLISHED,
    "np-hosomi": Verdict.INSIDE_TESTED,
    "np-20": Verdict.BLOCKED,
    "CRPS": Verdict.AS_PUBLISHED,
    "migraine": Verdict.AS_PUBLISHED,
    "stms-aura": Verdict.AS_PUBLISHED,
    "dep-10-L": Verdict.AS_PUBLISHED,
    "dep-dash": Verdict.AS_PUBLISHED,
    "dep-iTBS": Verdict.AS_PUBLISHED,
    "dep-1-R": Verdict.INSIDE_TESTED,
    "SAINT": Verdict.AS_PUBLISHED,
    "ocd-dTMS": Verdict.AS_PUBLISHED,
    "rPMS-MSK": Verdict.BLOCKED,
    "rPMS-np": Verdict.BLOCKED,
    "rPMS-4f": Verdict.BLOCKED,
}


@pytest.mark.parametrize("alias", VERDICTS)
def test_the_published_protocols_at_their_own_intensity(alias):
    check = check_dose(find_protocol(alias))
    assert check.verdict is VERDICTS[alias], check.sentence
    assert "two people must check" in check.note


def test_there_is_a_verdict_for_every_protocol():
    assert {find_protocol(alias).name for alias in VERDICTS} == set(PROTOCOLS)


def test_ten_seconds_at_ten_hertz_are_quoted_as_mhalla_gave_them():
    finding = check_dose(MHALLA).findings[0]
    assert finding.verdict is Verdict.AS_PUBLISHED
    assert finding.table == "wassermann-rossi"
    assert finding.cell == "10 Hz, 90 %: 5 s (longest tested)"
    assert "Mhalla 2011, Pain 152:1478" in finding.precedent
    assert "15 trains of 10 s, 50 s apart" in finding.precedent
    assert finding.certainty is Certainty.RECALLED


def test_a_little_more_than_published_needs_an_override():
    dose = Dose(rmt=0.5, intensity=0.81, peak_di_dt=1e8)
    check = check_dose(find_protocol("np-attal"), dose=dose)
    assert check.verdict is Verdict.NEEDS_OVERRIDE
    with pytest.raises(SafetyRefusal, match="needs a named consultant's override"):
        check.refuse_unless_allowed()
    check_dose(find_protocol("np-attal"), dose=dose, override=WHO).refuse_unless_allowed()


def test_what_is_recalled_vouches_for_nothing_but_itself():
    crps, mhalla = find_protocol("CRPS"), find_protocol("fm-mhalla")
    assert check_dose(crps).verdict is Verdict.AS_PUBLISHED
    assert verdict(mhalla, 1.1) is Verdict.NEEDS_OVERRIDE
    assert verdict(replace(mhalla, name=crps.name), 1.1) is Verdict.AS_PUBLISHED


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("right-m1-hand", Verdict.AS_PUBLISHED),
        ("left-dlpfc", Verdict.NEEDS_OVERRIDE),
        ("point", Verdict.NEEDS_OVERRIDE),
    ],
)
def test_a_precedent_holds_for_its_own_region(target, expected):
    assert check_dose(MHALLA, circumstances=Circumstances(target=target)).verdict is expected


def test_a_spot_in_a_region_is_in_it():
    dash = find_protocol("dep-10-L")
    assert check_dose(dash, circumstances=Circumstances(target="right-dlpfc-ba46")).verdict is Verdict.AS_PUBLISHED


def test_the_limit_of_a_table_blocks_even_what_was_published():
    check = check_dose(find_protocol("fm-short"), override=WHO)
    with pytest.raises(SafetyRefusal, match=r"longer than the limit of 4.2 s at 10 Hz and 120 %; an override cannot"):
        check.refuse_unless_allowed()


def test_short_pauses_above_threshold_are_unsafe():
    strong = shaped(MHALLA, rate=20, pulses=20, trains=10, interval=1.0)
    assert verdict(strong, 1.05) is Verdict.BLOCKED
    assert verdict(strong, 0.95) is Verdict.NEEDS_OVERRIDE
    assert check_dose(replace(strong, intensity=Fact(value=1.05, certainty=Certainty.GIVEN))).findings[2].cell == (
        "up to 20 Hz, 10 trains and 110 %: 5 s or more; above 100 % never 1 s or less"
    )


def test_the_trains_that_the_abstract_calls_safe_are_inside():
    tested = shaped(MHALLA, rate=20, pulses=24, trains=10, interval=5.0)
    assert verdict(tested, 1.1) is Verdict.INSIDE_TESTED


def test_an_unknown_pause_is_no_matter_where_none_is_needed_and_none_elsewhere():
    assert check_dose(TANWAR).findings[2].verdict is Verdict.INSIDE_TESTED
    fast = replace(shaped(MHALLA, rate=10, pulses=50, trains=10, interval=50), inter_train_interval=not_reported())
    finding = check_dose(fast).findings[2]
    assert finding.verdict is Verdict.NEEDS_OVERRIDE
    assert "No known pause" in finding.sentence


def test_a_twitch_threshold_lowers_the_cap():
    check = check_dose(MHALLA, circumstances=VISUAL)
    assert check.judged_intensity == pytest.approx(0.8 * 1.113)
    assert check.verdict is Verdict.NEEDS_OVERRIDE
    finding = next(each for each in check.findings if each.what == "threshold by twitch")
    assert "11.3 %" in finding.sentence
    assert "0 to 27.8 %" in finding.sentence


def test_a_peripheral_twitch_is_no_motor_threshold():
    muscle = find_protocol("rPMS-MSK")
    assert check_dose(muscle, circumstances=VISUAL).judged_intensity is None
    assert verdict(muscle, 1.0, circumstances=VISUAL) is Verdict.AS_PUBLISHED


def test_a_deep_coil_has_tables_of_its_own():
    deep = replace(COIL, is_deep=True)
    dose = Dose(rmt=0.5, intensity=0.9, peak_di_dt=1e8)
    flat, with_deep = (check_dose(TANWAR, dose=dose, coil=coil) for coil in (COIL, deep))
    assert flat.verdict is Verdict.INSIDE_TESTED
    assert with_deep.verdict is Verdict.NEEDS_OVERRIDE
    assert "deep" in with_deep.findings[0].table


def test_each_kind_of_stimulation_is_judged_by_its_own_table():
    tables = {
        Modality.REPETITIVE: "wassermann-rossi",
        Modality.THETA_BURST: "published-theta-burst",
        Modality.DEEP_COIL: "published-deep-coil",
        Modality.SINGLE_PULSE: "published-single-pulse",
        Modality.PERIPHERAL: "published-peripheral",
    }
    for protocol in PROTOCOLS.values():
        intensity = protocol.intensity.value or 0.9
        check = check_dose(replace(protocol, intensity=Fact(value=intensity, certainty=Certainty.GIVEN)))
        if protocol.session is not None:
            assert check.findings[0].table == tables[protocol.modality]


@pytest.mark.parametrize("protocol", [THETA, DEEP], ids=lambda protocol: protocol.name)
def test_without_a_table_more_than_published_needs_an_override(protocol):
    own = protocol.intensity.known
    assert verdict(protocol, own) is Verdict.AS_PUBLISHED
    assert verdict(protocol, own + 0.01) is Verdict.NEEDS_OVERRIDE
    assert verdict(protocol, own, circumstances=Circumstances(sessions_per_day=11)) is Verdict.NEEDS_OVERRIDE


def test_peripheral_strength_is_by_twitch_or_comfort():
    muscle, nerve = find_protocol("rPMS-MSK"), find_protocol("rPMS-np")
    assert verdict(muscle, 1.0) is Verdict.AS_PUBLISHED
    assert verdict(muscle, 1.1) is Verdict.NEEDS_OVERRIDE
    assert verdict(nerve, 1.0) is Verdict.AS_PUBLISHED
    assert verdict(nerve, 1.05) is Verdict.BLOCKED
    course = next(
        each
        for each in check_dose(replace(nerve, intensity=Fact(value=1.0, certainty=Certainty.GIVEN))).findings
        if each.what == "pulses in a course"
    )
    assert course.verdict is None


def test_totals_have_the_tested_range_of_cited_protocols():
    more = shaped(TANWAR, rate=1, pulses=150, trains=9, interval=30)
    totals = {each.what: each for each in check_dose(more).findings}
    assert totals["pulses in a session"].verdict is Verdict.NEEDS_OVERRIDE
    assert "no limit is known" in totals["pulses in a session"].sentence.lower()
    own = {each.what: each for each in check_dose(TANWAR).findings}
    assert "1200 pulses" in own["pulses in a session"].cell
    assert own["pulses in a course"].verdict is Verdict.INSIDE_TESTED


def test_an_override_is_written_name_role_reason():
    parsed = Override.from_words("Dr B. Example, Consultant rheumatologist: third course, no harm", datetime.now(UTC))
    assert (parsed.who, parsed.role, parsed.reason) == (
        "Dr B. Example",
        "Consultant rheumatologist",
        "third course, no harm",
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("B. Example", "NAME, ROLE: REASON"),
        ("B. Example: because it is wanted", "NAME, ROLE: REASON"),
        (", consultant: because it is wanted", "names who"),
        ("B. Example, nurse: because it is wanted", "consultant's to give"),
        ("B. Example, consultant: yes", "10 characters"),
    ],
)
def test_an_override_that_says_nothing_is_refused(words, says):
    with pytest.raises(ValueError, match=says):
        Override.from_words(words, datetime.now(UTC))


def test_an_override_has_a_time_zone():
    with pytest.raises(ValueError, match="time zone"):
        replace(WHO, when=datetime(2026, 3, 5))  # noqa: DTZ001


def test_no_sessions_a_day_are_no_treatment():
    with pytest.raises(ValueError, match="at least 1"):
        Circumstances(sessions_per_day=0)
