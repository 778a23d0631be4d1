"""What every tool is asked to do, timed alike; the standard library only.

A tool's module runs in that tool's own environment, as ``python -m benchmarks.peers.NAME FOLDER``.
It is asked to write many records, to find the best of them, to read one by its id, and to write
one more. A record has four parameters and one number, its loss.

Each module takes the shortest way that its tool's pages show, and the one for many where
there is one. What is prepared once, such as an account, a schema or an index, is not timed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

__all__ = ["MEASURES", "Parameters", "Peer", "run"]

MEASURES = {
    "write": "write one",
    "read": "read one by its id",
    "write_all": "write {count:,}",
    "best": "the best of {count:,}",
}
"""What is measured, and what the table says of it."""

SINGLES = 100
"""Single records that are written and read, at most; the median of them counts."""

SEARCHES = 5

Parameters = dict[str, Any]


class Peer(ABC):
    """A tool with a new store in a folder."""

    version: str

    @abstractmethod
    def write(self, parameters: Parameters, loss: float) -> Any:
        """Write a record; its id."""

    def write_all(self, records: list[tuple[Parameters, float]]) -> list[Any]:
        """Write records, one by one where the tool knows nothing else; their ids."""
        return [self.write(parameters, loss) for parameters, loss in records]

    def settle(self) -> None:  # noqa: B027  # most need nothing
        """What has to be done before what was written can be read."""

    @abstractmethod
    def read(self, record: Any) -> tuple[Parameters, float]:
        """Read a record by its id."""

    @abstractmethod
    def best(self) -> float:
        """The lowest loss of all."""

    def close(self) -> None:  # noqa: B027  # most need nothing
        """Let go of the store."""


def run(make: Callable[[Path], Peer]) -> None:
    """Go through the flow in a folder and print the times, in milliseconds, as JSON.

    Args:
        make: Makes the tool's store in a folder. It imports the tool, too, so that what that
            prints is not in the way.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, help="an empty one, for the tool's store")
    parser.add_argument("--count", type=int, default=1_000, help="how many are written")
    asked = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        peer = make(asked.folder)
        try:
            found = _flow(peer, asked.count)
        finally:
            peer.close()
    print(json.dumps({"version": peer.version, **found}))


def _flow(peer: Peer, count: int) -> dict[str, float]:
    records = [_record(number, count) for number in range(count)]
    taken, ids = _timed(partial(peer.write_all, records))
    found = {"write_all": taken}
    peer.settle()
    searches = [_timed(peer.best) for _ in range(SEARCHES)]
    assert all(best == min(loss for _, loss in records) for _, best in searches)
    found["best"] = statistics.median(taken for taken, _ in searches)
    reads = []
    for number in range(0, count, -(-count // SINGLES)):
        taken, (parameters, loss) = _timed(partial(peer.read, ids[number]))
        assert (set(parameters), loss) == (set(records[number][0]), records[number][1])
        reads.append(taken)
    found["read"] = statistics.median(reads)
    more = [_record(number, count) for number in range(count, count + min(count, SINGLES))]
    found["write"] = statistics.median(_timed(partial(peer.write, *one))[0] for one in more)
    return found


def _record(number: int, count: int) -> tuple[Parameters, float]:
    """Each with another loss, in no order."""
    parameters = {"depth": number, "rate": 0.1, "name": f"trial {number}", "converged": True}
    return parameters, number * 7919 % count / 8 + 0.5 if number < count else float(number)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return (time.perf_counter() - start) * 1e3, result
