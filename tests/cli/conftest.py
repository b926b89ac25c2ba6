"""The program as a person calls it, on a sphere that stands in for a head."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import anodyne.plan
from anodyne.cli import main
from anodyne.coil import find_coil
from anodyne.files import replacing_folder
from anodyne.head import Surface, find_target, layered_sphere, load_head, save_head, write_mesh
from anodyne.plan import Planned, Prescription, SearchGrid, make_plan, plan_document, write_document
from anodyne.protocol import find_protocol
from anodyne.stimulator import Emulator, ScaledClock, registered, serve
from anodyne.units import degree, mm

POSE = "-1 0 0 0\n0 1 0 0\n0 0 -1 95\n0 0 0 1\n"
"""Above the top of the sphere, 5 mm away, facing down."""


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """An empty folder to work in, on a terminal of 80 columns, with a cache of its own elsewhere."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("ANODYNE_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def run(place) -> Callable[..., Result]:
    """Call the program with these words; a failure that is not a plain exit is a bug and raised."""

    def call(*words: object) -> Result:
        result = CliRunner().invoke(main, [str(word) for word in words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


@pytest.fixture
def succeed(run) -> Callable[..., str]:
    """Call the program and give back what it prints; nothing may stand on standard error."""

    def call(*words: object) -> str:
        result = run(*words)
        assert result.exit_code == 0, result.stderr
        assert result.stderr == ""
        return result.stdout

    return call


@pytest.fixture
def refuse(run, place) -> Callable[..., str]:
    """Call the program, which must refuse in one line and leave nothing behind; give back that line."""

    def call(*words: object, status: int) -> str:
        before = contents(place)
        result = run(*words)
        assert result.exit_code == status, result.output
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1, result.stderr
        assert result.stderr.startswith("Error: ")
        assert "Traceback" not in result.stderr
        assert contents(place) == before
        return result.stderr

    return call


def contents(folder: Path) -> dict[Path, int]:
    """Every file beneath a folder with its size."""
    return {path: path.stat().st_size if path.is_file() else -1 for path in folder.rglob("*")}


@pytest.fixture(scope="session")
def bodies(tmp_path_factory) -> Path:
    """A folder with `sphere.msh`, `sphere.head` and `pose.txt`.

    Grey matter fills most of the sphere, so that every named target has a place in it.
    """
    folder = tmp_path_factory.mktemp("bodies")
    mesh = layered_sphere((20 * mm, 75 * mm, 79 * mm, 85 * mm, 90 * mm), (1, 2, 3, 4, 5), 8 * mm)
    write_mesh(folder / "sphere.msh", mesh)
    bare = load_head(folder / "sphere.msh")
    middle = Surface(points=bare.scalp.points * (39.5 / 90), triangles=bare.scalp.triangles)
    head_from_mni = np.diag([0.7, 0.7, 0.7, 1.0])
    save_head(replace(bare, name="sphere", mid_grey=middle, head_from_mni=head_from_mni), folder / "sphere.head")
    (folder / "pose.txt").write_text(POSE)
    return folder


@pytest.fixture(scope="session")
def planned(bodies) -> Planned:
    """A plan on the sphere, searched on a coarse grid."""
    prescription = Prescription(
        target=find_target("right-dlpfc"),
        protocol=find_protocol("fibromyalgia-1hz-right-dlpfc"),
        rmt=0.52,
        grid=SearchGrid(radius=6 * mm, spacing=6 * mm, angle_step=60 * degree),
    )
    return make_plan(load_head(bodies / "sphere.head"), find_coil("magstim-70mm"), prescription)


@pytest.fixture
def hasty(monkeypatch, planned) -> list[Prescription]:
    """Plans that are made already and written without their reports; gives what was prescribed."""
    prescribed = []

    def make_plan(head, coil, prescription, progress):
        prescribed.append(prescription)
        return planned

    def write_plan(folder, planned, progress):
        with replacing_folder(folder, marker="plan.json") as temporary:
            write_document(temporary / "plan.json", plan_document(planned.plan))

    monkeypatch.setattr(anodyne.plan, "make_plan", make_plan)
    monkeypatch.setattr(anodyne.plan, "write_plan", write_plan, raising=False)
    return prescribed


@pytest.fixture
def plan_words(bodies) -> list[object]:
    """A plan on the sphere, all but where it goes."""
    return [
        *("plan", "make", bodies / "sphere.head", "--protocol", "fibromyalgia-1hz-right-dlpfc"),
        *("--coil", "magstim-70mm", "--rmt-percent", "52"),
    ]


@pytest.fixture
def field_words(bodies) -> list[object]:
    """A field in the sphere, all but where it goes."""
    return [
        *("field", "solve", bodies / "sphere.msh", "--coil", "magstim-70mm"),
        *("--pose", bodies / "pose.txt", "--di-dt", "1e6"),
    ]


@pytest.fixture
def on_a_port():
    """Serves an emulator, made at its clock's present time, behind a pseudo-terminal while a block lasts."""

    @contextmanager
    def served(make: Callable[[float], Emulator], speed: float) -> Iterator[tuple[str, Emulator]]:
        clock = ScaledClock(speed)
        emulator = make(clock.now())
        announced: list[str] = []
        ready, stop = threading.Event(), threading.Event()

        def announce(path: str) -> None:
            announced.append(path)
            ready.set()

        thread = threading.Thread(target=serve, args=(emulator, clock), kwargs={"announce": announce, "stop": stop})
        thread.start()
        try:
            assert ready.wait(10)
            with registered(announced[0]):
                yield announced[0], emulator
        finally:
            stop.set()
            thread.join()

    return served
