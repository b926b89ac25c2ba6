"""Reads the house's docstrings, whose entries say `name : what it is` on one line, in numpydoc's sections."""

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

SECTIONS = {"Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns", "Other Parameters"}
ARRAY = re.compile(
    r"~?(?:numpy\.)?ndarray\[[^\[\]]+(?:\[[^\[\]]*\])?, ~?(?:numpy\.)?dtype\[[^\[\]]*(?:\[[^\[\]]*\])?\]\]"
)
ARRAY_LIKE = re.compile(r"~?[\w.]*Buffer \| .+?NestedSequence\[complex \| bytes \| str\]")
MAGNITUDE = re.compile(r"\|(\w+)\|")  # |E| is a magnitude, not a substitution
ENTRY = re.compile(r"^(\S[^:]*?) : (.+)$")


def unfolded(lines: list[str]) -> list[str]:
    """The same docstring as numpydoc wants it: each entry's text beneath its name, each section closed.

    >>> unfolded(["Raises", "------", "ValueError : too", "    long", "", ">>> 1"])
    ['Raises', '------', 'ValueError', '    too', '    long', '', 'Examples', '--------', '>>> 1']
    """
    result: list[str] = []
    inside = False
    for position, line in enumerate(lines):
        following = lines[position + 1].strip() if position + 1 < len(lines) else ""
        is_header = bool(line.strip()) and bool(following) and set(following) == {"-"}
        if is_header:
            inside = line.strip() in SECTIONS
        elif inside and (entry := ENTRY.match(line)):
            result += [entry[1], f"    {entry[2]}"]
            continue
        elif inside and line.startswith(" "):
            result.append(f"    {line.strip()}")
            continue
        elif inside and line and set(line) != {"-"} and not lines[position - 1].strip():
            result += ["Examples", "--------"] if line.startswith(">>>") else [""]
            inside = False
        result.append(line)
    return result


def lend_docstrings(app: Sphinx) -> None:
    """Let each face show what stands beneath a constant in the module that it imports the constant from."""
    for face in (Path(app.srcdir).parent / "src" / "anodyne").glob("*/__init__.py"):
        room = import_module(f"anodyne.{face.parent.name}")
        shown = ModuleAnalyzer.for_module(room.__name__)
        shown.analyze()
        inner = [module for name, module in sorted(sys.modules.items()) if name.startswith(f"{room.__name__}.")]
        for module in inner:
            for (scope, name), docstring in ModuleAnalyzer.for_module(module.__name__).find_attr_docs().items():
                if not scope and name in room.__all__ and getattr(room, name) is getattr(module, name):
                    shown.attr_docs[scope, name] = docstring


def unfold(app: Sphinx, what: str, *rest: Any) -> None:
    lines = rest[-1]
    lines[:] = [MAGNITUDE.sub(r"\\|\1\\|", line) for line in unfolded(lines)]
    if what in ("attribute", "data", "property"):
        lines.insert(0, "")  # else napoleon takes a first line with a colon for a type


def plain_arrays(app: Sphinx, *rest: Any) -> tuple[str | None, ...]:
    """A signature in which an array is called an array; its shape stands in the docstring."""
    return tuple(text and ARRAY.sub("array", ARRAY_LIKE.sub("array-like", text)) for text in rest[-2:])


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", unfold, priority=100)  # before napoleon
    app.connect("builder-inited", lend_docstrings)
    app.connect("autodoc-process-signature", plain_arrays)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
