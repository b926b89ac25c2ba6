"""A field basis as a file, and where it is kept."""

import json
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anodyne.errors import UnreadableFile
from anodyne.field.basis.field_basis import BasisTest, FieldBasis
from anodyne.files import replacing
from anodyne.head import Image

SCHEMA = "anodyne-field-basis"
SCHEMA_VERSION = 2
"""2: fields at points know how the primary field bends within a tetrahedron, and modes what leaks from elsewhere."""
BASIS_NAME = "field_basis.npz"
"""What a basis is called in its head's folder."""

ARRAYS = ("points", "triangles", "modes", "reading", "sensed", "sensors")


def write_basis(path: Path | str, basis: FieldBasis) -> None:
    """Write a basis as an .npz file: arrays in SI units, and a JSON text ``description``.

    Raises
    ------
    CannotWrite : the folder is missing or forbids writing, or the disk is full
    """
    description = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "head": basis.head,
        "fingerprint": basis.fingerprint,
        "tests": [asdict(test) for test in basis.tests],
        "options": dict(basis.options),
    }
    arrays = {name: getattr(basis, name) for name in ARRAYS}
    arrays["scalp_distance"] = basis.scalp_distance.data.astype(np.float32)
    arrays["scalp_distance_affine"] = basis.scalp_distance.affine
    arrays["description"] = np.frombuffer(json.dumps(description).encode(), np.uint8)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def read_basis(path: Path | str) -> FieldBasis:
    """The basis in a file.

    Raises
    ------
    UnreadableFile : missing, truncated, garbled, not a field basis, or one of another version
    """
    place = Path(path)
    try:
        with place.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise zipfile.BadZipFile("no .npz archive, or its end is missing")
            file.seek(0)
            with np.load(file, allow_pickle=False) as stored:
                return _basis_of(place, {name: stored[name] for name in stored.files})
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnreadableFile(
            f"cannot read {place}: {reason}; compute the basis with 'anodyne field basis HEAD'"
        ) from error
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UnreadableFile(
            f"{place} is not a whole field basis ({_reason(error)}); compute it again with 'anodyne field basis HEAD "
            "--again'"
        ) from error


def _reason(error: Exception) -> str:
    """What is wrong with a file in a few words, without Python's names for it."""
    if isinstance(error, KeyError):
        return f"it holds no {error.args[0]}"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _basis_of(place: Path, stored: dict[str, NDArray[Any]]) -> FieldBasis:
    description = json.loads(stored["description"].tobytes())
    if description["schema"] != SCHEMA:
        raise ValueError(f"its schema is {description['schema']}")
    if description["schema_version"] != SCHEMA_VERSION:
        raise UnreadableFile(
            f"{place} was written by another version of Anodyne, whose fields differ from this one's; compute it anew "
            "with 'anodyne field basis HEAD --again'"
        )
    arrays: dict[str, Any] = {name: stored[name] for name in ARRAYS}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("it holds NaN or infinity")
    image = Image(data=stored["scalp_distance"], affine=stored["scalp_distance_affine"])
    tests = tuple(_test_of(test) for test in description["tests"])
    return FieldBasis(
        head=description["head"],
        fingerprint=description["fingerprint"],
        scalp_distance=image,
        tests=tests,
        options=description["options"],
        **arrays,
    )


def _test_of(stored: dict[str, Any]) -> BasisTest:
    by_modes = tuple((int(count), float(error)) for count, error in stored["by_modes"])
    return BasisTest(**{**stored, "head_from_coil": tuple(stored["head_from_coil"]), "by_modes": by_modes})
