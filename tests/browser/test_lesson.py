"""The lesson on the widgets in a real browser; the documentation's pictures come from it.

``cp out/screenshots/lesson-*.png docs/images/`` renews them after a change.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
from playwright.sync_api import expect

from tests.browser.conftest import SCREENSHOTS, OpenNotebook

ROOT = Path(__file__).parents[2]


def test_lesson_shows_both_widgets(notebook: OpenNotebook) -> None:
    """Run from top to bottom, the lesson shows the explorer and two frame viewers."""
    lesson = nbformat.read(ROOT / "notebooks" / "explorer_and_viewer.ipynb", as_version=4)  # type: ignore[no-untyped-call]  # nbformat types none
    sources = [cell.source for cell in lesson.cells if cell.cell_type == "code"]
    opened = notebook(sources)
    opened.run_all()
    # The last cell's viewer: all cells before it have run.
    expect(opened.page.get_by_role("grid")).to_have_count(2)
    opened.page.get_by_role("treeitem").first.wait_for()
    for name, where in (("explorer", "treeitem"), ("viewer", "grid")):
        output = opened.page.locator(".jp-OutputArea-output").filter(
            has=opened.page.get_by_role(where)  # type: ignore[arg-type]  # both are roles
        )
        output.first.scroll_into_view_if_needed()
        output.first.screenshot(path=SCREENSHOTS / f"lesson-{name}.png")
    assert opened.page.locator(".jp-RenderedText[data-mime-type*=error]").count() == 0
