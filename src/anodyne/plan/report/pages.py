"""The report as one self-contained page: no network, no other file, no request to anywhere."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from anodyne.files import replacing
from anodyne.plan.report.content import Report
from anodyne.plan.report.cortex import SurfaceField
from anodyne.plan.report.scene import cameras, scene

if TYPE_CHECKING:
    from anodyne.plan.making import Planned


@dataclass(frozen=True, kw_only=True)
class TurningHead:
    """What a page needs to draw the head that can be turned.

    Attributes
    ----------
    scene, cameras : JSON of the plotly figure, and of its views by their names
    has_casing : whether the coil's casing is in it
    """

    scene: str
    cameras: str
    has_casing: bool

    @classmethod
    def of_plan(cls, planned: Planned, cortex: SurfaceField) -> TurningHead:
        """The head of a plan with its coil and the field on its cortex."""
        return cls(
            scene=scene(planned, cortex).to_json(),
            cameras=json.dumps(cameras(planned.plan.placement.pose)),
            has_casing=planned.coil.casing is not None,
        )


def write_html(path: Path | str, report: Report, head: TurningHead | None = None) -> None:
    """Write the report as one HTML page.

    Raises
    ------
    CannotWrite : the file cannot be written
    """
    page = html_page(report, head)
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def html_page(report: Report, head: TurningHead | None = None) -> str:
    """The page as text; without a head there is no script in it."""
    given: dict[str, object] = {"report": report, "has_head": head is not None}
    if head is not None:
        given |= {
            "plotly": Markup(get_plotlyjs()),
            "scene": _for_script(head.scene),
            "cameras": _for_script(head.cameras),
            "has_casing": head.has_casing,
        }
    return _template().render(given)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("anodyne.plan.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["kind"] = lambda block: type(block).__name__
    environment.filters["data_uri"] = lambda png: "data:image/png;base64," + b64encode(png).decode("ascii")
    return environment.get_template("report.html.j2")


def _for_script(text: str) -> Markup:
    """JSON that cannot end the script element it stands in."""
    return Markup(text.replace("<", "\\u003c"))
