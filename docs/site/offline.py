"""Fails a build whose pages would load anything from the network.

Links that a reader may follow are no such thing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

__all__ = ["loads", "setup"]

LOADS = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*?\b(?:src|data)\s*=\s*["']?(?:https?:)?//[^"'\s>]+"""
    r"""|<link\b(?=[^>]*\brel\s*=\s*["']?(?:stylesheet|preload|preconnect|icon|manifest))[^>]*?"""
    r"""\bhref\s*=\s*["']?(?:https?:)?//[^"'\s>]+"""
    r"""|@import\s+(?:url\()?["']?(?:https?:)?//[^"')\s]+|url\(["']?(?:https?:)?//[^"')\s]+""",
    re.IGNORECASE,
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Look at what was built."""
    app.connect("build-finished", _check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def loads(page: str) -> list[str]:
    """What a page of HTML or CSS loads from elsewhere."""
    return [found[0] for found in LOADS.finditer(page)]


def _check(app: Sphinx, failure: Exception | None) -> None:
    if failure is not None or app.builder.format != "html":
        return
    found = {
        str(path.relative_to(app.outdir)): loaded
        for path in Path(app.outdir).rglob("*")
        if path.suffix in (".html", ".css") and (loaded := loads(path.read_text("utf-8")))
    }
    if found:
        raise ExtensionError(f"These pages load something from the network: {found}")
