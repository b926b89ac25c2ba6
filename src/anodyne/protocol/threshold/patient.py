"""Virtual patients: people of the statistical model whose muscle answers pulses, to practise and to test on."""

from math import pi

import numpy as np
from numpy.typing import NDArray

from anodyne.protocol.threshold.emg import EmgEpoch
from anodyne.protocol.threshold.mep import MepModel
from anodyne.units import ms

Array = NDArray[np.float64]

# How an epoch looks is assumed, the size of its potential is the model's.
RATE = 5000.0
BEGIN, END = -120 * ms, 80 * ms
LATENCY, LENGTH = 22 * ms, 14 * ms
ARTEFACT, ARTEFACT_DECAY = 2e-3, 0.8 * ms
ACTIVITY = 60e-6
NOISE_PER_FLOOR = 1 / 5.2
"""Standard deviation of noise whose range within 35 ms is the model's floor (about 175 normal values)."""


class VirtualPatient:
    """A person of the statistical model, whose answers follow from the seed alone.

    Parameters
    ----------
    seed : whole numbers, not negative; the same give the same person and the same answers in the same order
    preactivation : chance that the muscle is active before a pulse; seen by `emg` alone, since the model
        describes muscles at rest

    Raises
    ------
    ValueError : a chance that is none

    >>> patient = VirtualPatient(7)
    >>> 0.2 < patient.threshold < 1.3
    True
    >>> patient.mep(1.0) > patient.mep(0.2)
    True
    """

    def __init__(self, *seed: int, preactivation: float = 0.0) -> None:
        if not 0 <= preactivation <= 1:
            raise ValueError(f"the chance of an active muscle is a fraction, not {preactivation}")
        self.seed = seed
        self.preactivation = preactivation
        self.model = MepModel.drawn(np.random.default_rng([*seed, 0]))
        self._generator = np.random.default_rng([*seed, 1])

    @property
    def threshold(self) -> float:
        """The true motor threshold, fraction of output: half of the pulses are answered with 50 µV."""
        return self.model.threshold

    def again(self) -> "VirtualPatient":
        """The same person before the first pulse."""
        fresh = VirtualPatient.__new__(VirtualPatient)
        fresh.seed, fresh.preactivation, fresh.model = self.seed, self.preactivation, self.model
        fresh._generator = np.random.default_rng([*self.seed, 1])
        return fresh

    def mep(self, intensity: float) -> float:
        """The amplitude of the potential that a pulse evokes, V from peak to peak.

        Parameters
        ----------
        intensity : fraction of maximum stimulator output
        """
        return float(self.model.sample(intensity, self._generator))

    def emg(self, intensity: float) -> EmgEpoch:
        """The EMG around one pulse: noise, the stimulator's artefact, and the potential.

        Parameters
        ----------
        intensity : fraction of maximum stimulator output
        """
        time = BEGIN + np.arange(round((END - BEGIN) * RATE) + 1) / RATE
        generator = self._generator
        emg = NOISE_PER_FLOOR * self.model.floor_location * generator.standard_normal(time.shape)
        emg += float(self.model.evoked(intensity, generator)) * _potential(time)
        after = time >= 0
        emg[after] += ARTEFACT * intensity * np.exp(-time[after] / ARTEFACT_DECAY)
        if generator.random() < self.preactivation:
            emg += ACTIVITY * generator.standard_normal(time.shape)
        return EmgEpoch(samples=emg, rate=RATE, start=float(time[0]))


def _potential(time: Array) -> Array:
    """A biphasic potential of range 1 at these times, s."""
    phase = np.clip((time - LATENCY) / LENGTH, 0, 1)
    shape = np.sin(2 * pi * phase) * np.sin(pi * phase) ** 2
    return shape / np.ptp(shape)


def virtual_patients(count: int, seed: int) -> tuple[VirtualPatient, ...]:
    """So many different virtual patients, the same for the same seed.

    Raises
    ------
    ValueError : fewer than one
    """
    if count < 1:
        raise ValueError(f"at least one virtual patient is needed, not {count}")
    return tuple(VirtualPatient(seed, number) for number in range(count))
