"""How surely a published number is known; no number parts from it on its way to a report."""

from enum import Enum


class Certainty(Enum):
    """How a fact came to us, from the surest to not at all."""

    READ = "read"
    COMPUTED = "computed"
    FITTED = "fitted"
    GIVEN = "given"
    RECALLED = "recalled"
    ASSUMED = "assumed"
    NOT_REPORTED = "not-reported"

    @property
    def in_words(self) -> str:
        """A phrase for a report."""
        return {
            Certainty.READ: "read in the source",
            Certainty.COMPUTED: "computed from read facts",
            Certainty.FITTED: "fitted to published data, residual in the note",
            Certainty.GIVEN: "given by the user",
            Certainty.RECALLED: "recalled, not confirmed in the source",
            Certainty.ASSUMED: "assumed",
            Certainty.NOT_REPORTED: "not reported",
        }[self]
