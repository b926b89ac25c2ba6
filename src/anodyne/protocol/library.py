"""The library of published protocols, and protocols of one's own from a file of the same form."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from anodyne.errors import UnreadableFile
from anodyne.names import unknown_name
from anodyne.protocol.data import EntryError, protocol_from_data
from anodyne.protocol.protocol import Protocol

LIBRARY_FILE = Path(__file__).with_name("protocols.yaml")
PROTOCOL_FILES = (".yaml", ".yml")

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The compiled loader where PyYAML has it: ten times faster, the same nodes."""

DEEPEST = 20
"""More levels than any entry has; an anchor that holds itself has no end of them."""


class YamlWithLines:
    """A YAML file as plain data that remembers on which line each key stands.

    Parameters
    ----------
    path : the file; its outermost level is a mapping

    Raises
    ------
    UnreadableFile : no such file, no YAML, no mapping, or a key twice
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: dict[tuple[str, ...], int] = {(): 1}
        self._scalars = SafeConstructor()
        node = self._composed()
        if not isinstance(node, yaml.MappingNode) or not node.value:
            raise UnreadableFile(f"{path} is empty of entries; each entry is a name with keys beneath it")
        self.data = self._mapping(node, ())

    def line(self, keys: tuple[str, ...]) -> int:
        """The line of the innermost of nested `keys` that stands in the file, counted from 1."""
        while keys not in self._lines:
            keys = keys[:-1]
        return self._lines[keys]

    def _composed(self) -> yaml.Node | None:
        path = self.path
        try:
            return yaml.compose(path.read_text(encoding="utf-8"), Loader=LOADER)
        except OSError as error:
            raise UnreadableFile(f"cannot read {path}: {error.strerror or error}; check the name") from error
        except UnicodeDecodeError as error:
            raise UnreadableFile(f"{path} is not text in UTF-8; save it as such") from error
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark is not None else ""
            problem = getattr(error, "problem", None) or "something is garbled"
            raise UnreadableFile(f"{path}{where}: this is not YAML ({problem}); mend the line") from error

    def _mapping(self, node: yaml.MappingNode, keys: tuple[str, ...]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            path = (*keys, key)
            if key in data:
                raise UnreadableFile(
                    f"{self.path}, line {line}: {'.'.join(path)!r} stands here again; keep one of them"
                )
            self._lines[path] = line
            data[key] = self._plain(value_node, path)
        return data

    def _plain(self, node: yaml.Node, keys: tuple[str, ...]) -> Any:
        if len(keys) > DEEPEST:
            raise UnreadableFile(
                f"{self.path}: {keys[0]!r} is nested too deeply; each entry is a name with keys beneath it"
            )
        match node:
            case yaml.MappingNode():
                return self._mapping(node, keys)
            case yaml.SequenceNode():
                return [self._plain(item, (*keys, str(index))) for index, item in enumerate(node.value)]
        try:
            return self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            line = node.start_mark.line + 1
            raise UnreadableFile(
                f"{self.path}, line {line}: the value of {'.'.join(keys)!r} is garbled; mend it"
            ) from error


def read_protocols(path: Path | str) -> Mapping[str, Protocol]:
    """The protocols of a YAML file in the form of the library's ``protocols.yaml``, by name.

    Raises
    ------
    UnreadableFile : no such file, no YAML, or an entry that is wrong; the text names line, entry and key
    """
    document = YamlWithLines(Path(path))
    protocols: dict[str, Protocol] = {}
    taken: dict[str, str] = {}
    for name, data in document.data.items():
        try:
            protocol = protocol_from_data(name, data)
        except EntryError as error:
            line = document.line((name, *error.keys))
            raise UnreadableFile(f"{path}, line {line}: entry {name!r}, {error}; mend it there") from error
        for known in names(protocol):
            owner = taken.setdefault(known.casefold(), name)
            if owner != name:
                line = document.line((name, "aliases"))
                raise UnreadableFile(
                    f"{path}, line {line}: entry {name!r}: {known!r} already means {owner!r}; rename one"
                )
        protocols[name] = protocol
    return MappingProxyType(protocols)


def _from_file(path: str, entry: str) -> Protocol:
    """The protocol `entry` of a file, or its only one."""
    found = read_protocols(path)
    if entry in found:
        return found[entry]
    if len(found) == 1 and path.endswith(entry):
        return next(iter(found.values()))
    raise UnreadableFile(f"{path} holds {', '.join(found) or 'no protocol'}; write {path}:NAME with one of these names")


def names(protocol: Protocol) -> tuple[str, ...]:
    """Everything a protocol is called, its full name first."""
    return protocol.name, *protocol.aliases


PROTOCOLS: Mapping[str, Protocol] = read_protocols(LIBRARY_FILE)
"""The published protocols by name."""


def find_protocol(name: str) -> Protocol:
    """The published protocol of this name or alias, in upper or lower case, or one of a file.

    A file of one's own is written ``mine.yaml`` if it holds one protocol, ``mine.yaml:NAME`` if several.

    Raises
    ------
    UnknownName : nothing is called that; the text names the near misses
    UnreadableFile : the file cannot be read, is wrong, or does not hold that name

    >>> find_protocol("fm-tanwar").name
    'fibromyalgia-1hz-right-dlpfc'
    """
    path, colon, entry = name.rpartition(":")
    if name.endswith(PROTOCOL_FILES) or path.endswith(PROTOCOL_FILES):
        return _from_file(path if colon and path.endswith(PROTOCOL_FILES) else name, entry)
    for protocol in PROTOCOLS.values():
        if name.casefold() in (known.casefold() for known in names(protocol)):
            return protocol
    known = [each for protocol in PROTOCOLS.values() for each in names(protocol)]
    raise unknown_name("protocol", name, known, "see 'anodyne protocol list'")
