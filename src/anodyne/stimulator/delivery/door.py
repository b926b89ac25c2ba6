"""The controller's door for clients on this machine: a thread that hears them and tells them how things stand."""

import contextlib
import hmac
import os
import secrets
import selectors
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from anodyne.errors import CannotWrite
from anodyne.stimulator.delivery.inbox import Inbox
from anodyne.stimulator.delivery.status import DeliveryStatus
from anodyne.stimulator.delivery.wire import LONGEST_LINE, Malformed, Message, command_of, decode, encode, pose_of

MOST_CLIENTS = 16
STATUS_PERIOD = 0.1
"""Real seconds between two statuses, unless the state changes."""

LONGEST_EMPTY = 30.0
"""Real seconds in which the operator's client must come; a controller that nobody wants gives its port back."""

LONGEST_BACKLOG = 1 << 20
"""Bytes that a client may leave unread before it is taken for lost."""

LONGEST_SOCKET_PATH = 100
"""Characters; operating systems allow a few more."""


@dataclass(kw_only=True, eq=False)
class _Client:
    connection: socket.socket
    unread: bytearray = field(default_factory=bytearray)
    unsent: bytearray = field(default_factory=bytearray)
    known: bool = False
    is_operator: bool = False


class Door:
    """Where clients come in: a socket in a folder of its own, and beside it ``door.json`` with address and token.

    One client at a time is the operator: it alone starts, resumes, renews presence and tells the pose, and when it is
    lost the delivery stops. Any client may pause and stop.

    Parameters
    ----------
    inbox : where commands go
    folder : for socket and token; made, readable by its owner only

    Raises
    ------
    CannotWrite : the folder cannot be made
    """

    def __init__(self, inbox: Inbox, folder: Path) -> None:
        self._inbox = inbox
        self._token = secrets.token_urlsafe(24)
        self._clients: list[_Client] = []
        self._outbox: list[tuple[_Client | None, Message]] = []
        self._lock = threading.Lock()
        self._open = True
        self._deadline: float | None = time.monotonic() + LONGEST_EMPTY
        self._latest: DeliveryStatus | None = None
        self._told_at = -1.0
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._listener, address = _listener(folder)
            self.path = folder / "door.json"
            self._write_token(address)
        except OSError as error:
            raise CannotWrite(f"no door can be opened in {folder}: {error.strerror or error}") from error
        self._waker, self._wakened = socket.socketpair()
        self._waker.setblocking(False)  # nobody who has something to say ever waits for the door
        self._selector = selectors.DefaultSelector()
        for listening in (self._listener, self._wakened):
            listening.setblocking(False)
            self._selector.register(listening, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="door", daemon=True)
        self._thread.start()

    def _write_token(self, address: str | list[str | int]) -> None:
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "wb") as stream:
            stream.write(encode({"address": address, "token": self._token, "pid": os.getpid()}))

    def publish(self, status: DeliveryStatus) -> None:
        """Tell every client how things stand, ten times a second or when something happened; waits for nobody."""
        latest = self._latest
        changed = latest is None or (latest.state, latest.message, latest.holding) != (
            status.state, status.message, status.holding,
        )  # fmt: skip
        now = time.monotonic()
        if changed or now - self._told_at >= STATUS_PERIOD:
            self._latest, self._told_at = status, now
            self._say(None, {"status": status.to_data()})

    def close(self) -> None:
        """Say what is still to be said, and leave."""
        self._open = False
        self._wake()
        self._thread.join(2.0)
        for client in self._clients:
            client.connection.close()
        self._listener.close()
        for path in (self.path, self.path.with_name("socket")):
            path.unlink(missing_ok=True)

    # on the controller's thread, or the door's own ------------------------------------------------

    def _say(self, client: _Client | None, message: Message) -> None:
        with self._lock:
            self._outbox.append((client, message))
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full, so it is awake already
            self._waker.send(b".")

    # on the door's own thread --------------------------------------------------------------------

    def _serve(self) -> None:
        while True:
            for key, events in self._selector.select(0.2):
                if key.fileobj is self._listener:
                    self._admit()
                elif key.fileobj is self._wakened:
                    self._wakened.recv(4096)
                else:
                    self._attend(key.data, events)
            self._post()
            if self._deadline is not None and time.monotonic() > self._deadline:
                self._inbox.stop(f"no operator's client came within {LONGEST_EMPTY:g} s")
            if not self._open and not any(client.unsent for client in self._clients):
                return

    def _admit(self) -> None:
        connection, _ = self._listener.accept()
        connection.setblocking(False)
        if len(self._clients) >= MOST_CLIENTS:
            connection.close()
            return
        client = _Client(connection=connection)
        self._clients.append(client)
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _attend(self, client: _Client, events: int) -> None:
        if events & selectors.EVENT_READ:
            self._hear(client)
        if client in self._clients and events & selectors.EVENT_WRITE:
            self._send(client)

    def _hear(self, client: _Client) -> None:
        try:
            data = client.connection.recv(LONGEST_LINE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose(client)
            return
        client.unread += data
        *lines, rest = bytes(client.unread).split(b"\n")
        client.unread = bytearray(rest)
        for line in lines:
            if client in self._clients and line.strip():
                self._understand(client, line)
        if len(client.unread) > LONGEST_LINE:
            self._lose(client)

    def _understand(self, client: _Client, line: bytes) -> None:
        message: Message = {}
        try:
            message = decode(line)
            if not client.known:
                self._greet(client, message)
            else:
                self._obey(client, message)
        except Malformed as wrong:
            self._say(client, {"id": message.get("id"), "refused": str(wrong)})

    def _greet(self, client: _Client, message: Message) -> None:
        token = message.get("token")
        if not (isinstance(token, str) and hmac.compare_digest(token.encode(), self._token.encode())):
            self._lose(client)
            return
        wants_to_operate = message.get("role") == "operator"
        if wants_to_operate and any(other.is_operator for other in self._clients):
            self._say(client, {"refused": "another client is the operator of this session; watch, or stop that one"})
            return
        client.known, client.is_operator = True, wants_to_operate
        if wants_to_operate:
            self._deadline = None
        self._say(client, {"welcome": True, "pid": os.getpid()})
        if self._latest is not None:
            self._say(client, {"status": self._latest.to_data()})

    def _obey(self, client: _Client, message: Message) -> None:
        word, number = message.get("do"), message.get("id")
        if word == "stop":
            self._inbox.stop("a client said STOP")
            self._say(client, {"id": number, "refused": None})
        elif word == "pause":
            self._inbox.put(command_of(message), lambda refusal: self._say(client, {"id": number, "refused": refusal}))
        elif not client.is_operator:
            raise Malformed("only the operator's client may do that; a watcher may pause and stop")
        elif word == "presence":
            self._inbox.present()
        elif word == "absence":
            self._inbox.absent()
        elif word == "pose":
            self._inbox.pose(pose_of(message))
        else:
            self._inbox.put(command_of(message), lambda refusal: self._say(client, {"id": number, "refused": refusal}))

    def _lose(self, client: _Client) -> None:
        if client not in self._clients:
            return
        self._clients.remove(client)
        self._selector.unregister(client.connection)
        client.connection.close()
        if client.is_operator:
            self._inbox.stop("the operator's client is gone")

    def _post(self) -> None:
        with self._lock:
            waiting, self._outbox = self._outbox, []
        for addressee, message in waiting:
            line = encode(message)
            for client in list(self._clients) if addressee is None else [addressee]:
                if client in self._clients and (client.known or addressee is not None):
                    client.unsent += line
        for client in list(self._clients):
            if len(client.unsent) > LONGEST_BACKLOG:
                self._lose(client)
            elif client.unsent:
                self._send(client)

    def _send(self, client: _Client) -> None:
        try:
            sent = client.connection.send(client.unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._lose(client)
            return
        del client.unsent[:sent]
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.unsent else 0)
        self._selector.modify(client.connection, wanted, client)


def _listener(folder: Path) -> tuple[socket.socket, str | list[str | int]]:
    """A listening socket and its address: in the folder where the system has such sockets, else a loopback port."""
    path = folder / "socket"
    if sys.platform != "win32" and len(str(path)) <= LONGEST_SOCKET_PATH:
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen()
        return listener, str(path)
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, ["127.0.0.1", int(listener.getsockname()[1])]
