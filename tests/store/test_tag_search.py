"""Tags in the search box: ``#best``, ``tag:stage=prod``, ``tag:score>0.9``."""

from __future__ import annotations

from typing import Any

import pytest

from artigraph import NodeFilter, new_node, tag_nodes, write_nodes
from artigraph.outline.page import browse_search
from artigraph.outline.search import search_clause, taken_as_words, words_in

TAGS: dict[str, dict[str, Any]] = {
    "a": {"best": None, "stage": "prod", "score": 0.95},
    "b": {"best": True, "stage": "test", "score": 3, "two words": 1},
    "c": {"stage": "prod eu", "score": "high", "12": None},
    "d": {},
}

FOUND = {
    "#best": "ab",
    "tag:best": "ab",
    "#best=true": "b",
    "#best=null": "a",
    "#best=*": "b",
    "tag:stage=prod": "a",
    "#stage=prod": "a",
    'tag:stage="prod eu"': "c",
    "tag:stage!=prod": "bc",
    "tag:stage~prod%": "ac",
    "tag:stage=*": "abc",
    "tag:score>0.9": "abc",
    "tag:score<1": "a",
    "tag:score>=3": "bc",
    "tag:score=3": "b",
    'tag:"two words"': "b",
    "tag:12": "c",
    "#best tag:score>1": "b",
    "#best b": "b",
    "#missing": "",
    "tag:": "",
    "#": "",
    "tag:stage=": "abc",
}


@pytest.mark.parametrize("text", FOUND)
async def test_search_by_tags(store: str, text: str) -> None:
    """A value is whatever it may be; terms combine with words and each other."""
    nodes = await write_nodes([new_node(node_label=label) for label in TAGS])
    for node, tags in zip(nodes, TAGS.values(), strict=True):
        if tags:
            await tag_nodes(NodeFilter(node_id=node.node_id), tags)
    page = await browse_search(search_clause(text), words=words_in(text))
    assert sorted(row.label or "" for row in page.nodes) == list(FOUND[text])


def test_tags_are_no_words() -> None:
    """Labels are not searched for them, and no hint tells that they were."""
    assert words_in("#best tag:stage=prod fit #12") == ["fit"]
    assert taken_as_words("tag:a<1 #b>2 <3") == ["<3"]
