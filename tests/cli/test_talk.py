"""Progress on a terminal, and silence elsewhere."""

import io
from contextlib import redirect_stderr

import pytest
from rich.console import Console

from anodyne.cli import talk
from anodyne.cli.talk import Bars, Talk
from anodyne.progress import SILENT


class Screen(io.StringIO):
    """A terminal that remembers everything written to it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch) -> Screen:
    monkeypatch.setenv("TERM", "xterm")
    return Screen()


def last_lines(screen: Screen) -> str:
    """What is left on the screen: the last drawing of the bars."""
    return screen.getvalue().rpartition("\x1b[2K")[2]


def test_long_stages_stay_and_short_ones_go(screen, monkeypatch):
    monkeypatch.setattr(talk, "SHORTEST_SHOWN", 0.0)
    bars = Bars(Console(file=screen, force_terminal=True, width=80))
    with bars.stage("solve", total=4) as advance:
        advance(1)
    monkeypatch.setattr(talk, "SHORTEST_SHOWN", 1000.0)
    with bars.stage("assemble"):
        pass
    bars.stop()
    assert "assemble" in screen.getvalue()
    left = last_lines(screen)
    assert "solve" in left
    assert "100%" in left
    assert "assemble" not in left


def test_stage_that_fails_leaves_nothing(screen):
    bars = Bars(Console(file=screen, force_terminal=True, width=80))
    with pytest.raises(ValueError, match="lost"), bars.stage("[solve]"):
        raise ValueError("lost")
    bars.stop()
    assert "[solve]" in screen.getvalue()
    assert "[solve]" not in last_lines(screen)


def test_quiet_is_silent_on_a_terminal(screen):
    with redirect_stderr(screen), Talk(quiet=True) as quiet:
        assert quiet.progress is SILENT
        quiet.remark("unheard")
    assert screen.getvalue() == ""


def test_terminal_hears_remarks_and_bars(screen):
    with redirect_stderr(screen), Talk(quiet=False) as aloud:
        assert isinstance(aloud.progress, Bars)
        aloud.remark("heard")
    assert screen.getvalue() == "heard\n"


def test_pipe_hears_nothing():
    pipe = io.StringIO()
    with redirect_stderr(pipe), Talk(quiet=False) as piped:
        assert piped.progress is SILENT
        piped.remark("unheard")
    assert pipe.getvalue() == ""
