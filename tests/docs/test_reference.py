"""Nothing public is left out of the documentation, and nothing is generated twice."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import artigraph
import artigraph.errors
from artigraph.notebook.extension import load  # noqa: F401  # its import declares the magics
from artigraph.notebook.magic.parser import commands
from artigraph.serializer import BUILT_IN

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PUBLIC = {*artigraph.__all__, "Explorer", "FrameViewer", "read_preview"}
DOCUMENTED = re.compile(r"^\.\. auto\w+:: artigraph\.(\w+)$", re.MULTILINE)


def text_of(folder: str) -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / folder).glob("*.md"))


def load_script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reference_has_every_public_name_once() -> None:
    """Each public name stands in the reference, in one place."""
    documented = DOCUMENTED.findall(text_of("reference"))
    assert sorted(documented) == sorted(PUBLIC)


def test_guides_mention_every_name_that_is_no_error() -> None:
    """What the reference explains, a guide or a how-to page uses."""
    told = text_of("guides") + text_of("how-to")
    assert "%load_ext artigraph" in told  # which calls two of the names
    hooks = {"load_ipython_extension", "unload_ipython_extension"}
    names = PUBLIC - set(artigraph.errors.__all__) - hooks
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", told)] == []


def test_every_error_is_in_the_tree_of_the_reference() -> None:
    """The page of errors draws all of them, as the module does."""
    page = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    tree = (artigraph.errors.__doc__ or "").partition("::")[2]
    lines = [line.strip() for line in tree.splitlines() if line.strip()]
    assert [line for line in lines if line not in page] == []


def test_page_of_magics_names_every_subcommand() -> None:
    """``docs/guides/magics.md`` has each sub-command of ``%artigraph``."""
    page = (DOCS / "guides" / "magics.md").read_text(encoding="utf-8")
    assert commands(), "no sub-command was declared"
    missing = [n for n in commands() if not re.search(rf"%artigraph {n}\b", page)]
    assert missing == []


def test_page_of_reprs_names_every_setting() -> None:
    """``docs/guides/reprs.md`` lists each setting of ``artigraph.options``."""
    page = (DOCS / "guides" / "reprs.md").read_text(encoding="utf-8")
    settings = [name for name in vars(type(artigraph.options)) if name.startswith("max_")]
    settings += [name for name in dir(artigraph.options) if name.startswith("max_")]
    assert settings
    assert [name for name in sorted(set(settings)) if f"`{name}`" not in page] == []


def test_page_of_serializers_names_every_built_in_one() -> None:
    """``docs/guides/serializers.md`` lists each serializer that comes with artigraph."""
    page = (DOCS / "guides" / "serializers.md").read_text(encoding="utf-8")
    modules = {address.partition(":")[0] for address, _ in BUILT_IN.values()}
    names = {address.partition(":")[2] for address, _ in BUILT_IN.values()}
    assert [module for module in sorted(modules) if module not in page] == []
    assert [name for name in sorted(names) if name not in page] == []


def test_page_of_the_schema_is_what_the_classes_say() -> None:
    """``docs/reference/schema.md`` is as ``make_schema.py`` writes it now."""
    script = load_script(DOCS / "reference" / "make_schema.py")
    assert script.PAGE.read_text(encoding="utf-8") == script.write(), (
        "Run: python docs/reference/make_schema.py"
    )


async def test_pictures_of_queries_are_what_the_filters_find() -> None:
    """Each diagram in ``docs/guides/queries.md`` marks what the block above it found."""
    script = load_script(DOCS / "images" / "make_questions.py")
    page = script.PAGE.read_text(encoding="utf-8")
    reset = artigraph.set_engine("sqlite+aiosqlite:///:memory:")
    try:
        assert page == await script.draw(page), "Run: python docs/images/make_questions.py"
    finally:
        reset()
    assert page.count("class n") >= 15
