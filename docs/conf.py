"""How Sphinx builds the documentation.

Examples of the gallery are run while it is built: the quickest, or all of them where
``DEEPVANET_GALLERY`` is ``all``. The others are shown without their output.
"""

import logging
import os
from importlib.metadata import version as _version

project = "deepvanet"
author = "The deepvanet developers"
copyright = "2026, the deepvanet developers"
release = version = _version("deepvanet")

logging.getLogger("deepvanet").setLevel(logging.WARNING)

QUICKEST = ("plot_audit", "plot_own_recordings", "plot_protocols")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "gallery"]
sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "filename_pattern": r"/plot_"
    if os.environ.get("DEEPVANET_GALLERY") == "all"
    else rf"/({'|'.join(QUICKEST)})\.py",
    "ignore_pattern": r"small_study\.py",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1,
}
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
html_theme = "furo"
html_title = "deepvanet"
html_static_path = ["_static"]
html_css_files = ["reading.css"]
html_js_files = ["reading.js"]
templates_path = ["_templates"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/versions.html",
        "sidebar/scroll-end.html",
    ]
}
