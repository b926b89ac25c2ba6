"""plan.json: what a plan says, in the units people read, checked against a published JSON Schema."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np

from anodyne.errors import UnreadableFile
from anodyne.files import replacing
from anodyne.head import TargetSite
from anodyne.plan.plan import CHECKS_BY_TWO_PEOPLE, DISCLAIMER, FieldSummary, Plan, RegionField, SearchSummary
from anodyne.plan.report.robustness_chapter import robustness_document
from anodyne.plan.search.placement import handle_in_words
from anodyne.plan.uncertainty import uncertainty_document
from anodyne.protocol import protocol_to_data
from anodyne.units import A_per_us, cm3, minute, mm, percent

SCHEMA_VERSION = "1.0"
DOCUMENT_NAME = "plan.json"

Document = dict[str, Any]
"""A plan as plan.json holds it; `plan_schema` says which keys there are."""


@cache
def plan_schema() -> Mapping[str, Any]:
    """The JSON Schema (draft 2020-12) of plan.json."""
    text = files("anodyne.plan").joinpath("plan.schema.json").read_text(encoding="utf-8")
    schema: Mapping[str, Any] = json.loads(text)
    return schema


def plan_document(plan: Plan) -> Document:
    """A plan as JSON-ready data; every key that holds a quantity names its unit."""
    return {
        "schema": "anodyne-plan",
        "schema_version": SCHEMA_VERSION,
        "disclaimer": DISCLAIMER,
        "created": plan.created.isoformat(timespec="seconds"),
        "anodyne_version": plan.version,
        "head": {
            "name": plan.head.name,
            "provenance": plan.head.provenance,
            "fingerprint": plan.head.fingerprint,
            "tetrahedra": plan.head.tetrahedra,
            "nodes": plan.head.nodes,
            "conductivity_s_per_m": dict(plan.conductivity),
        },
        "target": _site(plan.field.target.site),
        "coil": {
            "name": plan.coil.name,
            "label": plan.coil.label,
            "source": plan.coil.source,
            "stimulator": plan.coil.stimulator,
            "maximum_di_dt_a_per_us": _rounded(plan.coil.maximum_di_dt / A_per_us),
            "casing_assumed": plan.coil.casing_assumed,
        },
        "protocol": {"name": plan.protocol.name, **protocol_to_data(plan.protocol)},
        "dose": _dose(plan),
        "placement": _placement(plan),
        "e_field": _field(plan.field),
        "search": {
            "objective": plan.search.objective.value,
            "positions": plan.search.positions,
            "angles": plan.search.angles,
            "candidates": plan.search.candidates,
            "scored_v_per_m": _rounded(plan.search.scored),
            "confirmed_v_per_m": _rounded(plan.search.confirmed),
            "solver": plan.search.solver,
            "median_candidate_v_per_m": _rounded(plan.search.median),
            "scoring_s": _rounded(plan.search.scoring_seconds),
            **_closer_look(plan.search),
        },
        "robustness": [robustness_document(found) for found in plan.robustness],
        **({} if plan.uncertainty is None else {"uncertainty": uncertainty_document(plan.uncertainty)}),
        "warnings": list(plan.warnings),
        "checks_by_two_people": list(CHECKS_BY_TWO_PEOPLE),
    }


def write_document(path: Path | str, document: Document) -> None:
    """Write plan.json, refusing one that its own schema would not accept."""
    jsonschema.validate(document, plan_schema())
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_plan(path: Path | str) -> Document:
    """What a plan's folder (or its plan.json) says, checked against the schema.

    Raises
    ------
    UnreadableFile : no such plan, not JSON, of another version, or not as the schema says
    """
    given = Path(path)
    place = given / DOCUMENT_NAME if given.is_dir() else given
    try:
        document = json.loads(place.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableFile(f"cannot read {place}: {error.strerror}; name the folder of a plan") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UnreadableFile(f"{place} is not JSON ({error}); make the plan again") from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise UnreadableFile(
            f"{place} has plan schema version {version!r}, this Anodyne reads {SCHEMA_VERSION!r}; make the plan again"
        )
    try:
        jsonschema.validate(document, plan_schema())
    except jsonschema.ValidationError as error:
        spot = "/".join(map(str, error.absolute_path)) or "its top"
        raise UnreadableFile(f"{place} is not a plan: at {spot}, {error.message[:200]}; make the plan again") from error
    result: Document = document
    return result


def _dose(plan: Plan) -> Document:
    session = plan.protocol.session
    return {
        "rmt_percent": _rounded(plan.dose.rmt / percent),
        "intensity_percent_of_threshold": _rounded(plan.dose.intensity / percent),
        "output_percent": _rounded(plan.dose.output / percent),
        "di_dt_a_per_us": _rounded(plan.dose.di_dt / A_per_us),
        "pulses_per_session": None if session is None else session.pulses,
        "session_min": None if session is None else _rounded(session.duration.length / minute),
        "session_is_lower_bound": None if session is None else session.duration.is_lower_bound,
        "sessions": plan.protocol.sessions.value,
        "pulses_per_course": plan.protocol.pulses_per_course,
    }


def _closer_look(search: SearchSummary) -> Document:
    """What only some objectives have to tell."""
    told: Document = {}
    if search.direction is not None:
        told["direction"] = [_rounded(value) for value in search.direction]
    if search.misplaced_by is not None:
        told["misplaced_by"] = search.misplaced_by
    if search.finalists and search.value is not None:
        told["finalists"] = search.finalists
        told["finalist_value"] = _rounded(search.value)
        told["ceilings"] = [
            {"where": kept.where, "limit_v_per_m": _rounded(kept.limit), "reading_v_per_m": _rounded(kept.reading)}
            for kept in search.ceilings
        ]
    return told


def _placement(plan: Plan) -> Document:
    matrix = plan.placement.pose.head_from_coil.copy()
    matrix[:3, 3] /= mm
    return {
        "head_from_coil_mm": [[_rounded(value, 9) for value in row] for row in matrix],
        "convention": "columns x, y, z, origin; z into the head, y away from the handle, origin on the casing's face",
        "handle": handle_in_words(plan.placement.pose),
        "scalp_point_mm": _millimetres(plan.placement.scalp_point),
        "hair_mm": _rounded(plan.placement.hair / mm),
        "casing_to_scalp_mm": _rounded(plan.placement.casing_to_scalp / mm),
        "casing_centre_to_scalp_mm": _rounded(plan.placement.centre_to_scalp / mm),
        "winding_to_scalp_mm": _rounded(plan.placement.winding_to_scalp / mm),
    }


def _field(field: FieldSummary) -> Document:
    return {
        "mean_vector_v_per_m": [_rounded(value) for value in field.mean_vector],
        "grey_matter_percentile_99_9_v_per_m": _rounded(field.grey_matter_percentile_99_9),
        "grey_matter_top_1_cm3_v_per_m": _rounded(field.grey_matter_top_cubic_centimetre),
        "scalp_percentile_99_9_v_per_m": _rounded(field.scalp_percentile_99_9),
        "focality_cm3": _rounded(field.focality_volume / cm3),
        "half_depth_below_scalp_mm": _rounded(field.half_depth / mm),
        "hotspot_mm": _millimetres(field.hotspot),
        "hotspot_to_target_mm": _rounded(field.hotspot_distance / mm),
        "regions": [_region(region) for region in field.regions],
    }


def _region(region: RegionField) -> Document:
    return {
        **_site(region.site),
        "magnitude_v_per_m": _rounded(region.magnitude),
        "highest_v_per_m": _rounded(region.highest),
        "normal_component_v_per_m": None if region.normal_component is None else _rounded(region.normal_component),
        "share_of_target": _rounded(region.share_of_target),
        "volume_cm3": _rounded(region.volume / cm3),
        "scalp_to_cortex_mm": _rounded(region.scalp_to_cortex / mm),
    }


def _site(site: TargetSite) -> Document:
    return {
        "name": site.target.name,
        "label": site.target.label,
        "position_mm": _millimetres(site.position),
        "normal": None if site.normal is None else [_rounded(value) for value in site.normal],
        "depth_below_scalp_mm": _rounded(site.depth / mm),
        "source": site.target.source,
        "certainty": site.target.certainty.value,
        "report_only": site.target.report_only,
    }


def _millimetres(point: Any) -> list[float]:
    return [_rounded(value / mm) for value in np.asarray(point)]


def _rounded(value: float, digits: int = 5) -> float:
    """A float of so many significant digits, plain for JSON."""
    return float(f"{float(value):.{digits}g}")
