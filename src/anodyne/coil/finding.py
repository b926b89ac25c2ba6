"""A coil by its name or from its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from anodyne.coil.ccd import read_ccd
from anodyne.coil.coil import Coil
from anodyne.coil.library import find_entry
from anodyne.coil.sampled import read_sampled
from anodyne.coil.tcd import read_tcd
from anodyne.errors import UnreadableFile

READERS: Mapping[str, Callable[[Path | str], Coil]] = MappingProxyType(
    {".ccd": read_ccd, ".tcd": read_tcd, ".nii.gz": read_sampled, ".nii": read_sampled}
)
"""How a coil file is read, by its ending."""


def read_coil(path: Path | str) -> Coil:
    """The coil in a ``.ccd``, ``.tcd`` or ``.nii.gz`` file, by its ending.

    Raises
    ------
    UnreadableFile : another ending, or what the format's reader refuses
    """
    name = Path(path).name.lower()
    for ending, reader in READERS.items():
        if name.endswith(ending):
            return reader(path)
    raise UnreadableFile(f"{path} is no coil file Anodyne reads; give one that ends in {', '.join(READERS)}")


def find_coil(name_or_path: Path | str) -> Coil:
    """The built-in coil of that name, else the coil in that file.

    Raises
    ------
    UnknownName : neither a built-in coil nor a file with a coil's ending; names the near misses
    UnreadableFile : the file is missing, truncated or garbled

    >>> find_coil("magstim-70mm").label
    'Magstim 70 mm double coil'
    """
    text = str(name_or_path)
    if text.lower().endswith(tuple(READERS)) or Path(text).is_file():
        return read_coil(name_or_path)
    return find_entry(text).wire_coil()
