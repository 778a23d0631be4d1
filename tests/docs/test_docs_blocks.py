"""Every Python block of the pages runs, and shows what it prints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import BlockError, find_blocks, run_page

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page.relative_to(ROOT)
    for pattern in ("*.md", "changes/**/*.md", "docs/**/*.md", "notebooks/**/*.md")
    for page in ROOT.glob(pattern)
)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_blocks_of_page_run(page: Path) -> None:
    """The blocks of a page run in order, as one notebook, in a fresh process."""
    if not any(block.not_run is None for block in find_blocks(ROOT / page)):
        return  # nothing to start a process for
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.docs.blocks", page],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def write_page(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    return page


async def test_blocks_share_one_namespace_and_may_await(tmp_path: Path) -> None:
    """A later block uses what an earlier one made, and both may await."""
    page = write_page(
        tmp_path,
        "```python\nimport asyncio\nx = await asyncio.sleep(0, 3)\n```\n\n"
        "    ```py\n    assert await asyncio.sleep(0, x) == 3\n    ```\n",
    )
    assert await run_page(page) == 2


async def test_session_compares_what_is_printed(tmp_path: Path) -> None:
    """Values, printed text, expected errors and ``...`` are compared, with await as well."""
    page = write_page(
        tmp_path,
        "```python\n>>> import asyncio\n>>> await asyncio.sleep(0, {'a': 1})\n{'a': 1}\n"
        ">>> print('one two')\none ...\n"
        ">>> int('x')\nTraceback (most recent call last):\n    ...\n"
        "ValueError: invalid ... 'x'\n```\n",
    )
    assert await run_page(page) == 1


async def test_failing_block_names_its_line(tmp_path: Path) -> None:
    """A block that raises is reported with the page's own line."""
    page = write_page(tmp_path, "Text.\n\n```python\nx = 1\nx / 0\n```\n")
    with pytest.raises(BlockError, match=r"page\.md:5: this block failed(?s:.*)ZeroDivisionError"):
        await run_page(page)


@pytest.mark.parametrize(
    ("session", "got"),
    [
        (">>> 1 + 1\n3\n", "2"),
        (">>> 1 + 1\n", "2"),
        (">>> None\n3\n", "nothing"),
        (">>> 1 / 0\n", "ZeroDivisionError"),
        (">>> 1\nTraceback (most recent call last):\nValueError: no\n", "1"),
    ],
)
async def test_session_that_prints_something_else_fails(
    tmp_path: Path, session: str, got: str
) -> None:
    """A value that differs, is missing, or is an unexpected error is reported."""
    page = write_page(tmp_path, f"```pycon\n{session}```\n")
    with pytest.raises(
        BlockError, match=rf"page\.md:2: this does not print(?s:.*)Got:(?s:.*){got}"
    ):
        await run_page(page)


async def test_opting_out_needs_a_reason(tmp_path: Path) -> None:
    """A block with a reason above it is left out; an empty reason is refused."""
    block = "```python\n1 / 0\n```\n"
    assert await run_page(write_page(tmp_path, f"<!-- not run: needs a bucket -->\n{block}")) == 0
    with pytest.raises(BlockError, match=r"page\.md:1: say why"):
        await run_page(write_page(tmp_path, f"<!-- not run: -->\n{block}"))
    with pytest.raises(BlockError, match="ZeroDivisionError"):
        await run_page(write_page(tmp_path, f"<!-- not run: too far above -->\n\n{block}"))


def test_only_own_python_blocks_are_found(tmp_path: Path) -> None:
    """Other languages, and blocks quoted in a longer fence, are text."""
    page = write_page(
        tmp_path, "```console\n$ make\n```\n````markdown\n```python\nx\n```\n````\n```py\ny\n```\n"
    )
    assert [(block.line, block.source) for block in find_blocks(page)] == [(10, "y\n")]
    with pytest.raises(BlockError, match="never closed"):
        list(find_blocks(write_page(tmp_path, "```python\nx = 1\n")))
