"""Frames and arrays read in part, from a file that is not read whole.

A serializer whose values have rows subclasses :class:`FrameSerializer` or
:class:`SliceSerializer`; ``artigraph.frame`` makes handles of them.

What is read in part cannot be compared with the digest of the whole. Formats
with checksums of their own check those.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Generic, NamedTuple, TypeVar

from artigraph.display.escape import visible
from artigraph.errors import ArtigraphError, DeserializationError, PartError
from artigraph.serializer.base import Serializer

__all__ = [
    "SUMMARY_COLUMNS",
    "FrameColumn",
    "FrameReader",
    "FrameSerializer",
    "SliceSerializer",
    "find_columns",
    "parsed",
    "reading",
    "summarize_frame",
]

T = TypeVar("T")

SUMMARY_COLUMNS = 200
"""Columns that a summary lists; it counts the others."""

NAMED = 20
"""Names that an error lists, at most."""

TOLD = 500
"""Characters of a library's own words in an error."""


class FrameColumn(NamedTuple):
    """One column of a file, as a viewer shows it."""

    label: str
    """Its label as text."""
    dtype: str
    """Its type as text, in the words of the library that wrote it."""
    is_index: bool = False
    """Whether it is a level of the row index."""
    null: str = "null"
    """What that library calls a missing value in it."""
    show: Callable[[Any], list[str]] | None = None
    """Makes texts of an Arrow column whose own values are none that people know."""
    sort_key: Callable[[Any], Any] | None = None
    """Makes an Arrow column whose order is that of the values."""


class FrameReader(ABC, Generic[T]):
    """What is known of a frame once its footer was read.

    It holds no file: every call is given one, so that calls from several
    threads do not disturb each other.
    """

    num_rows: int
    """How many rows the file has."""

    labels: Sequence[Any]
    """The columns' labels, in their order."""

    @abstractmethod
    def dtypes(self) -> list[str]:
        """The columns' types as text, in their order."""

    @abstractmethod
    def read(
        self, file: BinaryIO, offset: int, limit: int, columns: Sequence[int] | None = None
    ) -> T:
        """Read some rows of some columns, and as little else as can be.

        Args:
            file: The file that the reader was made from, or another of the
                same bytes.
            offset: Rows to leave out, from 0; past the end there are none.
            limit: Rows to read, at most.
            columns: Places of the columns, each once, in the order wanted;
                all by default.

        Returns:
            What the same rows and columns of the whole frame would be.

        Raises:
            DeserializationError: The file is damaged.
        """

    def as_arrow(self) -> FrameReader[Any] | None:
        """The same file, as tables of Arrow; ``None`` if Arrow lacks a type of it."""
        return None

    def arrow_columns(self) -> list[FrameColumn]:
        """What is to be known of the columns that :meth:`as_arrow` reads, in their order."""
        pairs = zip(map(str, self.labels), self.dtypes(), strict=True)
        return [FrameColumn(label, dtype) for label, dtype in pairs]

    def to_pandas(self, columns: Sequence[Any], places: Sequence[int], rows: object) -> Any:
        """Make a frame of pandas of columns that :meth:`as_arrow` read.

        Args:
            columns: The columns, as Arrow has them; after them, all levels of
                the row index.
            places: The places of the columns.
            rows: Which rows they hold: a slice, or an array of row numbers.

        Raises:
            DeserializationError: The file is damaged.
        """
        raise DeserializationError("Parts of this frame cannot be read as a frame of pandas.")


class FrameSerializer(Serializer[T]):
    """A serializer of frames that can be read in part."""

    @abstractmethod
    def open_reader(self, file: BinaryIO, /) -> FrameReader[T]:
        """Read the footer of a file.

        Raises:
            DeserializationError: The file is damaged, or nothing that this
                serializer wrote.
        """

    @abstractmethod
    def load_arrow(self, file: BinaryIO, /) -> Any:
        """Read a whole file as a ``pyarrow.Table``.

        Raises:
            DeserializationError: As for ``load``.
        """

    @abstractmethod
    def from_arrow(self, table: Any, /) -> T:
        """Make a frame of this kind from a ``pyarrow.Table``."""

    @abstractmethod
    def scan(self, open_file: Callable[[], BinaryIO], size: int, /) -> Any:
        """Make a ``pyarrow.dataset.Dataset`` that reads what queries need.

        Args:
            open_file: Called in any thread, once for each query.
            size: Bytes of the file.

        Raises:
            DeserializationError: The file is damaged.
        """


class SliceSerializer(Serializer[T]):
    """A serializer of arrays that can be read in part."""

    @abstractmethod
    def read_slice(self, file: BinaryIO, start: int, stop: int, /) -> T:
        """Read the elements ``start`` to ``stop`` of the first axis.

        Args:
            file: A file that holds one array of at least one dimension.
            start: The first, from 0 to ``stop``.
            stop: The one after the last, at most the length of the axis.

        Raises:
            DeserializationError: The file is damaged, or has no such slice.
        """

    @abstractmethod
    def memory_map(self, path: Path, /) -> T:
        """Map a file into memory, to be read but not written.

        Raises:
            DeserializationError: The file is damaged.
        """


def summarize_frame(
    rows: int, columns: Sequence[tuple[str, str]], row_groups: int
) -> Mapping[str, Any]:
    """The facts that every kind of frame shows about itself.

    Args:
        rows: How many rows.
        columns: Names and types, of which the first 200 are kept.
        row_groups: Parts that can be read on their own.
    """
    return {
        "kind": "frame",
        "rows": rows,
        "columns": [list(column) for column in columns[:SUMMARY_COLUMNS]],
        "num_columns": len(columns),
        "row_groups": row_groups,
    }


def find_columns(wanted: Sequence[Any], labels: Sequence[Any]) -> list[int]:
    """Find columns by label, or by the label's text.

    Args:
        wanted: Labels, each once.
        labels: Those that there are. Where several are equal, all are found.

    Returns:
        Their places, in the order wanted.

    Raises:
        PartError: There is no such column, or it is wanted twice.
    """
    if isinstance(wanted, str) or not isinstance(wanted, Sequence):
        raise PartError(f"columns takes a list of names, not {wanted!r}. Use [{wanted!r}].")
    exact: dict[Any, list[int]] = {}
    texts: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        exact.setdefault((type(label), label), []).append(place)
        texts.setdefault(str(label), []).append(place)
    found: dict[int, None] = {}
    for label in wanted:
        places = exact.get((type(label), label)) or texts.get(str(label))
        if not places:
            raise PartError(f"There is no column {label!r}. {_known(str(label), list(texts))}")
        if places[0] in found:
            raise PartError(f"The column {label!r} is asked for twice. Name it once.")
        found.update(dict.fromkeys(places))
    return list(found)


def _known(name: str, names: list[str]) -> str:
    import difflib  # for whoever errs, and not at the start

    near = difflib.get_close_matches(name, names)
    if near:
        return f"Did you mean {' or '.join(map(repr, near))}?"
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"There are {', '.join(map(repr, names[:NAMED])) or 'none'}{more}."


def parsed(parse: Callable[[], T]) -> T:
    """What a parser makes of Python's literals, whatever other threads parse meanwhile.

    Of two at once, Python 3.11 may tell one that it lost count of its own depth.

    Args:
        parse: Parses; called again if that happens, so it begins anew.
    """
    for _ in range(100):
        with suppress(SystemError):
            return parse()
    return parse()


@contextmanager
def reading(message: str) -> Iterator[None]:
    """Turn what a library raises over damaged bytes into artigraph's error.

    Errors of artigraph, such as those of a store, pass through.

    Raises:
        DeserializationError: The message, and what the library said.
    """
    try:
        yield
    except ArtigraphError:
        raise
    except Exception as error:  # damage shows as almost any error
        # A library quotes what it found, such as names.
        raise DeserializationError(f"{message}: {visible(str(error), TOLD)}") from error
