"""The licences of what the core needs: nothing that would bind Anodyne's own."""

import re
from importlib.metadata import PackageNotFoundError, distribution, metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
COPYLEFT = re.compile(r"(?<!L)(?<!Lesser )\b(?:A?GPL|(?:GNU )?(?:Affero )?General Public License)", re.IGNORECASE)
LESSER = re.compile(r"LGPL|Lesser General Public", re.IGNORECASE)


def core_names() -> list[str]:
    """Every package the core lock installs on this machine, save those that only install others."""
    lines = (ROOT / "requirements" / "core.txt").read_text().splitlines()
    pinned = [Requirement(line.split(" \\")[0]) for line in lines if re.match(r"[A-Za-z]", line)]
    return sorted({r.name for r in pinned if r.marker is None or r.marker.evaluate()})


def stated_licence(name: str) -> str:
    """What a package says of its licence: an expression, else classifiers, else the first line of it."""
    about = metadata(name)
    if expression := about.get("License-Expression"):
        return expression
    classifiers = [c for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
    return "; ".join(classifiers) or (about.get("License") or "").strip().split("\n")[0]


def binds_us(licence: str) -> bool:
    """Whether every choice the licence leaves is a GPL or an AGPL."""
    choices = re.split(r"\s+OR\s+", licence)
    return all(COPYLEFT.search(LESSER.sub("", choice)) for choice in choices)


@pytest.mark.parametrize("name", core_names())
def test_core_dependency_leaves_us_free(name):
    try:
        distribution(name)
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed here")
    licence = stated_licence(name)
    assert licence, f"{name} states no licence"
    assert not binds_us(licence), f"{name} is under {licence}"


@pytest.mark.parametrize(
    ("licence", "bound"),
    [
        ("GPL-3.0-or-later", True),
        ("AGPL-3.0-only", True),
        ("License :: OSI Approved :: GNU General Public License v3 (GPLv3)", True),
        ("LGPL-2.1-or-later", False),
        ("License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)", False),
        ("MIT OR GPL-2.0-only", False),
        ("BSD-3-Clause", False),
    ],
)
def test_licence_reader(licence, bound):
    assert binds_us(licence) is bound
