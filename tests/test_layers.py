"""The house plan of the code: who may import whom, and what may stand in a file."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "anodyne"

FLOORS = {
    0: {"units", "errors", "names", "files", "progress", "certainty", "disclaimer", "pain"},
    1: {"head", "coil", "nerve", "protocol"},
    2: {"field", "network"},
    3: {"plan", "stimulator", "evidence"},
    4: {"clinic"},
    5: {"web", "cli"},
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
COPYLEFT = {"gmsh", "tetgen", "simnibs", "tvb", "pymeshfix", "pymeshlab", "CGAL", "pygalmesh", "hbf"}
LONGEST_FILE = 500
LONGEST_FUNCTION = 60  # "about 40 lines", docstring not counted; this is where about ends
LONGEST_FACE = 40  # statements in an __init__.py, docstring not counted


def imports(tree: ast.Module, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything that `module` imports, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                parts = parts[: len(parts) - node.level + is_package]
                base = ".".join([*parts, base] if base else parts)
            if base == "anodyne":  # `from anodyne import coil` imports the room
                yield from ((node.lineno, f"anodyne.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, base


def import_faults(module: str, imported: str) -> Iterator[str]:
    """What is wrong with `module` importing `imported`, both absolute names."""
    if imported.split(".")[0] in COPYLEFT:
        yield f"imports {imported}, whose licence is not ours to build on"
    if imported.split(".")[0] != "anodyne":
        return
    own, room = (name.split(".")[1] if "." in name else "" for name in (module, imported))
    if not room or room == own or room.startswith("__"):  # the version is everybody's
        return
    if own == "":
        yield f"imports {imported}: the program's own face stays nearly empty"
        return
    if room not in FLOOR_OF:
        yield f"imports {imported}, which is in no room of the house plan"
        return
    floor, other = FLOOR_OF[own], FLOOR_OF[room]
    if other > floor or (other == floor and floor > 0):
        yield f"(floor {floor}) imports {imported} (floor {other}): only lower floors may be imported"
    depth = imported.count(".")
    if depth > 1 and not imported.endswith(".plot"):
        yield f"imports {imported}: only the face anodyne.{room} may be imported from outside"
    if own == "web" and room != "clinic" and other != 0:
        yield f"imports {imported}: web sees only clinic and floor 0"


def shape_faults(path: Path, tree: ast.Module) -> Iterator[str]:
    """What is too long, or stands where it should not."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    if lines > LONGEST_FILE:
        yield f"has {lines} lines; {LONGEST_FILE} at most"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            if length > LONGEST_FUNCTION:
                yield f"line {node.lineno}: {node.name} has {length} lines; about 40 at most"
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"line {node.lineno}: a bare except"
        if isinstance(node, ast.Global):
            yield f"line {node.lineno}: a global statement"


def compiled_functions(tree: ast.Module) -> dict[str, tuple[ast.FunctionDef, bool]]:
    """Functions that numba compiles, by name, and whether they run in parallel."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
            if any(re.match(r"(numba\.)?njit\b", decorator) for decorator in decorators):
                found[node.name] = node, any("parallel=True" in decorator for decorator in decorators)
    return found


def kernel_faults(tree: ast.Module, trees: dict[str, ast.Module]) -> Iterator[str]:
    """Serial compiled functions that call parallel ones: read back from the cache, they find no threads and crash."""
    known = compiled_functions(tree)
    parallel = {name for name, (_, is_parallel) in known.items() if is_parallel}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module in trees:
            theirs = compiled_functions(trees[node.module])
            for alias in node.names:
                if alias.name in theirs and theirs[alias.name][1]:
                    parallel.add(alias.asname or alias.name)
    for name, (function, is_parallel) in known.items():
        for node in () if is_parallel else ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in parallel:
                yield f"line {node.lineno}: {name} is serial and calls {node.func.id}, which is parallel"


def face_faults(tree: ast.Module) -> Iterator[str]:
    """What is wrong with a package's `__init__.py`: it holds a docstring, imports and `__all__`."""
    if ast.get_docstring(tree) is None:
        yield "has no docstring"
    statements = tree.body[1:]
    if len(statements) > LONGEST_FACE:
        yield f"has {len(statements)} statements; {LONGEST_FACE} at most"
    names = [ast.unparse(node.targets[0]) for node in statements if isinstance(node, ast.Assign)]
    if "__all__" not in names:
        yield "has no __all__"
    for node in statements:
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if not (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"):
            yield f"line {node.lineno}: only imports and __all__ may stand in a face"


def faults(source: Path) -> list[str]:
    """Everything in the package at `source` that the house plan forbids, one line each."""
    found = []
    trees = {}
    for path in sorted(source.rglob("*.py")):
        relative = path.relative_to(source)
        parts = relative.parts[:-1] if path.name == "__init__.py" else (*relative.parts[:-1], relative.stem)
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        trees[".".join(["anodyne", *parts])] = (path, relative, parts, tree)
    for module, (path, relative, parts, tree) in trees.items():
        is_face = path.name == "__init__.py"
        here: list[str] = []
        if parts and parts[0] not in FLOOR_OF:
            here.append("is in no room of the house plan")
            found += [f"{relative}: {fault}" for fault in here]
            continue
        if any(part in {"utils", "util", "helpers", "misc", "common"} for part in parts):
            here.append("a helper lives beside its user; there is no utils")
        for line, imported in imports(tree, module, is_face):
            here += [f"line {line}: {module} {fault}" for fault in import_faults(module, imported)]
            if is_face and imported.endswith(".plot"):
                here.append(f"line {line}: a face never imports plot.py")
        here += shape_faults(path, tree)
        here += kernel_faults(tree, {name: tree for name, (*_, tree) in trees.items()})
        if is_face and parts:
            here += face_faults(tree)
        if not parts and len(tree.body) > 2:
            here.append("anodyne/__init__.py holds its docstring and version only")
        found += [f"{relative}: {fault}" for fault in here]
    return found


def test_house_plan_is_kept():
    assert faults(SOURCE) == []


def write(source: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return source


FACE = '"""A room."""\n\nfrom anodyne.coil.windings import Winding\n\n__all__ = ["Winding"]\n'


def test_lawful_tree_passes(tmp_path):
    lawful = {
        "__init__.py": '"""Anodyne."""\n\n__version__ = "0"\n',
        "units.py": "mm = 1e-3\n",
        "coil/__init__.py": FACE,
        "coil/windings.py": "from anodyne.units import mm\n\nclass Winding: ...\n",
        "coil/plot.py": "from anodyne.coil.windings import Winding\n",
        "field/solver.py": "from anodyne.coil import Winding\nfrom anodyne import __version__\n",
        "cli/main.py": "from anodyne.coil.plot import plot_winding\nfrom anodyne.field import solve\n",
        "web/page.py": "from anodyne.clinic import Course\nfrom anodyne.errors import AnodyneError\n",
    }
    assert faults(write(tmp_path, lawful)) == []


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("coil/windings.py", "from anodyne.head import Head\n", "only lower floors"),
        ("coil/windings.py", "from ..head import Head\n", "only lower floors"),
        ("coil/windings.py", "def f():\n    import anodyne.field\n", "only lower floors"),
        ("coil/windings.py", "from anodyne import plan\n", "only lower floors"),
        ("field/solver.py", "from anodyne.coil.windings import Winding\n", "only the face"),
        ("field/solver.py", "import anodyne.coil.windings as w\n", "only the face"),
        ("web/page.py", "from anodyne.field import solve\n", "web sees only clinic"),
        ("web/page.py", "from anodyne.stimulator import Port\n", "web sees only clinic"),
        ("coil/__init__.py", FACE + "from anodyne.coil.plot import plot_winding\n", "never imports plot"),
        ("coil/__init__.py", FACE + "LIMIT = 3\n", "only imports and __all__"),
        ("coil/__init__.py", '"""A room."""\n', "no __all__"),
        ("coil/utils.py", "", "there is no utils"),
        ("toolbox/thing.py", "", "no room of the house plan"),
        ("__init__.py", '"""A."""\nfrom anodyne.coil import Coil\n', "nearly empty"),
        ("__init__.py", '"""A."""\nA = 1\nB = 2\n', "docstring and version only"),
        ("head/mesh.py", "import gmsh\n", "licence"),
        ("head/mesh.py", "from simnibs.mesh_tools import x\n", "licence"),
        ("head/mesh.py", "x = 1\n" * 501, "501 lines"),
        ("head/mesh.py", "def f():\n" + "    x = 1\n" * 61, "61 lines"),
        ("head/mesh.py", "try:\n    x = 1\nexcept:\n    pass\n", "bare except"),
        (
            "head/mesh.py",
            "@njit(parallel=True)\ndef f():\n    pass\n\n\n@njit(cache=True)\ndef g():\n    f()\n",
            "g is serial and calls f",
        ),
    ],
)
def test_unlawful_tree_is_found_out(tmp_path, name, text, says):
    found = faults(write(tmp_path, {name: text}))
    assert len(found) >= 1
    assert any(says in fault for fault in found), found


# What may not stand in any file of the repository; pieced together so as not to find themselves.
MACHINE_PATH = re.compile(r"(?<![\w.~/}\]-])/(?:" + "|".join(["work", "root", "opt", "Users", r"home/\w"]) + r")\b/?")
REGISTRY = re.compile(
    "|".join([r"pypi\." + "org", "python" + "hosted", r"npmjs\." + "(?:com|org)", "registry" + r"\.\w+\."])
)
PATTERNS = {"a machine's path": MACHINE_PATH, "a package registry": REGISTRY}


def unfit_lines(name: str, text: str) -> Iterator[str]:
    """The lines of a tracked file that name a package registry or somebody's machine."""
    for number, line in enumerate(text.splitlines(), start=1):
        for what, pattern in PATTERNS.items():
            if pattern.search(line):
                yield f"{name}:{number} names {what}: {line.strip()[:80]}"


def tracked_files() -> list[Path]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_repository_names_no_registry_and_no_machine():
    found = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += unfit_lines(str(path.relative_to(ROOT)), text)
    assert found == []


def test_repository_holds_no_large_or_shared_file():
    shared = ROOT.parent / "shared" / "data"
    borrowed = {path.name for path in shared.rglob("*") if path.is_file()} - {"README.md"}
    for path in tracked_files():
        assert path.stat().st_size < 5_000_000, f"{path} is too large for the repository"
        assert path.name not in borrowed, f"{path} belongs to shared data and is not ours to commit"


@pytest.mark.parametrize(
    "line",
    ["see /wo" + "rk/main/x", "PATH=/o" + "pt/venv", "open('/ro" + "ot/a')", "https://py" + "pi.org/simple"],
)
def test_unfit_lines_are_found_out(line):
    assert list(unfit_lines("f", line))


@pytest.mark.parametrize("line", ["V/m", "docs/root/x", "../opt/x", "a/work", "the network/rootlet"])
def test_fit_lines_pass(line):
    assert not list(unfit_lines("f", line))
