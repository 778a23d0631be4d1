"""No page and no notebook leads to a file or a heading that is not there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page.relative_to(ROOT)
    for pattern in ("*.md", "changes/*.md", "docs/**/*.md", "notebooks/*.ipynb", "frontend/*.md")
    for page in ROOT.glob(pattern)
)
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^()\s>]+)>?(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)
FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n.*?^[ \t]*\1[ \t]*$", re.MULTILINE | re.DOTALL)


@cache
def markdown(page: Path) -> str:
    """A page's text, or a notebook's, without its blocks of code."""
    text = (ROOT / page).read_text(encoding="utf-8")
    if page.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        text = "\n\n".join(texts)
    return FENCE.sub("", text)


def links(page: Path) -> Iterator[str]:
    without_code = re.sub(r"`[^`\n]*`", "", markdown(page))
    yield from LINK.findall(without_code)


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links, as GitHub and MyST have it."""
    found: set[str] = set()
    for heading in HEADING.findall(markdown(page)):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", text).replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_local_links_lead_somewhere(page: Path) -> None:
    """A link to a file or a heading of this repository has an end."""
    dead = []
    for link in links(page):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = page if not parts.path else Path(unquote(parts.path))
        if parts.path:
            target = (ROOT / page.parent / target).resolve()
            if not target.exists() or not target.is_relative_to(ROOT):
                dead.append(link)
                continue
            target = target.relative_to(ROOT)
        if (
            parts.fragment
            and target.suffix in (".md", ".ipynb")
            and parts.fragment not in anchors(target)
        ):
            dead.append(link)
    assert dead == []


def test_every_guide_is_in_the_index() -> None:
    """The table of contents leads to each page of the documentation and each notebook."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = [
        page
        for page in PAGES
        if page.parent.name in ("guides", "how-to", "coming-from", "notebooks")
    ]
    assert pages
    missing = [str(page) for page in pages if f"{page.parent.name}/{page.stem}\n" not in index]
    assert missing == []
