"""Places for outputs tried before the work."""

import click
import pytest

from anodyne.cli.outputs import FIGURE, OutputFile, rehearse_file, rehearse_folder
from anodyne.errors import CannotWrite


def test_rehearsal_changes_nothing(tmp_path):
    kept = tmp_path / "kept.npz"
    kept.write_text("earlier")
    plan = tmp_path / "plan"
    plan.mkdir()
    (plan / "plan.json").write_text("{}")
    before = sorted(tmp_path.rglob("*"))
    rehearse_file(kept)
    rehearse_file(tmp_path / "new.npz")
    rehearse_folder(plan, marker="plan.json")
    rehearse_folder(tmp_path / "new", marker="plan.json")
    rehearse_folder(tmp_path / "a" / "b" / "new", marker="plan.json")
    assert sorted(tmp_path.rglob("*")) == before
    assert kept.read_text() == "earlier"


def test_rehearsal_refuses_what_the_writing_would(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="is a folder"):
        rehearse_file(tmp_path)
    with pytest.raises(CannotWrite, match="no"):
        rehearse_file(tmp_path / "no" / "such")
    with pytest.raises(CannotWrite, match="is a file"):
        rehearse_folder(tmp_path / "file", marker="plan.json")
    with pytest.raises(CannotWrite, match="holds something else"):
        rehearse_folder(tmp_path, marker="plan.json")


@pytest.mark.parametrize(
    ("kind", "listed"), [(OutputFile(".npz"), ".npz"), (OutputFile(".npz", ".gii"), ".npz or .gii"), (FIGURE, None)]
)
def test_endings_are_listed_as_a_person_would(kind, listed):
    with pytest.raises(click.BadParameter, match=f"'dir' must end in {listed or '.png, .pdf or .svg'}$"):
        kind.convert("dir", None, None)
