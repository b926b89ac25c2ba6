"""One session from the command line: the controller's process, the operator's client, and what is shown and heard."""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from anodyne.coil import Pose
    from anodyne.stimulator import DeliveryClient, DeliveryOrder, DeliveryStatus

PRESENCE_PERIOD = 0.25
"""s of the session's clock between two renewals that the program makes for an operator who is only rehearsing."""

LOOK = 0.05
"""Real seconds between two looks at keys, pose and status."""


@dataclass(frozen=True, kw_only=True)
class Ticks:
    """What the operator vouches for on the command line."""

    coil_attached: str
    hearing: bool
    pose_file: Path | None
    pose_fixed: bool
    present: bool
    uncertain: str | None


class Tracker:
    """Reads the pose file of a navigator whenever it was written anew, and says how far that is from the plan."""

    def __init__(self, path: Path, planned: "Pose") -> None:
        self._path = path
        self._planned = planned
        self._seen: int | None = None

    def tell(self, client: "DeliveryClient") -> None:
        """Tell the controller, if there is something new; a file that cannot be read just now says nothing."""
        from anodyne.coil import read_pose
        from anodyne.errors import UnreadableFile
        from anodyne.stimulator import PoseDeviation

        try:
            written = self._path.stat().st_mtime_ns
            if written == self._seen:
                return
            distance, angle = _deviation(read_pose(self._path), self._planned)
        except (OSError, UnreadableFile):
            return  # the pose grows old, and that disarms
        self._seen = written
        client.pose(PoseDeviation(distance=distance, angle=angle))


def _deviation(pose: "Pose", planned: "Pose") -> tuple[float, float]:
    """Distance of the origins, m, and angle of the rotation between two poses, rad."""
    import numpy as np

    turn = planned.rotation.T @ pose.rotation
    cosine = np.clip((np.trace(turn) - 1) / 2, -1.0, 1.0)
    return float(np.linalg.norm(pose.position - planned.position)), float(np.arccos(cosine))


@dataclass(frozen=True, kw_only=True)
class Session:
    """One session from the command line: the controller's process, the operator's client, and what is shown."""

    order: "DeliveryOrder"
    signed: str
    port: str
    log: Path
    site: Path | None
    speed: float
    ticks: Ticks
    planned: "Pose | None"
    is_emulated: bool

    def give(self, *, as_json: bool) -> None:
        """Give it, and print what became of it.

        Raises
        ------
        StimulatorFault : it did not come to its end; the text says how far it came, and what to do
        CannotWrite : its record could not be finished
        """
        from anodyne.cli.delivery_view import summary_document, summary_rows
        from anodyne.cli.tables import caution, facts, heading, show
        from anodyne.errors import StimulatorFault

        last, held_up = self._run(as_json)
        document = summary_document(self.order, last, str(self.log))
        if as_json:
            _say({"summary": document})
        else:
            beneath = self.order.protocol + ("" if self.order.site is None else f", {self.order.site.in_words}")
            title = heading(f"Delivery to {self.order.person}", beneath)
            show(title, facts(summary_rows(document)), caution(document["disclaimer"]))
        if last.state != "done":
            raise StimulatorFault(
                f"the session did not come to its end: {held_up or last.message} ({last.pulses_given} of "
                f"{last.pulses_planned} pulses); run the same command to go on"
            )

    def _run(self, as_json: bool) -> "tuple[DeliveryStatus, str]":
        """The last status, and what held the session up where nobody was there to go on; empty if nothing did."""
        from anodyne.errors import CannotWrite
        from anodyne.stimulator import DeliveryClient, Task, started_controller

        with ExitStack() as last_things:
            folder = Path(last_things.enter_context(tempfile.TemporaryDirectory(prefix="anodyne-")))
            task = Task(
                order=self.order, signed_hash=self.signed, port=self.port, log=self.log, folder=folder,
                site=self.site, speed=self.speed,
            )  # fmt: skip
            process, door = started_controller(task)
            last_things.callback(_left, process)
            client = last_things.enter_context(DeliveryClient(door, operator=True))
            tracking = self._begin(client)
            if self.ticks.present:
                last_things.enter_context(_staying(client, self.speed))
            held_up = self._watch(client, tracking, as_json)
            client.ended.wait(10)
            assert client.latest is not None
            last = client.latest
        if process.returncode:
            raise CannotWrite(
                f"the session is {last.state} but its record {self.log} could not be finished; free some space and run "
                "the same command, which asks about its last train"
            )
        return last, held_up

    def _begin(self, client: "DeliveryClient") -> Callable[[], None]:
        from anodyne.stimulator import PoseDeviation

        tracking: Callable[[], None] = lambda: None  # noqa: E731
        if self.ticks.pose_file is not None and self.planned is not None:
            tracker = Tracker(self.ticks.pose_file, self.planned)
            tracking = lambda: tracker.tell(client)  # noqa: E731
        else:
            client.pose(PoseDeviation(distance=0.0, angle=0.0, fixed=True))
        client.start(
            coil=self.ticks.coil_attached, patient_protected=self.ticks.hearing,
            operator_protected=self.ticks.hearing, uncertain=self.ticks.uncertain,
        )  # fmt: skip
        return tracking

    def _watch(self, client: "DeliveryClient", tracking: Callable[[], None], as_json: bool) -> str:
        """Look after the session until the controller has left; the answer is as `_run`'s."""
        from anodyne.errors import NotAvailable

        held_up = ""
        alone = self.ticks.present or not sys.stdin.isatty()
        try:
            with _shown(self, client, as_json, keys=not alone) as (draw, wait):
                while not client.ended.is_set():
                    tracking()
                    draw()
                    wait()
                    if alone and client.latest is not None and client.latest.state in ("paused", "faulted"):
                        held_up = client.latest.message
                        client.stop()
                draw()
        except KeyboardInterrupt:
            client.stop()
        except NotAvailable:
            client.ended.wait(10)  # it left between two looks
        return held_up


@contextmanager
def _staying(client: "DeliveryClient", speed: float) -> Iterator[None]:
    """Renew presence while the block lasts, for an operator who is only rehearsing."""
    from anodyne.errors import NotAvailable

    leaving = threading.Event()

    def stay() -> None:
        while not leaving.wait(PRESENCE_PERIOD / speed):
            try:
                client.present()
            except NotAvailable:
                return

    thread = threading.Thread(target=stay, daemon=True)
    thread.start()
    try:
        yield
    finally:
        leaving.set()
        thread.join()


@contextmanager
def _shown(
    session: Session, client: "DeliveryClient", as_json: bool, *, keys: bool
) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    """A function that draws the latest status, and one that waits for a moment, hearing keys if there are any."""
    from rich.console import Console
    from rich.live import Live

    from anodyne.cli.delivery_keys import heard_keys
    from anodyne.cli.delivery_view import live_view

    seen: list[DeliveryStatus | None] = [None]
    title = f"{session.order.protocol} for {session.order.person} on {session.order.device}"
    title += " (emulated)" if session.is_emulated else ""
    with ExitStack() as last_things:
        heard = last_things.enter_context(heard_keys()) if keys else None
        live = None
        if not as_json and sys.stderr.isatty():
            live = last_things.enter_context(Live(console=Console(stderr=True), auto_refresh=False))

        def draw() -> None:
            status = client.latest
            if status is None or status is seen[0]:
                return
            seen[0] = status
            if as_json:
                _say({"status": status.to_data()})
            elif live is not None:
                live.update(live_view(session.order, status, title, keys=keys), refresh=True)

        def wait() -> None:
            if heard is None:
                client.ended.wait(LOOK)
            else:
                _obey(client, heard.pressed(LOOK))

        yield draw, wait


def _obey(client: "DeliveryClient", pressed: str) -> None:
    """Do what the keys say; one that is not known is STOP."""
    from anodyne.cli.delivery_keys import GIVEN, NOT_GIVEN, PAUSE, PRESENCE, RESUME
    from anodyne.errors import SafetyRefusal

    for key in pressed:
        try:
            match key.lower():
                case space if space in PRESENCE:
                    client.present()
                case word if word == PAUSE:
                    client.pause()
                case word if word == RESUME:
                    client.resume()
                case word if word == GIVEN:
                    client.resume("given")
                case word if word == NOT_GIVEN:
                    client.resume("not-given")
                case _:
                    client.stop()
        except SafetyRefusal:
            pass  # the controller's message says why


def _say(message: dict[str, Any]) -> None:
    click.echo(json.dumps(message, ensure_ascii=False, allow_nan=False))


def _left(process: Any) -> None:
    """Wait for a controller that was told to stop; one that does not is ended, and its stimulator disarms itself."""
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()
    process.stdout.close()
