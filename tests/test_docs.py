"""The documentation builds, is complete, and tells the truth about the commands."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest

import anodyne

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "anodyne"
EXAMPLES = sorted((DOCS / "examples").glob("*.py"))
PAGES = sorted({ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")} - set(DOCS.glob("_build/**/*")))
FACES = sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))


class Page(HTMLParser):
    """What a built page links to, loads, and can be linked at."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors = {""}
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if "id" in given:
            self.anchors.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and given.get("rel") not in (
            "canonical",
            "index",
            "search",
            "next",
            "prev",
            "author",
        ):
            self.loaded.append(given.get("href", ""))
        if tag in ("script", "img", "iframe", "source", "video", "object"):
            self.loaded.append(given.get("src", given.get("data", "")))


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    goal = tmp_path_factory.mktemp("docs") / "html"
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-d",
        goal.parent / "trees",
        DOCS,
        goal,
    ]
    return goal, subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def site(build: tuple[Path, subprocess.CompletedProcess[str]]) -> dict[Path, Page]:
    goal, done = build
    if done.returncode:
        pytest.fail("the documentation does not build (see test_site_builds_without_warnings)")
    return {path: Page(path) for path in goal.rglob("*.html")}


@pytest.fixture(scope="session")
def documented_objects(site: dict[Path, Page]) -> set[str]:
    return {anchor for path, page in site.items() if "reference" in path.parts for anchor in page.anchors}


def test_site_builds_without_warnings(build):
    _, done = build
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_site_needs_no_network(site):
    for path, page in site.items():
        outside = [source for source in page.loaded if urlsplit(source).scheme in ("http", "https")]
        assert outside == [], path.name
    goal = min(site, key=lambda path: len(path.parts)).parent
    for style in goal.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?https?:", style.read_text(encoding="utf-8")), style


def test_equations_are_in_the_page(site):
    physics = next(page for path, page in site.items() if path.name == "physics.html")
    assert physics.text.count("<math") > 30


def test_links_within_the_site_lead_somewhere(site):
    lost = []
    for path, page in site.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            goal = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = site[goal].anchors if goal in site else None
            if not goal.exists() or (anchors is not None and unquote(parts.fragment) not in anchors):
                lost.append(f"{path.name}: {link}")
    assert lost == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_files_lead_somewhere(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not urlsplit(link).scheme and not link.startswith("#"):
            assert (path.parent / link.split("#")[0]).exists(), link


def commands(
    command: click.Command, path: tuple[str, ...] = ("anodyne",)
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command beneath one, with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in sorted(command.commands.items()):
            yield from commands(inner, (*path, name))


@pytest.fixture(scope="session")
def program() -> click.Command:
    if "cli" not in FACES:
        pytest.skip("the command line has not been written yet")
    main = import_module("anodyne.cli").main
    assert isinstance(main, click.Command)
    return main


def test_every_command_and_option_says_what_it_is(program):
    silent = []
    for path, command in commands(program):
        words = " ".join(path)
        if not (command.help or "").strip():
            silent.append(words)
        silent += [
            f"{words} {parameter.opts[0]}"
            for parameter in command.params
            if isinstance(parameter, click.Option) and not parameter.hidden and not (parameter.help or "").strip()
        ]
    assert silent == []


def test_every_command_and_option_is_in_the_reference(program, site):
    page = next(page for path, page in site.items() if path.name == "command-line.html")
    written = re.sub(r"<[^>]+>", "", page.text)
    for path, command in commands(program):
        assert " ".join(path[1:]) in written, " ".join(path)
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.opts[0] in written, f"{' '.join(path)} {parameter.opts[0]}"


def unwrapped_commands(text: str) -> Iterator[str]:
    """The shell commands in the code blocks of a page, continued lines joined, comments dropped."""
    for block in re.findall(r"^```(?:sh|bash|console)?\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            yield line.split("  #")[0].strip()


def described_commands() -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(ROOT)), line)
        for path in PAGES
        for line in unwrapped_commands(path.read_text(encoding="utf-8"))
        if re.match(r"(\S*/)?anodyne ", line)
    ]


@pytest.mark.parametrize(("page", "line"), described_commands())
def test_described_command_exists(program, page, line):
    words = shlex.split(line)[1:]
    command = program
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"{page}: {line}"
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    known |= set(command.get_help_option_names(click.Context(command)))
    for word in words:
        if word.startswith("--"):
            assert word.split("=")[0] in known, f"{page}: {line}"


def test_described_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):", makefile, flags=re.MULTILINE))
    for path in PAGES:
        for line in unwrapped_commands(path.read_text(encoding="utf-8")):
            if line.startswith("make "):
                assert line.split()[1] in targets, f"{path}: {line}"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in readme
    assert "make test" in readme


def test_plain_pip_equivalents_name_what_the_makefile_installs():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for lock in ("requirements/core.txt", "requirements/dev.txt"):
        assert lock in makefile
        assert f"--require-hashes -r {lock}" in readme


@pytest.mark.parametrize("room", FACES)
def test_every_public_name_is_documented(room, documented_objects):
    face = import_module(f"anodyne.{room}")
    missing = [name for name in face.__all__ if f"anodyne.{room}.{name}" not in documented_objects]
    if room not in ("cli", "web"):  # the doors have a reference of their own
        assert missing == [], f"add docstrings, and docs/reference/python/{room}.md if the room is new"


@pytest.mark.parametrize("module", sorted(path.stem for path in SOURCE.glob("*.py") if path.stem != "__init__"))
def test_ground_floor_is_documented(module, documented_objects):
    assert f"module-anodyne.{module}" in documented_objects


def test_every_setting_is_documented():
    page = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    for path in SOURCE.rglob("*.py"):
        for setting in re.findall(r"\bANODYNE_[A-Z_]+\b", path.read_text(encoding="utf-8")):
            assert setting in page, f"{path.name} reads {setting}"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_and_asserts_its_number(path, tmp_path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith('"""')
    assert "\nassert " in text
    environment = {**os.environ, "PYTHONPATH": str(SOURCE.parent), "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, path], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_example_is_shown(site):
    shown = next(page.text for path, page in site.items() if path.name == "from-python.html")
    for path in EXAMPLES:
        assert path.name in shown


def test_changelog_fragments_hold_one_line_each():
    for path in (ROOT / "changelog.d").glob("*.md"):
        if path.name != "README.md":
            lines = path.read_text(encoding="utf-8").strip().splitlines()
            assert len(lines) == 1, path.name
            assert lines[0].endswith("."), path.name


def test_citation_names_this_version():
    assert f"version: {anodyne.__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
