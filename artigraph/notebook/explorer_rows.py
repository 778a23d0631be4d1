"""Rows of the tree as an explorer draws them: as plain values, or as a static tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artigraph.display.escape import visible
from artigraph.display.tree import NodeKind, TreeItem
from artigraph.display.value import format_size, format_time
from artigraph.orm.node import Node
from artigraph.outline.page import COUNT_LIMIT, NodePage
from artigraph.outline.summary import NodeSummary

__all__ = ["LONGEST_LABEL", "page_values", "row_values", "tree_item"]

LONGEST_LABEL = 120
"""Characters of a label that a page is given; the details have all of it."""


def row_values(row: NodeSummary) -> dict[str, Any]:
    """A row as plain values; characters that would hide or reorder text are written out."""
    kind, version = row.kind, row.model_version
    label = None if row.label is None else visible(row.label, LONGEST_LABEL)
    return {
        "node": row.node_id,
        "parent": row.parent_id,
        "kind": kind,
        "label": label,
        "type": visible(_type(row, kind), LONGEST_LABEL),
        "version": version if isinstance(version, int | None) else visible(str(version), 20),
        "created": format_time(row.created_at),
        "size": None if row.size is None else format_size(row.size),
        "count": row.child_count,
        "capped": row.child_count >= COUNT_LIMIT,
        "status": None if row.status is None else visible(row.status, LONGEST_LABEL),
        "failed": row.failed,
        "tags": [visible(text, LONGEST_LABEL) for text in row.tags],
    }


def page_values(page: NodePage) -> dict[str, Any]:
    """A page as plain values."""
    return {"rows": [row_values(row) for row in page.nodes], "after": page.after}


def tree_item(row: Mapping[str, Any]) -> TreeItem:
    """A row as a static tree draws it.

    Args:
        row: Some of :func:`row_values`.
    """
    kind: NodeKind = row["kind"]
    told = " · ".join(filter(None, (row.get("status"), *row.get("tags", ()))))
    failed = row.get("failed", False) or row.get("status") == "failed"
    if kind == "node":
        label = row["label"] if row["label"] is not None else f"{row['type']} {row['node']}"
        return TreeItem(label, kind, more=row["count"], status=told, failed=failed)
    title = f"v{row['version']}" if row["version"] is not None else (row["size"] or "")
    return TreeItem(
        row["type"],
        kind,
        title,
        edge=row["label"] or "",
        more=row["count"],
        status=told,
        failed=failed,
    )


def _type(row: NodeSummary, kind: NodeKind) -> str:
    if kind == "model":
        return str(row.model_name or "")
    if kind == "artifact":
        return str(row.serializer or row.node_type).removeprefix("artigraph-")
    mapper = Node.__mapper__.polymorphic_map.get(row.node_type)
    return str(row.node_type) if mapper is None else mapper.class_.__name__
