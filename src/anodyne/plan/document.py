"""plan.json: what a plan says, in the units people read, checked against a published JSON Schema."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np

from anodyne.disclaimer import DISCLAIMER
from anodyne.errors import UnreadableFile
from anodyne.files import replacing
from anodyne.head import TargetSite
from anodyne.plan.kinds import Document, PlanKind, plan_kind, plan_schema
from anodyne.plan.plan import (
    CHECKS_BY_TWO_PEOPLE,
    CoilUsed,
    FieldSummary,
    Plan,
    RegionField,
    SearchSummary,
)
from anodyne.plan.report.robustness_chapter import robustness_document
from anodyne.plan.search.placement import handle_in_words
from anodyne.plan.uncertainty import uncertainty_document
from anodyne.protocol import Dose, Protocol, protocol_to_data
from anodyne.units import A_per_us, cm3, minute, mm, percent

SCHEMA_VERSION = "1.0"
DOCUMENT_NAME = "plan.json"


def plan_document(plan: Plan) -> Document:
    """A plan as JSON-ready data; every key that holds a quantity names its unit."""
    return {
        "schema": PlanKind.HEAD.value,
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
        "coil": {**coil_document(plan.coil), "casing_assumed": plan.coil.casing_assumed},
        "protocol": {"name": plan.protocol.name, **protocol_to_data(plan.protocol)},
        "dose": {"rmt_percent": rounded(plan.dose.rmt / percent), **dose_document(plan.dose, plan.protocol)},
        "placement": _placement(plan),
        "e_field": _field(plan.field),
        "search": {
            "objective": plan.search.objective.value,
            "positions": plan.search.positions,
            "angles": plan.search.angles,
            "candidates": plan.search.candidates,
            "scored_v_per_m": rounded(plan.search.scored),
            "confirmed_v_per_m": rounded(plan.search.confirmed),
            "solver": plan.search.solver,
            "median_candidate_v_per_m": rounded(plan.search.median),
            "scoring_s": rounded(plan.search.scoring_seconds),
            **_closer_look(plan.search),
        },
        "robustness": [robustness_document(found) for found in plan.robustness],
        **({} if plan.uncertainty is None else {"uncertainty": uncertainty_document(plan.uncertainty)}),
        "warnings": list(plan.warnings),
        "checks_by_two_people": list(CHECKS_BY_TWO_PEOPLE),
    }


def write_document(path: Path | str, document: Document) -> None:
    """Write plan.json, refusing one that the schema of its kind would not accept."""
    jsonschema.validate(document, plan_schema(_kind(document)))
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_plan(path: Path | str) -> Document:
    """What the folder (or plan.json) of a plan for a head says, checked against the schema.

    Raises
    ------
    UnreadableFile : as `read_any_plan`, or a plan for the body
    """
    document = read_any_plan(path)
    if plan_kind(document) is PlanKind.PERIPHERAL:
        raise UnreadableFile(
            f"{_place(path)} is a plan for the body ({document['site']['words']}), which has no head and no field; "
            "name one that 'anodyne plan make' made"
        )
    return document


def read_any_plan(path: Path | str) -> Document:
    """What a plan of either kind says, checked against the schema of its kind; `plan_kind` tells which it is.

    Raises
    ------
    UnreadableFile : no such plan, not JSON, of another version, or not as the schema says
    """
    place = _place(path)
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
        jsonschema.validate(document, plan_schema(_kind(document)))
    except jsonschema.ValidationError as error:
        spot = "/".join(map(str, error.absolute_path)) or "its top"
        raise UnreadableFile(f"{place} is not a plan: at {spot}, {error.message[:200]}; make the plan again") from error
    result: Document = document
    return result


def _place(path: Path | str) -> Path:
    given = Path(path)
    return given / DOCUMENT_NAME if given.is_dir() else given


def _kind(document: Document) -> PlanKind:
    """The kind that a document says it is; of what says nothing known, a head's schema will complain."""
    return PlanKind.PERIPHERAL if document.get("schema") == PlanKind.PERIPHERAL.value else PlanKind.HEAD


def coil_document(coil: CoilUsed) -> Document:
    """The coil of a plan, all but its casing."""
    return {
        "name": coil.name,
        "label": coil.label,
        "source": coil.source,
        "stimulator": coil.stimulator,
        "maximum_di_dt_a_per_us": rounded(coil.maximum_di_dt / A_per_us),
    }


def dose_document(dose: Dose, protocol: Protocol) -> Document:
    """The dose of a plan, all but the threshold."""
    session = protocol.session
    return {
        "intensity_percent_of_threshold": rounded(dose.intensity / percent),
        "output_percent": rounded(dose.output / percent),
        "di_dt_a_per_us": rounded(dose.di_dt / A_per_us),
        "pulses_per_session": None if session is None else session.pulses,
        "session_min": None if session is None else rounded(session.duration.length / minute),
        "session_is_lower_bound": None if session is None else session.duration.is_lower_bound,
        "sessions": protocol.sessions.value,
        "pulses_per_course": protocol.pulses_per_course,
    }


def _closer_look(search: SearchSummary) -> Document:
    """What only some objectives have to tell."""
    told: Document = {}
    if search.direction is not None:
        told["direction"] = [rounded(value) for value in search.direction]
    if search.misplaced_by is not None:
        told["misplaced_by"] = search.misplaced_by
    if search.finalists and search.value is not None:
        told["finalists"] = search.finalists
        told["finalist_value"] = rounded(search.value)
        told["ceilings"] = [
            {"where": kept.where, "limit_v_per_m": rounded(kept.limit), "reading_v_per_m": rounded(kept.reading)}
            for kept in search.ceilings
        ]
    return told


def _placement(plan: Plan) -> Document:
    matrix = plan.placement.pose.head_from_coil.copy()
    matrix[:3, 3] /= mm
    return {
        "head_from_coil_mm": [[rounded(value, 9) for value in row] for row in matrix],
        "convention": "columns x, y, z, origin; z into the head, y away from the handle, origin on the casing's face",
        "handle": handle_in_words(plan.placement.pose),
        "scalp_point_mm": _millimetres(plan.placement.scalp_point),
        "hair_mm": rounded(plan.placement.hair / mm),
        "casing_to_scalp_mm": rounded(plan.placement.casing_to_scalp / mm),
        "casing_centre_to_scalp_mm": rounded(plan.placement.centre_to_scalp / mm),
        "winding_to_scalp_mm": rounded(plan.placement.winding_to_scalp / mm),
    }


def _field(field: FieldSummary) -> Document:
    return {
        "mean_vector_v_per_m": [rounded(value) for value in field.mean_vector],
        "grey_matter_percentile_99_9_v_per_m": rounded(field.grey_matter_percentile_99_9),
        "grey_matter_top_1_cm3_v_per_m": rounded(field.grey_matter_top_cubic_centimetre),
        "scalp_percentile_99_9_v_per_m": rounded(field.scalp_percentile_99_9),
        "focality_cm3": rounded(field.focality_volume / cm3),
        "half_depth_below_scalp_mm": rounded(field.half_depth / mm),
        "hotspot_mm": _millimetres(field.hotspot),
        "hotspot_to_target_mm": rounded(field.hotspot_distance / mm),
        "regions": [_region(region) for region in field.regions],
    }


def _region(region: RegionField) -> Document:
    return {
        **_site(region.site),
        "magnitude_v_per_m": rounded(region.magnitude),
        "highest_v_per_m": rounded(region.highest),
        "normal_component_v_per_m": None if region.normal_component is None else rounded(region.normal_component),
        "share_of_target": rounded(region.share_of_target),
        "volume_cm3": rounded(region.volume / cm3),
        "scalp_to_cortex_mm": rounded(region.scalp_to_cortex / mm),
    }


def _site(site: TargetSite) -> Document:
    return {
        "name": site.target.name,
        "label": site.target.label,
        "position_mm": _millimetres(site.position),
        "normal": None if site.normal is None else [rounded(value) for value in site.normal],
        "depth_below_scalp_mm": rounded(site.depth / mm),
        "source": site.target.source,
        "certainty": site.target.certainty.value,
        "report_only": site.target.report_only,
    }


def _millimetres(point: Any) -> list[float]:
    return [rounded(value / mm) for value in np.asarray(point)]


def rounded(value: float, digits: int = 5) -> float:
    """A float of so many significant digits, plain for JSON."""
    return float(f"{float(value):.{digits}g}")
