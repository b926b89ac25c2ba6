"""Tissues and their conductivity."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from anodyne.head import Conductivities, Tissue
from anodyne.head.tissues import tissue_name


def test_tags_are_those_of_simnibs():
    assert [tissue.value for tissue in Tissue] == [*range(1, 13), 100, 500]
    assert Tissue.SCALP.surface_tag == 1005
    assert Tissue(3) is Tissue.CEREBROSPINAL_FLUID


def test_names_are_words():
    assert Tissue.CEREBROSPINAL_FLUID.label == "cerebrospinal fluid"
    assert tissue_name(5) == "scalp"
    assert tissue_name(77) == "tag 77"


@pytest.mark.parametrize(
    ("tissue", "value"),
    [
        (Tissue.WHITE_MATTER, 0.126),
        (Tissue.GREY_MATTER, 0.275),
        (Tissue.CEREBROSPINAL_FLUID, 1.654),
        (Tissue.BONE, 0.010),
        (Tissue.SCALP, 0.465),
        (Tissue.EYES, 0.5),
    ],
)
def test_the_usual_values(tissue, value):
    assert Conductivities().values[tissue] == value


def test_every_tissue_has_a_value_and_the_table_a_source():
    assert set(Conductivities().values) == set(Tissue)
    assert "SimNIBS" in Conductivities().source


def test_looking_up_keeps_the_shape():
    tags = np.array([[1, 5], [5, 4]], dtype=np.int32)
    assert_array_equal(Conductivities().of(tags), [[0.126, 0.465], [0.465, 0.010]])
    assert Conductivities().of(np.empty(0, dtype=np.int32)).shape == (0,)


def test_unknown_tags_are_all_named():
    with pytest.raises(ValueError, match="tissue tag 42, 77;"):
        Conductivities().of([1, 77, 42, 42])


def test_replacing_leaves_the_rest_and_says_so():
    changed = Conductivities().replaced({4: 0.02, 42: 1.0}, source="measured")
    assert_array_equal(changed.of([1, 4, 42]), [0.126, 0.02, 1.0])
    assert changed.source.endswith("bone, tag 42: measured")
    assert Conductivities().values[4] == 0.010
    assert Conductivities().replaced({}) == Conductivities()


@pytest.mark.parametrize("value", [0, -0.1, np.nan, np.inf])
def test_what_does_not_conduct_is_refused(value):
    with pytest.raises(ValueError, match="conductivity of bone must be positive and finite"):
        Conductivities().replaced({4: value})


def test_a_tag_below_one_is_refused():
    with pytest.raises(ValueError, match="1 or more, not 0"):
        Conductivities(values={0: 1.0})


def test_tables_are_values():
    given = {1: 0.1}
    table = Conductivities(values=given)
    given[1] = 5.0
    assert table.values[1] == 0.1
    with pytest.raises(TypeError):
        table.values[1] = 3.0
    assert pickle.loads(pickle.dumps(table)) == table
    assert hash(Conductivities(values={1: 0.1})) == hash(table)
    assert table != Conductivities()
