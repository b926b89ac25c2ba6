"""The published protocols, row by row, and how a data file is read and refused."""

from copy import deepcopy
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from anodyne.certainty import Certainty
from anodyne.errors import UnknownName, UnreadableFile
from anodyne.protocol import (
    PROTOCOLS,
    EvidenceLevel,
    Fact,
    find_protocol,
    protocol_from_data,
    protocol_to_data,
    read_protocols,
)
from anodyne.protocol.library import LIBRARY_FILE
from anodyne.protocol.protocol import FACT_FIELDS

# Every row of the project's evidence table:
# id, Hz, % of threshold, pulses in a train, pause in s, pulses, sessions, target.
ROWS = [
    ("dep-10-L", 10, 120, 40, 26, 3000, 30, "left-dlpfc"),
    ("dep-dash", 10, 120, 40, 11, 3000, 20, "left-dlpfc"),
    ("dep-iTBS", 5, 120, 30, 8, 600, 20, "left-dlpfc"),
    ("dep-1-R", 1, 120, 60, 30, 360, 20, "right-dlpfc"),
    ("SAINT", 5, 90, 30, 8, 1800, 50, "left-dlpfc"),
    ("ocd-dTMS", 20, 100, 40, 20, 2000, 29, "dacc"),
    ("fm-tanwar", 1, 90, 150, None, 1200, 20, "right-dlpfc"),
    ("fm-carretero", 1, 110, 60, 45, 1200, 20, "right-dlpfc"),
    ("fm-lee-LF", 1, None, 800, 60, 1600, 10, "right-dlpfc"),
    ("fm-lee-HF", 10, None, 80, 10, 2000, 10, "left-m1-hand"),
    ("fm-passard", 10, 80, 80, 52, 2000, 10, "left-m1-hand"),
    ("fm-mhalla", 10, 80, 100, 50, 1500, 14, "left-m1-hand"),
    ("fm-short", 10, 120, 50, 10, 4000, 10, "left-dlpfc"),
    ("fm-M1-LF", 1, 90, 60, 45, 1200, 10, "left-m1-hand"),
    ("np-attal", 10, 80, 100, 20, 3000, 15, "contralateral-m1-hand"),
    ("np-hosomi", 5, 90, 50, 50, 500, 10, "contralateral-m1-hand"),
    ("np-20", 20, 80, None, None, 1600, 4, "contralateral-m1-hand"),
    ("migraine", 10, 70, 60, 60, 600, 3, "left-m1-hand"),
    ("stms-aura", 1 / 30, None, 2, 0, 2, 1, "occiput"),
    ("CRPS", 10, 110, 100, 50, 2500, 10, "contralateral-m1-hand"),
    ("rPMS-MSK", 10, None, 50, 25, 1000, 5, "paravertebral muscles or the nerve of the painful region"),
    ("rPMS-np", 0.5, None, 400, 0, 400, None, "the injured nerve"),
    ("rPMS-4f", None, None, None, None, None, None, "the painful region"),
]

# The marks [r] of the evidence table: facts that nobody confirmed in their source.
RECALLED = {
    "fm-short": {"intensity", "pulses_per_train", "inter_train_interval"},
    "np-attal": {"intensity", "pulses_per_train", "inter_train_interval"},
    "np-hosomi": {"intensity", "pulses_per_train", "inter_train_interval"},
    "np-20": {"intensity", "pulses_per_session"},
    "dep-iTBS": {"rate", "burst", "intensity", "trains", "pulses_per_session", "sessions"},
    "dep-1-R": {"rate", "intensity", "pulses_per_session", "sessions"},
    "SAINT": {"rate", "intensity", "inter_train_interval", "pulses_per_session"},
    "ocd-dTMS": {"rate", "intensity", "trains", "pulses_per_session", "sessions"},
    "migraine": {"rate", "intensity", "pulses_per_session", "sessions"},
    "CRPS": {"rate", "intensity", "pulses_per_train", "inter_train_interval", "sessions"},
    "rPMS-MSK": {"rate", "inter_train_interval", "pulses_per_session", "sessions"},
    "rPMS-np": {"rate", "pulses_per_session"},
}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_row_of_the_evidence_table_is_here(row):
    alias, rate, percent, pulses, pause, total, sessions, target = row
    protocol = find_protocol(alias)
    found = (
        protocol.rate.value,
        protocol.pulses_per_train.value,
        protocol.inter_train_interval.value,
        protocol.pulses_per_session.value,
        protocol.sessions.value,
        protocol.target.known.name,
    )
    assert found == pytest.approx((rate, pulses, pause, total, sessions, target))
    intensity = protocol.intensity.value
    assert intensity is percent if percent is None else intensity == pytest.approx(percent / 100)


def test_there_is_nothing_beyond_the_evidence_table():
    assert {find_protocol(row[0]).name for row in ROWS} == set(PROTOCOLS)


@pytest.mark.parametrize("alias", sorted(RECALLED))
def test_what_is_only_recalled_stays_marked(alias):
    protocol = find_protocol(alias)
    for name in RECALLED[alias]:
        assert getattr(protocol, name).certainty is Certainty.RECALLED, name


def test_the_main_protocol_is_honest():
    protocol = PROTOCOLS["fibromyalgia-1hz-right-dlpfc"]
    assert protocol.inter_train_interval.certainty is Certainty.NOT_REPORTED
    assert protocol.evidence.level is EvidenceLevel.SINGLE_TRIAL
    assert not protocol.evidence.level.is_guideline
    assert protocol.pulses_per_course == 24000
    assert str(protocol.session.duration) == "at least 20 min"


def test_pulses_of_train_session_and_course_agree_everywhere():
    for protocol in PROTOCOLS.values():
        session, course = protocol.session, protocol.course
        if session is not None:
            assert session.pulses == protocol.pulses_per_session.known
            assert session.train.intensity == protocol.intensity.value
        if course is not None:
            assert course.sessions == protocol.sessions.known
        if session is not None and course is not None:
            assert protocol.pulses_per_course == session.pulses * course.sessions


def test_every_protocol_says_what_is_not_known():
    for protocol in PROTOCOLS.values():
        warnings = protocol.warnings()
        assert warnings[0].startswith("Evidence: ")
        assert protocol.evidence.level.in_words in warnings[0]
        assert protocol.not_known
        assert all(any(item in warning for warning in warnings) for item in protocol.not_known)


def test_the_table_of_facts_names_every_fact_of_a_protocol():
    protocol = PROTOCOLS["depression-itbs-left-dlpfc"]
    facts = {name for name, value in vars(protocol).items() if isinstance(value, Fact)}
    assert facts == set(FACT_FIELDS)


@pytest.mark.parametrize("name", ["FIBROMYALGIA-1HZ-RIGHT-DLPFC", "FM-Tanwar"])
def test_names_and_aliases_are_found_in_any_case(name):
    assert find_protocol(name) is PROTOCOLS["fibromyalgia-1hz-right-dlpfc"]


def test_an_unknown_name_gets_its_near_misses():
    with pytest.raises(UnknownName, match="did you mean 'fibromyalgia-1hz-right-dlpfc'"):
        find_protocol("fibromyalgia-1hz-rigth-dlpfc")


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_protocol_to_data_and_back_changes_nothing(name):
    data = protocol_to_data(PROTOCOLS[name])
    assert protocol_from_data(name, yaml.safe_load(yaml.safe_dump(data))) == PROTOCOLS[name]


positive = st.floats(0.1, 50).map(lambda value: round(value, 3))
sources = st.sampled_from(["", "a table", "Name 2020"])
certainties = st.sampled_from([certainty for certainty in Certainty if certainty is not Certainty.NOT_REPORTED])


def facts(values):
    known = st.builds(Fact, value=values, certainty=certainties, source=sources)
    return known | st.builds(Fact, value=st.none(), certainty=st.just(Certainty.NOT_REPORTED), source=sources)


@st.composite
def protocols(draw):
    pulses, trains = draw(facts(st.integers(1, 300))), draw(facts(st.integers(1, 60)))
    known = pulses.value is not None and trains.value is not None
    total = (
        Fact(value=pulses.value * trains.value, certainty=Certainty.COMPUTED)
        if known
        else draw(facts(st.integers(1, 9)))
    )
    return replace(
        PROTOCOLS["fibromyalgia-1hz-right-dlpfc"],
        intensity=draw(facts(st.floats(0.1, 2))),
        rate=draw(facts(positive)),
        pulses_per_train=pulses,
        trains=trains,
        inter_train_interval=draw(facts(st.floats(0, 100))),
        pulses_per_session=total,
        coil=draw(facts(st.sampled_from(["figure-of-eight", "H1"]))),
    )


@given(protocols())
def test_any_protocol_survives_the_way_through_yaml(protocol):
    data = yaml.safe_load(yaml.safe_dump(protocol_to_data(protocol)))
    assert protocol_from_data(protocol.name, data) == protocol


def written(tmp_path, change):
    """A file with one good entry, after `change` of its data."""
    entry = protocol_to_data(PROTOCOLS["depression-itbs-left-dlpfc"])
    entry = deepcopy(entry)
    change(entry)
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"mine": entry | {"aliases": []}}, sort_keys=False))
    return path


def line_of(path, text):
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def test_ones_own_file_is_read(tmp_path):
    mine = read_protocols(written(tmp_path, lambda entry: entry.update(label="My own")))
    assert mine["mine"].label == "My own"
    assert mine["mine"].session.pulses == 600


MISTAKES = [
    ("unknown key", lambda e: e.update(intensty=1.1), "intensty", "did you mean 'intensity'"),
    ("missing key", lambda e: e.pop("rate"), None, "'rate': is missing; write null"),
    ("words for a number", lambda e: e.update(rate="fast"), "rate", "needs a number, not 'fast'"),
    ("half a pulse", lambda e: e.update(pulses_per_train=30.5), "pulses_per_train", "needs a whole number"),
    ("yes for a number", lambda e: e.update(trains=True), "trains", "needs a whole number, not True"),
    ("negative rate", lambda e: e.update(rate=-5), "rate", "not a positive number"),
    ("not a number", lambda e: e.update(rate=float("nan")), "rate", "not a positive number"),
    ("percent", lambda e: e.update(intensity=90), "intensity", "write 90 % as 0.9"),
    (
        "total",
        lambda e: e.update(pulses_per_session=601),
        "pulses_per_session",
        "601 disagrees with 20 trains of 30",
    ),
    ("sessions", lambda e: e.update(sessions=21), "sessions", "21 disagrees with a schedule of 20"),
    ("stated duration", lambda e: e.update(session_duration=300), "session_duration", "300 s disagrees"),
    ("negative pause", lambda e: e.update(inter_train_interval=-1), "inter_train_interval", "negative"),
    (
        "cadence",
        lambda e: e.update(schedule=[{"sessions": 20, "cadence": "hourly"}]),
        "schedule",
        "'hourly' is none of",
    ),
    (
        "certainty",
        lambda e: e.update(trains={"value": 20, "certainty": "sure"}),
        "certainty: sure",
        "'sure' is none of",
    ),
    (
        "range",
        lambda e: e.update(trains={"value": 20, "published": [30, 40]}),
        "trains",
        "outside its published range",
    ),
    (
        "range of one",
        lambda e: e.update(trains={"value": 20, "published": [30]}),
        "published",
        "lowest and the highest",
    ),
    (
        "null with range",
        lambda e: e.update(sessions={"value": None, "published": [1, 2]}),
        "published",
        "value that is null",
    ),
    ("modality", lambda e: e.update(modality="laser"), "modality", "'laser' is none of"),
    ("no burst", lambda e: e.pop("burst"), None, "'burst': theta-burst protocols have a burst"),
    ("burst", lambda e: e.update(burst={"pulses": 3}), "  burst:", "'burst.rate': is missing"),
    ("site", lambda e: e.update(target="contralateral-"), "target", "contralateral-<region>"),
    ("no target", lambda e: e.update(target=None), "target", "this cannot be null"),
    ("citation", lambda e: e.update(citations=[]), "citations", "at least one source"),
    ("evidence", lambda e: e["evidence"].update(level="sure"), "level: sure", "'sure' is none of"),
    ("empty words", lambda e: e.update(label=" "), "label", "needs words"),
    ("no mapping", lambda e: e.update(evidence="good"), "evidence", "needs the keys level"),
    ("no list", lambda e: e.update(not_known="much"), "not_known", "needs a list"),
    ("weekends", lambda e: e.update(schedule={"blocks": [], "weekends": 1}), "weekends", "true or false"),
]


@pytest.mark.parametrize(
    ("change", "where", "message"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES]
)
def test_a_mistake_is_refused_with_line_entry_and_key(tmp_path, change, where, message):
    path = written(tmp_path, change)
    with pytest.raises(UnreadableFile) as caught:
        read_protocols(path)
    text = str(caught.value)
    assert message in text
    assert "entry 'mine'" in text
    assert "key '" in text
    assert f"{path}, line {line_of(path, where) if where else 1}:" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty of entries"),
        ("- a\n- b\n", "empty of entries"),
        ("a: [1, 2\nb: 3\n", "line 2: this is not YAML"),
        ("one:\n  label: a\n  label: b\n", "line 3: 'one.label' stands here again"),
        ("one: 3\n", "line 1: entry 'one', needs the keys"),
        ("one:\n  rate: !!float abc\n", "line 2: the value of 'one.rate' is garbled"),
        ("one: &loop\n  rate: *loop\n", "nested too deeply"),
        ("one: !!python/object:os.system {}\n", "one"),
    ],
)
def test_a_file_that_is_no_library_is_refused(tmp_path, text, message):
    path = tmp_path / "garbled.yaml"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match=message):
        read_protocols(path)


def test_a_missing_folder_and_bytes_are_refused(tmp_path):
    with pytest.raises(UnreadableFile, match="No such file"):
        read_protocols(tmp_path / "nothing.yaml")
    with pytest.raises(UnreadableFile, match="directory"):
        read_protocols(tmp_path)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UnreadableFile, match="UTF-8"):
        read_protocols(tmp_path / "bytes.yaml")


def test_two_entries_cannot_share_a_name(tmp_path):
    entry = protocol_to_data(PROTOCOLS["crps-10hz-contralateral-m1"])
    path = tmp_path / "two.yaml"
    path.write_text(yaml.safe_dump({"one": entry, "two": entry}))
    with pytest.raises(UnreadableFile, match="entry 'two': 'CRPS' already means 'one'"):
        read_protocols(path)


def test_a_name_is_made_of_plain_characters(tmp_path):
    entry = protocol_to_data(PROTOCOLS["crps-10hz-contralateral-m1"])
    path = tmp_path / "name.yaml"
    path.write_text(yaml.safe_dump({"my protocol/2": entry}))
    with pytest.raises(UnreadableFile, match="not made of letters"):
        read_protocols(path)


def test_the_library_file_itself_stays_in_order():
    assert list(read_protocols(LIBRARY_FILE)) == list(PROTOCOLS)


OWN = """
{name}:
  label: 5 Hz over the left motor cortex
  certainty: read
  modality: repetitive
  indication: neuropathic pain
  target: left-m1-hand
  intensity: 0.9
  intensity_basis: resting-motor-threshold
  rate: 5
  pulses_per_train: 50
  trains: 10
  inter_train_interval: 50
  pulses_per_session: 500
  sessions: 10
  schedule:
    - {{sessions: 10, cadence: daily}}
  evidence: {{level: single-trial, citation: this test, certainty: read, note: made up}}
  citations: [this test]
  not_known: [everything]
"""


def test_a_file_of_one_s_own_stands_where_a_name_does(tmp_path):
    alone = tmp_path / "alone.yaml"
    alone.write_text(OWN.format(name="mine"))
    assert find_protocol(str(alone)).name == "mine"
    several = tmp_path / "several.yaml"
    several.write_text(OWN.format(name="first") + OWN.format(name="second"))
    assert find_protocol(f"{several}:second").name == "second"
    for wrong in (str(several), f"{several}:third"):
        with pytest.raises(UnreadableFile, match="holds first, second"):
            find_protocol(wrong)
    with pytest.raises(UnreadableFile, match="nowhere"):
        find_protocol(str(tmp_path / "nowhere.yaml"))
