"""The table of a cohort: one row for each subject, as CSV for people and Parquet for programs."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from pathlib import Path
from typing import Any

from anodyne.files import replacing
from anodyne.head import TARGETS
from anodyne.plan.kinds import Document

CohortRow = dict[str, str | int | float | None]
"""One subject's line of the table: a value, or None where there is none, for every column."""

CSV_NAME, PARQUET_NAME = "table.csv", "table.parquet"


class SubjectStatus(Enum):
    """How far a subject came."""

    PLANNED = "planned"
    FAILED = "failed"
    NOT_REACHED = "not-reached"


@dataclass(frozen=True, kw_only=True)
class CohortColumn:
    """A column of the table.

    Attributes
    ----------
    name : with its unit, as in the files
    kind : str, int or float
    meaning : what stands in it
    """

    name: str
    kind: type
    meaning: str


def _column(name: str, kind: type, meaning: str) -> CohortColumn:
    return CohortColumn(name=name, kind=kind, meaning=meaning)


COHORT_COLUMNS = (
    _column("subject", str, "the name of the head's folder or file without `.head`, `.msh` or `m2m_`"),
    _column("status", str, "`planned`, `failed`, or `not-reached` when the work stopped before this subject"),
    _column("reason", str, "why it failed, in a sentence"),
    _column("target", str, "name of the target"),
    _column("protocol", str, "name of the protocol"),
    _column("coil", str, "name of the coil"),
    _column("rmt_percent", float, "motor threshold, of stimulator output"),
    _column("intensity_percent_of_threshold", float, "of the pulses"),
    _column("output_percent", float, "stimulator output of the pulses"),
    _column("di_dt_a_per_us", float, "rate of current rise of the pulses"),
    _column("pulses_per_session", int, "pulses in one session"),
    _column("sessions", int, "sessions in the course"),
    _column("e_at_target_v_per_m", float, "mean of |E| over the target's region"),
    _column("e_at_target_highest_v_per_m", float, "99th percentile of |E| over the target's region"),
    _column("e_at_target_normal_v_per_m", float, "mean of E along the cortex's outward normal"),
    _column("grey_matter_percentile_99_9_v_per_m", float, "99.9th percentile of |E| over the grey matter"),
    _column("grey_matter_top_1_cm3_v_per_m", float, "mean of |E| over the 1 cm³ of grey matter where it is highest"),
    _column("scalp_percentile_99_9_v_per_m", float, "99.9th percentile of |E| over the scalp"),
    _column("focality_cm3", float, "grey matter with |E| above half of its 99.9th percentile"),
    _column("half_depth_below_scalp_mm", float, "to which |E| in the brain reaches half of that percentile"),
    _column("hotspot_to_target_mm", float, "from the strongest 1 cm³ of grey matter to the target"),
    _column("target_below_scalp_mm", float, "depth of the target"),
    _column("coil_x_mm", float, "centre of the casing, head coordinates, to the right"),
    _column("coil_y_mm", float, "centre of the casing, head coordinates, to the front"),
    _column("coil_z_mm", float, "centre of the casing, head coordinates, upwards"),
    _column("handle", str, "where the handle points"),
    _column("casing_to_scalp_mm", float, "least distance of any point of the casing"),
    _column("winding_to_scalp_mm", float, "least distance of any point of the winding"),
    _column("search_disagreement_percent", float, "between reciprocity and the full solve at the target"),
    _column("fsaverage_distance_median_mm", float, "from fsaverage5's vertices to the nearest mid-grey points, median"),
    _column("fsaverage_distance_95th_mm", float, "the same, 95th percentile"),
    _column("warnings", int, "how many warnings stand in the plan"),
    _column("tetrahedra", int, "of the head's mesh"),
    _column("head_fingerprint", str, "SHA-256 of the head's mesh"),
    _column("anodyne_version", str, "that made the plan"),
    _column("seconds", float, "it took to plan this subject"),
)
"""The columns before those of the regions."""


def region_column(target: str) -> str:
    """The column with the mean of \\|E\\| in a named target.

    >>> region_column("right-dlpfc")
    'e_right_dlpfc_v_per_m'
    """
    return f"e_{target.replace('-', '_')}_v_per_m"


def table_columns() -> tuple[CohortColumn, ...]:
    """Every column: `COHORT_COLUMNS`, and the mean of \\|E\\| in each named target, empty where it has no place."""
    return COHORT_COLUMNS + tuple(
        _column(region_column(name), float, f"mean of |E| over {target.label}") for name, target in TARGETS.items()
    )


def row_of(subject: str, document: Document, **others: Any) -> CohortRow:
    """The row of a planned subject.

    Parameters
    ----------
    document : the plan, as `anodyne.plan.plan_document` gives it
    others : columns that are not in the plan
    """
    field, dose, placement, search = (document[key] for key in ("e_field", "dose", "placement", "search"))
    target = field["regions"][0]
    values: dict[str, Any] = {
        "subject": subject,
        "status": SubjectStatus.PLANNED.value,
        "target": target["name"],
        "protocol": document["protocol"]["name"],
        "coil": document["coil"]["name"],
        "e_at_target_v_per_m": target["magnitude_v_per_m"],
        "e_at_target_highest_v_per_m": target["highest_v_per_m"],
        "e_at_target_normal_v_per_m": target["normal_component_v_per_m"],
        "target_below_scalp_mm": target["depth_below_scalp_mm"],
        **dict(zip(("coil_x_mm", "coil_y_mm", "coil_z_mm"), _position(placement), strict=True)),
        "search_disagreement_percent": _disagreement(search),
        "warnings": len(document["warnings"]),
        "tetrahedra": document["head"]["tetrahedra"],
        "head_fingerprint": document["head"]["fingerprint"],
        "anodyne_version": document["anodyne_version"],
        **{region_column(region["name"]): region["magnitude_v_per_m"] for region in field["regions"]},
        **others,
    }
    for part in (dose, field, placement):
        values |= {column.name: part[column.name] for column in COHORT_COLUMNS if column.name in part}
    return {column.name: _known(values.get(column.name)) for column in table_columns()}


def _known(value: Any) -> Any:
    """The value, or None for a number that is not defined."""
    return None if isinstance(value, float) and not isfinite(value) else value


def _position(placement: Mapping[str, Any]) -> list[float]:
    return [round(row[3], 3) for row in placement["head_from_coil_mm"][:3]]


def _disagreement(search: Mapping[str, Any]) -> float:
    scored, confirmed = search["scored_v_per_m"], search["confirmed_v_per_m"]
    return float(f"{100 * abs(scored - confirmed) / abs(confirmed):.3g}")


def row_without_plan(subject: str, status: SubjectStatus, reason: str | None = None, **others: Any) -> CohortRow:
    """The row of a subject that failed or was not reached."""
    values = {"subject": subject, "status": status.value, "reason": reason, **others}
    return {column.name: values.get(column.name) for column in table_columns()}


def write_table(folder: Path, rows: Sequence[CohortRow]) -> None:
    """Write ``table.csv`` (UTF-8, an empty cell where there is no value) and ``table.parquet``, row by row as given.

    Raises
    ------
    CannotWrite : no permission, no space, or another program holds the file
    """
    import pyarrow
    from pyarrow import parquet

    columns = table_columns()
    with replacing(folder / CSV_NAME) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [column.name for column in columns], lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    kinds = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
    schema = pyarrow.schema(
        [
            pyarrow.field(column.name, kinds[column.kind], metadata={"meaning": column.meaning}, nullable=True)
            for column in columns
        ]
    )
    with replacing(folder / PARQUET_NAME) as temporary:
        parquet.write_table(pyarrow.Table.from_pylist(list(rows), schema=schema), temporary)
