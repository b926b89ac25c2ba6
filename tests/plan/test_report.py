"""The report says what the plan says, on screen and on paper, and asks nothing of any network."""

import html
import re
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pypdf
import pytest

from anodyne.coil import read_pose
from anodyne.disclaimer import DISCLAIMER
from anodyne.errors import CannotWrite
from anodyne.head import read_image, read_mesh, read_surface, read_vertex_data
from anodyne.plan import CHECKS_BY_TWO_PEOPLE
from anodyne.plan.exports import write_report_files
from anodyne.plan.navigators import read_brainsight
from anodyne.plan.report.chapters import report_of
from anodyne.plan.report.content import Answers, Table
from anodyne.plan.report.cortex import field_on
from anodyne.plan.report.pages import TurningHead, html_page
from anodyne.plan.report.pdf import pdf_bytes
from anodyne.plan.report.scene import cameras, scene
from anodyne.plan.report.words import place_in_words, point_mm, significant
from anodyne.protocol import Fact, find_protocol
from anodyne.units import A_per_us, cm3, mm


@pytest.fixture(scope="module")
def folder(planned, tmp_path_factory):
    place = tmp_path_factory.mktemp("plan")
    write_report_files(place, planned)
    return place


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def paper(folder):
    return pypdf.PdfReader(folder / "report.pdf")


def words_of(page):
    """The page's text without scripts and styles, blanks made single."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def words_on(paper):
    return " ".join(" ".join(sheet.extract_text() for sheet in paper.pages).split())


def test_folder_holds_every_file(folder):
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    figures = {
        f"figures/{n}.png" for n in ("cortex", "slices", "coil-on-scalp", "depth", "regions", "session", "course")
    }
    assert found == figures | {
        "report.html",
        "report.pdf",
        "e_field.msh",
        "e_field.nii.gz",
        "surfaces/pial.gii",
        "surfaces/mid_grey.gii",
        "poses/simnibs.txt",
        "poses/brainsight.txt",
    }


def test_poses_in_both_files_are_the_plans(folder, planned):
    wanted = planned.plan.placement.pose.head_from_coil
    poses = [read_pose(folder / "poses/simnibs.txt"), read_brainsight(folder / "poses/brainsight.txt")["right-dlpfc"]]
    for pose in poses:
        np.testing.assert_allclose(pose.head_from_coil, wanted, atol=2e-6)


def test_field_files_hold_the_field(folder, planned):
    assert len(read_mesh(folder / "e_field.msh").tetrahedra) == len(planned.field.e_field)
    assert read_image(folder / "e_field.nii.gz").data.max() > 10
    surface = read_surface(folder / "surfaces/pial.gii")
    data = read_vertex_data(folder / "surfaces/pial.gii")
    assert data["E"].shape == (len(surface.points), 3)
    np.testing.assert_allclose(np.linalg.norm(data["E"], axis=1), data["magnE"], rtol=1e-5, atol=1e-4)
    assert np.all(np.abs(data["E_normal"]) <= data["magnE"] * (1 + 1e-5) + 1e-4)


def test_page_asks_nothing_of_any_network(page):
    """Outside of the plotly script, whose addresses are never used, and which the page's policy forbids anyway."""
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.findall(r"https?:|//[a-z0-9.-]+\.[a-z]{2,}/", re.sub(r"data:[^\"']+", "", own))
    assert "default-src 'none'" in page
    for attribute in re.findall(r"(?:src|href)=\"([^\"]*)\"", own):
        assert attribute.startswith(("data:", "#"))
    assert len(page) < 12e6


class Outline(HTMLParser):
    """Collects what accessibility asks for."""

    def __init__(self):
        super().__init__()
        self.images, self.anchors, self.targets, self.language, self.open = [], set(), [], None, []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "html":
            self.language = given.get("lang")
        if tag == "img":
            self.images.append(given)
        if "id" in given:
            self.anchors.add(given["id"])
        if tag == "a":
            self.targets.append(given["href"])
        if tag not in ("img", "meta", "link", "br", "input", "col"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_can_be_heard_and_walked_through(page):
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert outline.language == "en"
    assert len(outline.images) == 7
    assert all(len(image["alt"]) > 20 for image in outline.images)
    assert all(target.removeprefix("#") in outline.anchors for target in outline.targets)
    assert page.count("<h1") == 1
    assert page.count('scope="col"') > 20


def numbers_of(plan):
    field, dose = plan.field, plan.dose
    yield f"{significant(field.target.magnitude)} V/m"
    yield f"{significant(field.grey_matter_percentile_99_9)} V/m"
    yield f"{significant(field.scalp_percentile_99_9)} V/m"
    yield f"{significant(field.focality_volume / cm3)} cm³"
    yield f"{dose.output * 100:.1f} %"
    yield f"{dose.di_dt / A_per_us:.2f} A/µs"
    yield "at least 20 min"
    yield "1,200 pulses"
    yield "24,000"
    yield f"{plan.placement.casing_to_scalp / mm:.1f} mm"
    yield f"{plan.placement.winding_to_scalp / mm:.1f} mm"
    yield point_mm(plan.placement.scalp_point)
    yield plan.head.fingerprint
    yield plan.version
    for region in field.regions:
        yield region.site.target.label
        yield significant(region.magnitude)
    yield from plan.conductivity


def test_every_number_stands_in_both_reports(planned, page, paper):
    on_screen, on_paper = words_of(page), words_on(paper)
    joined = on_paper.replace(" ", "")
    for text in numbers_of(planned.plan):
        assert text in on_screen
        assert text.replace(" ", "") in joined
    for warning in (*planned.plan.warnings, *(check[1:] for check in CHECKS_BY_TWO_PEOPLE)):
        assert warning in on_screen
        assert warning.replace(" ", "") in joined


def test_every_height_names_its_plane(planned, page):
    text = words_of(page)
    for words in (
        "Casing to scalp",
        "Winding to scalp",
        "Casing's centre to scalp",
        "Hair allowance",
        "Target below scalp",
    ):
        assert words in text


def test_disclaimer_stands_on_every_page(page, paper):
    assert len(paper.pages) >= 8
    for number, sheet in enumerate(paper.pages, start=1):
        text = sheet.extract_text()
        assert DISCLAIMER in text
        assert f"page {number} of {len(paper.pages)}" in text
    assert words_of(page).count(DISCLAIMER) >= 3
    assert paper.metadata.title.startswith("Treatment plan")
    assert paper.outline[0].title == "The plan in short"


def test_averaged_head_says_it_is_nobodys(page):
    assert "it is nobody's" in words_of(page)


def test_regions_are_told_apart_by_what_reaches_them(planned):
    regions = next(s for s in report_of(planned, {}).sections if s.anchor == "regions")
    items = regions.blocks[1].items
    own = planned.plan.field.target.site.target.name
    for region in planned.plan.field.regions:
        target, share = region.site.target, round(region.share_of_target, 2)
        if target.name != own:
            band = 0 if share >= 0.5 else 1 if share >= 0.2 else 2
            assert f"{target.laterality.value} {target.region}" in items[band].split(":")[1]
    assert all("right dorsolateral" not in item.split(":")[1] for item in items)
    assert len(planned.plan.field.regions) > 3


def test_page_escapes_what_it_is_given(planned):
    evil = "</script><script>alert('x')</script> & <b>"
    field = planned.plan.field
    target = replace(field.target.site.target, label=evil)
    region = replace(field.target, site=replace(field.target.site, target=target))
    summary = replace(field, target=region, regions=(region, *field.regions[1:]))
    plan = replace(planned.plan, field=summary, warnings=(evil,))
    odd = replace(planned, plan=plan)
    report = report_of(odd, {})
    page = html_page(report, TurningHead.of_plan(odd, field_on(odd.head.pial, odd.field)))
    assert "alert('x')" not in page.replace("alert(&#39;x&#39;)", "").replace("alert(&#x27;x&#x27;)", "")
    assert evil in words_of(page)
    assert "alert" in pypdf.PdfReader(BytesIO(pdf_bytes(report))).pages[0].extract_text()


@pytest.mark.parametrize("name", ["np-20", "fm-tanwar", "dep-itbs"])
def test_protocols_with_gaps_are_reported_with_them(planned, name):
    odd = replace(planned, plan=replace(planned.plan, protocol=find_protocol(name)))
    report = report_of(odd, {})
    answers = next(block for s in report.sections for block in s.blocks if isinstance(block, Answers))
    session = next(row for row in answers.rows if row.label == "Each session")
    assert ("not known" in session.value) == (name == "np-20")
    pdf_bytes(report)


def test_pauses_chosen_by_the_operator_are_no_lower_bound(planned):
    chosen = Fact(value=30.0, certainty=planned.plan.protocol.schedule.certainty)
    protocol = replace(planned.plan.protocol, inter_train_interval=chosen)
    report = report_of(replace(planned, plan=replace(planned.plan, protocol=protocol)), {})
    text = " ".join(row.value for row in report.sections[0].blocks[0].rows)
    assert "at least" not in text
    assert "23 min 30 s" in text


def test_heads_without_mni_space_are_described_from_their_origin(planned):
    head = replace(planned.head, head_from_mni=None)
    words = place_in_words(head, np.array([-0.010, 0.020, 0.030]))
    assert words == "10 mm left of, 20 mm in front of and 30 mm above the origin of the T1's coordinates"
    report = report_of(replace(planned, head=head), {})
    assert "MNI152:" not in report.sections[0].blocks[0].rows[0].note


def test_place_in_words_follows_a_turned_head(planned):
    quarter = np.array([[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    turned = replace(planned.head, head_from_mni=quarter @ planned.head.head_from_mni)
    right_in_mni = turned.from_mni(np.array([[0.05, 0, 0]]))[0]
    assert place_in_words(turned, right_in_mni).startswith("48 mm right of, 0 mm")


def test_scene_is_complete_and_small(planned):
    figure = scene(planned, field_on(planned.head.pial, planned.field))
    assert [trace.name for trace in figure.data] == [
        "cortex", "scalp", "casing", "winding", "handle", "target", "normal",
    ]  # fmt: skip
    mesh = figure.data[0]
    assert mesh.cmax == planned.plan.field.grey_matter_percentile_99_9
    assert np.asarray(mesh.x).dtype == np.float32
    assert set(cameras(planned.plan.placement.pose)) == {"Coil", "Left", "Right", "Top", "Front"}
    eye = cameras(planned.plan.placement.pose)["Left"]["eye"]
    assert eye["x"] < 0


def test_coil_without_casing_has_a_scene(planned):
    bare = replace(planned, coil=replace(planned.coil, casing=None))
    names = [trace.name for trace in scene(bare, field_on(bare.head.pial, bare.field)).data]
    assert "casing" not in names


def test_tables_refuse_rows_of_another_length():
    with pytest.raises(ValueError, match="a row of 1 cells in 2 columns"):
        Table(caption="x", header=("a", "b"), rows=(("1",),), widths=(1, 1))
    with pytest.raises(ValueError, match="1 widths for 2 columns"):
        Table(caption="x", header=("a", "b"), rows=(), widths=(1,))


def test_missing_folder_is_refused_in_words(planned, tmp_path):
    with pytest.raises(CannotWrite):
        write_report_files(tmp_path / "nowhere", planned)


@pytest.mark.browser
def test_browser_draws_the_head_without_errors(folder, chromium, tmp_path):
    """The script runs under the page's own policy: plotly leaves its canvas and every button is there."""
    command = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader"]
    command += ["--enable-unsafe-swiftshader", "--disable-background-networking", "--no-first-run"]
    command += [
        f"--user-data-dir={tmp_path}",
        "--virtual-time-budget=20000",
        "--dump-dom",
        (folder / "report.html").as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert 'class="gl-container"' in done.stdout
    assert "cannot draw" not in words_of(done.stdout)
    for label in ("Coil", "Left", "Right", "Top", "Front"):
        assert f">{label}</button>" in done.stdout
