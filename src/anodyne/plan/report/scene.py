"""The head that can be turned: cortex, scalp, coil and target as one figure for the browser."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from anodyne.coil import Pose
from anodyne.plan.plot import CASING, COPPER, FIELD_COLOURS, GREY, INK, MARK, SKIN, handle_line, winding_pieces
from anodyne.plan.report.cortex import SurfaceField, thinned
from anodyne.units import mm

if TYPE_CHECKING:
    from anodyne.plan.making import Planned

Floats = NDArray[np.float64]

CORTEX_CELL, SCALP_CELL = 2.2 * mm, 6 * mm
"""To which the surfaces are thinned, so that the report stays small."""

WINDING_PIECES = 6000
NORMAL_LENGTH = 20 * mm
FIRST_GLANCE = np.array([0.0, 0.55, 0.45])
"""Added to the coil's outward direction: the first view shows the cortex beside the coil."""

DISTANCE = 1.55
"""Of the camera from the scene's centre, in plotly's own unit."""


def scene(planned: Planned, cortex: SurfaceField) -> go.Figure:
    """The interactive scene of a plan, lengths in mm.

    Traces are named, so that the page's switches find them: cortex, scalp, casing, winding, handle, target,
    normal.
    """
    pose, coil = planned.plan.placement.pose, planned.coil
    traces = [
        _cortex(cortex, planned.plan.field.grey_matter_percentile_99_9),
        _scalp(planned),
        *([_casing(planned)] if coil.casing is not None else []),
        _winding(planned),
        _handle(pose, handle_line(coil)),
        *_target(planned),
    ]
    figure = go.Figure(data=traces)
    hidden = {"visible": False}
    figure.update_layout(
        template=None,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        paper_bgcolor="white",
        showlegend=False,
        scene={
            "aspectmode": "data",
            "xaxis": hidden,
            "yaxis": hidden,
            "zaxis": hidden,
            "camera": camera(FIRST_GLANCE - pose.into_head),
            "dragmode": "orbit",
        },
        uirevision="kept",
    )
    return figure


def camera(towards_viewer: Floats) -> dict[str, Any]:
    """Plotly's camera that looks from a direction, with the head's top up or, from above, to the front."""
    eye = DISTANCE * towards_viewer / np.linalg.norm(towards_viewer)
    up = (0, 0, 1) if abs(eye[2]) < 0.9 * DISTANCE else (0, 1, 0)
    return {
        "eye": dict(zip("xyz", map(float, eye), strict=True)),
        "up": dict(zip("xyz", map(float, up), strict=True)),
    }


def cameras(pose: Pose) -> dict[str, Any]:
    """The views of the page's buttons, by label."""
    sides = {"Coil": -pose.into_head, "Left": [-1, 0, 0], "Right": [1, 0, 0], "Top": [0, 0, 1], "Front": [0, 1, 0]}
    return {label: camera(np.asarray(side, dtype=float)) for label, side in sides.items()}


def _points(points: Floats) -> dict[str, NDArray[np.float32]]:
    """x, y, z in mm, to a hundredth, as 32-bit floats."""
    return dict(zip("xyz", np.round(points / mm, 2).astype(np.float32).T.copy(), strict=True))


def _corners(triangles: NDArray[np.int32]) -> dict[str, NDArray[Any]]:
    small = np.uint16 if triangles.max() < 2**16 else np.int32
    return dict(zip("ijk", triangles.astype(small).T.copy(), strict=True))


def _cortex(cortex: SurfaceField, highest: float) -> go.Mesh3d:
    surface, strength = thinned(cortex.surface, CORTEX_CELL, cortex.magnitude)
    stops = np.linspace(0, 1, 17)
    return go.Mesh3d(
        **_points(surface.points),
        **_corners(surface.triangles),
        name="cortex",
        intensity=np.round(strength, 2).astype(np.float32),
        customdata=np.round(strength, 1).astype(np.float32),
        hovertemplate="%{customdata:.1f} V/m<extra>|E| in the cortex</extra>",
        colorscale=[[float(stop), to_hex(FIELD_COLOURS(stop))] for stop in stops],
        cmin=0,
        cmax=highest,
        colorbar={"title": {"text": "|E| (V/m)", "side": "right"}, "thickness": 14, "len": 0.7, "outlinewidth": 0},
        lighting={"ambient": 0.55, "diffuse": 0.6, "specular": 0.08, "roughness": 0.9, "fresnel": 0.1},
        lightposition={"x": 0, "y": 200, "z": 800},
        flatshading=False,
    )


def _scalp(planned: Planned) -> go.Mesh3d:
    scalp = planned.head.scalp
    surface, _ = thinned(scalp, SCALP_CELL, np.zeros(len(scalp.points)))
    return go.Mesh3d(
        **_points(surface.points),
        **_corners(surface.triangles),
        name="scalp",
        color=SKIN,
        opacity=0.25,
        hoverinfo="skip",
    )


def _casing(planned: Planned) -> go.Mesh3d:
    casing = planned.coil.casing
    assert casing is not None
    return go.Mesh3d(
        **_points(planned.plan.placement.pose.to_head(casing.points)),
        **_corners(casing.triangles),
        name="casing",
        color=CASING,
        opacity=0.2,
        flatshading=True,
        hovertemplate="casing<extra></extra>",
    )


def _winding(planned: Planned) -> go.Scatter3d:
    pieces = winding_pieces(planned.coil)
    pieces = pieces[:: -(-len(pieces) // WINDING_PIECES)] if len(pieces) else pieces
    ends = planned.plan.placement.pose.to_head(pieces.reshape(-1, 3)).reshape(-1, 2, 3)
    gapped = np.concatenate([ends, np.full((len(ends), 1, 3), np.nan)], axis=1).reshape(-1, 3)
    return go.Scatter3d(
        **_points(gapped), name="winding", mode="lines", line={"color": COPPER, "width": 1.5}, hoverinfo="skip"
    )


def _handle(pose: Pose, handle: Floats) -> go.Scatter3d:
    ends = pose.to_head(handle)
    return go.Scatter3d(
        **_points(ends),
        name="handle",
        mode="lines+text",
        text=["", "handle"],
        textposition="bottom center",
        textfont={"color": INK, "size": 13},
        line={"color": GREY, "width": 14},
        hoverinfo="skip",
    )


def _ball(radius: float) -> tuple[Floats, NDArray[np.int32]]:
    """Points (n, 3) m and triangles of a ball about the origin."""
    theta, phi = np.meshgrid(np.linspace(0, np.pi, 13), np.linspace(0, 2 * np.pi, 25), indexing="ij")
    points = radius * np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=-1)
    index = np.arange(13 * 25, dtype=np.int32).reshape(13, 25)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    triangles = np.concatenate([np.stack(t, axis=-1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))])
    return points.reshape(-1, 3), triangles


def _target(planned: Planned) -> list[Any]:
    site = planned.plan.field.target.site
    label = escape(site.target.label)
    points, triangles = _ball(site.target.radius)
    mark = go.Mesh3d(
        **_points(points + site.position),
        **_corners(triangles),
        name="target",
        color=MARK,
        flatshading=False,
        hovertemplate=f"target: {label}<extra></extra>",
    )
    if site.normal is None:
        return [mark]
    end = site.position + NORMAL_LENGTH * site.normal
    normal = go.Scatter3d(
        **_points(np.stack([site.position, end])),
        name="normal",
        mode="lines",
        line={"color": MARK, "width": 6},
        hovertemplate="outward normal of the cortex<extra></extra>",
    )
    return [mark, normal]
