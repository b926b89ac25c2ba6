"""A controller's process: its task as JSON on standard input, one line of JSON in answer, then its door."""

import json
import sys
from collections.abc import Mapping

from anodyne.errors import AnodyneError
from anodyne.stimulator.delivery.process import Task, carry_out


def main() -> int:
    """Read a task and carry it out; 0 when it ended as it should, 1 when it was refused."""
    try:
        carry_out(Task.from_data(json.load(sys.stdin)), lambda door: _say({"door": str(door)}))
    except AnodyneError as refusal:
        _say({"refused": str(refusal)})
        return 1
    return 0


def _say(message: Mapping[str, str]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
