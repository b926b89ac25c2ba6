"""What a controller's process does to be on time, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from anodyne.stimulator.delivery import punctual

SOURCE = Path(__file__).parents[3] / "src"
PROGRAM = """
import gc, json, os, sys
from anodyne.stimulator.delivery.punctual import go_first, keep_what_is_there
go_first()
keep_what_is_there()
print(json.dumps([sys.getswitchinterval(), gc.get_freeze_count(), os.getpriority(os.PRIO_PROCESS, 0)]))
"""


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="this system knows no niceness")
def test_process_goes_first_where_it_may():
    said = subprocess.check_output(
        [sys.executable, "-c", PROGRAM], text=True, env={**os.environ, "PYTHONPATH": str(SOURCE)}
    )
    interval, frozen, priority = json.loads(said)
    assert interval <= 0.001
    assert frozen > 1000
    assert priority <= os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="this system knows no niceness")
def test_priority_that_is_not_granted_changes_nothing(monkeypatch):
    def refuse(*_):
        raise PermissionError

    before = sys.getswitchinterval()
    monkeypatch.setattr(os, "setpriority", refuse)
    try:
        punctual.go_first()
    finally:
        sys.setswitchinterval(before)
