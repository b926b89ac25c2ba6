"""A plan on a terminal."""

from typing import Any

from rich.console import RenderableType

from anodyne.cli.tables import caution, facts, heading, remarks, table

Document = dict[str, Any]


def summary(document: Document) -> list[RenderableType]:
    """What a plan says first: where, how strongly, what that does, and what to beware of."""
    protocol, target, coil = document["protocol"], document["target"], document["coil"]
    return [
        heading(f"{coil['label']} on {document['head']['name']}, aimed at {target['name']}", protocol["label"]),
        caution(document["disclaimer"]),
        facts(_placement(document), title="Placement"),
        facts(_dose(document), title="Dose"),
        facts(_field(document), title="Field at this dose"),
        _regions(document),
        remarks(document["warnings"], title="Warnings", style="yellow"),
    ]


def details(document: Document) -> list[RenderableType]:
    """How the plan was found, on what evidence it rests, and what two people must still check."""
    from anodyne.protocol import EvidenceLevel

    search, evidence, head = document["search"], document["protocol"]["evidence"], document["head"]
    found = [
        ("head", head["provenance"]),
        (
            "search",
            f"{search['candidates']:,} placements, {search['positions']} positions × {search['angles']} angles and a "
            f"finer grid about the best; the median one gives {search['median_candidate_v_per_m']:.3g} V/m",
        ),
        (
            "best placement",
            f"{search['scored_v_per_m']:.4g} V/m by reciprocity, {search['confirmed_v_per_m']:.4g} V/m by a full solve "
            f"with {search['solver']} ({search['objective'].replace('-', ' ')})",
        ),
        ("mesh", f"{head['nodes']:,} nodes, {head['tetrahedra']:,} tetrahedra, fingerprint {head['fingerprint'][:12]}"),
        (
            "conductivity (S/m)",
            ", ".join(f"{tissue} {value:g}" for tissue, value in head["conductivity_s_per_m"].items()),
        ),
        ("made", f"{document['created']} by Anodyne {document['anodyne_version']}"),
    ]
    support = [
        ("level", EvidenceLevel(evidence["level"]).in_words),
        ("what that covers", evidence["note"]),
        ("source", evidence["citation"]),
    ]
    return [
        facts(found, title="How it was found"),
        facts(support, title="Evidence"),
        remarks(document["checks_by_two_people"], title="Before any use with a person, two people check"),
    ]


def _placement(document: Document) -> list[tuple[str, str]]:
    placement = document["placement"]
    return [
        ("scalp point (mm)", _point(placement["scalp_point_mm"])),
        ("handle", placement["handle"]),
        (
            "above the scalp (mm)",
            f"casing at its nearest {placement['casing_to_scalp_mm']:.1f} (hair {placement['hair_mm']:g}), "
            f"casing's centre {placement['casing_centre_to_scalp_mm']:.1f}, "
            f"winding at its nearest {placement['winding_to_scalp_mm']:.1f}",
        ),
    ]


def _dose(document: Document) -> list[tuple[str, str]]:
    dose = document["dose"]
    least = "at least " if dose["session_is_lower_bound"] else ""
    return [
        (
            "strength",
            f"{dose['output_percent']:.3g} % of stimulator output, {dose['di_dt_a_per_us']:.4g} A/µs: "
            f"{dose['intensity_percent_of_threshold']:g} % of a threshold of {dose['rmt_percent']:g} %",
        ),
        (
            "session",
            f"{_known(dose['pulses_per_session'])} pulses, {least}{_known(dose['session_min'])} min",
        ),
        ("course", f"{_known(dose['sessions'])} sessions, {_known(dose['pulses_per_course'])} pulses"),
    ]


def _field(document: Document) -> list[tuple[str, str]]:
    field, target = document["e_field"], document["e_field"]["regions"][0]
    along = target["normal_component_v_per_m"]
    normal = "" if along is None else f", {along:+.3g} V/m along the outward cortical normal"
    return [
        ("at the target", f"|E| {target['magnitude_v_per_m']:.3g} V/m on average{normal}"),
        *_with_uncertainty(document),
        *_if_misplaced(document),
        (
            "in grey matter",
            f"{field['grey_matter_percentile_99_9_v_per_m']:.3g} V/m (99.9th percentile), "
            f"{field['grey_matter_top_1_cm3_v_per_m']:.3g} V/m (mean of the highest 1 cm³)",
        ),
        (
            "spread",
            f"{field['focality_cm3']:.3g} cm³ of grey matter above half of that percentile, down to "
            f"{field['half_depth_below_scalp_mm']:.0f} mm below the scalp",
        ),
        ("strongest spot", f"{field['hotspot_to_target_mm']:.0f} mm from the target"),
        ("in the scalp", f"{field['scalp_percentile_99_9_v_per_m']:.3g} V/m (99.9th percentile)"),
    ]


def _with_uncertainty(document: Document) -> list[tuple[str, str]]:
    if "uncertainty" not in document:
        return []
    one = next(q for q in document["uncertainty"]["quantities"] if q["name"] == document["target"]["name"])
    shares = [f"{share['tissue']} {share['total']:.0%}" for share in one["contributors"] if share["total"] >= 0.05]
    return [
        (
            "if conductivities vary",
            f"|E| at the target {one['percentile_5_v_per_m']:.3g} to {one['percentile_95_v_per_m']:.3g} V/m "
            f"(5th to 95th percentile); of the variance {', '.join(shares)}",
        )
    ]


def _if_misplaced(document: Document) -> list[tuple[str, str]]:
    from anodyne.plan import Objective

    parts = [
        f"{found['expected_v_per_m']:.3g} V/m expected with {found['label']} "
        f"({found['expected_v_per_m'] / planned:.0%}), one time in twenty below {found['percentile_5_v_per_m']:.3g} V/m"
        for found in document.get("robustness", [])
        if (planned := found["planned_v_per_m"]) > 0
    ]
    what = Objective(document["search"]["objective"]).score_in_words
    return [("if misplaced", f"{what}: {'; '.join(parts)}")] if parts else []


def _regions(document: Document) -> RenderableType:
    aim, *others = document["e_field"]["regions"]
    others.sort(key=lambda region: -region["magnitude_v_per_m"])
    rows = [
        (
            region["name"] + (" †" if region["report_only"] else ""),
            f"{region['magnitude_v_per_m']:.3g}",
            f"{region['share_of_target']:.0%}",
            f"{region['depth_below_scalp_mm']:.0f}",
        )
        for region in (aim, *others)
    ]
    columns = ["target († deep)", ">|E| (V/m)", ">of the aim", ">below scalp (mm)"]
    return table(columns, rows, title="What this placement reaches, and what it does not")


def _point(coordinates: list[float]) -> str:
    return ", ".join(f"{coordinate:.1f}" for coordinate in coordinates)


def _known(value: float | None) -> str:
    return "not reported:" if value is None else f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"
