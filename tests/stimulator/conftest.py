"""Emulated stimulators of every make and version, with their drivers, in simulated time."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from anodyne.protocol import find_device
from anodyne.stimulator import (
    EmulatedPort,
    Emulator,
    MagPro,
    MagProEmulator,
    MagProModel,
    ManualClock,
    Rapid2,
    Rapid2Emulator,
    Rapid2Firmware,
    Stimulator,
)

MAKES = ("rapid2-v5", "rapid2-v7", "rapid2-v9", "rapid2-v10", "magpro-r30", "magpro-x100")


@dataclass
class Bench:
    """A driver, the emulator at the other end of its line, and the clock of both."""

    clock: ManualClock
    emulator: Emulator
    driver: Stimulator

    @property
    def given(self) -> int:
        """Pulses given so far, the emulator having lived until now."""
        self.emulator.machine.advance(self.clock.now())
        return len(self.emulator.pulses)

    def until_ready(self, patience: float = 30.0):
        """Keep the driver in control until it is ready; the state then, or the last one when patience ends."""
        return self.until(lambda state: state.ready, patience)

    def until(self, wanted, patience: float = 30.0):
        """Keep the driver in control until its state is as wanted, or patience ends."""
        end = self.clock.now() + patience
        state = self.driver.keep_alive()
        while not wanted(state) and self.clock.now() < end:
            self.clock.sleep(0.1)
            state = self.driver.keep_alive()
        return state


def make_bench(make: str, **circumstances) -> Bench:
    """A bench with one of `MAKES`."""
    kind, _, version = make.partition("-")
    clock = ManualClock(start=circumstances.pop("start", 100.0))
    circumstances.setdefault("now", clock.now())
    if kind == "rapid2":
        device = find_device(circumstances.pop("device", "magstim-rapid2"))
        emulator = Rapid2Emulator(firmware=Rapid2Firmware[version.upper()], device=device, **circumstances)
        return Bench(clock, emulator, Rapid2(EmulatedPort(emulator, clock), device, clock=clock))
    emulator = MagProEmulator(model=MagProModel[version.upper()], **circumstances)
    device = find_device(f"magventure-{version}")
    return Bench(clock, emulator, MagPro(EmulatedPort(emulator, clock), device, clock=clock))


@pytest.fixture(params=MAKES)
def make(request) -> str:
    """Each make and version in turn."""
    return request.param


@pytest.fixture
def bench(make) -> Bench:
    """A bench with each make and version in turn."""
    return make_bench(make)


@pytest.fixture
def new_bench() -> Callable[..., Bench]:
    """Benches as a test wants them."""
    return make_bench
