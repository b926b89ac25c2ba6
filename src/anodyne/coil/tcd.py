"""SimNIBS' ``.tcd`` files: coils of several parts as JSON, lengths in millimetres."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anodyne.coil.casing import Casing
from anodyne.coil.coil import Coil, CompositeCoil, DipoleCoil, WireCoil
from anodyne.coil.sampled import SampledCoil
from anodyne.coil.sources import CurrentElements, MagneticDipoles
from anodyne.errors import UnreadableFile
from anodyne.units import degree, mm

Array = NDArray[np.float64]


class ElementKind(IntEnum):
    """What a part of the coil is made of, by its number in the file."""

    DIPOLES = 1
    LINES = 2
    GRID = 3


@dataclass(frozen=True)
class Stimulator:
    """The machine a file names."""

    name: str | None
    maximum_di_dt: float | None


def read_tcd(path: Path | str) -> Coil:
    """The coil in a ``.tcd`` file, every deformation at its initial value.

    Arrays may be nested lists or base64 text of zlib-compressed numbers (float64; int64 for faces). The
    casing is that of the coil and of all its parts together.

    Raises
    ------
    UnreadableFile : missing, not JSON, a required entry missing or malformed, an index without its entry,
        numbers that are not finite, or parts driven by different stimulators
    """
    record = _json(path)
    try:
        return _coil(Path(path).name, record)
    except KeyError as error:
        raise UnreadableFile(
            f"{path} lacks the entry {error} of a .tcd coil; it may be incomplete, so fetch it again"
        ) from error
    except IndexError as error:
        raise UnreadableFile(
            f"{path} names an entry by a number that its list does not have; fetch it again"
        ) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise UnreadableFile(f"{path} is not a whole .tcd coil: {error}; fetch it again") from error


def _json(path: Path | str) -> dict[str, Any]:
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableFile(f"cannot read {path}: {error.strerror}; check its name and permissions") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path} is not text, so it is no .tcd coil; fetch it again") from error
    except json.JSONDecodeError as error:
        raise UnreadableFile(f"{path}, line {error.lineno} is not JSON ({error.msg}); fetch it again") from error
    if not isinstance(record, dict):
        raise UnreadableFile(f"{path} is JSON but not a .tcd coil; give another file")
    return record


def _coil(file_name: str, record: dict[str, Any]) -> Coil:
    stimulator = _stimulator(record)
    described: dict[str, Any] = {
        "name": file_name,
        "label": f"{record.get('brand') or ''} {record.get('name') or ''}".strip() or Path(file_name).stem,
        "source": f"read from {file_name}",
        "maximum_di_dt": stimulator.maximum_di_dt,
        "stimulator": stimulator.name,
        "casing": _casing(record),
        "limits": None if record.get("limits") is None else _numbers(record["limits"], "limits").reshape(3, 2) * mm,
    }
    parts = [_part(element, _deformation(record, element), described) for element in record["coilElementList"]]
    if not parts:
        raise ValueError("it has no elements")
    depths = [part.winding_depth for part in parts]
    nearest = min((depth for depth in depths if depth is not None), default=None) if None not in depths else None
    return parts[0] if len(parts) == 1 else CompositeCoil(parts=tuple(parts), winding_depth=nearest, **described)


def _part(element: dict[str, Any], deformation: Array, described: dict[str, Any]) -> Coil:
    """One element of the list, in the coil's frame."""
    kind = ElementKind(element["type"])
    affine = _numbers(element.get("affine") or np.eye(4), "affine").reshape(4, 4)
    if kind is ElementKind.GRID:
        coil_from_voxel = deformation @ np.diag([mm, mm, mm, 1]) @ affine
        samples = np.asarray(element["data"], dtype=np.float64) @ deformation[:3, :3].T
        return SampledCoil(samples=samples, coil_from_voxel=coil_from_voxel, **described)
    affine[:3, 3] *= mm
    transform = deformation @ affine
    positions = _numbers(element["points"], "points").reshape(-1, 3) * mm
    vectors = _numbers(element["values"], "values").reshape(-1, 3)
    if kind is ElementKind.DIPOLES:
        dipoles = MagneticDipoles(positions=positions, moments=vectors).moved(transform)
        return DipoleCoil(dipoles=dipoles, winding_depth=dipoles.depth, **described)
    elements = CurrentElements(positions=positions, vectors=vectors * mm).moved(transform)
    return WireCoil(elements=elements, winding_depth=elements.depth, **described)


def _stimulator(record: dict[str, Any]) -> Stimulator:
    used = {element.get("stimulator") for element in record["coilElementList"]}
    if len(used) > 1:
        raise ValueError("its parts are driven by different stimulators, and Anodyne drives all with one current")
    index = used.pop() if used else None
    if index is None:
        return Stimulator(None, None)
    entry = _item(record.get("stimulatorList") or [], index)
    peak = entry.get("maxdIdt")
    name = f"{entry.get('brand') or ''} {entry.get('name') or ''}".strip()
    return Stimulator(name or None, None if peak is None else float(peak))


def _casing(record: dict[str, Any]) -> Casing | None:
    """The coil's casing and those of its parts, each where its part's deformations put it."""
    models = record.get("coilModels") or []
    placed: list[tuple[Array, NDArray[np.int64]]] = []
    if record.get("coilCasing") is not None:
        placed.append(_model(_item(models, record["coilCasing"]), np.eye(4)))
    for element in record["coilElementList"]:
        if element.get("elementCasing") is not None:
            placed.append(_model(_item(models, element["elementCasing"]), _deformation(record, element)))
    if not placed:
        return None
    offsets = np.cumsum([0, *(len(points) for points, _ in placed[:-1])])
    faces = [triangles + offset for (_, triangles), offset in zip(placed, offsets, strict=True)]
    return Casing(
        points=np.concatenate([points for points, _ in placed]),
        triangles=np.concatenate(faces).astype(np.int32),
    )


def _model(model: dict[str, Any], transform: Array) -> tuple[Array, NDArray[np.int64]]:
    points = _numbers(model["points"], "casing points").reshape(-1, 3) * mm
    triangles = _integers(model["faces"], "casing faces").reshape(-1, 3)
    if triangles.size and (triangles.min() < 0 or triangles.max() >= len(points)):
        raise ValueError("a casing face names a point that does not exist")
    return points @ transform[:3, :3].T + transform[:3, 3], triangles


def _deformation(record: dict[str, Any], element: dict[str, Any]) -> Array:
    """(4, 4) product of an element's deformations at their initial values, the first applied first, m."""
    total = np.eye(4)
    for index in element.get("deformations") or []:
        entry = _item(record["deformList"], index)
        initial = float(_item(record["deformRangeList"], entry["deformRange"])["initial"])
        total = _step(entry, initial) @ total
    return total


def _step(entry: dict[str, Any], initial: float) -> Array:
    if entry["type"] in ("x", "y", "z"):
        shift = np.eye(4)
        shift["xyz".index(entry["type"]), 3] = initial * mm
        return shift
    if entry["type"] != "rot2p":
        raise ValueError(f"a deformation of type {entry['type']!r} is unknown")
    first, second = _numbers(entry["point1"], "point1") * mm, _numbers(entry["point2"], "point2") * mm
    return _rotation_about(first, second - first, initial * degree)


def _rotation_about(point: Array, axis: Array, angle: float) -> Array:
    """(4, 4) rotation by `angle` about the line through `point` along `axis` (Rodrigues)."""
    length = np.linalg.norm(axis)
    if length == 0:
        raise ValueError("a rotation has an axis of length zero")
    x, y, z = axis / length
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.eye(4)
    turn[:3, :3] += np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    turn[:3, 3] = point - turn[:3, :3] @ point
    return turn


def _item(entries: Sequence[Any], index: object) -> Any:
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        raise ValueError(f"{index!r} is not the number of an entry")
    return entries[index]


def _numbers(given: Any, what: str) -> Array:
    values = _decoded(given, "<f8", what) if isinstance(given, str) else np.array(given, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f"its {what} hold a number that is not finite")
    return values.astype(np.float64)


def _integers(given: Any, what: str) -> NDArray[np.int64]:
    values = _decoded(given, "<i8", what) if isinstance(given, str) else np.array(given)
    if values.size and not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"its {what} are not whole numbers")
    return values.astype(np.int64)


def _decoded(text: str, dtype: str, what: str) -> NDArray[Any]:
    try:
        return np.frombuffer(zlib.decompress(base64.b64decode(text, validate=True)), dtype=dtype)
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"its {what} are garbled") from error
