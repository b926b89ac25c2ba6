"""A plan for the body on a terminal."""

from itertools import groupby
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from anodyne.cli.dosing_view import COLOURS, in_brief
from anodyne.cli.tables import caution, facts, heading, remarks, table
from anodyne.protocol import EvidenceLevel, Topic, Verdict

Document = dict[str, Any]

VERDICTS = {verdict.name_in_data: verdict for verdict in Verdict}


def summary(document: Document) -> list[RenderableType]:
    """What a plan for the body says first: where, how strongly, whether that may be given, and what to beware of."""
    coil, check = document["coil"], document["dose_check"]
    return [
        heading(f"{coil['label']} over the {site_in_words(document)}", document["protocol"]["label"]),
        caution(document["disclaimer"]),
        facts(_site(document), title="Site"),
        facts(_dose(document), title="Dose"),
        Text(check["headline"], style=COLOURS[VERDICTS[check["verdict"]]]),
        *_answers(check),
        facts(_heat(document), title="Heat at the skin"),
        remarks(document["warnings"], title="Warnings", style="yellow"),
    ]


def details(document: Document) -> list[RenderableType]:
    """Where each answer stands, on what evidence the plan rests, and what two people must still check."""
    evidence = document["protocol"]["evidence"]
    support = [
        ("level", EvidenceLevel(evidence["level"]).in_words),
        ("what that covers", evidence["note"]),
        ("source", evidence["citation"]),
    ]
    made = [
        ("made", f"{document['created']} by Anodyne {document['anodyne_version']}"),
        ("coil's geometry", document["coil"]["source"]),
    ]
    checks = [*document["checks_by_two_people"], document["checks_source"]]
    return [
        facts(_sources(document["dose_check"]), title="Where that stands"),
        facts(support, title="Evidence"),
        facts(made, title="How it was made"),
        remarks(checks, title="Before any use with a person, two people check"),
    ]


def site_in_words(document: Document) -> str:
    """Side and site of a plan for the body."""
    from anodyne.cli.circumstances import site_of

    return site_of(document).in_words


def _site(document: Document) -> list[tuple[str, str]]:
    side = document["site"]["side"]
    return [
        ("muscle or nerve", document["site"]["words"]),
        ("side", "none given" if side is None else f"the patient's own {side}"),
        ("the protocol's own", _value(document["protocol"]["target"])),
    ]


def _value(fact: Any) -> str:
    """A protocol's fact as words; facts that are not read plainly stand in a mapping."""
    return str(fact["value"] if isinstance(fact, dict) else fact)


def _dose(document: Document) -> list[tuple[str, str]]:
    dose, coil = document["dose"], document["coil"]
    bound = "at least " if dose["session_is_lower_bound"] else ""
    sessions, course = dose["sessions"], dose["pulses_per_course"]
    total = "" if course is None else f", {course:,} pulses"
    return [
        ("threshold", f"{dose['threshold_percent']:.4g} % of output: the {dose['threshold_in_words']}"),
        (
            "output",
            f"{dose['output_percent']:.4g} % ({dose['intensity_percent_of_threshold']:.4g} % of the threshold), "
            f"{dose['di_dt_a_per_us']:.4g} of {coil['maximum_di_dt_a_per_us']:.4g} A/µs",
        ),
        (
            "session",
            f"{dose['pulses_per_session']:,} pulses, {bound}{dose['session_min']:.3g} min: {_pattern(document)}",
        ),
        ("course", "how many sessions is not reported" if sessions is None else f"{sessions} sessions{total}"),
        ("stimulator", document["stimulator"] or "not known, so not checked"),
    ]


def _pattern(document: Document) -> str:
    """The trains of a session."""
    protocol = document["protocol"]
    trains, pulses, rate, pause = (
        _value(protocol[key]) for key in ("trains", "pulses_per_train", "rate", "inter_train_interval")
    )
    train = f"{pulses} pulses at {float(rate):g} Hz"
    if trains == "1":
        return f"one train of {train}"
    return f"{trains} trains of {train}, " + ("pauses not reported" if pause == "None" else f"{float(pause):g} s apart")


def _answers(check: Document) -> list[RenderableType]:
    columns = ["asked about", "verdict", "answer"]
    parts: list[RenderableType] = []
    for topic, findings in groupby(check["findings"], key=lambda finding: finding["topic"]):
        rows = [
            (
                finding["what"],
                in_brief(VERDICTS.get(finding["verdict"])),
                " ".join(filter(None, (finding["sentence"], finding["precedent"]))),
            )
            for finding in findings
        ]
        words = Topic[topic.upper()].value
        parts.append(table(columns, rows, title=words[0].upper() + words[1:]))
    return parts


def _sources(check: Document) -> list[tuple[str, str | Text]]:
    return [
        (
            finding["what"],
            Text.assemble(
                f"{finding['table']}: {finding['cell']} ", (f"[{finding['source']}; {finding['certainty']}]", "dim")
            ),
        )
        for finding in check["findings"]
        if finding["certainty"] != "not-reported"
    ]


def _heat(document: Document) -> list[tuple[str, str]]:
    heat = document["heat"]
    return [
        ("rule", f"{heat['words']} [{heat['source']}; {heat['certainty']}]"),
        ("measured", heat["measured"]),
    ]
