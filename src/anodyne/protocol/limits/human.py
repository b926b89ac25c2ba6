"""Whether a dose lies within what people have been given."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from anodyne.certainty import Certainty
from anodyne.protocol.limits.precedents import Pattern, Scope, find_precedent
from anodyne.protocol.limits.tables import LIMITS, Cell, TrainTable, above
from anodyne.protocol.limits.verdict import Finding, Verdict
from anodyne.protocol.protocol import IntensityBasis, Modality
from anodyne.units import percent


def human_findings(pattern: Pattern) -> tuple[Finding, ...]:
    """Every question of human limits, asked of one pattern, in the tables of its own kind of stimulation."""
    has_tables = (
        pattern.modality is Modality.REPETITIVE and pattern.basis is IntensityBasis.RESTING_MOTOR_THRESHOLD
    ) and pattern.intensity is not None
    findings: list[Finding] = []
    if has_tables:
        findings += [_train_finding(table, pattern) for table in LIMITS.trains]
        findings.append(_interval_finding(pattern))
    else:
        findings.append(_pattern_finding(pattern))
    if pattern.modality is Modality.PERIPHERAL:
        findings.append(_strength_finding(pattern))
    return (*findings, *_total_findings(pattern))


def _outside(pattern: Pattern, finding: Finding) -> Finding:
    """A finding outside of a table, lifted where a cited published protocol did no less."""
    if finding.verdict is not Verdict.NEEDS_OVERRIDE:
        return finding
    found = find_precedent(pattern, Scope.PATTERN)
    if found is None:
        return finding
    return replace(
        finding,
        verdict=Verdict.AS_PUBLISHED,
        source=f"{finding.source}; {found.protocol.citations[0]}",
        certainty=max(finding.certainty, found.certainty[Scope.PATTERN], key=list(Certainty).index),
        precedent=f"It is stronger in nothing than {found.quoted}.",
    )


def _strength(intensity: float) -> str:
    return f"{intensity / percent:.4g} % of threshold"


def _train_finding(table: TrainTable, pattern: Pattern) -> Finding:
    if pattern.intensity is None:
        raise ValueError("a table of trains is read at an intensity")
    cell = table.cell(pattern.rate, pattern.intensity)
    verdict = table.verdict(pattern.rate, pattern.intensity, pattern.train_duration)
    train = f"A train of {pattern.train_duration:.4g} s at {pattern.rate:.4g} Hz and {_strength(pattern.intensity)}"
    finding = Finding(
        what=table.what,
        verdict=verdict,
        sentence=f"{train} {_against(cell, verdict)}.",
        table=table.name,
        cell=str(cell),
        source=table.source,
        certainty=table.certainty,
    )
    return _outside(pattern, finding)


def _against(cell: Cell, verdict: Verdict) -> str:
    where = f"at {cell.rate:g} Hz and {cell.intensity / percent:g} %"
    if verdict is Verdict.BLOCKED:
        return f"is longer than the limit of {cell.seconds:g} s {where}"
    if verdict is Verdict.INSIDE_TESTED:
        return f"is within {cell.seconds:g} s {where}"
    if not cell.covers:
        return f"lies beyond the table, which ends {where}"
    end = cell.end.value.removeprefix("longest ")
    return f"is longer than the {end} {cell.seconds:g} s {where}, which is no known limit"


def _interval_finding(pattern: Pattern) -> Finding:
    verdict, sentence, cell = _interval_verdict(pattern)
    rule = LIMITS.interval
    finding = Finding(
        what="pause between trains",
        verdict=verdict,
        sentence=sentence,
        table=rule.name,
        cell=cell,
        source=rule.source,
        certainty=rule.certainty,
    )
    return _outside(pattern, finding)


def _interval_verdict(pattern: Pattern) -> tuple[Verdict, str, str]:
    """The verdict on the pauses, why, and the cell that decided it."""
    rule, table, intensity = LIMITS.interval, LIMITS.trains[0], pattern.intensity or 0.0
    if pattern.trains == 1:
        return Verdict.INSIDE_TESTED, "There is one train, so there are no pauses.", rule.cell
    total = pattern.total_train_time
    if table.verdict(pattern.rate, intensity, total) is Verdict.INSIDE_TESTED:
        cell = table.cell(pattern.rate, intensity)
        return (
            Verdict.INSIDE_TESTED,
            f"Without pauses the trains would make {total:.4g} s, within the {cell.seconds:g} s tested as one train "
            f"at {cell.rate:g} Hz and {cell.intensity / percent:g} %.",
            f"{table.name}, {cell}",
        )
    pause = f"A pause of {pattern.interval:g} s" if pattern.is_interval_known else "No known pause"
    at = f"between {pattern.trains} trains at {pattern.rate:.4g} Hz and {_strength(intensity)}"
    if not above(pattern.interval, rule.unsafe_interval) and above(intensity, rule.unsafe_above):
        unsafe = f"{rule.unsafe_interval:g} s or less is unsafe above {rule.unsafe_above / percent:g} %"
        choose = "" if pattern.is_interval_known else "; choose the pause that will be kept"
        return Verdict.BLOCKED, f"{pause} {at} is too short: {unsafe}{choose}.", rule.cell
    beyond = [
        words
        for is_beyond, words in (
            (above(rule.tested_interval, pattern.interval), f"pauses of {rule.tested_interval:g} s"),
            (above(intensity, rule.tested_intensity), f"{rule.tested_intensity / percent:g} % of threshold"),
            (pattern.trains > rule.tested_trains, f"{rule.tested_trains} trains"),
            (above(pattern.rate, rule.tested_rate), f"{rule.tested_rate:g} Hz"),
        )
        if is_beyond
    ]
    if not beyond:
        return Verdict.INSIDE_TESTED, f"{pause} {at} is within what was tested.", rule.cell
    return (
        Verdict.NEEDS_OVERRIDE,
        f"{pause} {at} goes beyond the test, which ends at {' and '.join(beyond)}.",
        rule.cell,
    )


def _pattern_finding(pattern: Pattern) -> Finding:
    """The verdict on a kind of stimulation that has no table but what cited protocols gave."""
    published = LIMITS.published[pattern.modality]
    missing = published.missing
    if pattern.modality is Modality.REPETITIVE:
        missing = f"the tables of trains are by resting motor threshold of the hand, not by {pattern.basis.in_words}"
    finding = Finding(
        what="pulse pattern",
        verdict=Verdict.NEEDS_OVERRIDE,
        sentence=f"{missing[0].upper()}{missing[1:]}, so this pattern is held against cited published protocols.",
        table=published.name,
        cell="no cited protocol is as strong or stronger",
        source=LIMITS.published_source,
        certainty=Certainty.COMPUTED,
    )
    found = find_precedent(pattern, Scope.PATTERN)
    return finding if found is None else _outside(pattern, replace(finding, cell=found.pattern.in_words))


def _strength_finding(pattern: Pattern) -> Finding:
    rule = LIMITS.strength.get(pattern.basis)
    what, table = "strength at the site", LIMITS.strength_table
    if rule is None or pattern.intensity is None:
        return Finding(
            what=what,
            verdict=Verdict.BLOCKED,
            sentence="No strength relative to twitch or comfort is known for this site; choose one.",
            table=table,
            cell="no row",
            source=LIMITS.published_source,
            certainty=Certainty.NOT_REPORTED,
        )
    given = f"{pattern.intensity / percent:.4g} % of {pattern.basis.in_words}"
    too_much = above(pattern.intensity, rule.highest)
    known = f"the {rule.highest / percent:g} % that is known to have been given"
    return Finding(
        what=what,
        verdict=rule.beyond if too_much else Verdict.AS_PUBLISHED,
        sentence=f"{given[0].upper()}{given[1:]} is {'more than' if too_much else 'within'} {known}.",
        table=table,
        cell=f"{pattern.basis.in_words}: {rule.highest / percent:g} %",
        source=rule.source,
        certainty=rule.certainty,
    )


@dataclass(frozen=True, kw_only=True)
class _Total:
    """One of the totals that have no limit but what cited protocols gave."""

    what: str
    scope: Scope
    amount: Callable[[Pattern], int | None]


TOTALS = (
    _Total(what="a session", scope=Scope.SESSION, amount=lambda pattern: pattern.pulses_per_session),
    _Total(what="a day", scope=Scope.DAY, amount=lambda pattern: pattern.pulses_per_day),
    _Total(what="a course", scope=Scope.COURSE, amount=lambda pattern: pattern.pulses_per_course),
)


def _total_findings(pattern: Pattern) -> Iterator[Finding]:
    table = LIMITS.published[pattern.modality].name
    for total in TOTALS:
        amount = total.amount(pattern)
        what = f"pulses in {total.what}"
        if amount is None:
            yield Finding(
                what=what,
                verdict=None,
                sentence=f"How many pulses {total.what} has is not known, since its sessions are not.",
                table=table,
                cell="not looked up",
                source=LIMITS.published_source,
                certainty=Certainty.NOT_REPORTED,
            )
            continue
        found = find_precedent(pattern, total.scope)
        several = total.scope is Scope.DAY and pattern.sessions_per_day > 1
        count = f"{amount} pulses in {total.what}" + (f" of {pattern.sessions_per_day} sessions" if several else "")
        within = "are within" if found is not None else "are more than"
        given = found is not None and total.amount(found.pattern)
        yield Finding(
            what=what,
            verdict=Verdict.NEEDS_OVERRIDE if found is None else Verdict.INSIDE_TESTED,
            sentence=f"{count} {within} what cited protocols gave at such an intensity; no limit is known.",
            table=table,
            cell="no cited protocol gave as many as strongly"
            if found is None
            else f"{found.protocol.name}: {given} pulses in {total.what}",
            source=LIMITS.published_source if found is None else found.protocol.citations[0],
            certainty=Certainty.COMPUTED if found is None else found.certainty[total.scope],
            precedent="" if found is None else f"As in {found.named}.",
        )
