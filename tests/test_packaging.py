"""What is installed is what was written: the wheel is whole, and the locks are locks."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_wheel_holds_every_file_of_the_package(wheel):
    packed = set(wheel.namelist())
    written = {
        f"anodyne/{path.relative_to(ROOT / 'src' / 'anodyne').as_posix()}"
        for path in (ROOT / "src" / "anodyne").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".pyc", ".nbi", ".nbc")
    }
    assert written - packed == set()
    assert {name for name in packed if not name.startswith("anodyne")} == set()


def test_wheel_names_licence_and_command(wheel):
    about = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    points = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "License-Expression: BSD-3-Clause" in wheel.read(about).decode()
    assert "anodyne = anodyne.cli:main" in wheel.read(points).decode()


DISTRIBUTION_OF = {
    "PIL": "pillow",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
    "django": "django",
    "serial": "pyserial",
}
ROOMS_WITH_EXTRAS = {"clinic": ["clinic"], "web": ["clinic"]}


def imported_packages(path: Path) -> set[str]:
    """The distributions that a module asks for by name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    outside = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"anodyne"}
    return {canonicalize_name(DISTRIBUTION_OF.get(name, name)) for name in outside}


def test_every_import_is_a_declared_dependency():
    extras = PROJECT["project"]["optional-dependencies"]
    source = ROOT / "src" / "anodyne"
    for path in source.rglob("*.py"):
        room = path.relative_to(source).parts[0]
        wanted = [*PROJECT["project"]["dependencies"], *extras["gpu"]]
        for extra in ROOMS_WITH_EXTRAS.get(room, []):
            wanted += extras[extra]
        declared = {canonicalize_name(Requirement(text).name) for text in wanted}
        assert imported_packages(path) - declared == set(), path


def locked(path: Path) -> dict[str, str]:
    """Package name -> its entry in a lock file, hashes included; the last of several."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", path.read_text(encoding="utf-8").strip())
    return {canonicalize_name(re.match(r"[\w.-]+", entry)[0]): entry for entry in entries}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_lock_pins_and_hashes_everything(path):
    for name, entry in locked(path).items():
        assert "==" in entry, name
        assert "--hash=sha256:" in entry, name
    assert "://" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("lock", "parts"), [("core.txt", ()), ("dev.txt", ("dev", "docs"))], ids=["core", "dev"])
def test_lock_covers_what_the_project_asks_for(lock, parts):
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["build"]]
    for part in parts:
        wanted += PROJECT["project"]["optional-dependencies"][part]
    names = {canonicalize_name(Requirement(text).name) for text in wanted}
    assert names - set(locked(ROOT / "requirements" / lock)) == set()


def test_locks_agree():
    core, dev = (set(re.findall(r"^[\w.-]+==\S+", path.read_text(), flags=re.MULTILINE)) for path in LOCKS)
    assert core - dev == set()
