"""Verdicts, the findings they rest on, and a consultant's override."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum

from anodyne.certainty import Certainty

SHORTEST_REASON = 10
"""Characters; a shorter reason explains nothing to whoever reads it later."""


class Verdict(IntEnum):
    """What may be done with a dose, from the mildest to the strictest; the worst of several holds."""

    INSIDE_TESTED = 0
    AS_PUBLISHED = 1
    NEEDS_OVERRIDE = 2
    BLOCKED = 3

    @property
    def in_words(self) -> str:
        """A phrase for a report."""
        return {
            Verdict.INSIDE_TESTED: "inside the tested range",
            Verdict.AS_PUBLISHED: "outside the tested range, but as in a cited published protocol",
            Verdict.NEEDS_OVERRIDE: "outside: needs a named consultant's override with a reason",
            Verdict.BLOCKED: "blocked",
        }[self]

    @property
    def in_brief(self) -> str:
        """A word or two for a table."""
        return {
            Verdict.INSIDE_TESTED: "inside",
            Verdict.AS_PUBLISHED: "as published",
            Verdict.NEEDS_OVERRIDE: "override",
            Verdict.BLOCKED: "blocked",
        }[self]

    @property
    def name_in_data(self) -> str:
        """A word for JSON: ``inside-tested``."""
        return self.name.lower().replace("_", "-")

    def raised(self, steps: int) -> "Verdict":
        """So many steps stricter, and never beyond `BLOCKED`.

        >>> Verdict.AS_PUBLISHED.raised(1).name
        'NEEDS_OVERRIDE'
        """
        return Verdict(min(self + steps, Verdict.BLOCKED))


class Topic(Enum):
    """What a question is about."""

    PEOPLE = "what people have been given"
    DEVICE = "what stimulator and coil can do"
    PERSON = "what this person adds"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One question that was asked of a dose, the answer, and where it stands.

    Attributes
    ----------
    what : what was asked about, in a few words
    verdict : the answer; None where nothing is known or nothing depends on it, so that it decides nothing
    sentence : the answer in one sentence
    table, cell : where it was looked up, and what stands there
    source, certainty : of that number
    precedent : the cited published protocol that did no less, quoted; empty without one
    topic : what the question is about
    """

    what: str
    verdict: Verdict | None
    sentence: str
    table: str
    cell: str
    source: str
    certainty: Certainty
    precedent: str = ""
    topic: Topic = Topic.PEOPLE

    def to_data(self) -> dict[str, str | None]:
        """The finding for JSON."""
        return {
            "topic": self.topic.name.lower(),
            "what": self.what,
            "verdict": None if self.verdict is None else self.verdict.name_in_data,
            "sentence": self.sentence,
            "precedent": self.precedent or None,
            "table": self.table,
            "cell": self.cell,
            "source": self.source,
            "certainty": self.certainty.value,
        }


@dataclass(frozen=True, kw_only=True)
class Override:
    """A named consultant's decision to go outside of the tested range, with the reason; it never lifts a block.

    Attributes
    ----------
    who : the consultant's name
    role : as it stands on the door; it names a consultant
    reason : why, for whoever reads the record
    when : an aware instant

    Raises
    ------
    ValueError : a name, role or reason that is missing or says nothing, or an instant without time zone
    """

    who: str
    role: str
    reason: str
    when: datetime

    def __post_init__(self) -> None:
        if not any(letter.isalpha() for letter in self.who):
            raise ValueError("an override names who gives it")
        if "consultant" not in self.role.casefold():
            raise ValueError(f"an override is a consultant's to give, and {self.role!r} names none")
        if len(self.reason.strip()) < SHORTEST_REASON:
            raise ValueError(f"an override gives its reason in {SHORTEST_REASON} characters or more")
        if self.when.tzinfo is None:
            raise ValueError("an override's instant has a time zone")

    @classmethod
    def from_words(cls, words: str, when: datetime) -> "Override":
        """An override written ``NAME, ROLE: REASON``.

        Raises
        ------
        ValueError : another form, or as above

        >>> from datetime import UTC, datetime
        >>> Override.from_words("A. Example, consultant in pain medicine: tried all else", datetime.now(UTC)).role
        'consultant in pain medicine'
        """
        person, colon, reason = words.partition(":")
        who, comma, role = person.partition(",")
        if not (colon and comma):
            raise ValueError(f"{words!r} is not written NAME, ROLE: REASON")
        return cls(who=who.strip(), role=role.strip(), reason=reason.strip(), when=when)

    def to_data(self) -> dict[str, str]:
        """The override for JSON."""
        return {
            "who": self.who,
            "role": self.role,
            "reason": self.reason,
            "when": self.when.isoformat(timespec="seconds"),
        }
