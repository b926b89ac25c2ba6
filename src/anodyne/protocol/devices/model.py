"""A model of stimulator: what it can give at which power, and what it refuses."""

from dataclasses import dataclass
from math import ceil, floor, isfinite
from typing import Protocol

from anodyne.errors import SafetyRefusal
from anodyne.protocol.facts import Fact
from anodyne.protocol.session import Burst
from anodyne.units import minute, percent

HAIR = 1e-9
"""Relative: two numbers nearer than this are the same setting."""


class PulseTrain(Protocol):
    """What a stimulator must know of a train; a `Train` is one, and so are the settings of a driver."""

    @property
    def rate(self) -> float:
        """Of the pulses, or of the bursts when there is a `burst`, Hz."""

    @property
    def pulses(self) -> int:
        """All pulses of the train."""

    @property
    def burst(self) -> Burst | None:
        """What is repeated at `rate`; None for single pulses."""


@dataclass(frozen=True, kw_only=True)
class RatePoint:
    """The highest rate (Hz) up to and including a power (fraction of maximum output)."""

    power: float
    rate: float


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Settings from `low` to `high` in equal steps.

    >>> 0.3 in Steps(low=0.1, high=1.0, step=0.1), 0.35 in Steps(low=0.1, high=1.0, step=0.1)
    (True, False)
    """

    low: float
    high: float
    step: float

    def __contains__(self, value: float) -> bool:
        within = self.low * (1 - HAIR) <= value <= self.high * (1 + HAIR)
        return within and is_multiple(value - self.low, self.step)

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g} in steps of {self.step:g}"


def is_multiple(value: float, step: float) -> bool:
    """Whether a value is a whole number of steps, to a millionth of one."""
    return abs(value / step - round(value / step)) < 1e-6


def pulse_rate(train: PulseTrain) -> float:
    """Pulses in a second averaged over a train, those within bursts counted, Hz."""
    return train.rate if train.burst is None else train.rate * train.burst.pulses


@dataclass(frozen=True, kw_only=True)
class DeviceModel:
    """What a model of stimulator can give, each fact with how surely it is known; ``stimulators.yaml`` has them all.

    Attributes
    ----------
    name : for the command line; label, maker : for people; aliases : other names
    mains : V; None where the model does not depend on it
    maximum_rates : the highest rate up to each power
    full_energy : of one pulse at full output, J
    sustained_power : that the supply gives without end, W
    shortest_wait : after a train, s
    most_pulses : pulses of one train
    rate_step, power_step : what the wire can say, Hz and fraction of maximum output
    rates, pulses : settings known to be accepted; intervals : of its own train generator, s
    longest_trains : first firmware and the longest duration that its wire can say, s
    burst_rate : highest rate of bursts, Hz
    coil_limit : temperature of the coil above which it disarms, K
    notes : what else one must know of these facts
    """

    name: str
    label: str
    maker: str
    aliases: tuple[str, ...]
    mains: float | None
    maximum_rates: Fact[tuple[RatePoint, ...]]
    full_energy: Fact[float]
    sustained_power: Fact[float]
    shortest_wait: Fact[float]
    most_pulses: Fact[int]
    rate_step: Fact[float]
    power_step: Fact[float]
    rates: Fact[tuple[Steps, ...]]
    pulses: Fact[tuple[Steps, ...]]
    intervals: Fact[tuple[Steps, ...]]
    longest_trains: Fact[tuple[tuple[int, float], ...]]
    burst_rate: Fact[float]
    coil_limit: Fact[float]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        points = self.maximum_rates.known
        powers, rates = [point.power for point in points], [point.rate for point in points]
        if powers != sorted(set(powers)) or powers[-1] != 1 or rates != sorted(rates, reverse=True):
            raise ValueError(f"maximum_rate: {self.name} needs growing powers up to 1 and rates that do not grow")

    @property
    def largest_train(self) -> int:
        """Pulses of one train, at most."""
        return self.most_pulses.known

    @property
    def train_rates(self) -> tuple[Steps, ...]:
        """Rates that its train generator is known to accept, Hz; without a known range, every step to its highest."""
        if self.rates.value is not None:
            return self.rates.value
        step = self.rate_step.known
        return (Steps(low=step, high=self.maximum_rates.known[0].rate, step=step),)

    def longest_train(self, firmware: int | None = None) -> float | None:
        """The longest duration of one train that the wire can say, s; None where it does not say durations.

        Parameters
        ----------
        firmware : its main version; without one, what the newest can say
        """
        limits = self.longest_trains.value
        if limits is None:
            return None
        return max(length for since, length in limits if firmware is None or since <= firmware)

    def powers_beside(self, power: float) -> tuple[float, ...]:
        """The power itself if it can be set, else the two settings that it lies between; fractions of output.

        >>> from anodyne.protocol import find_device
        >>> find_device("magstim-rapid2").powers_beside(0.416)
        (0.41, 0.42)
        """
        step = self.power_step.known
        if is_multiple(power, step):
            return (round(round(power / step) * step, 9),)
        return round(floor(power / step) * step, 9), min(round(ceil(power / step) * step, 9), 1.0)

    def rate_point(self, power: float) -> RatePoint:
        """The point of `maximum_rates` that holds at a power: the first at or above it.

        Raises
        ------
        ValueError : a power that is none
        SafetyRefusal : more than full output
        """
        if not (isfinite(power) and power >= 0):
            raise ValueError(f"a power is a fraction of maximum output, not {power}")
        if power > 1 + HAIR:
            raise SafetyRefusal(f"{power / percent:.4g} % of maximum output is more than {self.label} has")
        return next(point for point in self.maximum_rates.known if power <= point.power * (1 + HAIR))

    def maximum_rate(self, power: float) -> float:
        """The highest rate at a power, Hz: the rate at the next power in the table, a lower bound between them.

        Raises
        ------
        ValueError, SafetyRefusal : as `rate_point`
        """
        return self.rate_point(power).rate

    def energy_per_pulse(self, power: float) -> float | None:
        """Energy of one pulse, J, to a tenth of a joule; None where no source states it.

        It grows with the square of power (MagPy's table for the Rapid², which this meets within 0.2 J).
        """
        self.rate_point(power)
        full = self.full_energy.value
        return None if full is None else floor(10 * full * power**2 + 1e-6) / 10

    def continuous_rate(self, power: float) -> float | None:
        """The rate that it can give without a rest, Hz; None where energies are not known."""
        energy, supply = self.energy_per_pulse(power), self.sustained_power.value
        if energy is None or supply is None:
            return None
        return self.maximum_rate(power) if energy == 0 else min(supply / energy, self.maximum_rate(power))

    def maximum_on_time(self, rate: float, power: float) -> float | None:
        """Pulsing in any minute at most, s; more than 60 s means without end. None where energies are not known.

        Parameters
        ----------
        rate : pulses in a second, those within bursts counted, Hz
        power : fraction of maximum output
        """
        energy, supply = self.energy_per_pulse(power), self.sustained_power.value
        if energy is None or supply is None:
            return None
        return float("inf") if energy == 0 else minute * supply / (rate * energy)

    def wait_after(self, train: PulseTrain, power: float) -> float | None:
        """How long it must rest after a train, s; None where no source says how.

        The train's energy less what the supply gives meanwhile, over the supply's power, and never less than the
        shortest wait: ``max(w, n (f E - P) / (P f))`` (MagPy's equation for the Rapid²).
        """
        energy, supply, shortest = self.energy_per_pulse(power), self.sustained_power.value, self.shortest_wait.value
        if energy is None or supply is None or shortest is None:
            return None
        rate = pulse_rate(train)
        return max(shortest, train.pulses * (rate * energy - supply) / (supply * rate))

    def refuse_train(self, train: PulseTrain, power: float, firmware: int | None = None) -> None:
        """Raise unless it can give this train, as far as is known.

        Raises
        ------
        SafetyRefusal : one sentence: what it cannot give, and what to change
        """
        at_most = self.maximum_rate(power)
        fastest = train.rate if train.burst is None else max(train.rate, train.burst.rate)
        if fastest > at_most * (1 + HAIR):
            within = "" if train.burst is None else " within its bursts"
            raise SafetyRefusal(
                f"{self.label} gives at most {at_most:g} Hz at {power / percent:.3g} % of output and this train needs "
                f"{fastest:g} Hz{within}; take a lower intensity, a slower train or another stimulator"
            )
        ceiling = self.burst_rate.value
        if train.burst is not None and ceiling is not None and train.rate > ceiling * (1 + HAIR):
            raise SafetyRefusal(f"{self.label} gives at most {ceiling:g} bursts a second, not {train.rate:g}")
        if not is_multiple(train.rate, self.rate_step.known):
            raise SafetyRefusal(
                f"{self.label} is set in steps of {self.rate_step.known:g} Hz, so {train.rate:.4g} Hz cannot be set; "
                "choose a rate that can"
            )
        if train.pulses > self.largest_train:
            raise SafetyRefusal(
                f"{self.label} gives at most {self.largest_train} pulses in a train, not {train.pulses}; "
                "divide the train"
            )
        self._refuse_duration(train, power, firmware)

    def _refuse_duration(self, train: PulseTrain, power: float, firmware: int | None) -> None:
        duration, longest = train.pulses / pulse_rate(train), self.longest_train(firmware)
        if longest is not None and duration > longest * (1 + HAIR):
            with_firmware = "" if firmware is None else f" with firmware V{firmware}"
            raise SafetyRefusal(
                f"{self.label}{with_firmware} can be told trains of at most {longest:g} s, not {duration:.4g} s; "
                "divide the train"
            )
        on_time = self.maximum_on_time(pulse_rate(train), power)
        if on_time is not None and on_time < minute and duration > on_time * (1 + HAIR):
            raise SafetyRefusal(
                f"{self.label} can pulse for {on_time:.3g} s in a minute at {pulse_rate(train):g} Hz and "
                f"{power / percent:.3g} % of output, but the train lasts {duration:.4g} s; shorten it or slow it"
            )

    def doubts(self, train: PulseTrain, power: float, firmware: int | None = None) -> tuple[str, ...]:
        """What nobody has told us of this train on this stimulator, one sentence each."""
        found = []
        settings = self.rates.value
        if settings is not None and not any(train.rate in steps for steps in settings):
            found.append(f"Whether {self.label} can be set to {train.rate:g} Hz is not known ({_spans(settings)} are).")
        settings = self.pulses.value
        if settings is not None and not any(train.pulses in steps for steps in settings):
            found.append(
                f"Whether {self.label} can be set to {train.pulses} pulses in a train is not known "
                f"({_spans(settings)} are); its read-back before arming will tell."
            )
        if train.burst is not None and self.burst_rate.value is None:
            found.append(f"Whether {self.label} can be told to give bursts is not known ({self.burst_rate.source}).")
        newest, duration = self.longest_train(), train.pulses / pulse_rate(train)
        if firmware is None and newest is not None:
            least = min(length for _, length in self.longest_trains.known)
            if least < duration <= newest:
                since = min(first for first, length in self.longest_trains.known if length >= duration)
                found.append(f"A train of {duration:g} s needs firmware V{since} or later; name it with --firmware.")
        if self.wait_after(train, power) is None:
            found.append(
                f"The energy of a pulse of {self.label} is not known ({self.full_energy.source}), so neither the wait "
                "after a train nor its longest on-time can be computed."
            )
        if len(self.maximum_rates.known) == 1:
            ceiling = self.maximum_rates.known[0].rate
            found.append(
                f"{self.label} gives up to {ceiling:g} Hz as a model; how much less at "
                f"{power / percent:.3g} % of output is not known."
            )
        return tuple(found)


def _spans(settings: tuple[Steps, ...]) -> str:
    return " and ".join(str(steps) for steps in settings)
