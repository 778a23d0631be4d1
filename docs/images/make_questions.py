"""Draws the pictures in ``guides/queries.md``: what each filter selects.

A picture is a mermaid fence below a block that leaves what it found in
``found``. Run this when the page's blocks change: ``python docs/images/make_questions.py``.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import sys
import types
from pathlib import Path
from typing import Any

from artigraph import Node, read_tree, to_mermaid

__all__ = ["PAGE", "draw"]

PAGE = Path(__file__).parents[1] / "guides" / "queries.md"
PARTS = re.compile(r"(?P<fence>```)(?P<language>python|mermaid)\n(?P<text>.*?)```", re.DOTALL)


async def draw(page: str) -> str:
    """Run a page's blocks, and draw what each of them found.

    Args:
        page: The page's text.

    Returns:
        The page with its mermaid fences drawn anew.
    """
    module = types.ModuleType("__main__")
    replaced, sys.modules["__main__"] = sys.modules["__main__"], module
    drawn, end = "", 0
    try:
        for part in PARTS.finditer(page):
            drawn += page[end : part.start()]
            if part["language"] == "python":
                drawn += part[0]
                await _run(part["text"], module)
            else:
                drawn += f"```mermaid\n{await _picture(vars(module).get('found'))}```"
            end = part.end()
    finally:
        sys.modules["__main__"] = replaced
    return drawn + page[end:]


async def _run(source: str, module: types.ModuleType) -> None:
    code = compile(source, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, module.__dict__)  # noqa: S307  # the page's own blocks
    if inspect.iscoroutine(result):
        await result


async def _picture(found: list[Any] | None) -> str:
    source = str(await to_mermaid()) + "\n"
    if found is None:
        return source
    rows = [one if isinstance(one, Node) else one.artifact for one in found]
    ids = {row.node_id for row in rows}
    # to_mermaid names boxes by their place, level by level, as these come.
    tree = await read_tree()
    names = [f"n{number}" for number, node in enumerate(_by_level(tree)) if node.node_id in ids]
    style = "    classDef found stroke:#d1242f,stroke-width:3px\n"
    return source + style + (f"    class {','.join(names)} found;\n" if names else "")


def _by_level(tree: Any) -> list[Any]:
    nodes = list(tree.roots)
    for node in nodes:  # grows while it is walked
        nodes.extend(tree.children(node))
    return nodes


if __name__ == "__main__":
    PAGE.write_text(asyncio.run(draw(PAGE.read_text(encoding="utf-8"))), encoding="utf-8")
