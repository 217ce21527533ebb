"""How Sphinx builds the documentation."""

from importlib.metadata import version as _version

project = "deepvanet"
author = "The deepvanet developers"
copyright = "2026, the deepvanet developers"
release = version = _version("deepvanet")

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
html_theme = "furo"
html_title = "deepvanet"
