"""SimNIBS' ``.ccd`` files: magnetic dipoles as text, positions in metres."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anodyne.coil.coil import DipoleCoil
from anodyne.coil.sources import MagneticDipoles
from anodyne.errors import UnreadableFile
from anodyne.files import replacing
from anodyne.units import A_per_us, mm

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """A line of a text file with its number, counted from one."""

    number: int
    text: str


def read_ccd(path: Path | str) -> DipoleCoil:
    """The coil of dipoles in a ``.ccd`` file.

    The first line holds ``key=value`` pairs parted by semicolons (dIdtmax in A/µs, stimulator, brand,
    coilname), the second the number of dipoles, the others x y z (m) and mx my mz (A·m² per ampere).

    Raises
    ------
    UnreadableFile : missing, not text, a wrong count, too few numbers in a line, not finite; names the line
    """
    lines = _lines(path)
    if len(lines) < 2:
        raise UnreadableFile(f"{path} is not a .ccd coil: it ends before its second line; fetch it again")
    header = _header(lines[0].text)
    count = _count(path, lines[1])
    rows = [line for line in lines[2:] if line.text.strip() and not line.text.lstrip().startswith("#")]
    if len(rows) != count:
        raise UnreadableFile(
            f"{path} promises {count} dipoles in line 2 and holds {len(rows)}; it may be truncated, fetch it again"
        )
    table = np.array([_row(path, line) for line in rows])
    dipoles = MagneticDipoles(positions=table[:, :3], moments=table[:, 3:])
    brand, name = header.get("brand", ""), header.get("coilname", "")
    return DipoleCoil(
        name=Path(path).name,
        label=f"{brand} {name}".strip() or Path(path).stem,
        source=f"dipoles read from {Path(path).name}",
        maximum_di_dt=_peak(path, header),
        stimulator=header.get("stimulator"),
        winding_depth=dipoles.depth,
        limits=_limits(path, header),
        dipoles=dipoles,
    )


def write_ccd(path: Path | str, coil: DipoleCoil) -> None:
    """Write a coil of dipoles as a ``.ccd`` file.

    Raises
    ------
    CannotWrite : the file cannot be written
    """
    header = [f"# {Path(path).name} version 1.0"]
    if coil.maximum_di_dt is not None:
        header.append(f"dIdtmax={coil.maximum_di_dt / A_per_us:.15g}")
    if coil.limits is not None:
        header += [
            f"{axis}={low / mm:.12g},{high / mm:.12g}" for axis, (low, high) in zip("xyz", coil.limits, strict=True)
        ]
    if coil.stimulator:
        header.append(f"stimulator={_plain(coil.stimulator)}")
    header.append(f"coilname={_plain(coil.label)}")
    table = np.hstack([coil.dipoles.positions, coil.dipoles.moments])
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(";".join(header) + f"\n{len(table)}\n# centre (m) and moment (A m^2 per A) of each dipole\n")
        np.savetxt(file, table, fmt="%.17g")


def _lines(path: Path | str) -> list[Line]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path} is not text, so it is no .ccd coil; fetch it again") from error
    except OSError as error:
        raise UnreadableFile(f"cannot read {path}: {error.strerror}; check its name and permissions") from error
    return [Line(number, text) for number, text in enumerate(text.splitlines(), start=1)]


def _header(text: str) -> dict[str, str]:
    """The key=value pairs of the first line; SimNIBS writes the word None where it knows nothing."""
    pairs = (part.split("=", 1) for part in text.lstrip("# ").split(";") if "=" in part)
    return {key.strip(): value.strip() for key, value in pairs if value.strip() not in ("", "None")}


def _peak(path: Path | str, header: dict[str, str]) -> float | None:
    """The first of the peak rates (one for each stimulator), A/s."""
    if "dIdtmax" not in header:
        return None
    try:
        peak = float(header["dIdtmax"].split(",")[0]) * A_per_us
    except ValueError as error:
        raise UnreadableFile(
            f"{path}, line 1 says dIdtmax={header['dIdtmax']}, which is not a number; mend that line"
        ) from error
    if not (np.isfinite(peak) and peak > 0):
        raise UnreadableFile(f"{path}, line 1 says dIdtmax={header['dIdtmax']} A/µs, which is not a peak rate; mend it")
    return peak


def _limits(path: Path | str, header: dict[str, str]) -> Array | None:
    """The box x=low,high;y=...;z=... of the header, whose numbers are millimetres."""
    if not all(axis in header for axis in "xyz"):
        return None
    try:
        box = np.array([[float(value) for value in header[axis].split(",")] for axis in "xyz"]) * mm
    except ValueError as error:
        raise UnreadableFile(
            f"{path}, line 1 gives x, y and z as something else than low,high; mend that line"
        ) from error
    if box.shape != (3, 2) or not (np.isfinite(box).all() and (box[:, 0] < box[:, 1]).all()):
        raise UnreadableFile(f"{path}, line 1 gives x, y and z as something else than low,high; mend that line")
    return box


def _count(path: Path | str, line: Line) -> int:
    try:
        count = int(line.text)
    except ValueError as error:
        raise UnreadableFile(
            f"{path}, line 2 should be the number of dipoles and reads '{line.text[:40]}'; give a .ccd coil, or fetch "
            "this one again"
        ) from error
    if count < 1:
        raise UnreadableFile(f"{path}, line 2 promises {count} dipoles; a coil needs at least one, so fetch it again")
    return count


def _row(path: Path | str, line: Line) -> list[float]:
    words = line.text.split("#")[0].replace(",", " ").split()
    try:
        values = [float(word) for word in words]
    except ValueError as error:
        raise UnreadableFile(
            f"{path}, line {line.number} holds something that is not a number; mend that line"
        ) from error
    if len(values) != 6:
        raise UnreadableFile(
            f"{path}, line {line.number} has {len(values)} numbers where a dipole has 6; mend that line"
        )
    if not np.isfinite(values).all():
        raise UnreadableFile(f"{path}, line {line.number} holds a number that is not finite; mend that line")
    return values


def _plain(text: str) -> str:
    """Text without the characters that part the header's pairs."""
    return text.replace(";", ",").replace("=", "-").replace("\n", " ")
