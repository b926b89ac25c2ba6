"""What every test stands on: one thread each, no windows, the same examples every time."""

import os
import shutil
from pathlib import Path

import hypothesis
import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores, so each takes one
    for variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
os.environ["MPLBACKEND"] = "Agg"

ROOT = Path(__file__).parents[1]

hypothesis.settings.register_profile("anodyne", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("anodyne")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of meshes, coils and published numbers beside the checkout; tests skip without it."""
    folder = ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("no folder 'shared' with interoperability data stands beside this checkout")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium or Chrome; tests skip without one."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if program := shutil.which(name):
            return program
    pytest.skip("no Chromium on this machine (scripts/install-test-programs installs it where it can)")
