"""Which ports are emulators of ours: each says so in a file that it holds locked for as long as it lives."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_cache_dir

if sys.platform != "win32":
    import fcntl


def registry() -> Path:
    """The folder of those files, of this user alone."""
    return Path(user_cache_dir("anodyne")) / "emulated"


@contextmanager
def registered(port: str, folder: Path | None = None) -> Iterator[None]:
    """Say, while the block lasts, that an emulator in this process serves `port`; its death ends that, too."""
    place = registry() if folder is None else folder
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = _file_of(port, place)
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)
        os.write(file, json.dumps({"port": port, "pid": os.getpid()}).encode())
        yield
    finally:
        with suppress(FileNotFoundError):
            path.unlink()
        os.close(file)


def is_emulated(port: str, folder: Path | None = None) -> bool:
    """Whether a living emulator of ours serves this port: it named the port and still holds its file locked."""
    path = _file_of(port, registry() if folder is None else folder)
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return _names(file, port) and _is_held(file)
    finally:
        os.close(file)


def _file_of(port: str, folder: Path) -> Path:
    return folder / (str(port).strip("/").replace("/", "-") + ".json")


def _names(file: int, port: str) -> bool:
    try:
        return bool(json.loads(os.read(file, 4096))["port"] == port)
    except (ValueError, KeyError, TypeError):
        return False


def _is_held(file: int) -> bool:
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False
