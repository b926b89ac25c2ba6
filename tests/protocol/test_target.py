"""Targets that a protocol names, and how the side of pain resolves them."""

import pytest

from anodyne.protocol import BodySite, ContralateralAim, NamedAim, PeripheralAim, Side, find_protocol


@pytest.mark.parametrize(("pain", "target"), [(Side.LEFT, "right-m1-hand"), (Side.RIGHT, "left-m1-hand")])
def test_contralateral_means_opposite_to_the_pain(pain, target):
    assert find_protocol("np-attal").target_name(pain) == target


def test_a_contralateral_aim_without_side_is_refused():
    with pytest.raises(ValueError, match="needs the side of the pain"):
        find_protocol("np-attal").target_name()


@pytest.mark.parametrize("side", [None, *Side])
def test_a_named_aim_is_the_same_for_everybody(side):
    assert find_protocol("fm-tanwar").target_name(side) == "right-dlpfc"


def test_a_peripheral_site_is_no_target_in_the_head():
    with pytest.raises(ValueError, match="no target in the head"):
        find_protocol("rPMS-np").target_name(Side.LEFT)


def test_opposite_of_opposite_is_the_side_itself():
    assert all(side.opposite.opposite is side is not side.opposite for side in Side)


@pytest.mark.parametrize(
    "build",
    [
        lambda: NamedAim(name=" "),
        lambda: PeripheralAim(name=""),
        lambda: ContralateralAim(name="m1-hand"),
        lambda: ContralateralAim(name="contralateral-"),
    ],
)
def test_aims_without_sense_are_refused(build):
    with pytest.raises(ValueError, match="aim"):
        build()


@pytest.mark.parametrize(
    ("words", "side", "told"),
    [
        ("sural nerve", None, "sural nerve"),
        ("sural nerve", Side.LEFT, "left sural nerve"),
        ("Left sural nerve", Side.LEFT, "Left sural nerve"),
        ("from left to right over the back", Side.RIGHT, "from left to right over the back"),
    ],
)
def test_side_of_a_site_is_said_once(words, side, told):
    assert BodySite(words=words, side=side).in_words == told


@pytest.mark.parametrize(
    ("words", "side", "complaint"),
    [
        ("", None, "muscle or a nerve in words"),
        ("12 !", None, "muscle or a nerve in words"),
        ("nerve\nat the wrist", None, "one line"),
        (" nerve", None, "one line"),
        ("n" * 121, None, "120 letters"),
        ("left sural nerve", Side.RIGHT, "the side is right and the site's words say left"),
    ],
)
def test_words_that_are_no_site_are_refused(words, side, complaint):
    with pytest.raises(ValueError, match=complaint):
        BodySite(words=words, side=side)
