"""Shows notebooks with the outputs of their last run.

Git holds notebooks without outputs. ``make notebooks`` leaves copies that ran in
``out/notebooks``; the site shows these.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

__all__ = ["setup"]

logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, Any]:
    """Put executed copies in place of notebooks when they are read."""
    app.add_config_value("executed_notebooks", "out/notebooks", "env")
    app.connect("source-read", _show_outputs)
    app.connect("env-get-outdated", _outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _show_outputs(app: Sphinx, docname: str, source: list[str]) -> None:
    if not docname.startswith("notebooks/"):
        return
    copy = _copy(app, docname)
    if not copy.exists():
        logger.info("%s is shown without outputs: make notebooks runs it", docname)
        return
    executed = json.loads(copy.read_text(encoding="utf-8"))
    if _code(executed) != _code(json.loads(source[0])):
        logger.warning("%s was changed since it ran: make notebooks runs it again", docname)
        return
    # The pages of what a widget knew would be loaded into a script from a CDN.
    executed["metadata"].pop("widgets", None)
    source[0] = json.dumps(executed)


def _outdated(app: Sphinx, _env: Any, _added: Any, _changed: Any, _removed: Any) -> list[str]:
    """Read a notebook again once it has run again."""
    read: Mapping[str, float] = app.env.all_docs
    return [
        name
        for name, when in read.items()
        if name.startswith("notebooks/")
        and (copy := _copy(app, name)).exists()
        and copy.stat().st_mtime_ns / 1000 > when
    ]


def _copy(app: Sphinx, docname: str) -> Path:
    folder = Path(app.srcdir, app.config.executed_notebooks)
    return folder / f"{docname.removeprefix('notebooks/')}.ipynb"


def _code(notebook: dict[str, Any]) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"]]
