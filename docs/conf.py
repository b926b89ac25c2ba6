"""How the documentation is built: offline, from the sources and from the program's own tables."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent / "src")]

from anodyne import __version__  # noqa: E402  the path above must come first

project = "Anodyne"
author = copyright = "Anodyne developers"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "house_docstrings",
    "mathml",
    "tables",
]
exclude_patterns = ["_build"]
default_role = "py:obj"

html_theme = "furo"
html_title = f"Anodyne {__version__}"
html_static_path = ["_static"]
html_css_files = ["anodyne.css"]
html_math_renderer = "mathml"
html_show_copyright = False
html_copy_source = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    "member-order": "groupwise",
    "no-value": True,
}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
