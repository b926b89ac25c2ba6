"""Facts and how surely they are known."""

import pytest

from anodyne.certainty import Certainty
from anodyne.protocol import Evidence, EvidenceLevel, Fact, not_reported


def test_a_fact_without_value_is_exactly_one_that_is_not_reported():
    with pytest.raises(ValueError, match="cannot be 'read'"):
        Fact(value=None, certainty=Certainty.READ)
    with pytest.raises(ValueError, match="cannot be 'not-reported'"):
        Fact(value=1.0, certainty=Certainty.NOT_REPORTED)


def test_asking_for_what_is_not_reported_is_refused_in_words():
    with pytest.raises(ValueError, match=r"does not report this value \(nowhere in the paper\)"):
        _ = not_reported("nowhere in the paper").known


@pytest.mark.parametrize("value", [9, 31, "twenty"])
def test_a_chosen_value_lies_in_the_published_range(value):
    with pytest.raises(ValueError, match="outside its published range 10 to 30"):
        Fact(value=value, certainty=Certainty.READ, published=(10, 30))


@pytest.mark.parametrize(("citation", "certainty"), [("", Certainty.READ), ("Somebody 2020", Certainty.NOT_REPORTED)])
def test_evidence_is_cited_and_known(citation, certainty):
    with pytest.raises(ValueError, match="evidence level"):
        Evidence(level=EvidenceLevel.GUIDELINE_A, citation=citation, certainty=certainty, note="")


def test_every_certainty_and_level_has_words():
    assert len({certainty.in_words for certainty in Certainty}) == len(Certainty)
    assert len({level.in_words for level in EvidenceLevel}) == len(EvidenceLevel)
    assert [level for level in EvidenceLevel if level.is_guideline] == list(EvidenceLevel)[:3]
