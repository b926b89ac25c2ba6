"""What a measurement of a threshold came to, with how it was measured."""

from dataclasses import dataclass

from anodyne.protocol.dose import HIGHEST_RMT, LOWEST_RMT
from anodyne.protocol.threshold.facts import VISUAL_TWITCH
from anodyne.protocol.threshold.search import SearchOutcome, ThresholdSearch
from anodyne.protocol.threshold.trial import ResponseObservation, ThresholdInterval

WIDE = 0.15
"""An interval wider than this share of its threshold is remarked upon (assumed)."""


@dataclass(frozen=True, kw_only=True)
class ThresholdResult:
    """A threshold as it is recorded.

    Parameters
    ----------
    threshold : fraction of maximum stimulator output; None if none was found
    interval : 95 % interval; None without a pulse
    method : what the method is called
    observation : by what responses were seen
    outcome : found, none up to the maximum, or stopped while running
    pulses : how many were counted
    maximum : the most that could be proposed, fraction of output
    sought : what the threshold is of
    site : muscle or nerve beneath the coil in peripheral stimulation; empty for the motor cortex
    """

    threshold: float | None
    interval: ThresholdInterval | None
    method: str
    observation: ResponseObservation
    outcome: SearchOutcome
    pulses: int
    maximum: float
    sought: str = "motor threshold"
    site: str = ""

    @property
    def is_visual(self) -> bool:
        """Whether it must be flagged as seen by eye; at a peripheral site the twitch itself is what is sought."""
        return self.observation is ResponseObservation.VISUAL and not self.site

    @property
    def in_words(self) -> str:
        """One sentence: the threshold with its interval, method and how responses were seen."""
        how = f"{self.method}, {self.observation.in_words}, {self.pulses} pulse{'' if self.pulses == 1 else 's'}"
        if self.outcome is SearchOutcome.NONE_UP_TO_MAXIMUM:
            return f"no threshold up to {100 * self.maximum:g} % of stimulator output ({how})"
        if self.outcome is SearchOutcome.NONE_BEARABLE:
            return f"{self.outcome.value} ({how})"
        if self.threshold is None:
            return f"no threshold yet ({how})"
        interval = f", {self.interval.in_words}" if self.interval is not None else ""
        return f"{100 * self.threshold:.1f} % of stimulator output ({how}{interval})"

    def warnings(self) -> tuple[str, ...]:
        """What must be known before the threshold is used for a dose."""
        found = []
        if self.is_visual:
            low, high = (100 * share for share in VISUAL_TWITCH.range)
            found.append(
                f"Seen by eye: such thresholds are on average {100 * VISUAL_TWITCH.higher:.1f} % higher than by EMG "
                f"({low:g} to {high:g} %, {VISUAL_TWITCH.source}), so a dose in per cent of this one may exceed limits "
                "that were set for EMG; measure by EMG or lower the cap."
            )
        if self.outcome is SearchOutcome.RUNNING:
            found.append("Stopped before the method had finished; the estimate is provisional.")
        if self.threshold is None:
            return tuple(found)
        is_final = self.outcome is SearchOutcome.FOUND
        if is_final and self.interval is not None and self.interval.width > WIDE * self.threshold:
            found.append(f"The interval is wide ({self.interval.in_words}); more pulses would narrow it.")
        if is_final and self.interval is not None and not self.interval.low <= self.threshold <= self.interval.high:
            found.append(
                f"The method's own estimate lies outside of what all answers together say ({self.interval.in_words}); "
                "measure again, or with another method."
            )
        if not LOWEST_RMT <= self.threshold <= HIGHEST_RMT:
            found.append(
                f"{100 * self.threshold:.1f} % of output is outside {100 * LOWEST_RMT:g} to {100 * HIGHEST_RMT:g} %, "
                "where thresholds are taken for a mistake; check coil, hotspot and stimulator."
            )
        return tuple(found)


def conclude_search(search: ThresholdSearch, observation: ResponseObservation, *, site: str = "") -> ThresholdResult:
    """What `search` has come to, finished or not; `site` is the muscle or nerve in peripheral stimulation."""
    return ThresholdResult(
        threshold=search.estimate,
        interval=search.confidence_interval(),
        method=search.label,
        observation=observation,
        outcome=search.outcome,
        pulses=len(search.trials),
        maximum=search.maximum,
        sought=search.sought,
        site=site,
    )
