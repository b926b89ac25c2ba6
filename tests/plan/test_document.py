"""plan.json: valid by its own schema, faithful to the plan, refused when it is not one."""

import copy
import json

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anodyne.errors import UnreadableFile
from anodyne.plan import plan_document, plan_schema, read_plan, write_document
from anodyne.protocol import protocol_from_data
from anodyne.units import mm


@pytest.fixture(scope="module")
def document(planned):
    return plan_document(planned.plan)


def test_schema_is_a_schema_and_accepts_the_plan(document):
    jsonschema.Draft202012Validator.check_schema(plan_schema())
    jsonschema.validate(document, plan_schema())


def test_numbers_are_the_plan_s(planned, document):
    plan = planned.plan
    pose = np.array(document["placement"]["head_from_coil_mm"])
    np.testing.assert_allclose(pose[:3, 3] * mm, plan.placement.pose.position, atol=1e-9)
    np.testing.assert_allclose(pose[:3, :3], plan.placement.pose.rotation, atol=1e-8)
    assert document["dose"]["output_percent"] == pytest.approx(46.8)
    assert document["dose"]["session_is_lower_bound"] is True
    assert document["e_field"]["regions"][0]["magnitude_v_per_m"] == pytest.approx(
        plan.field.target.magnitude, rel=1e-4
    )
    assert "not a medical device" in document["disclaimer"]


def test_protocol_survives(planned, document):
    data = {key: value for key, value in document["protocol"].items() if key != "name"}
    assert protocol_from_data(document["protocol"]["name"], data) == planned.plan.protocol


def test_round_trip(document, tmp_path):
    write_document(tmp_path / "plan.json", document)
    assert read_plan(tmp_path) == document
    assert read_plan(tmp_path / "plan.json") == document


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d.update(schema_version="9.9"), "schema version"),
        (lambda d: d["dose"].update(rmt_percent=5), "dose/rmt_percent"),
        (lambda d: d.pop("warnings"), "warnings"),
        (lambda d: d["placement"].update(head_from_coil_mm=[[1, 2]]), "placement"),
        (lambda d: d.update(surprise=1), "surprise"),
    ],
)
def test_what_is_not_a_plan_is_refused_in_one_sentence(document, tmp_path, change, complaint):
    wrong = copy.deepcopy(document)
    change(wrong)
    (tmp_path / "plan.json").write_text(json.dumps(wrong))
    with pytest.raises(UnreadableFile, match=complaint) as refusal:
        read_plan(tmp_path)
    assert "\n" not in str(refusal.value)


@given(cut=st.integers(0, 2000))
def test_truncated_plans_are_refused(document, tmp_path_factory, cut):
    text = json.dumps(document)
    place = tmp_path_factory.mktemp("cut") / "plan.json"
    place.write_text(text[: min(cut, len(text) - 1)])
    with pytest.raises(UnreadableFile, match="make the plan again"):
        read_plan(place)


def test_missing_plan(tmp_path):
    with pytest.raises(UnreadableFile, match="name the folder of a plan"):
        read_plan(tmp_path / "nowhere")
