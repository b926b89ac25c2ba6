"""A client of a delivery: it starts, pauses, stops, renews presence, and hears how things stand."""

import itertools
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from anodyne.errors import NotAvailable, SafetyRefusal
from anodyne.stimulator.delivery.inbox import PoseDeviation
from anodyne.stimulator.delivery.status import DeliveryStatus
from anodyne.stimulator.delivery.wire import Malformed, Message, decode, encode

PATIENCE = 15.0
"""Real seconds within which a command is answered; taking control of a stimulator needs a few."""


MOST_UNREAD = 1000
"""Statuses that are kept for whoever does not read them; then the oldest go."""


class DeliveryClient:
    """A connection to a controller's door.

    Parameters
    ----------
    door : the file ``door.json`` that the controller wrote
    operator : whether this client starts, renews presence and tells the pose; there is only one such client, and the
        delivery stops when it is lost

    Raises
    ------
    NotAvailable : no controller there, or another client is the operator
    """

    def __init__(self, door: Path | str, *, operator: bool = False) -> None:
        self._numbers = itertools.count(1)
        self._answers: dict[int, queue.Queue[str | None]] = {}
        self._statuses: queue.Queue[DeliveryStatus | None] = queue.Queue()
        self._sending = threading.Lock()
        self.latest: DeliveryStatus | None = None
        self.ended = threading.Event()
        self._welcome: queue.Queue[Message] = queue.Queue()
        try:
            about = decode(Path(door).read_bytes())
            self._socket = _connected(about["address"])
        except (OSError, Malformed, KeyError, TypeError) as error:
            raise NotAvailable(f"no controller answers at {door}; start the delivery first") from error
        self._send({"token": about["token"], "role": "operator" if operator else "watcher"})
        self._thread = threading.Thread(target=self._listen, name="delivery client", daemon=True)
        self._thread.start()
        try:
            welcome = self._welcome.get(timeout=PATIENCE)
        except queue.Empty as error:
            raise NotAvailable(f"the controller at {door} does not answer; stop it and start again") from error
        if not welcome.get("welcome"):
            self.close()
            raise NotAvailable(str(welcome.get("refused") or f"the controller at {door} did not accept its own token"))

    def start(
        self, *, coil: str, patient_protected: bool, operator_protected: bool, uncertain: str | None = None
    ) -> None:
        """Begin, or go on with, the session; `uncertain` is the operator's word on a train whose end nobody saw.

        Raises
        ------
        SafetyRefusal : the controller's reason
        NotAvailable : it does not answer
        """
        self._command(
            "start", coil=coil, patient_protected=patient_protected, operator_protected=operator_protected,
            uncertain=uncertain,
        )  # fmt: skip

    def pause(self) -> None:
        """Pause after the train that is running; raises as `start`."""
        self._command("pause")

    def resume(self, uncertain: str | None = None) -> None:
        """Go on after a pause or a fault; raises as `start`."""
        self._command("resume", uncertain=uncertain)

    def stop(self) -> None:
        """STOP: disarm at once; does not wait for the answer."""
        self._send({"do": "stop", "id": next(self._numbers)})

    def present(self) -> None:
        """Renew the operator's presence, which lasts for a second."""
        self._send({"do": "presence"})

    def absent(self) -> None:
        """Take the operator's presence back."""
        self._send({"do": "absence"})

    def pose(self, deviation: PoseDeviation) -> None:
        """Tell where the coil is."""
        self._send({"do": "pose", "distance": deviation.distance, "angle": deviation.angle, "fixed": deviation.fixed})

    def statuses(self) -> Iterator[DeliveryStatus]:
        """Every status not yet read, the last thousand at most, and those to come until the controller leaves."""
        while (status := self._statuses.get()) is not None:
            yield status

    def wait_for(self, wanted: Callable[[DeliveryStatus], bool], timeout: float = 60.0) -> DeliveryStatus:
        """The next status of which `wanted` is true.

        Raises
        ------
        NotAvailable : none came within `timeout`, real s, or the controller left
        """
        while True:
            try:
                status = self._statuses.get(timeout=timeout)
            except queue.Empty as error:
                raise NotAvailable(f"the delivery did not come so far within {timeout:g} s") from error
            if status is None:
                raise NotAvailable("the controller left")
            if wanted(status):
                return status

    def close(self) -> None:
        """Hang up; of the operator's client that is a STOP."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the controller hung up before
        finally:
            self._socket.close()

    def __enter__(self) -> "DeliveryClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _command(self, word: str, **details: str | bool | None) -> None:
        number = next(self._numbers)
        answer: queue.Queue[str | None] = queue.Queue()
        self._answers[number] = answer
        self._send({"do": word, "id": number, **details})
        try:
            refusal = answer.get(timeout=PATIENCE)
        except queue.Empty as error:
            raise NotAvailable(f"the controller did not answer to {word!r}; look at the stimulator") from error
        finally:
            del self._answers[number]
        if refusal is not None:
            raise SafetyRefusal(refusal)

    def _send(self, message: Message) -> None:
        try:
            with self._sending:
                self._socket.sendall(encode(message))
        except OSError as error:
            raise NotAvailable("the controller is gone; look at the stimulator, and run the command again") from error

    def _listen(self) -> None:
        try:
            with self._socket.makefile("rb") as lines:
                for line in lines:
                    self._hear(decode(line))
        except (OSError, Malformed, ValueError):
            pass  # the connection ended in the middle of a line
        self.ended.set()
        self._welcome.put({})
        self._statuses.put(None)
        for answer in list(self._answers.values()):
            answer.put("the controller left before it answered; look at the stimulator")

    def _hear(self, message: Message) -> None:
        if "status" in message:
            self.latest = DeliveryStatus.from_data(message["status"])
            if self._statuses.qsize() >= MOST_UNREAD:
                self._statuses.get_nowait()
            self._statuses.put(self.latest)
        elif message.get("id") in self._answers:
            self._answers[message["id"]].put(message.get("refused"))
        elif "welcome" in message or "refused" in message:
            self._welcome.put(message)


def _connected(address: object) -> socket.socket:
    if isinstance(address, str):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(address)
        return connection
    if isinstance(address, list) and len(address) == 2:
        return socket.create_connection((str(address[0]), int(address[1])), timeout=None)
    raise Malformed(f"{address!r} is no address")
