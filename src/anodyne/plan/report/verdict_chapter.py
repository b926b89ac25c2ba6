"""Whether a dose may be given: every question that was asked of it, the answer, and where each stands."""

from anodyne.plan.report.content import Answer, Paragraph, Section, Table, blocks
from anodyne.plan.report.words import sentence
from anodyne.protocol import DoseCheck, Topic


def verdict_answer(check: DoseCheck) -> Answer:
    """The verdict, and what it rests on."""
    return Answer(label="May it be given?", value=check.headline, note=sentence(check.sentence))


def verdict_section(check: DoseCheck, note: str) -> Section:
    """Every finding with its source and how sure that is, and a note on all of them."""
    override = check.override
    return Section(
        title="What the dose was checked against",
        anchor="verdict",
        blocks=blocks(
            Paragraph(text=check.headline, is_lead=True),
            None
            if override is None
            else Paragraph(text=f"Override by {override.who}, {override.role}: {sentence(override.reason)}"),
            *(_answers(check, topic) for topic in Topic if any(each.topic is topic for each in check.findings)),
            _sources(check),
            Paragraph(text=note),
        ),
    )


def _answers(check: DoseCheck, topic: Topic) -> Table:
    rows = tuple(
        (
            sentence(each.what).rstrip("."),
            "–" if each.verdict is None else each.verdict.in_brief,
            f"{each.sentence} {each.precedent}".strip(),
        )
        for each in check.findings
        if each.topic is topic
    )
    return Table(
        caption=sentence(topic.value).rstrip("."),
        header=("Asked about", "Verdict", "Answer"),
        rows=rows,
        widths=(2.4, 1.6, 8),
    )


def _sources(check: DoseCheck) -> Table:
    rows = tuple(
        (sentence(each.what).rstrip("."), f"{each.table}: {each.cell}", each.source, each.certainty.in_words)
        for each in check.findings
    )
    return Table(
        caption="Where each answer stands, and how sure that is",
        header=("Asked about", "Table and cell", "Source", "How sure"),
        rows=rows,
        widths=(2.4, 4, 4, 2.2),
        notes=("A dash for a verdict: nobody has told us, or it is only to be watched, so that it decides nothing.",),
    )
