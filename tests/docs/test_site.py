"""What the site's own Sphinx extensions do; ``make site`` builds all of it."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

SITE = Path(__file__).parents[2] / "docs" / "site"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"site_{name}", SITE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"site_{name}"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def fences() -> Iterator[ModuleType]:
    """The extension that draws mermaid fences."""
    yield load("fences")
    del sys.modules["site_fences"]


def test_fence_is_drawn_with_what_was_found(fences: ModuleType) -> None:
    """Boxes, their kinds, labels on lines and the boxes that are found are drawn."""
    drawn = fences.draw(
        'graph LR\n  a(["wine"])\n  b["Fit #60;b#62;"]\n  c[/"frame · 3 rows"/]\n'
        '  a --> |"fit"| b\n  b --> |"data"| c\n  classDef found stroke:red\n  class b found;\n'
    )
    assert re.findall(r'class="ag-tree-(\w+) ag-(\w+)"', drawn) == [
        ("node", "other"),
        ("model", "found"),
        ("artifact", "other"),
    ]
    assert "Fit &lt;b&gt;" in drawn
    assert ">fit<" in drawn
    assert "<script" not in drawn


def test_fence_in_short_form_is_drawn(fences: ModuleType) -> None:
    """Boxes may be declared on lines, several on one, and left out ones are counted."""
    drawn = fences.draw(
        'graph LR\n w([wine]) --> a([one]) & b([two])\n c(["+7 more"]):::more\n w --> c'
    )
    assert drawn.count('class="ag-tree-node"') == 3
    assert "… 7 more" in drawn


@pytest.mark.parametrize(
    "source",
    [
        "",
        "sequenceDiagram\n a->>b: hello",
        "graph TD\n a --> b",
        "graph LR\n a[x] --> b[y]\n c[z] --> b",
    ],
)
def test_other_diagrams_stay_text(fences: ModuleType, source: str) -> None:
    """What is no tree of ours is left as it stands."""
    assert fences.draw(source) is None


@pytest.mark.parametrize(
    ("page", "is_foreign"),
    [
        ('<script src="https://cdn.example.org/x.js"></script>', True),
        ('<link rel="stylesheet" href="//fonts.example.org/a.css">', True),
        ('<img alt="" src="http://example.org/a.png">', True),
        ("@import url(https://example.org/a.css)", True),
        ('<a href="https://example.org">read</a>', False),
        ('<script src="_static/x.js"></script><img src="a.png">', False),
        ('<link rel="canonical" href="https://example.org/">', False),
    ],
)
def test_page_that_loads_from_elsewhere_is_found(page: str, is_foreign: bool) -> None:
    """Scripts, styles, pictures and fonts from the network fail a build; links do not."""
    assert bool(load("offline").loads(page)) is is_foreign


def notebook(code: str, **more: object) -> str:
    cell = {"cell_type": "code", "source": code, "metadata": {}, "outputs": [], **more}
    return json.dumps({"cells": [cell], "metadata": {"widgets": {"state": 1}}})


@pytest.fixture
def site(tmp_path: Path) -> SimpleNamespace:
    """As much of a Sphinx application as the extension asks for."""
    (tmp_path / "out").mkdir()
    config = SimpleNamespace(executed_notebooks="out")
    return SimpleNamespace(srcdir=tmp_path, config=config)


def test_notebook_is_shown_as_it_ran(site: SimpleNamespace) -> None:
    """Outputs come from the executed copy, without the state of its widgets."""
    ran = notebook("1 + 1", outputs=[{"text": "2"}])
    (site.srcdir / "out" / "lesson.ipynb").write_text(ran, encoding="utf-8")
    source = [notebook("1 + 1")]
    load("executed")._show_outputs(site, "notebooks/lesson", source)
    shown = json.loads(source[0])
    assert shown["cells"][0]["outputs"] == [{"text": "2"}]
    assert "widgets" not in shown["metadata"]


def test_copy_of_an_older_notebook_is_not_shown(
    site: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy with other code than the notebook is left aside with a warning."""
    (site.srcdir / "out" / "lesson.ipynb").write_text(notebook("1 + 2"), encoding="utf-8")
    source = [notebook("1 + 1")]
    module = load("executed")
    warned: list[str] = []
    logger = SimpleNamespace(warning=lambda text, name: warned.append(text % name))
    monkeypatch.setattr(module, "logger", logger)
    module._show_outputs(site, "notebooks/lesson", source)
    assert json.loads(source[0])["cells"][0]["outputs"] == []
    assert warned == ["notebooks/lesson was changed since it ran: make notebooks runs it again"]
