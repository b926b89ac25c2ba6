"""The motor threshold: methods to find it, motor evoked potentials to see it by, and virtual patients to try both."""

from anodyne.protocol.threshold.adaptive import BayesianSearch, FixedCountSearch, MaximumLikelihoodSearch
from anodyne.protocol.threshold.approximation import StepRule, StochasticApproximation
from anodyne.protocol.threshold.comfort import ToleranceSearch
from anodyne.protocol.threshold.comparison import (
    CONTENDERS,
    Contender,
    ErrorSummary,
    MethodScore,
    compare_threshold_methods,
)
from anodyne.protocol.threshold.counting import CountingSearch, FiveOfTen, TwoThresholds
from anodyne.protocol.threshold.emg import EmgEpoch, MepCriteria, MepReading, read_mep
from anodyne.protocol.threshold.emg_files import EPOCH_FILES, read_epoch
from anodyne.protocol.threshold.facts import ACCEPTANCE_BANDS, VISUAL_TWITCH, AcceptanceBand, VisualTwitch
from anodyne.protocol.threshold.mep import MepModel
from anodyne.protocol.threshold.methods import ThresholdMethod, begin_search
from anodyne.protocol.threshold.patient import VirtualPatient, virtual_patients
from anodyne.protocol.threshold.result import ThresholdResult, conclude_search
from anodyne.protocol.threshold.search import SearchOutcome, ThresholdSearch
from anodyne.protocol.threshold.trial import (
    RESPONSE_AMPLITUDE,
    IntervalBasis,
    ResponseObservation,
    ThresholdInterval,
    ThresholdTrial,
)

__all__ = [
    "ACCEPTANCE_BANDS",
    "CONTENDERS",
    "EPOCH_FILES",
    "RESPONSE_AMPLITUDE",
    "VISUAL_TWITCH",
    "AcceptanceBand",
    "BayesianSearch",
    "Contender",
    "CountingSearch",
    "EmgEpoch",
    "ErrorSummary",
    "FiveOfTen",
    "FixedCountSearch",
    "IntervalBasis",
    "MaximumLikelihoodSearch",
    "MepCriteria",
    "MepModel",
    "MepReading",
    "MethodScore",
    "ResponseObservation",
    "SearchOutcome",
    "StepRule",
    "StochasticApproximation",
    "ThresholdInterval",
    "ThresholdMethod",
    "ThresholdResult",
    "ThresholdSearch",
    "ThresholdTrial",
    "ToleranceSearch",
    "TwoThresholds",
    "VirtualPatient",
    "VisualTwitch",
    "begin_search",
    "compare_threshold_methods",
    "conclude_search",
    "read_epoch",
    "read_mep",
    "virtual_patients",
]
