"""The guide to the magics: every line of it runs, in the order of the page."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from artigraph import set_engine
from artigraph.notebook.extension import load  # noqa: F401  # its import declares the magics
from artigraph.notebook.magic.parser import commands
from tests.notebook.shell import Shell

PAGE = Path(__file__).parents[3] / "docs" / "guides" / "magics.md"
BLOCK = re.compile(r"^(<!-- not run: .+ -->\n)?```ipython\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_every_block_runs(bare_shell: Shell, tmp_path: Path) -> None:
    """The page's cells run one after the other, in an empty folder."""
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) > 8
    reset = set_engine("sqlite+aiosqlite:///:memory:")
    with contextlib.chdir(tmp_path):
        for reason, source in blocks:
            if not reason:
                bare_shell.run(source)
        assert (tmp_path / "example.db").exists()
    reset()


def test_every_subcommand_is_on_the_page() -> None:
    """What the help lists is in the page's table."""
    page = PAGE.read_text(encoding="utf-8")
    assert not [name for name in commands() if f"%artigraph {name}" not in page]
