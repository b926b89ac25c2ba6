"""What a cohort's table and maps say, number by number."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.head import read_vertex_data
from anodyne.plan.cohort.fsaverage import (
    VERTICES,
    FsaverageField,
    fsaverage5,
    group_field,
    write_fsaverage_field,
    write_group_field,
)
from anodyne.plan.cohort.planning import _distances
from anodyne.plan.cohort.table import row_of
from anodyne.units import mm

NAMES = ("a", "b", "c")


DOCUMENT = {
    "anodyne_version": "1",
    "head": {"tetrahedra": 1000, "fingerprint": "f"},
    "coil": {"name": "a-coil"},
    "protocol": {"name": "a-protocol"},
    "dose": {"output_percent": 62.0},
    "placement": {"head_from_coil_mm": [[1, 0, 0, 11.0], [0, 1, 0, -22.0], [0, 0, 1, 33.0], [0, 0, 0, 1]]},
    "search": {"scored_v_per_m": 61.0, "confirmed_v_per_m": 60.0},
    "e_field": {
        "regions": [
            {
                "name": "right-dlpfc",
                "magnitude_v_per_m": 60.0,
                "highest_v_per_m": 75.0,
                "normal_component_v_per_m": -12.0,
                "depth_below_scalp_mm": 25.0,
            }
        ]
    },
    "warnings": ["one", "two"],
}
"""What the table takes from a plan, no number of which can be taken for another."""


@pytest.fixture(scope="module")
def fields():
    generator = np.random.default_rng(6)
    return {
        name: FsaverageField(
            magnitude=generator.uniform(0, 90, 2 * VERTICES), distance=generator.uniform(1, 9, 2 * VERTICES) * mm
        )
        for name in NAMES
    }


def test_row_tells_the_target_s_numbers_apart():
    row = row_of("sub-01", DOCUMENT)
    assert row["e_at_target_v_per_m"] == 60
    assert row["e_at_target_highest_v_per_m"] == 75
    assert row["e_at_target_normal_v_per_m"] == -12
    assert row["target_below_scalp_mm"] == 25
    assert row["e_right_dlpfc_v_per_m"] == 60


def test_row_has_the_casing_s_centre_axis_by_axis():
    row = row_of("sub-01", DOCUMENT)
    assert (row["coil_x_mm"], row["coil_y_mm"], row["coil_z_mm"]) == (11, -22, 33)


@pytest.mark.parametrize(("scored", "confirmed", "percent"), [(61.0, 60.0, 1.67), (58.5, 60.0, 2.5), (60.0, 60.0, 0)])
def test_disagreement_is_a_percentage_of_the_full_solve(scored, confirmed, percent):
    search = {"scored_v_per_m": scored, "confirmed_v_per_m": confirmed}
    assert row_of("sub-01", {**DOCUMENT, "search": search})["search_disagreement_percent"] == percent


def test_distances_in_a_row_are_the_cortex_s_median_and_95th_percentile(fields):
    field = fields["a"]
    cortex = np.concatenate([half.is_cortex for half in fsaverage5()])
    median, far = np.percentile(field.distance[cortex] / mm, [50, 95])
    assert _distances(field) == {
        "fsaverage_distance_median_mm": round(median, 2),
        "fsaverage_distance_95th_mm": round(far, 2),
    }
    assert far > 1.5 * median
    assert _distances(None) == {}


def test_distance_of_a_group_is_the_mean_over_its_subjects(fields):
    distances = [field.distance for field in fields.values()]
    assert_allclose(group_field(fields).distance, sum(distances) / len(NAMES))


def read_maps(folder):
    """The numbers of both halves, the left one's first."""
    left, right = (read_vertex_data(folder / f"fsaverage5.{side}.shape.gii") for side in ("left", "right"))
    assert left.keys() == right.keys()
    return {name: np.concatenate([left[name], right[name]]) for name in left}


def test_maps_of_a_group_are_its_mean_its_spread_and_its_distance(fields, tmp_path):
    write_group_field(tmp_path, group_field(fields))
    maps = read_maps(tmp_path)
    magnitudes = np.array([field.magnitude for field in fields.values()])
    distances = np.array([field.distance for field in fields.values()])
    assert set(maps) == {"mean_magnE", "standard_deviation_magnE", "distance_mm"}
    assert_allclose(maps["mean_magnE"], magnitudes.mean(axis=0), rtol=1e-5)
    assert_allclose(maps["standard_deviation_magnE"], magnitudes.std(axis=0, ddof=1), rtol=1e-4, atol=1e-4)
    assert_allclose(maps["distance_mm"], distances.mean(axis=0) / mm, rtol=1e-5)


def test_maps_of_one_have_no_spread(fields, tmp_path):
    write_group_field(tmp_path, group_field({"a": fields["a"]}))
    assert set(read_maps(tmp_path)) == {"mean_magnE", "distance_mm"}
    write_fsaverage_field(tmp_path, fields["a"])
    maps = read_maps(tmp_path)
    assert_allclose(maps["magnE"], fields["a"].magnitude, rtol=1e-5)
    assert_allclose(maps["distance_mm"], fields["a"].distance / mm, rtol=1e-5)
