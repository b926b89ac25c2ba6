"""What the benchmarks make of their numbers; the numbers themselves are never asserted."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from anodyne.field import FieldModel
from anodyne.head import layered_sphere
from anodyne.units import mm

ROOT = Path(__file__).parents[1]


@pytest.fixture
def scaling(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    return import_module("benchmarks.scaling")


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    return import_module("benchmarks.report")


def test_slope_is_the_power_of_a_power_law(scaling):
    sizes = [1.0, 3.0, 10.0, 200.0]
    assert scaling.slope(sizes, [7 * size**1.3 for size in sizes]) == pytest.approx(1.3)


def test_every_curve_gets_its_slope(scaling, report):
    def rows():
        for curve, power in (("one", 1), ("other", 2)):
            for size in (1, 2, 4):
                point = report.Point(curve=curve, along="heads", size=size)
                yield report.Row(name=curve, value=3.0 * size**power, unit="s", point=point)

    slopes = [row for row in scaling._with_slopes(rows()) if row.point is None]
    assert [row.name for row in slopes] == ["slope against heads: one", "slope against heads: other"]
    assert [row.value for row in slopes] == pytest.approx([1, 2])


def test_figure_has_a_panel_for_each_thing_that_grows(scaling, report):
    rows = [
        report.Row(name="", value=0.5 * size, unit="s", point=report.Point(curve=along, along=along, size=size))
        for along in scaling.TITLES
        for size in (1, 2, 4)
    ]
    panels = scaling.plot(rows).axes
    assert [axes.get_xlabel() for axes in panels] == list(scaling.TITLES)
    for axes, along in zip(panels, scaling.TITLES, strict=True):
        (curve,) = [line for line in axes.get_lines() if line.get_label().startswith(f"{along}, k")]
        assert curve.get_label() == f"{along}, k = 1.00"
        assert list(curve.get_ydata()) == [0.5, 1, 2]


@pytest.mark.parametrize("width", [80, 140])
def test_tables_hold_names_and_notes_within_the_terminal(report, monkeypatch, capsys, width):
    monkeypatch.setenv("COLUMNS", str(width))
    row = report.Row(
        name="candidates scored", value=5123.4, unit="per s", target="≥ 5,000 per s",
        peer="ADM 2,360 per s", note="3276 candidates, set-up included",
    )  # fmt: skip
    report.print_table("placement", [row])
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= width
    (named,) = [line for line in lines if row.name in line]
    assert "5,123 per s" in named
    assert "≥ 5,000 per s" in named
    (noted,) = [line for line in lines if row.note in line]
    assert (noted is named) == (width == 140)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["coil", "--figure", "out.png"], "needs one topic that offers a figure"),
        (["scaling", "--figure", "out.xyz"], "no figure can be written as out.xyz"),
        (["scaling", "--figure", "nowhere/out.png"], "there is no folder nowhere"),
    ],
)
def test_a_figure_that_cannot_be_drawn_is_refused_before_measuring(monkeypatch, arguments, words):
    monkeypatch.syspath_prepend(str(ROOT))
    done = CliRunner().invoke(import_module("benchmarks.__main__").main, arguments, env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert words in done.stderr
    assert "measuring" not in done.stderr


def test_solvers_are_compared_on_one_matrix_and_load(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    field = import_module("benchmarks.field")
    mesh = layered_sphere((80 * mm, 92 * mm), (2, 5), 20 * mm)
    rows = list(field._other_solvers(FieldModel(mesh)))
    assert [row.name for row in rows][-1] == "ours, the same random load"
    assert all("iterations" in row.note for row in rows)


@pytest.mark.skipif(sys.platform == "win32", reason="its memory is asked for as POSIX systems tell it")
def test_memory_of_the_demo_is_its_own(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ROOT))
    demo = import_module("benchmarks.demo")
    python = sys.executable
    subprocess.run([python, "-c", "bytes(range(256)) * 1_200_000"], check=True)  # 300 MB before it
    (tmp_path / "python").symlink_to(python)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    program = tmp_path / "anodyne"
    program.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    program.chmod(0o755)
    seconds, peak = demo._run(tmp_path, {})
    assert seconds > 0
    assert 0 < peak < 100e6
    program.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    with pytest.raises(subprocess.CalledProcessError, match="exit status 3"):
        demo._run(tmp_path, {})


def test_a_topic_that_cannot_be_measured_here_says_why_and_the_others_go_on(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    main, gpu, coil = (import_module(f"benchmarks.{name}") for name in ("__main__", "gpu", "coil"))
    row = import_module("benchmarks.report").Row(name="measured", value=1.0, unit="s")
    monkeypatch.setattr(gpu, "find_spec", lambda name: None)
    monkeypatch.setattr(coil, "rows", lambda: [row])
    done = CliRunner().invoke(main.main, ["gpu", "coil"])
    assert done.exit_code == 0
    assert "gpu not measured: PyTorch is not installed; install it with: pip install 'anodyne[gpu]'" in done.stderr
    assert "measured" in done.stdout
    assert "gpu" not in done.stdout.split()
