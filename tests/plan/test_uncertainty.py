"""A plan with uncertain conductivities says what they make of its field, in every form it has."""

from dataclasses import replace
from io import BytesIO

import jsonschema
import matplotlib.pyplot as plt
import numpy as np
import pypdf
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import find_coil
from anodyne.field import ConductivityStudy, ConductivityUncertainty, FieldModel, published_ranges
from anodyne.field.plot import plot_contributors, plot_intervals, plot_ranges
from anodyne.head import Tissue, find_target
from anodyne.plan import Prescription, SearchGrid, make_plan, plan_document, plan_schema
from anodyne.plan.report.chapters import report_of
from anodyne.plan.report.content import Answers, Picture, Table
from anodyne.plan.report.cortex import field_on
from anodyne.plan.report.figures import _picture
from anodyne.plan.report.pages import TurningHead, html_page
from anodyne.plan.report.pdf import pdf_bytes
from anodyne.plan.report.tables import conductivity_table
from anodyne.plan.report.uncertainty_figures import uncertainty_figures
from anodyne.plan.report.words import significant
from anodyne.plan.uncertainty import NORMAL, PEAK, contributors_in_words, field_uncertainty, spread_on
from anodyne.protocol import find_protocol
from anodyne.units import degree, mm


@pytest.fixture(scope="module")
def unsure(planned):
    """The room's plan with the uncertainty of its field."""
    plan = planned.plan
    study = ConductivityStudy(FieldModel(planned.head.mesh))
    found = field_uncertainty(study, planned.coil, plan.placement.pose, plan.dose.di_dt, plan.field)
    return replace(planned, plan=replace(plan, uncertainty=found))


@pytest.fixture(scope="module")
def pictures(unsure):
    """Only this chapter's; tests/plan/test_pictures.py draws the others."""
    drawn = [_picture(figure, name, *words) for name, figure, *words in uncertainty_figures(unsure)]
    return {picture.name: picture for picture in drawn}


@pytest.fixture(scope="module")
def report(unsure, pictures):
    return report_of(unsure, pictures)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def chapter(report):
    return next(section for section in report.sections if section.anchor == "uncertainty")


def test_every_region_of_the_plan_has_an_interval(unsure):
    field, found = unsure.plan.field, unsure.plan.uncertainty
    names = [region.site.target.name for region in field.regions]
    assert [one.name for one in found.quantities] == [*names, NORMAL, PEAK]
    for region in field.regions:
        assert_allclose(found.of(region.site.target.name).nominal, region.magnitude)
    assert_allclose(found.of(NORMAL).nominal, field.target.normal_component)
    assert_allclose(found.of(PEAK).nominal, field.grey_matter_percentile_99_9)


def test_document_obeys_its_schema_with_and_without(planned, unsure):
    assert "uncertainty" not in plan_document(planned.plan)
    document = plan_document(unsure.plan)
    jsonschema.validate(document, plan_schema())
    written = document["uncertainty"]
    assert written["solves"] <= 50
    assert [one["tissue"] for one in written["conductivities"]] == [
        Tissue(known.tissue).label for known in unsure.plan.uncertainty.ranges
    ]
    for one, held in zip(written["quantities"], unsure.plan.uncertainty.quantities, strict=True):
        assert one["percentile_5_v_per_m"] <= one["median_v_per_m"] <= one["percentile_95_v_per_m"]
        assert one["contributors"][0]["tissue"] == Tissue(held.contributors[0]).label
    del written["quantities"][0]["plan_rank"]
    with pytest.raises(jsonschema.ValidationError, match="plan_rank"):
        jsonschema.validate(document, plan_schema())


def test_chapter_tells_every_interval(unsure, report):
    found = unsure.plan.uncertainty
    intervals, ranges = (block for block in chapter(report).blocks if isinstance(block, Table))
    assert len(intervals.rows) == len(found.quantities)
    own = found.of(unsure.plan.field.target.site.target.name)
    assert intervals.rows[0][1:5] == tuple(map(significant, (own.nominal, own.low, own.median, own.high)))
    assert [row[0] for row in ranges.rows] == [Tissue(known.tissue).label for known in found.ranges]
    notes = " ".join((*intervals.notes, *ranges.notes))
    assert f"{found.solves} full solves" in notes
    assert all(known.source in notes for known in found.ranges)
    assert "recalled" in {row[-1].split()[0] for row in ranges.rows}
    shown = [block for block in chapter(report).blocks if isinstance(block, Picture)]
    assert [picture.name for picture in shown] == ["uncertainty-map", "uncertainty", "conductivity-ranges"]
    assert all(picture.caption and picture.alternative for picture in shown)


def test_answer_and_small_print_know_of_it(planned, unsure, report):
    answers = next(block for block in report.sections[0].blocks if isinstance(block, Answers))
    own = unsure.plan.uncertainty.of(unsure.plan.field.target.site.target.name)
    note = next(row.note for row in answers.rows if row.label == "E-field at the target")
    assert f"{significant(own.low)} to {significant(own.high)} V/m" in note
    assert "--uncertainty" in " ".join(conductivity_table(planned.plan).notes)
    assert "--uncertainty" not in " ".join(conductivity_table(unsure.plan).notes)


def test_plan_without_it_has_no_chapter(planned):
    assert "uncertainty" not in {section.anchor for section in report_of(planned, {}).sections}


def test_chapter_is_on_screen_and_on_paper(unsure, report):
    page = html_page(report, TurningHead.of_plan(unsure, field_on(unsure.head.pial, unsure.field)))
    assert 'id="uncertainty"' in page
    assert "How surely the field is known" in page
    paper = pypdf.PdfReader(BytesIO(pdf_bytes(report)))
    words = " ".join(" ".join(sheet.extract_text() for sheet in paper.pages).split())
    assert "How surely the field is known" in words
    assert "Mean |E| with uncertain conductivities" in words


def test_standing_of_the_plans_own_value_is_told(unsure, pictures):
    target = unsure.plan.field.target.site.target.name
    found = unsure.plan.uncertainty

    def told(**changes):
        quantities = tuple(replace(one, **changes) if one.name == target else one for one in found.quantities)
        plan = replace(unsure.plan, uncertainty=replace(found, quantities=quantities))
        section = chapter(report_of(replace(unsure, plan=plan), pictures))
        return section.blocks[1].text

    wide = {"low": 40.0, "median": 50.0, "high": 60.0}
    assert "a low one" in told(rank=0.1, **wide)
    assert "10 % of the draws give less" in told(rank=0.1, **wide)
    assert "less than 1 % of the draws give more" in told(rank=1.0, **wide)
    assert "in the middle" in told(rank=0.5, **wide)
    assert "hardly matter" in told(rank=0.5, low=49.9, median=50.0, high=50.1)


def test_tissues_taken_as_known_and_rough_intervals_are_told(unsure, pictures):
    found = unsure.plan.uncertainty
    rough = replace(
        found, ranges=tuple(known for known in found.ranges if known.tissue != Tissue.BONE), converged=False
    )
    section = chapter(report_of(replace(unsure, plan=replace(unsure.plan, uncertainty=rough)), pictures))
    assert "No range is known for bone" in section.blocks[1].text
    notes = " ".join(note for block in section.blocks if isinstance(block, Table) for note in block.notes)
    assert "take the intervals as rough" in notes


def test_contributors_in_words(unsure):
    one = replace(unsure.plan.uncertainty.quantities[0], total={1: 0.02, 2: 0.651, 3: 0.33})
    assert contributors_in_words(one) == "grey matter (65 %), cerebrospinal fluid (33 %)"
    assert contributors_in_words(replace(one, total={1: 0.0})) == "none"


def test_spread_on_a_surface_is_that_of_the_grey_matter_beneath(unsure):
    mesh, surface = unsure.head.mesh, unsure.head.pial
    spread = np.where(mesh.tissue == Tissue.GREY_MATTER, 0.01 + mesh.barycentres[:, 2], np.nan)
    found = spread_on(surface, mesh, spread)
    assert np.abs(found - 0.01 - surface.points[:, 2]).max() < 12 * mm  # of elements 9 mm long
    assert spread_on(surface, mesh, np.where(np.isnan(spread), np.nan, 0.2)) == pytest.approx(0.2)


def test_drawings_show_what_they_say(unsure):
    found = unsure.plan.uncertainty
    intervals = plot_intervals(found.quantities[:3], {"right-dlpfc": "right prefrontal"})
    assert intervals.get_yticklabels()[0].get_text() == "right prefrontal"
    left, right = intervals.get_xlim()
    assert left < min(one.nominal for one in found.quantities[:3])
    assert right > max(one.high for one in found.quantities[:3])
    negative = replace(found.quantities[0], low=-1.0)
    assert plot_intervals([negative]).get_xscale() == "linear"
    shares = plot_contributors(found.quantities)
    widths = sum(patch.get_width() for patch in shares.patches)
    assert_allclose(widths, sum(100 * abs(one.standard_deviation / one.mean) for one in found.quantities), rtol=1e-6)
    assert len(plot_ranges(found).get_yticks()) == len(found.ranges)


def test_ranges_in_a_prescription_reach_the_plan(planned, monkeypatch):
    asked = []

    def seen(self, coil, pose, di_dt, quantities, progress):
        asked.append((self.ranges, coil, di_dt))
        return ConductivityUncertainty(
            quantities=(), ranges=self.ranges, nominal={}, solves=0, checks=0, error=0.0, converged=True, draws=0,
            spread=np.empty(0), seconds=0.0,
        )  # fmt: skip

    monkeypatch.setattr(ConductivityStudy, "run", seen)
    monkeypatch.setattr("anodyne.plan.summary.TARGETS", {})
    only = (published_ranges()[Tissue.GREY_MATTER],)
    prescription = Prescription(
        target=find_target("right-dlpfc"),
        protocol=find_protocol("fibromyalgia-1hz-right-dlpfc"),
        rmt=0.52,
        grid=SearchGrid(radius=8 * mm, spacing=8 * mm, angle_step=60 * degree),
        conductivity_ranges=only,
    )
    made = make_plan(planned.head, find_coil("magstim-70mm"), prescription)
    assert made.plan.uncertainty.ranges == only
    ((ranges, coil, di_dt),) = asked
    assert ranges == only
    assert coil.name == "magstim-70mm"
    assert di_dt == made.plan.dose.di_dt
