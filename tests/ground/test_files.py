"""Nothing is ever half-written, and what stands in the way is said by its own name."""

import errno

import pytest

from anodyne.errors import CannotWrite
from anodyne.files import replacing, replacing_folder


def full_disk(*arguments, **options):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_failed_file_leaves_the_old_one(tmp_path):
    goal = tmp_path / "e.npz"
    goal.write_text("old")

    def interrupted():
        with replacing(goal) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert goal.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["e.npz"]


def test_a_full_disk_is_one_sentence(tmp_path):
    with pytest.raises(CannotWrite, match="is full; free some space") as refusal, replacing(tmp_path / "e.npz"):
        full_disk()
    assert "\n" not in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_within_a_folder_names_the_folder_the_person_knows(tmp_path):
    def interrupted():
        with replacing_folder(tmp_path / "plan", marker="plan.json") as folder, replacing(folder / "report.html"):
            full_disk()

    with pytest.raises(CannotWrite) as refusal:
        interrupted()
    assert str(tmp_path / "plan") in str(refusal.value)
    assert ".plan-" not in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    with (
        pytest.raises(CannotWrite, match="holds something else"),
        replacing_folder(tmp_path / "thesis", marker="plan.json"),
    ):
        pass
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "mine"


def test_an_earlier_folder_of_the_same_kind_is_replaced_whole(tmp_path):
    for content in ("first", "second"):
        with replacing_folder(tmp_path / "plan", marker="plan.json") as temporary:
            (temporary / "plan.json").write_text(content)
            (temporary / content).touch()
    assert sorted(path.name for path in (tmp_path / "plan").iterdir()) == ["plan.json", "second"]
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


def test_a_file_in_the_place_of_a_folder_and_the_other_way_round(tmp_path):
    (tmp_path / "plan").touch()
    with pytest.raises(CannotWrite, match="is a file"), replacing_folder(tmp_path / "plan", marker="plan.json"):
        pass
    with pytest.raises(CannotWrite, match="is a folder"), replacing(tmp_path):
        pass
