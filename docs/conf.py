"""How Sphinx makes the site: ``make docs`` writes it to ``out/docs``.

The repository is the source folder, so that a link between a page, a
notebook and a file leads to the same place here and in a code browser.

* nothing is fetched, neither while building nor by who reads the pages
* no notebook is run: what ``make notebooks`` left in ``out/notebooks`` is
  shown, and a copy that is older than its notebook is a warning, hence an error
* a widget is shown as the HTML that it leaves behind, without its state
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "site")]

import artigraph  # noqa: E402  # from this folder, not from wherever it is installed

# Each name's module now, rather than when a page first mentions it.
for name in dir(artigraph):
    getattr(artigraph, name)

project = "artigraph"
author = "The artigraph authors"
version = release = artigraph.__version__
language = "en"

root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "notebooks/*.ipynb",
    "changes/README.md",
    "frontend/README.md",
    "*.md",
]
exclude_patterns = ["docs/site/**", "**/.ipynb_checkpoints", ".*", "out", "frontend/node_modules"]

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "executed",  # docs/site/executed.py
    "fences",  # docs/site/fences.py
    "offline",  # docs/site/offline.py
]

# ------------------------------------------------------------- pages, notebooks

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]
myst_links_external_new_tab = False
nb_execution_mode = "off"
# HTML before the widget's view, whose state is not stored and would want a CDN.
nb_mime_priority_overrides = [("html", "text/html", 0)]

# -------------------------------------------------------------------- reference

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autoclass_content = "class"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False
add_module_names = False
toc_object_entries = False
# Other libraries' pages are on the network; what of artigraph is not documented is
# found by tests/docs/test_reference.py. Type variables have no page.
nitpick_ignore = [
    # In signatures of what artigraph itself calls.
    ("py:class", "artigraph.db.store.Store"),
    ("py:class", "artigraph.display.facts.Facts"),
    ("py:class", "artigraph.display.options.Limits"),
    ("py:class", "artigraph.filter.english.Phrase"),
    ("py:class", "artigraph.filter.unset.Unset"),
    ("py:class", "artigraph.filter.way.HoldsNodes"),
    ("py:class", "artigraph.callbacks.base.LogsNumbers"),
    ("py:class", "artigraph.node.row.NewRow"),
    ("py:class", "artigraph.orm.node.HoldsRow"),
    ("py:class", "artigraph.blob.record.BlobRecord"),
    ("py:class", "artigraph.blob.source.BlobSource"),
]
nitpick_ignore_regex = [("py:.*", r"(?!artigraph\.).*"), ("py:.*", r"artigraph\..*\.[A-Z]")]

# ------------------------------------------------------------------------- HTML

html_theme = "furo"
html_title = "artigraph"
html_static_path = ["site/static"]
html_css_files = ["site.css"]
html_additional_pages = {"index": "forward.html"}
templates_path = ["site/templates"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
