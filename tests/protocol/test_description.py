"""Protocols in words."""

import pytest

from anodyne.certainty import Certainty
from anodyne.protocol import (
    PROTOCOLS,
    describe,
    find_protocol,
    intensity_in_words,
    patient_summary,
)


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_every_row_has_words_certainty_and_source(name):
    for row in describe(PROTOCOLS[name]):
        assert row.label
        assert row.value
        assert row.source
        assert isinstance(row.certainty, Certainty)
        assert (row.value == "not reported") <= (row.certainty is Certainty.NOT_REPORTED)


def test_what_is_recalled_is_said_to_be():
    rows = {row.label: row for row in describe(find_protocol("np-attal"))}
    assert rows["How much: intensity"] == (
        "How much: intensity",
        "80 % of resting motor threshold",
        Certainty.RECALLED,
        "Attal 2021, Brain",
    )
    assert rows["How much: pulses in a session"].certainty is Certainty.READ
    assert rows["When: pulses in the course"].value == "45000"


def test_a_published_range_is_shown_beside_the_chosen_value():
    rows = {row.label: row for row in describe(find_protocol("dep-1-R"))}
    assert rows["How much: pulses in a session"].value == "360 (published: 360 to 1200)"
    assert rows["How much: pause between trains"].value == "30 s (published: 0 s to 30 s)"


def test_theta_burst_is_described_by_its_bursts():
    rows = {row.label: row.value for row in describe(find_protocol("dep-iTBS"))}
    assert rows["How much: burst"] == "3 pulses at 50 Hz"
    assert rows["How much: frequency of bursts"] == "5 Hz"


def test_an_unknown_pause_makes_a_lower_bound_that_says_so():
    rows = {row.label: row for row in describe(find_protocol("fm-tanwar"))}
    assert rows["How much: pause between trains"].certainty is Certainty.NOT_REPORTED
    assert rows["How much: session as computed"].value == "at least 20 min"
    assert "not reported" in rows["How much: session as computed"].source


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fm-tanwar", "90 % of resting motor threshold"),
        ("ocd-dTMS", "100 % of resting motor threshold of the leg"),
        ("fm-lee-LF", "not reported (relative to resting motor threshold)"),
        ("stms-aura", "the device's fixed output"),
        ("rPMS-np", "the highest intensity the person tolerates"),
    ],
)
def test_intensity_says_what_it_is_relative_to(name, words):
    assert intensity_in_words(find_protocol(name)) == words


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_every_summary_is_plain_and_honest(name):
    summary = patient_summary(PROTOCOLS[name])
    assert "research software, not a medical device" in summary
    assert PROTOCOLS[name].evidence.note in summary
    for jargon in ("RMT", "DLPFC rTMS", "None", "null", "ITI", "Fact("):
        assert jargon not in summary


def test_the_summary_counts_sessions_pulses_and_minutes():
    summary = patient_summary(find_protocol("fm-tanwar"))
    assert "20 sessions" in summary
    assert "1200 magnetic pulses in 8 series" in summary
    assert "at least 20 minutes" in summary
    assert "uncertain" in summary
    assert "about 24 minutes" in patient_summary(find_protocol("fm-passard"))


def test_a_summary_of_recalled_facts_says_so():
    assert "still have to be confirmed" in patient_summary(find_protocol("CRPS"))
    assert "still have to be confirmed" not in patient_summary(find_protocol("fm-tanwar"))
