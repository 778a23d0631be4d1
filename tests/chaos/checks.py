"""What must be true once all workers of a round are gone, whatever became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from artigraph import (
    ModelFilter,
    NodeFilter,
    check_storage,
    collect_garbage,
    delete_nodes,
    get_engine,
    read_models,
)
from tests.chaos.journal import Entry
from tests.chaos.scene import Scene, Values

__all__ = ["check_round", "clear"]


async def check_round(values: Values, scene: Scene, entries: list[Entry]) -> list[str]:
    """See whether a store is as the journals say.

    Args:
        values: The models.
        scene: The nodes that the round began with.
        entries: What the workers have told.

    Returns:
        What is wrong.
    """
    async with (await get_engine()).connect() as connection:
        rows = (
            await connection.execute(
                text(
                    "SELECT node_id, node_parent_id, node_label, model_artifact_type "
                    "FROM artigraph_node"
                )
            )
        ).all()
    parents = {node: parent for node, parent, _, _ in rows}
    receipts = [label for _, parent, label, _ in rows if parent == scene.receipts]
    labels = Counter(label for _, _, label, _ in rows)
    wrong = [*_circles(parents), *_kept(labels, entries), *_raced(labels, entries)]
    wrong += _doomed(labels, entries)
    wrong += _wild(receipts, labels, entries)
    wrong += [f"container {node} is gone" for node in scene.containers if node not in parents]
    wrong += [
        f"an error that is not ours, {entry.kind} of {entry.worker}: {entry.more['alien']}"
        for entry in entries
        if "alien" in entry.more
    ]
    report = await check_storage(values.files)
    if not report.ok:
        wrong.append(f"rows without their bytes: {report.rows}")
    numbers = {label: number for entry in entries for label, number in _models(entry).items()}
    found = await read_models(ModelFilter(model_type=values.model))
    for one in found:
        label = one.artifact.node_label
        if not values.is_whole(one.value):
            wrong.append(f"model {label} is not whole: {one.value}")
        elif label in numbers and numbers[label] != one.value.number:
            wrong.append(f"model {label} holds another number: {one.value}")
    models = sum(kind is not None for *_, kind in rows)
    if len(found) != models:
        wrong.append(f"{models} rows of models, and {len(found)} were read")
    return wrong


def _models(entry: Entry) -> dict[str, int]:
    models: dict[str, int] = entry.what.get("models", {})
    return models


def _circles(parents: Mapping[int, int | None]) -> Iterable[str]:
    for node in parents:
        seen, above = {node}, parents[node]
        while above is not None:
            if above in seen:
                yield f"node {node} is below itself"
                break
            if above not in parents:
                yield f"node {node} hangs on {above}, which is not there"
                break
            seen.add(above)
            above = parents[above]


def _kept(labels: Mapping[str, int], entries: list[Entry]) -> Iterable[str]:
    for entry in entries:
        wanted = [*_models(entry), *entry.what.get("nodes", ())]
        there = [label for label in wanted if labels[label]]
        told = f"{entry.kind} {wanted} of {entry.worker}, {entry.outcome} {entry.more}"
        if any(labels[label] > 1 for label in wanted):
            yield f"written twice: {told}"
        if entry.outcome == "done" and there != wanted:
            yield f"lost: {told} has {there}"
        elif entry.outcome == "failed" and there and not entry.what.get("apart"):
            yield f"there although it failed: {told} has {there}"
        elif there not in ([], wanted) and not entry.what.get("apart"):
            yield f"neither whole nor gone: {told} has {there}"


def _raced(labels: Mapping[str, int], entries: list[Entry]) -> Iterable[str]:
    done = Counter(e.what["label"] for e in entries if e.kind == "race" and e.outcome == "done")
    maybe = {e.what["label"] for e in entries if e.kind == "race" and e.outcome == "unknown"}
    for label, count in done.items():
        if count > 1 or labels[label] != 1:
            yield f"{label}: {count} were told that they wrote it, {labels[label]} rows"
    for label in labels:
        if (label or "").startswith("race ") and label not in done and label not in maybe:
            yield f"{label} is there although everyone failed"


def _wild(receipts: list[str], labels: Mapping[str, int], entries: list[Entry]) -> Iterable[str]:
    """Trees in which all write, move and delete: each row is there, or a deletion counted it.

    Who wrote below a node that was being deleted came first, and was deleted with it, or was
    refused: as if one had waited for the other.
    """
    counted = {}
    for receipt in receipts:
        rows, label = receipt.split(" ", 1)
        counted[label] = int(rows)
    for entry in entries:
        own = entry.what.get("receipt")
        if own is None:
            continue
        if entry.outcome == "done" and own not in counted:
            yield f"lost: {entry.kind} {own} of {entry.worker}, {entry.more}"
        if entry.outcome == "failed" and own in counted:
            yield f"there although it failed: {entry.kind} {own}, {entry.more}"
    there = sum(count for label, count in labels.items() if (label or "").startswith("wild "))
    if there != sum(counted.values()):
        yield f"{there} rows are there of {sum(counted.values())} that were not deleted"


def _doomed(labels: Mapping[str, int], entries: list[Entry]) -> Iterable[str]:
    deletes = [entry for entry in entries if entry.kind == "delete"]
    gone = {entry.what["label"] for entry in deletes if entry.outcome == "done"}
    touched = {entry.what["label"] for entry in deletes if entry.outcome != "failed"}
    for entry in entries:
        if entry.kind != "doom":
            continue
        label = entry.what["label"]
        there = [labels[label], labels[f"{label}.m"]]
        told = f"{label} of {entry.worker}, {entry.outcome} {entry.more}"
        if there not in ([0, 0], [1, 1]):
            yield f"neither whole nor gone: {told} has {there}"
        if label in gone and there != [0, 0]:
            yield f"there although it was deleted: {told}"
        if entry.outcome == "done" and label not in touched and there != [1, 1]:
            yield f"lost: {told}"
        if entry.outcome == "failed" and there != [0, 0]:
            yield f"there although it failed: {told}"


async def clear(values: Values) -> list[str]:
    """Delete and collect everything; what is left is wrong."""
    await delete_nodes(NodeFilter(), everything=True)
    await collect_garbage(values.files, older_than=timedelta(0), dry_run=False)
    left = _files_in(values.files.directory)
    return [f"blobs that nothing collects: {left[:5]}"] if left else []


def _files_in(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file()]
