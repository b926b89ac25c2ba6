"""Gmsh mesh files with every kind of damage: a mesh or one clear sentence, and nothing else."""

import re
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anodyne.errors import UnreadableFile
from anodyne.head.msh import MshVersion, read_mesh, read_mesh_data, write_mesh

FORMS = [(version, binary) for version in MshVersion for binary in (True, False)]
HEADER = b"$MeshFormat\n2.2 1 8\n" + struct.pack("<i", 1) + b"\n$EndMeshFormat\n"
LINE = struct.pack("<3i", 1, 1, 2)  # the header before the one line of the file by hand
BY_HAND_2 = (Path(__file__).parent / "by_hand" / "version_2.msh").read_text(encoding="ascii")
BY_HAND_4 = (Path(__file__).parent / "by_hand" / "version_4.msh").read_text(encoding="ascii")


@pytest.fixture(scope="module")
def written(small_brick, tmp_path_factory):
    """The bytes of one small mesh, with data, in every form."""
    folder = tmp_path_factory.mktemp("written")
    contents = {}
    for version, binary in FORMS:
        write_mesh(
            folder / "a.msh",
            small_brick,
            element_data={"s": np.arange(len(small_brick.tetrahedra))},
            node_data={"v": small_brick.nodes},
            version=version,
            binary=binary,
        )
        contents[version, binary] = (folder / "a.msh").read_bytes()
    return contents


def complaint(path):
    """What is said against a file by either way to read it; None if nothing is."""
    try:
        read_mesh(path)
        read_mesh_data(path)
    except UnreadableFile as error:
        return str(error)
    return None


def refused(tmp_path, content):
    (tmp_path / "mesh.msh").write_bytes(content.encode() if isinstance(content, str) else content)
    text = complaint(tmp_path / "mesh.msh")
    assert text is not None
    assert "mesh.msh" in text
    assert ";" in text  # what to do
    assert "\n" not in text
    return text


def check_refusal(tmp_path, content, change, message):
    """The text with one change is refused with that message, {line} being the line of the change."""
    old, new = change
    assert old in content
    line = content.count("\n", 0, content.index(old)) + 1
    text = refused(tmp_path, content.replace(old, new))
    assert re.search(message.replace("{line}", str(line)), text), text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "8 4 2 2 1 40 7 1000 3",
            "8 4 2 0 1 40 7 1000 3",
            "1 of 2 tetrahedra have no tissue tag; give every",
        ),
        ("8 4 2 2 1 40 7 1000 3", "8 4 0 40 7 1000 3", "1 of 2 tetrahedra have no tissue tag"),
        ("8 4 2 2 1 40 7 1000 3", "8 4 2 2 1 40 7 1000 41", "element 8 names node 41, which is not in"),
        ("8 4 2 2 1 40 7 1000 3", "8 4 2 2 1 40 7 1000 7", "no volume, the first is element 8; mesh again"),
        ("8 4 2 2 1 40 7 1000 3", "8 4 2 2 1 40 7 x 3", "not a whole number on line {line}"),
        ("8 4 2 2 1 40 7 1000 3", "8 4 2 2 1 40 7 1000.5 3", "not a whole number on line {line}"),
        (
            "8 4 2 2 1 40 7 1000 3",
            "8 4 2 2 1 40 7 99999999999999999999 3",
            "not a whole number on line {line}",
        ),
        ("8 4 2 2 1 40 7 1000 3", "8 4 2 99999999999 1 40 7 1000 3", "tissue tag is 99999999999"),
        (
            "8 4 2 2 1 40 7 1000 3",
            "8 400 2 2 1 40 7 1000 3",
            "element type that does not exist on line {line}",
        ),
        ("8 4 2 2 1 40 7 1000 3", "8 4 -2 2 1 40 7 1000 3", "count that cannot be on line {line}"),
        ("8 4 2 2 1 40 7 1000 3", "8 11 2 2 1 40 7 1000 3 40 7 1000 3 12 12", "first-order tetrahedra only"),
        ("$Elements\n7", "$Elements\n8", "ends before its last element on line 24"),
        ("$Elements\n7", "$Elements\n6", "holds more than it promises on line 23"),
        ("$Elements\n7", "$Elements\n-7", "does not begin with its counts"),
        ("1000 0 10 0", "1000 0 nan 0", "node 1000 has a position that is not a finite number; mesh again"),
        ("1000 0 10 0", "1000 0 1e999 0", "node 1000 has a position"),
        ("1000 0 10 0", "1000 0 ten 0", "not a number on line {line}"),
        ("1000 0 10 0", "7 0 10 0", "two nodes of number 7"),
        ("1000 0 10 0", "10.5 0 10 0", "10.5 for a node number"),
        ("$Nodes\n5", "$Nodes\n6", "does not hold as many nodes as it promises"),
        ("$Nodes\n5", "$Nodes\n4", "does not hold as many nodes as it promises"),
        ("$Nodes\n5", "$Nodes\n", "does not hold as many nodes as it promises"),
        ("2.2 0 8", "1.0 0 8", "in version 1.0 of the Gmsh format; save it as 2.2 or 4.1"),
        ("2.2 0 8", "2.2 0 4", r"\$MeshFormat is garbled on line 2"),
        ("2.2 0 8", "2.2 7 8", r"\$MeshFormat is garbled on line 2"),
        ("2.2 0 8", "2.2", r"\$MeshFormat is garbled on line 2"),
        ("$EndComments", "", r"\$Comments begins but does not end \(cut off or garbled\) on line 4"),
        ("$EndComments", "$EndComments\nhello", r"something follows \$Comments that is no section on line 7"),
        ("$Nodes", "$Noodles", r"\$Noodles begins but does not end"),
        ("$MeshFormat", "solid", "it does not begin with"),
    ],
)
def test_damaged_text_is_refused_with_its_line(tmp_path, old, new, message):
    check_refusal(tmp_path, BY_HAND_2, (old, new), message)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("31 0 0 0 10 10 10 1 2 1 6", "31 0 0 0 10 10 10 0 1 6", "1 of 2 tetrahedra have no tissue tag"),
        ("31 0 0 0 10 10 10 1 2 1 6", "33 0 0 0 10 10 10 1 2 1 6", "1 of 2 tetrahedra have no tissue tag"),
        (
            "31 0 0 0 10 10 10 1 2 1 6",
            "31 0 0 0 10 10 10 1 two 1 6",
            "Entities is cut off or garbled on line 9",
        ),
        ("31 0 0 0 10 10 10 1 2 1 6", "31 0 0 0 10 10 10 1 2 9 6", "Entities is cut off or garbled"),
        ("31 0 0 0 10 10 10 1 2 1 6", "31 0 0 0 10 10 10 1 2 -1 6", "Entities is cut off or garbled"),
        ("3 5 3 1000", "3 6 3 1000", "as many nodes as it promises"),
        ("3 5 3 1000", "4 5 3 1000", "ends before its last node"),
        ("3 5 3 1000", "nan 5 3 1000", "does not begin with its counts"),
        ("2 6 1 3", "2 6 9 3", "garbled block on line {line}"),
        ("2 6 1 3", "2 6 1 99", "garbled block on line {line}"),
        ("4 4 2 70", "4 5 2 70", "ends before its last element"),
        ("4 4 2 70", "4 3 2 70", "more elements than it promises on line 40"),
        ("4 4 2 70", "4", "does not begin with its counts|element type|cannot be|ends before"),
        ("3 31 4 1", "3 31 4 -1", "count that cannot be on line {line}"),
        ("3 31 4 1", "3 31 4 1000", "more elements than it promises on line {line}"),
        ("3 31 4 1", "3 31 44 1", "element type that does not exist on line {line}"),
    ],
)
def test_damaged_version_4_text_is_refused(tmp_path, old, new, message):
    check_refusal(tmp_path, BY_HAND_4, (old, new), message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not begin with"),
        (b"\n\n", "does not begin with"),
        (b"$MeshFormat", "does not begin with"),
        (HEADER, "there is no $Nodes section"),
        (HEADER.replace(b"\1\0\0\0", b"\0\0\0\1"), "big-endian order; save it"),
        (HEADER.replace(b"\1\0\0\0", b"\1\0\1\0"), "garbled"),
        (HEADER + b"$Nodes\n$EndNodes\n$Elements\n$EndElements\n", "does not begin with a count at byte 47"),
        (HEADER + b"$Nodes\n5\n$EndNodes\n$Elements\n0\n$EndElements\n", "ends before its last node at byte"),
        (HEADER + b"$Nodes\n0\n$EndNodes\n$Elements\n0\n$EndElements\n", "no tetrahedra in it; save the volume"),
    ],
)
def test_what_is_hardly_a_file_is_refused(tmp_path, content, message):
    assert message in refused(tmp_path, content)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"$EndElements\n", b"$EndElements\n$Nodes\n0\n$EndNodes\n", "there is a second $Nodes section at byte"),
        (b"$Nodes\n5", b"$Nodes\n4", "$Nodes holds more than it promises at byte"),
        (b"$Nodes\n5", b"$Nodes\n999999999999999999", "ends before its last node"),
        (b"$Elements\n7", b"$Elements\n8", "ends before its last element at byte"),
        (b"$Elements\n7", b"$Elements\n6", "$Elements holds more than it promises at byte"),
        (b"$Elements\n7", b"$Elements\n-7", "does not begin with a count"),
        (LINE, struct.pack("<3i", 1, 9, 2), "more elements than"),
        (LINE, struct.pack("<3i", 1, 0, 2), "count that cannot be"),
        (LINE, struct.pack("<3i", 1, 1, 2**31 - 1), "ends before"),
        (LINE, struct.pack("<3i", 0, 1, 2), "type that does not exist"),
        (struct.pack("<3d", 0, 10, 0), struct.pack("<3d", 0, np.nan, 0), "node 1000 has a position"),
    ],
)
def test_damaged_binary_is_refused_with_its_byte(tmp_path, binary_by_hand, old, new, message):
    assert old in binary_by_hand
    assert message in refused(tmp_path, binary_by_hand.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\n1\n3\n2 0.5", "\n3\n3\n2 0.5", "as many rows"),
        ("\n1\n3\n2 0.5", "\n1\n4\n2 0.5", "as many rows"),
        ("\n1\n3\n2 0.5", "\n2\n3\n2 0.5", "garbled tags"),
        ("\n1\n3\n2 0.5", "\n1\n-3\n2 0.5", "garbled tags"),
        ("6 -1e3", "6 much", "not a number on line {line}"),
        ("6 -1e3", "nan -1e3", "a row whose number is none"),
        ("3\n0\n1\n3\n", "one\n0\n1\n3\n", "garbled tags"),
        ("3\n0\n1\n3\n", "-3\n0\n1\n3\n", "garbled tags"),
        ("3\n0\n1\n3\n", "99\n0\n1\n3\n", "cut off|garbled tags"),
    ],
)
def test_damaged_data_is_refused(tmp_path, old, new, message):
    view = '$ElementData\n1\n"s"\n1\n0.0\n3\n0\n1\n3\n2 0.5\n6 -1e3\n9 4\n$EndElementData\n'
    check_refusal(tmp_path, BY_HAND_2 + view, (old, new), message)


def test_an_element_number_used_twice_matters_only_to_data(tmp_path):
    content = BY_HAND_2.replace("6 4 5 5 1", "8 4 5 5 1")
    assert "two elements of number 8" in refused(tmp_path, content)
    assert len(read_mesh(tmp_path / "mesh.msh").tetrahedra) == 2


def test_what_is_no_file(tmp_path):
    with pytest.raises(UnreadableFile, match="No such file"):
        read_mesh(tmp_path / "none.msh")
    with pytest.raises(UnreadableFile, match="Is a directory"):
        read_mesh(tmp_path)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_file_cut_off_at_any_byte_is_refused(tmp_path, written, form, rng):
    content = written[form]
    path = tmp_path / "cut.msh"
    last = content.rindex(b"$EndElementData") + len(b"$EndElementData")
    for length in [*rng.integers(0, last, 300), *range(last - 40, last), *range(60)]:
        path.write_bytes(content[:length])
        text = complaint(path)
        assert text is not None, length
        assert "cut.msh" in text


@pytest.mark.parametrize("form", FORMS, ids=str)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_a_mesh_or_refused(tmp_path, written, form, data):
    content = bytearray(written[form])
    for _ in range(data.draw(st.integers(1, 4), label="changes")):
        place = data.draw(st.integers(0, len(content) - 1), label="place")
        if data.draw(st.booleans(), label="near the head of a section"):
            sections = [i for i in range(len(content)) if content[i : i + 1] == b"$"]
            place = min(data.draw(st.sampled_from(sections)) + place % 60, len(content) - 1)
        kind = data.draw(st.sampled_from(["byte", "digit", "insert", "delete"]), label="kind")
        if kind == "insert":
            content[place:place] = data.draw(st.binary(min_size=1, max_size=8))
        elif kind == "delete":
            del content[place : place + data.draw(st.integers(1, 8))]
        else:
            content[place] = (
                data.draw(st.integers(0, 255)) if kind == "byte" else data.draw(st.sampled_from(b"0123456789"))
            )
    path = tmp_path / "damaged.msh"
    path.write_bytes(content)
    text = complaint(path)
    assert text is None or ("damaged.msh" in text and len(text) < 400)
