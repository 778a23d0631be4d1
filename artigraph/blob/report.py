"""What was found of blobs without rows, and of rows without blobs.

A report counts everything, and lists the first findings.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from typing_extensions import override

from artigraph.display.escape import counted, cut
from artigraph.display.facts import Badge, Facts, Table
from artigraph.display.options import Limits
from artigraph.display.shown import Shown
from artigraph.display.value import format_size, format_time
from artigraph.storage.base import BlobInfo

__all__ = ["EXAMPLES", "DamagedRow", "GarbageReport", "StorageReport"]

EXAMPLES = 100
"""How many findings a report lists; it counts all of them."""

_LONGEST = 120
"""Characters of a location, and of a reason, that are shown."""


@dataclass(repr=False)
class GarbageReport(Shown):
    """What :func:`collect_garbage` has found."""

    storage: str
    """The storage's name."""
    removed: bool
    """Whether what was found was removed as well."""
    num_blobs: int = 0
    """How many blobs no row names."""
    nbytes: int = 0
    """How many bytes they are together."""
    blobs: list[BlobInfo] = field(default_factory=list)
    """The first 100 of them."""

    def add(self, blob: BlobInfo) -> None:
        """Count a blob."""
        self.num_blobs += 1
        self.nbytes += blob.size
        if len(self.blobs) < EXAMPLES:
            self.blobs.append(blob)

    @override
    def _describe(self, limits: Limits) -> Facts:
        rows = tuple(
            (cut(blob.location, _LONGEST), format_size(blob.size), format_time(blob.modified))
            for blob in self.blobs[: limits.max_results]
        )
        return Facts(
            type(self).__name__,
            self.storage,
            (Badge("removed" if self.removed else "dry run"),),
            lines=(self._counted(),),
            table=_table(("location", "size", "written"), rows, self.num_blobs, {1}),
        )

    @override
    def _brief(self, limits: Limits) -> str:
        state = ", removed" if self.removed else ""
        return f"<{type(self).__name__} {self.storage!r}: {self._counted()}{state}>"

    def _counted(self) -> str:
        blobs = counted(self.num_blobs, "blob")
        return f"{blobs} without a row, {format_size(self.nbytes)}"


@dataclass(frozen=True)
class DamagedRow:
    """A row whose bytes cannot be had."""

    node_id: int
    label: str | None
    location: str
    reason: str


@dataclass(repr=False)
class StorageReport(Shown):
    """What :func:`check_storage` has found."""

    storage: str
    """The storage's name."""
    num_rows: int = 0
    """How many rows name a blob of the storage."""
    nbytes: int = 0
    """How many bytes those rows speak of."""
    num_missing: int = 0
    """How many rows name a blob that is not there."""
    num_damaged: int = 0
    """How many rows name a blob with other bytes than were written."""
    rows: list[DamagedRow] = field(default_factory=list)
    """The first 100 rows whose blob is missing or damaged."""
    orphans: GarbageReport = field(default_factory=lambda: GarbageReport("", removed=False))
    """The blobs that no row names."""

    @property
    def ok(self) -> bool:
        """Whether every row has its bytes."""
        return self.num_missing == 0 and self.num_damaged == 0

    @override
    def _describe(self, limits: Limits) -> Facts:
        rows = tuple(
            (str(row.node_id), cut(row.label or "", _LONGEST), cut(row.reason, _LONGEST))
            for row in self.rows[: limits.max_results]
        )
        faults = self.num_missing + self.num_damaged
        return Facts(
            type(self).__name__,
            self.storage,
            (Badge("ok") if self.ok else Badge("damaged", "failed"),),
            lines=(self._counted(), self.orphans._counted()),
            table=_table(("node", "label", "reason"), rows, faults, {0}),
        )

    @override
    def _brief(self, limits: Limits) -> str:
        return (
            f"<{type(self).__name__} {self.storage!r}: {self._counted()}, "
            f"{self.orphans._counted()}>"
        )

    def _counted(self) -> str:
        rows = counted(self.num_rows, "row")
        faults = f"{self.num_missing:,} missing, {self.num_damaged:,} damaged"
        return f"{rows}, {format_size(self.nbytes)}: {faults}"


def _table(
    columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...], total: int, numbers: set[int]
) -> Table | None:
    if not rows:
        return None
    more = total - len(rows)
    return Table(columns, rows, gap=len(rows), more=more, numbers=frozenset(numbers))
