"""Pictures of a session in time, of a course on the calendar, and of a pulse."""

from datetime import date, timedelta

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import ConnectionPatch, Rectangle

from anodyne.protocol.course import sessions_by_day
from anodyne.protocol.protocol import Protocol
from anodyne.protocol.pulse import Pulse
from anodyne.protocol.session import Session
from anodyne.units import minute, us

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6b6b6b"
"""From the palette of Okabe and Ito, told apart by people who are colour-blind."""

LONGEST_ZOOM = 60
"""Pulses drawn one by one beneath the session; of a longer train only its beginning."""


def plot_session(protocol: Protocol, ax: Axes | None = None) -> Axes:
    """One session: its trains against time above, the pulses of the first train beneath.

    Pauses that the source does not report are drawn hatched, with no length.

    Raises
    ------
    ValueError : the source does not give enough to build a session
    """
    session = protocol.session
    if session is None:
        raise ValueError(f"the pulse pattern of {protocol.name} is not known, so there is no session to draw")
    ax = ax if ax is not None else plt.subplots(figsize=(9.5, 3.8), layout="constrained")[1]
    pauses_known = not session.duration.is_lower_bound
    starts = session.train_starts() if pauses_known else np.arange(session.trains) * session.train.duration * 1.25
    unit, unit_name = (minute, "min") if session.duration.length > 2 * minute else (1.0, "s")
    width = session.train.duration / unit
    for index, start in enumerate(starts / unit):
        ax.add_patch(Rectangle((start, 0.72), width, 0.22, color=BLUE, linewidth=0))
        if not pauses_known and index + 1 < session.trains:
            ax.add_patch(
                Rectangle(
                    (start + width, 0.72),
                    width / 4,
                    0.22,
                    fill=False,
                    hatch="////",
                    edgecolor=GREY,
                    linewidth=0,
                )
            )
    end = (starts[-1] + session.train.duration) / unit
    ax.set(xlim=(-0.01 * end, 1.01 * end), ylim=(0, 1), yticks=[])
    ax.spines[["left", "right", "top"]].set_visible(False)
    ax.set_title(f"{protocol.label}\n{_headline(session)}", loc="left", fontsize=11)
    _draw_session_axis(ax, session, starts / unit + width / 2, unit_name)
    _draw_zoom(ax, session, width)
    return ax


def _headline(session: Session) -> str:
    count = "1 train" if session.trains == 1 else f"{session.trains} trains"
    return f"{session.pulses} pulses in {count}, {session.duration}"


def _draw_session_axis(ax: Axes, session: Session, centres: np.ndarray, unit_name: str) -> None:
    """Label the trains by time, or by number where time is not known."""
    if not session.duration.is_lower_bound:
        ax.set_xlabel(f"time in the session ({unit_name})")
        return
    ax.set_xticks(centres, [str(number + 1) for number in range(session.trains)])
    ax.tick_params(axis="x", length=0)
    ax.set_xlabel(
        f"train, each {session.train.duration:g} s; the pauses between trains (hatched) are not reported, "
        "so their length is not drawn to scale"
    )


def _draw_zoom(ax: Axes, session: Session, width: float) -> None:
    """The pulses of the first train, or of its beginning, beneath the trains."""
    times = session.train.pulse_times()[:LONGEST_ZOOM]
    whole = len(times) == session.train.pulses
    span = session.train.duration if whole else float(times[-1])
    zoom = ax.inset_axes((0.03, 0.16, 0.94, 0.32))
    zoom.vlines(times, 0, 1, color=ORANGE, linewidth=1.2)
    zoom.axhline(0, color=GREY, linewidth=0.8)
    zoom.set(xlim=(-0.01 * span, 1.01 * span), ylim=(0, 1.15), yticks=[])
    zoom.spines[["left", "right", "top"]].set_visible(False)
    zoom.tick_params(labelsize=8)
    part = f"first train, {session.train.pulses} pulses" if whole else f"first {len(times)} pulses of the first train"
    zoom.set_title(f"{part} (time in s)", fontsize=9, loc="left", color=ORANGE)
    shown = width if whole else width * span / session.train.duration
    for x, corner in ((0.0, 0.0), (shown, 1.0)):
        line = ConnectionPatch(
            (x, 0.72), (corner, 1.0), ax.transData, zoom.transAxes, color=ORANGE, linewidth=0.7, alpha=0.6
        )
        ax.add_artist(line)


def plot_course(protocol: Protocol, start: date, ax: Axes | None = None) -> Axes:
    """The course on the calendar: a column for each week, dots for treatment, diamonds for follow-up.

    Raises
    ------
    ValueError : the source does not give the schedule, or sessions follow need
    """
    course = protocol.course
    if course is None:
        raise ValueError(f"on which days the sessions of {protocol.name} fall is not known, so there is no calendar")
    dates = course.dates(start)
    visits = [(visit.date(dates), visit.label) for visit in protocol.follow_up.value or ()]
    monday = dates[0] - timedelta(days=dates[0].weekday())
    weeks = (max([dates[-1], *(day for day, _ in visits)]) - monday).days // 7 + 1
    if ax is None:
        ax = plt.subplots(figsize=(max(8.0, 2.2 + 0.36 * weeks), 3.4), layout="constrained")[1]
    _draw_calendar(ax, monday, weeks)
    number = 0
    for day, sessions in sessions_by_day(dates):
        week, weekday = divmod((day - monday).days, 7)
        ax.scatter(week, weekday, s=190, color=BLUE, zorder=3)
        text = str(number + 1) if sessions == 1 else f"×{sessions}"
        ax.text(
            week,
            weekday,
            text,
            color="white",
            fontsize=7.5 if sessions == 1 else 6.5,
            ha="center",
            va="center_baseline",
            zorder=4,
        )
        number += sessions
    ax.set_title(f"{protocol.label}\n{course.sessions} sessions: {course}", loc="left", fontsize=11, pad=14)
    for day, label in visits:
        week, weekday = divmod((day - monday).days, 7)
        ax.scatter(week, weekday, s=230, marker="D", facecolor="none", edgecolor=ORANGE, linewidth=1.6, zorder=5)
        side, offset = ("right", -12) if week > weeks - 4 else ("left", 12)
        note = ax.annotate(label, (week, weekday), (offset, 0), textcoords="offset points")
        note.set(ha=side, va="center", fontsize=8, color=ORANGE)
    return ax


def _draw_calendar(ax: Axes, monday: date, weeks: int) -> None:
    """The empty calendar: weekdays down, weeks across, each month named above its first week."""
    ax.scatter(*np.meshgrid(np.arange(weeks), np.arange(7)), s=14, color="#d9d9d9", zorder=1, linewidth=0)
    ax.axhspan(4.5, 6.5, color="#f2f2f2", zorder=0, linewidth=0)
    ax.set(xlim=(-0.7, weeks - 0.3), ylim=(6.5, -0.9))
    ax.set_yticks(range(7), ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
    mondays = [monday + timedelta(weeks=week) for week in range(weeks)]
    labels = [f"{day.day}\n{day:%b}" if day.day <= 7 or week == 0 else f"{day.day}" for week, day in enumerate(mondays)]
    ax.set_xticks(range(weeks), labels, fontsize=8)
    ax.set_xlabel(f"week beginning on Monday, from {monday.year}")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def plot_pulse(pulse: Pulse, ax: Axes | None = None) -> Axes:
    """The induced field of one pulse against time, relative to its first peak."""
    ax = ax if ax is not None else plt.subplots(figsize=(5.5, 3.2), layout="constrained")[1]
    t = np.linspace(0.0, 1.03 * pulse.duration, 1000)
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.plot(t / us, pulse.waveform(t), color=BLUE, linewidth=2, label=pulse.shape.value)
    ax.set(xlabel="time (µs)", ylabel="induced field, relative to its peak")
    ax.spines[["right", "top"]].set_visible(False)
    return ax
