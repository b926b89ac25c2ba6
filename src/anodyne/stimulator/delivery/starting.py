"""Starting a controller's process, and waiting until its door is open."""

import json
import subprocess
import sys
from pathlib import Path

from anodyne.errors import NotAvailable, SafetyRefusal
from anodyne.stimulator.delivery.process import Task


def started_controller(task: Task) -> tuple["subprocess.Popen[str]", Path]:
    """A controller's process that is ready for clients, and its door's file.

    It is in a session of its own, so that a key pressed at the terminal reaches only the client, who says STOP.

    Raises
    ------
    SafetyRefusal : the controller's reason not to begin
    NotAvailable : the process ended without a word
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "anodyne.stimulator.delivery"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin as stdin:
        stdin.write(json.dumps(task.to_data()))
    word = process.stdout.readline()
    if not word:
        process.wait()
        process.stdout.close()
        raise NotAvailable("the controller ended before it began; see what it said above")
    answer = json.loads(word)
    if "refused" in answer:
        process.wait()
        process.stdout.close()
        raise SafetyRefusal(answer["refused"])
    return process, Path(answer["door"])
