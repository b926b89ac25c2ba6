"""What is to be given, to whom and with what: made from a plan, and known by its hash."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Any

from anodyne.errors import SafetyRefusal, UnreadableFile
from anodyne.protocol import HEAT_LIMIT, BodySite, Burst, HeatLimit, IntensityBasis, Side, Train
from anodyne.stimulator.model import TrainSettings
from anodyne.units import CELSIUS_ZERO, day, degree, mm, percent

SHORTEST_SERIAL_INTERVAL = 1.0
"""Trains and single pulses are started over a serial line, s apart at least: five started less than 0.2 s apart gave
two pulses on a Rapid² (MAGIC issue 27, read); faster pulses belong into a train of the device's own generator."""


PSEUDONYM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
"""A person's name in an order: no spaces, so hardly a real one."""


def canonical(data: Any) -> bytes:
    """JSON with one spelling for equal data: keys sorted, no spaces, shortest numbers.

    >>> canonical({"b": 1, "a": [0.5, None]})
    b'{"a":[0.5,null],"b":1}'
    """
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def fingerprint(data: Any) -> str:
    """SHA-256 of the canonical JSON of some data, in hexadecimal."""
    return hashlib.sha256(canonical(data)).hexdigest()


@dataclass(frozen=True, kw_only=True)
class PoseTolerance:
    """How far the coil may be from its planned pose while it is armed.

    Parameters
    ----------
    distance : of the coil's origin, m
    angle : of the rotation between the two poses, rad

    Raises
    ------
    ValueError : a tolerance that is not positive
    """

    distance: float
    angle: float

    def __post_init__(self) -> None:
        for what, value, unit in (("distance", self.distance, "m"), ("angle", self.angle, "rad")):
            if not (isfinite(value) and value > 0):
                raise ValueError(f"a tolerance in {what} is positive, not {value} {unit}")


@dataclass(frozen=True, kw_only=True)
class PlannedTrain:
    """One train of a session and the pause that its protocol wants after it.

    Parameters
    ----------
    settings : what the stimulator is set to
    wait_after : from the end of the train's last period to the first pulse of the next train, s

    Raises
    ------
    ValueError : a pause that is negative or not finite
    """

    settings: TrainSettings
    wait_after: float

    def __post_init__(self) -> None:
        if not (isfinite(self.wait_after) and self.wait_after >= 0):
            raise ValueError(f"the wait after a train is not negative, so not {self.wait_after} s")

    @property
    def train(self) -> Train:
        """The train as protocols know it, without its intensity."""
        return Train(rate=self.settings.rate, pulses=self.settings.pulses, burst=self.settings.burst)

    @property
    def duration(self) -> float:
        """From the first pulse to the end of the last period, s."""
        return self.train.duration


@dataclass(frozen=True, kw_only=True)
class DeliveryOrder:
    """One session for one person, with everything that must be so before a pulse is given.

    An order with a `site` is for the body: there the coil lies on the skin, so the rule of heat at the skin holds, and
    has no planned pose, so that the operator vouches that it is held there.

    Parameters
    ----------
    plan_hash : SHA-256 of the plan it was made from
    protocol : its name
    person : a pseudonym: letters, digits, points and hyphens
    device : name of the stimulator's model, as in `anodyne.protocol.DEVICES`
    coil : name of the coil that the plan was made for
    trains : in the order in which they are given
    pose_tolerance : while armed; None for the body
    maximum_coil_temperature : above which nothing is armed, K
    peak_di_dt : of the coil on this stimulator at full output, A/s
    rmt : resting motor threshold, or what `threshold_by` says, fraction of output
    rmt_measured : the day
    rmt_age_limit : after which the site wants it measured again, s
    verdict : of the check of the dose, in words
    override : name, role and reason of the consultant who allowed what the check alone did not; empty without one
    threshold_by : what was measured
    site : on the body; None on the head

    Raises
    ------
    ValueError : no trains, a pseudonym that is none, a number out of its range, or a pose tolerance for the body
    SafetyRefusal : trains would have to be started less than a second apart
    """

    plan_hash: str
    protocol: str
    person: str
    device: str
    coil: str
    trains: tuple[PlannedTrain, ...]
    pose_tolerance: PoseTolerance | None
    maximum_coil_temperature: float
    peak_di_dt: float
    rmt: float
    rmt_measured: date
    rmt_age_limit: float
    verdict: str = ""
    override: str = ""
    threshold_by: IntensityBasis = IntensityBasis.RESTING_MOTOR_THRESHOLD
    site: BodySite | None = None

    def __post_init__(self) -> None:
        if not self.trains:
            raise ValueError("an order has at least one train")
        if not PSEUDONYM.fullmatch(self.person):
            raise ValueError(f"a pseudonym is up to 40 letters, digits, points and hyphens, not {self.person!r}")
        for what, value, unit in (
            ("the coil's highest temperature", self.maximum_coil_temperature, "K"),
            ("the peak dI/dt", self.peak_di_dt, "A/s"),
            ("the age limit of the threshold", self.rmt_age_limit, "s"),
            ("the threshold", self.rmt, "of output"),
        ):
            if not (isfinite(value) and value > 0):
                raise ValueError(f"{what} is positive, not {value} {unit}")
        if (self.site is None) == (self.pose_tolerance is None):
            raise ValueError("a coil over a head has a pose tolerance, and one at a site of the body has none")
        for number, planned in enumerate(self.trains[:-1], start=1):
            apart = planned.duration + planned.wait_after
            if apart < SHORTEST_SERIAL_INTERVAL:
                raise SafetyRefusal(
                    f"trains {number} and {number + 1} would start {apart:.3g} s apart, and over a serial line nothing "
                    f"closer than {SHORTEST_SERIAL_INTERVAL:g} s is timed well; put the pulses into one train"
                )

    @property
    def pulses(self) -> int:
        """Of the whole session."""
        return sum(planned.settings.pulses for planned in self.trains)

    @property
    def heat_limit(self) -> HeatLimit | None:
        """The rule of heat at the skin, for a coil that lies on it; None on the head."""
        return None if self.site is None else HEAT_LIMIT

    @property
    def hash(self) -> str:
        """What is signed: the SHA-256 of the order's canonical JSON."""
        return fingerprint(order_to_data(self))

    def refuse_unless_signed(self, signed_hash: str) -> None:
        """Raise `SafetyRefusal` unless this is, to the last digit, the order that was signed."""
        if signed_hash.strip().lower() != self.hash:
            raise SafetyRefusal(
                f"the plan or the order was changed after it was signed (signed {signed_hash.strip()[:12]}, now "
                f"{self.hash[:12]}); have it checked and signed again"
            )

    def refuse_old_threshold(self, today: date) -> None:
        """Raise `SafetyRefusal` if the threshold is older than the site allows, or lies in the future."""
        threshold = self.threshold_by.threshold_in_words
        age = (today - self.rmt_measured).days
        if age < 0:
            raise SafetyRefusal(
                f"the {threshold} was measured on {self.rmt_measured}, after today ({today}); correct that date or "
                "the computer's clock"
            )
        if age * day > self.rmt_age_limit:
            raise SafetyRefusal(
                f"the {threshold} of {self.rmt_measured} is {age} days old and the limit here is "
                f"{self.rmt_age_limit / day:g} days; measure it again and make a new plan"
            )


def order_to_data(order: DeliveryOrder) -> dict[str, Any]:
    """An order as JSON-ready data; every key that holds a quantity names its unit."""
    tolerance, site, heat = order.pose_tolerance, order.site, order.heat_limit
    return {
        "schema": "anodyne-delivery-order",
        "schema_version": "1.0",
        "plan_hash": order.plan_hash,
        "protocol": order.protocol,
        "person": order.person,
        "device": order.device,
        "coil": order.coil,
        "trains": [{**settings_to_data(t.settings), "wait_after_s": float(t.wait_after)} for t in order.trains],
        "site": None if site is None else site.words,
        "side": None if site is None or site.side is None else site.side.value,
        "heat_rule": None if heat is None else heat.in_words,
        "pose_tolerance_mm": None if tolerance is None else _rounded(tolerance.distance / mm),
        "pose_tolerance_degrees": None if tolerance is None else _rounded(tolerance.angle / degree),
        "maximum_coil_temperature_celsius": _rounded(order.maximum_coil_temperature - CELSIUS_ZERO),
        "peak_di_dt_a_per_s": float(order.peak_di_dt),
        "threshold_by": order.threshold_by.value,
        "rmt_percent": _rounded(order.rmt / percent),
        "rmt_measured": order.rmt_measured.isoformat(),
        "rmt_age_limit_days": _rounded(order.rmt_age_limit / day),
        "verdict": order.verdict,
        "override": order.override,
    }


def order_from_data(data: Mapping[str, Any]) -> DeliveryOrder:
    """The order that `order_to_data` wrote.

    Raises
    ------
    UnreadableFile : a key is missing, unknown in its version, or holds what it cannot
    SafetyRefusal : as `DeliveryOrder`
    """
    try:
        if data["schema"] != "anodyne-delivery-order" or data["schema_version"] != "1.0":
            raise ValueError(f"it is {data['schema']} {data['schema_version']}, not anodyne-delivery-order 1.0")
        return DeliveryOrder(
            plan_hash=data["plan_hash"],
            protocol=data["protocol"],
            person=data["person"],
            device=data["device"],
            coil=data["coil"],
            trains=tuple(
                PlannedTrain(settings=settings_from_data(each), wait_after=each["wait_after_s"])
                for each in data["trains"]
            ),
            pose_tolerance=_tolerance_from_data(data),
            maximum_coil_temperature=data["maximum_coil_temperature_celsius"] + CELSIUS_ZERO,
            peak_di_dt=data["peak_di_dt_a_per_s"],
            rmt=data["rmt_percent"] * percent,
            rmt_measured=date.fromisoformat(data["rmt_measured"]),
            rmt_age_limit=data["rmt_age_limit_days"] * day,
            verdict=data["verdict"],
            override=data["override"],
            threshold_by=IntensityBasis(data["threshold_by"]),
            site=_site_from_data(data),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableFile(f"this is no delivery order ({error}); make it again from the plan") from error


def _tolerance_from_data(data: Mapping[str, Any]) -> PoseTolerance | None:
    if data["pose_tolerance_mm"] is None:
        return None
    return PoseTolerance(distance=data["pose_tolerance_mm"] * mm, angle=data["pose_tolerance_degrees"] * degree)


def _site_from_data(data: Mapping[str, Any]) -> BodySite | None:
    if data["site"] is None:
        return None
    return BodySite(words=data["site"], side=None if data["side"] is None else Side(data["side"]))


def settings_to_data(settings: TrainSettings) -> dict[str, Any]:
    """What a stimulator is set to, as JSON-ready data."""
    burst = settings.burst
    return {
        "power_percent": _rounded(settings.power / percent),
        "rate_hz": float(settings.rate),
        "pulses": settings.pulses,
        "burst": None if burst is None else {"pulses": burst.pulses, "rate_hz": float(burst.rate)},
    }


def settings_from_data(data: Mapping[str, Any]) -> TrainSettings:
    """What `settings_to_data` wrote."""
    burst = data["burst"]
    return TrainSettings(
        power=_rounded(data["power_percent"] * percent),
        rate=data["rate_hz"],
        pulses=data["pulses"],
        burst=None if burst is None else Burst(pulses=burst["pulses"], rate=burst["rate_hz"]),
    )


def _rounded(value: float) -> float:
    """A float of ten significant digits, so that a unit's conversion leaves no trace in a hash."""
    return float(f"{value:.10g}")
