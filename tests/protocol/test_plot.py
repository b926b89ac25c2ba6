"""Pictures of sessions, courses and pulses."""

from datetime import date

import matplotlib.pyplot as plt
import pytest
from matplotlib.patches import Rectangle

from anodyne.protocol import PROTOCOLS, find_protocol, find_pulse
from anodyne.protocol.plot import plot_course, plot_pulse, plot_session

START = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", ["fm-tanwar", "dep-iTBS", "rPMS-np", "np-attal"])
def test_a_session_is_drawn_with_one_block_for_each_train(name):
    protocol = find_protocol(name)
    ax = plot_session(protocol)
    blocks = [patch for patch in ax.patches if isinstance(patch, Rectangle) and patch.get_fill()]
    assert len(blocks) == protocol.session.trains
    assert protocol.label in ax.get_title(loc="left")
    ax.figure.canvas.draw()


def test_pauses_of_unknown_length_are_hatched_and_time_is_not_labelled():
    ax = plot_session(find_protocol("fm-tanwar"))
    assert sum(patch.get_hatch() is not None for patch in ax.patches) == 7
    assert "not reported" in ax.get_xlabel()
    assert "time" not in ax.get_xlabel()


def test_a_course_has_a_dot_for_each_treatment_day_and_diamonds_for_follow_up():
    ax = plot_course(find_protocol("fm-tanwar"), START)
    numbers = [text.get_text() for text in ax.texts]
    assert [number for number in numbers if number.isdigit()] == [str(number) for number in range(1, 21)]
    assert "6 months" in numbers


def test_days_with_several_sessions_show_how_many():
    texts = [text.get_text() for text in plot_course(find_protocol("SAINT"), START).texts]
    assert texts.count("×10") == 5


def test_given_axes_are_drawn_upon():
    _, axes = plt.subplots(3)
    protocol = find_protocol("fm-mhalla")
    assert plot_session(protocol, axes[0]) is axes[0]
    assert plot_course(protocol, START, axes[1]) is axes[1]
    assert plot_pulse(find_pulse("magpro-x100-monophasic").pulse, axes[2]) is axes[2]
    assert "µs" in axes[2].get_xlabel()


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_what_is_not_known_is_not_drawn(name):
    protocol = PROTOCOLS[name]
    if protocol.session is None:
        with pytest.raises(ValueError, match="no session to draw"):
            plot_session(protocol)
    if protocol.course is None:
        with pytest.raises(ValueError, match="no calendar"):
            plot_course(protocol, START)
