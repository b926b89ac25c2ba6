"""Equations as MathML, made while the site is built: nothing is fetched when a page is read."""

from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx


def mathml(tex: str, *, as_block: bool) -> str:
    """The equation in MathML, an index of an accented letter beside it and not beneath."""
    equation = ElementTree.fromstring(tex2mathml(tex, as_block=as_block))
    for node in equation.iter():
        if node.tag.endswith("munderover") and node[0].tag.endswith("mi"):
            letter, index, accent = list(node)
            name = node.tag
            node.clear()
            node.tag = name.replace("munderover", "msub")
            accented = ElementTree.SubElement(node, name.replace("munderover", "mover"), {"accent": "true"})
            accented.extend([letter, accent])
            node.append(index)
    return ElementTree.tostring(equation, encoding="unicode")


def visit_inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def visit_block(writer: Any, node: nodes.math_block) -> None:
    number = f'<span class="eqno">({node["number"]})</span>' if node.get("number") else ""
    identity = f' id="{node["ids"][0]}"' if node["ids"] else ""
    equation = mathml(node.astext(), as_block=True)
    writer.body.append(f'<div class="math"{identity}>{number}{equation}</div>\n')
    raise nodes.SkipNode


ElementTree.register_namespace("", "http://www.w3.org/1998/Math/MathML")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
