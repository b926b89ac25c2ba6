"""Writing so that nothing is ever half-written: beside the goal first, then renamed."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anodyne.errors import CannotWrite


def _refusal(path: Path, error: OSError) -> CannotWrite:
    if error.errno == errno.ENOSPC:
        return CannotWrite(f"the disk that holds {path.parent} is full; free some space and run again")
    reason = error.strerror or str(error)
    return CannotWrite(f"cannot write {path}: {reason}; choose another place")


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """A temporary file beside `path`, moved onto it when the block ends well and removed otherwise.

    The temporary file keeps the goal's suffixes, so libraries that look at the ending are content.

    Raises
    ------
    CannotWrite : the folder is missing or forbids writing, or the disk is full

    >>> import tempfile, pathlib
    >>> goal = pathlib.Path(tempfile.mkdtemp()) / "pose.txt"
    >>> with replacing(goal) as temporary:
    ...     _ = temporary.write_text("1 0 0 0")
    >>> goal.read_text()
    '1 0 0 0'
    """
    goal = Path(path)
    if goal.is_dir():
        raise CannotWrite(f"{goal} is a folder; name a file in it")
    temporary = goal.with_name(f".{os.getpid()}-{goal.name}")
    try:
        yield temporary
        temporary.replace(goal)
    except OSError as error:
        raise _refusal(goal, error) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path | str, *, marker: str) -> Iterator[Path]:
    """A temporary folder beside `path`, moved onto it when the block ends well and removed otherwise.

    An existing folder is replaced only if it is empty or holds a file named `marker` (the file by
    which a head or a plan is known), so that nothing else can be overwritten.

    Raises
    ------
    CannotWrite : something else stands at `path`, no permission, or the disk is full
    """
    goal = Path(path)
    if goal.exists() and not goal.is_dir():
        raise CannotWrite(f"{goal} is a file, not a folder; choose another place")
    if goal.is_dir() and any(goal.iterdir()) and not (goal / marker).is_file():
        raise CannotWrite(f"{goal} holds something else (no {marker} in it); choose an empty or new folder")
    try:
        goal.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{goal.name}-", dir=goal.parent))
    except OSError as error:
        raise _refusal(goal, error) from error
    try:
        try:
            yield temporary
        except CannotWrite as refusal:  # of a file within: the person knows the folder by its goal's name
            raise CannotWrite(str(refusal).replace(str(temporary), str(goal))) from refusal
        temporary.chmod(0o755)
        if goal.exists():
            previous = temporary.with_name(temporary.name + "-previous")
            goal.rename(previous)
            temporary.rename(goal)
            shutil.rmtree(previous)
        else:
            temporary.rename(goal)
    except OSError as error:
        raise _refusal(goal, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
