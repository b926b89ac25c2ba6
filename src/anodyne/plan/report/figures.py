"""The report's pictures, each with its caption and with words for those who cannot see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from io import BytesIO
from typing import TYPE_CHECKING

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anodyne.plan.plan import FieldSummary
from anodyne.plan.plot import (
    colour_bar,
    plot_coil_on_scalp,
    plot_cortex,
    plot_depth,
    plot_regions,
    plot_slice,
)
from anodyne.plan.report.content import Picture
from anodyne.plan.report.cortex import SurfaceField
from anodyne.plan.report.rendering import FROM_ABOVE, FROM_FRONT, FROM_LEFT, FROM_RIGHT, View
from anodyne.plan.report.slices import Plane, casing_cut, slice_through
from anodyne.plan.report.uncertainty_figures import uncertainty_figures
from anodyne.plan.report.words import millimetres, percent, point_mm, significant
from anodyne.progress import SILENT, Progress
from anodyne.protocol import Protocol
from anodyne.protocol.plot import plot_course, plot_session
from anodyne.units import mm

if TYPE_CHECKING:
    from anodyne.plan.making import Planned

WIDTH = 8.4
"""Of a picture that spans the page, inches."""

DOTS_PER_INCH = 180

CLOSE_UP = 35 * mm
"""Half the side of the enlarged slice."""


def report_pictures(planned: Planned, cortex: SurfaceField, progress: Progress = SILENT) -> dict[str, Picture]:
    """Every picture of the report, by name; what a protocol does not tell is not drawn."""
    makers = [_coil_picture, _slices_picture, _depth_picture, _regions_picture]
    with progress.stage("draw the report's pictures", total=len(makers) + 2) as advance, _own_style():
        pictures: list[Picture | None] = [_cortex_picture(planned, cortex)]
        advance(1)
        for make in makers:
            pictures.append(make(planned))
            advance(1)
        pictures += protocol_pictures(planned.plan.protocol, planned.plan.created.date()).values()
        advance(1)
        for name, figure, caption, alternative in uncertainty_figures(planned):
            pictures.append(_picture(figure, name, caption, alternative))
    return {picture.name: picture for picture in pictures if picture is not None}


@contextmanager
def _own_style() -> Iterator[None]:
    """Our own style, whatever the caller's matplotlib is set to, and no window."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rc("font", family="DejaVu Sans", size=9)
        mpl.rc("axes", titlesize=10)
        yield


def _picture(figure: Figure, name: str, caption: str, alternative: str) -> Picture:
    stream = BytesIO()
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, facecolor="white", metadata={"Software": None})
    width, height = (round(length * DOTS_PER_INCH) for length in figure.get_size_inches())
    plt.close(figure)
    return Picture(name=name, png=stream.getvalue(), size=(width, height), caption=caption, alternative=alternative)


def _cortex_picture(planned: Planned, cortex: SurfaceField) -> Picture:
    field = planned.plan.field
    figure, axes = plt.subplots(2, 2, figsize=(WIDTH, 7.0), layout="constrained")
    for ax, view in zip(axes.flat, (FROM_LEFT, FROM_RIGHT, FROM_ABOVE, FROM_FRONT), strict=True):
        plot_cortex(cortex, view, ax, highest=field.grey_matter_percentile_99_9, target=field.target.site.position)
    colour_bar(list(axes.flat), field.grey_matter_percentile_99_9)
    return _picture(
        figure,
        "cortex",
        "Strength of the E-field in the grey matter at the brain's surface, from four sides. The colours end at the "
        f"99.9th percentile of the grey matter, {significant(field.grey_matter_percentile_99_9)} V/m. Ring: the "
        "target, dashed where it lies on the far side. L left, R right, A front, P back, S top, I bottom of the "
        "patient.",
        f"The brain from the left, the right, above and the front. The field is strongest {_hotspot_words(field)}, "
        "and fades over a few centimetres.",
    )


def _hotspot_words(field: FieldSummary) -> str:
    return (
        f"{millimetres(field.hotspot_distance, 0)} from the target, at {point_mm(field.hotspot)} mm in head coordinates"
    )


def _slices_picture(planned: Planned) -> Picture:
    plan, head = planned.plan, planned.head
    target, pose = plan.field.target.site.position, plan.placement.pose
    cuts = [
        slice_through(head, planned.field, target, plane, casing_cut(planned.coil, pose, target, plane))
        for plane in Plane
    ]
    figure, axes = plt.subplots(2, 2, figsize=(WIDTH, 7.6), layout="constrained")
    for ax, cut in zip(axes.flat, cuts, strict=False):
        plot_slice(cut, ax, highest=plan.field.grey_matter_percentile_99_9)
    near = plot_slice(cuts[0], axes[1, 1], highest=plan.field.grey_matter_percentile_99_9, close_up=CLOSE_UP)
    near.set_title("axial, close-up", fontsize=10)
    colour_bar(list(axes.flat), plan.field.grey_matter_percentile_99_9)
    ground = "T1 image" if head.t1 is not None else "tissues in pale colours, since this head has no T1 image"
    return _picture(
        figure,
        "slices",
        f"Three slices through the target (cross and ring) at {point_mm(target)} mm in head coordinates, and one of "
        f"them enlarged: {ground}, "
        "the E-field's strength in grey and white matter over it, outlines of scalp, skull, fluid, grey and white "
        "matter, and the coil's casing where the slice cuts it. Neurological display: the patient's left is at the "
        "picture's left.",
        f"Axial, coronal and sagittal slices. The field is strongest beneath the coil and reaches "
        f"{significant(plan.field.target.magnitude)} V/m at the target, {millimetres(plan.field.target.site.depth, 0)} "
        "below the scalp.",
    )


def _coil_picture(planned: Planned) -> Picture:
    placement = planned.plan.placement
    target = planned.plan.field.target.site.position
    up = [0, 0, 1] if abs(placement.pose.into_head[2]) < 0.9 else [0, 1, 0]
    on_right = placement.scalp_point[0] >= 0
    views = (
        View.along("looking at the coil, into the head", placement.pose.into_head, up),
        FROM_FRONT,
        FROM_RIGHT if on_right and abs(placement.pose.into_head[2]) > 0.9 else FROM_ABOVE,
    )
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, WIDTH / 3 + 0.45), layout="constrained")
    for ax, view in zip(axes, views, strict=True):
        plot_coil_on_scalp(planned.head.scalp, planned.coil, placement.pose, view, ax, target=target)
    _share_scale(axes)
    assumed = " The casing is assumed, not published." if planned.plan.coil.casing_assumed else ""
    return _picture(
        figure,
        "coil-on-scalp",
        "The coil on the scalp: casing, winding and the handle's direction (its shape is only suggested). Dot: the "
        f"casing's centre; line and ring: the way from there to the target inside the head.{assumed}",
        "The coil on the head from three sides. The casing's centre lies over the scalp point "
        f"{point_mm(placement.scalp_point)} mm in head coordinates.",
    )


def _share_scale(axes: Sequence[Axes]) -> None:
    """Give square axes of equal aspect the same length of side, each about its own middle."""
    limits = np.array([[ax.get_xlim(), ax.get_ylim()] for ax in axes])
    half = (limits[..., 1] - limits[..., 0]).max() / 2
    for ax, (across, up) in zip(axes, limits.mean(axis=-1), strict=True):
        ax.set(xlim=(across - half, across + half), ylim=(up - half, up + half))


def _depth_picture(planned: Planned) -> Picture:
    profile = planned.plan.field.profile
    figure, ax = plt.subplots(figsize=(WIDTH, 3.1), layout="constrained")
    plot_depth(profile, ax)
    at_target = float(np.interp(profile.target_depth, profile.depth, profile.magnitude))
    return _picture(
        figure,
        "depth",
        "Strength of the E-field along the straight line from the scalp under the coil through the target. It "
        "jumps where tissues meet, since they conduct differently.",
        f"The field falls from {significant(float(profile.magnitude[0]))} V/m at the scalp to "
        f"{significant(at_target)} V/m at the target, {millimetres(profile.target_depth, 0)} along the line.",
    )


def _regions_picture(planned: Planned) -> Picture:
    field = planned.plan.field
    figure, ax = plt.subplots(figsize=(WIDTH, 0.8 + 0.19 * len(field.regions)), layout="constrained")
    plot_regions(field, ax)
    return _picture(
        figure,
        "regions",
        "Mean strength of the E-field in every named target, relative to the target of this plan (bold).",
        "Bars: "
        + "; ".join(f"{one.site.target.label} {percent(round(one.share_of_target, 2))}" for one in field.regions)
        + ".",
    )


def protocol_pictures(protocol: Protocol, created: date) -> dict[str, Picture]:
    """A session in time and a course on the calendar, by name; what the source does not tell is not drawn.

    Parameters
    ----------
    created : the plan; the calendar shows a course that would begin on the Monday after
    """
    with _own_style():
        pictures = (_session_picture(protocol), _course_picture(protocol, created))
    return {picture.name: picture for picture in pictures if picture is not None}


def _session_picture(protocol: Protocol) -> Picture | None:
    session = protocol.session
    if session is None:
        return None
    figure, ax = plt.subplots(figsize=(WIDTH, 3.3), layout="constrained")
    plot_session(protocol, ax)
    bound = (
        " The pauses are not reported, so the session's length is a lower bound."
        if session.duration.is_lower_bound
        else ""
    )
    return _picture(
        figure,
        "session",
        f"One session: {session.pulses:,} pulses in {session.trains} "
        f"{'train' if session.trains == 1 else 'trains'}, {session.duration}.{bound}",
        f"A time line of {session.trains} {'train' if session.trains == 1 else 'trains'} of {session.train.pulses} "
        f"pulses at {session.train.rate:g} Hz.",
    )


def _course_picture(protocol: Protocol, created: date) -> Picture | None:
    course = protocol.course
    if course is None or course.is_on_demand:
        return None
    monday = created + timedelta(days=(-created.weekday()) % 7 or 7)
    figure, ax = plt.subplots(figsize=(WIDTH + 1.2, 3.4), layout="constrained")
    plot_course(protocol, monday, ax)
    return _picture(
        figure,
        "course",
        f"The course on the calendar if it began on Monday, {monday.day} {monday:%B %Y}, an example: no date is part "
        "of this plan. Dots: sessions; diamonds: follow-up visits.",
        f"A calendar of {course.sessions} sessions: {course}.",
    )
