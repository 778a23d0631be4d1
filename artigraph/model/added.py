"""What adding to a group returns, so that one may await it or not."""

from __future__ import annotations

from collections.abc import Generator, Iterable

__all__ = ["Added"]


class Added:
    """What :meth:`ModelGroup.add_model` returns: it is done, and may be awaited.

    Args:
        labels: What was added.
    """

    __slots__ = ("_labels",)

    def __init__(self, labels: Iterable[str]) -> None:
        self._labels = tuple(labels)

    def __repr__(self) -> str:
        return f"<added to the group, to be written when it is saved: {', '.join(self._labels)}>"

    def __await__(self) -> Generator[None, None, None]:
        return
        yield
