"""What sub-commands return where no other function does, and how it shows itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from IPython.lib.pretty import pretty
from typing_extensions import override

from artigraph.display.escape import counted
from artigraph.display.facts import Facts, Table
from artigraph.display.options import Limits
from artigraph.display.row import ResultList
from artigraph.display.shown import Shown
from artigraph.display.value import format_size
from artigraph.orm.run import CellRun, TrackedRun
from artigraph.outline.tree import Tree, TreeNode

__all__ = ["Listing", "NothingFound", "Picture", "Report"]


class Report(Shown):
    """Some facts about the store.

    Args:
        facts: The facts.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    @override
    def _describe(self, limits: Limits) -> Facts:
        return self._facts

    @override
    def _brief(self, limits: Limits) -> str:
        return f"<{' '.join((self._facts.name, self._facts.label, *self._facts.lines))}>"


class NothingFound(ResultList[Any]):
    """The empty list of a search, that shows itself as a sentence.

    Args:
        sentence: What was looked for, and what there is.
    """

    __slots__ = ("_sentence",)

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self._sentence = sentence

    @override
    def _describe(self, limits: Limits) -> Facts:
        return super()._describe(limits) if self else Facts(self._sentence)


class Listing(Shown, Sequence[TreeNode]):
    """The nodes right below another one: a sequence of ``TreeNode``.

    Args:
        nodes: The nodes.
        more: How many are left out.
        of: What they hang on.
    """

    def __init__(self, nodes: Sequence[TreeNode], more: int, of: str) -> None:
        self._nodes, self._of = tuple(nodes), of
        self.more = more
        """How many nodes are left out."""

    @overload
    def __getitem__(self, at: int) -> TreeNode: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[TreeNode]: ...

    def __getitem__(self, at: int | slice) -> TreeNode | Sequence[TreeNode]:
        return self._nodes[at]

    def __len__(self) -> int:
        return len(self._nodes)

    @override
    def _describe(self, limits: Limits) -> Facts:
        shown = self._nodes[: limits.max_results]
        rows = tuple(
            (
                str(node.node_id),
                node.label or "",
                _kind(node),
                f"{node.child_count:,}" if node.child_count else "",
                "" if node.size is None else format_size(node.size),
                f"{node.updated_at:%Y-%m-%d %H:%M:%S}",
            )
            for node in shown
        )
        more = len(self) + self.more - len(rows)
        columns = ("id", "label", "what", "below", "size", "written (UTC)")
        table = Table(columns, rows, gap=len(rows), more=more, numbers=frozenset({0, 3, 4}))
        return Facts(self._of, lines=(self._counted(),), table=table if rows else None)

    @override
    def _brief(self, limits: Limits) -> str:
        return f"<{self._counted()}: {self._of}>"

    def _counted(self) -> str:
        total = len(self) + self.more
        return counted(total, "node")


def _kind(node: TreeNode) -> str:
    if node.kind == "model":
        return f"{node.model_name} v{node.model_version}"
    if node.kind == "artifact":
        return " ".join((node.content or node.serializer or node.node_type, node.extent)).strip()
    what = "run" if node.node_type in _RUNS else node.node_type
    return f"{what}, {node.status}" if node.status else node.node_type


_RUNS = {one.__mapper__.polymorphic_identity for one in (CellRun, TrackedRun)}


class Picture:
    """A tree as its picture, where a notebook would show the branches that fold.

    Args:
        tree: The tree.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        """What is drawn."""

    def __repr__(self) -> str:
        text: str = pretty(self.tree)
        return text

    def _repr_svg_(self) -> str:
        return self.tree._repr_svg_()
