"""How the program starts and how it ends."""

import os
import subprocess
import sys

import pytest

import anodyne
import anodyne.coil
from anodyne.cli.settings import Settings


def program(*words: str, **environment: str) -> subprocess.Popen[str]:
    code = "from anodyne.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def test_version(succeed):
    assert succeed("--version") == f"anodyne {anodyne.__version__}\n"


def test_help_lists_the_commands_and_says_what_it_is_not(succeed):
    text = succeed("--help")
    for noun in ("demo", "head", "target", "coil", "protocol", "field", "plan"):
        assert f"\n  {noun} " in text
    assert "not a medical device" in text
    assert succeed("-h") == text


def test_help_needs_no_science():
    heavy = "{'numpy', 'scipy', 'numba', 'matplotlib', 'yaml', 'nibabel', 'mne'}"
    code = f"import sys, anodyne.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("words", [(), ("plan",), ("head",), ("coil",)])
def test_noun_without_verb_shows_its_verbs(run, words):
    result = run(*words)
    assert result.exit_code == 2
    assert "Usage: anodyne" in result.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("dance",), "No such command 'dance'"),
        (("plan", "dance"), "No such command 'dance'"),
        (("coil", "list", "--loud"), "--loud"),
        (("coil", "show"), "Missing argument 'COIL'"),
        (("field", "solve", "head"), "Missing option '--coil'"),
    ],
)
def test_mistake_in_the_command(refuse, words, says):
    line = refuse(*words, status=2)
    assert says in line
    assert "--help'" in line


def test_bug_keeps_its_traceback(run, monkeypatch):
    def broken():
        raise RuntimeError("a bug")

    monkeypatch.setattr(anodyne.coil, "list_coils", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        run("coil", "list")


def test_interrupt_is_quiet(run, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(anodyne.coil, "list_coils", interrupted)
    result = run("coil", "list")
    assert result.exit_code == 130
    assert result.output.strip() == ""


@pytest.mark.parametrize("words", [("coil", "list"), ("protocol", "list", "--json")])
def test_reader_that_leaves_early_hears_nothing(words):
    with program(*words) as process:
        process.stdout.close()
        assert process.stderr.read() == ""


def test_terminal_without_unicode_gets_its_numbers():
    out, err = program("coil", "list", PYTHONIOENCODING="ascii").communicate()
    assert "magstim-70mm" in out
    assert "114.7" in out
    assert err == ""


def test_settings_come_from_the_environment(tmp_path):
    assert Settings.from_environment({}).cache is None
    assert Settings.from_environment({"ANODYNE_CACHE": ""}).cache is None
    assert Settings.from_environment({"ANODYNE_CACHE": str(tmp_path)}).cache == tmp_path


def test_shell_completion_knows_the_verbs():
    out, _ = program(_ANODYNE_COMPLETE="bash_complete", COMP_WORDS="anodyne protocol ", COMP_CWORD="2").communicate()
    assert {line.split(",")[-1] for line in out.split()} == {"check", "list", "show"}
