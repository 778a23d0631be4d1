"""Mermaid as JupyterLab draws it: every label is the text that it is."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote

from artigraph.display.escape import visible
from tests.browser.conftest import OpenNotebook
from tests.display.test_mermaid import HOSTILE

LABELS = [label for label in HOSTILE if label.strip()]


def test_jupyterlab_draws_any_label(notebook: OpenNotebook) -> None:
    """Hostile labels in boxes and on edges are shown whole; no element but a diagram's is made."""
    opened = notebook(
        [
            "from artigraph.display.forest import mermaid_tree\n"
            "from artigraph.display.tree import TreeItem\n"
            "from artigraph.export.mermaid import Mermaid\n"
            f"labels = {LABELS!a}\n"
            "kinds = ('node', 'model', 'artifact')\n"
            "below = [TreeItem(x, kinds[n % 3], '', x) for n, x in enumerate(labels)]\n"
            "Mermaid(mermaid_tree([TreeItem('top', children=below, more=7)]))"
        ]
    )
    opened.run_all()
    picture = opened.outputs(0).locator(".jp-RenderedMermaid img")
    picture.wait_for()
    svg = unquote((picture.get_attribute("src") or "").partition(",")[2])
    shapes = "circle|defs|div|feDropShadow|filter|foreignObject|g|marker|p|path|polygon|rect|span"
    assert re.findall(rf"<(?!/|!|\?|(?:{shapes}|style|svg)\b)\w+", svg) == []
    assert re.findall(r"<[^<>]*\s(?:on\w+|href)=[^<>]*>", svg.partition("<svg")[2]) == []
    drawn = [unescape(re.sub(r"<[^>]+>", "", text)) for text in re.findall(r"<p>(.*?)</p>", svg)]
    shown = [visible(label, 44) for label in LABELS]
    assert sorted(drawn) == sorted([*shown, *shown, "top", "+7 more"])
