"""A controller's process: its task as JSON on standard input, one line of JSON in answer, then its door."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from anodyne.errors import AnodyneError
from anodyne.stimulator.delivery.process import Task, carry_out
from anodyne.stimulator.delivery.punctual import go_first, keep_what_is_there


def main() -> int:
    """Read a task and carry it out; 0 when it ended as it should, 1 when it was refused."""
    go_first()
    try:
        carry_out(Task.from_data(json.load(sys.stdin)), _begin)
    except AnodyneError as refusal:
        _say({"refused": str(refusal)})
        return 1
    return 0


def _begin(door: Path) -> None:
    keep_what_is_there()
    _say({"door": str(door)})


def _say(message: Mapping[str, str]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
