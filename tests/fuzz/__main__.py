"""Fuzz: rows and blobs that nobody would write, read by every door.

``python -m tests.fuzz --seconds 300 --seed 7`` makes cases up in two processes, from the
store of every kind of value in ``tests/data/v0_1``. Whatever a case holds, each door gives
a value or an error of artigraph's, in bounded time and memory; nothing is unpickled,
imported, run or fetched; no HTML escapes. What was found is kept in ``out/fuzz``, one file
each: once mended, it goes to ``tests/data/fuzz`` under a name that says what it was, and
``--replay tests/data/fuzz`` tries all of these.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from artigraph import engine_context, get_engine

PROCESSES = 2
PATIENCE = 180.0
"""Seconds without a word, after which a process hangs."""
DATA = Path(__file__).parents[1] / "data" / "v0_1"
FOUND = Path("out/fuzz")


class Findings:
    """What was found, one of each kind."""

    def __init__(self) -> None:
        self.kinds: dict[str, list[str]] = {}
        self.cases = self.doors = self.errors = 0
        self._lock = threading.Lock()

    def add(self, wrong: str, changes: list[dict[str, Any]], seed: str) -> None:
        """Keep a finding, unless one like it is known."""
        place = wrong.partition(" at ")[2]
        error = wrong.split(": ")[1] if ": " in wrong else wrong
        kind = f"{error} {place}" if place else re.sub(r"\d+", "", wrong)
        with self._lock:
            alike = self.kinds.setdefault(kind, [])
            alike.append(f"[seed {seed}] {wrong}")
            if len(alike) == 1:
                FOUND.mkdir(parents=True, exist_ok=True)
                name = re.sub(r"\W+", "-", kind)[-60:].strip("-")
                (FOUND / f"{name}.json").write_text(json.dumps(changes) + "\n")

    def count(self, cases: int, doors: int, errors: int) -> None:
        """Add up what a process has done."""
        with self._lock:
            self.cases += cases
            self.doors += doors
            self.errors += errors


def prepare(folder: Path) -> None:
    """Copy the store, its blobs and its classes, and make it a store of today."""
    shutil.copytree(DATA / "files", folder / "files")
    shutil.copy(DATA / "values.py", folder)
    shutil.copy(DATA / "sqlite.db", folder / "store.db")

    async def renew() -> None:
        await get_engine()

    with engine_context(f"sqlite+aiosqlite:///{folder / 'store.db'}", create_tables=True):
        asyncio.run(renew())


def watch(script: str, seed: str, folder: Path, findings: Findings) -> None:
    """Start a process and hear what it says, until it has ended."""
    prepare(folder)
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = ""
    errors: list[str] = []
    drain = threading.Thread(target=lambda: errors.extend(process.stderr or ()))
    drain.start()
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    last: dict[str, int] = {}
    for said in process.stdout:
        timer.cancel()
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        try:
            record = json.loads(said)
        except ValueError:
            continue  # a library's own words
        if "wrong" in record:
            findings.add(record["wrong"], record["changes"], seed)
        else:
            last = record
    timer.cancel()
    code = process.wait()
    drain.join()
    if last:
        findings.count(**last)
    if code != 0:
        now = folder / "now"
        changes = json.loads(now.read_text()) if now.exists() else []
        text = " ".join("".join(errors)[-300:].split())
        findings.add(f"the process ended with {code} after {text!r}", changes, seed)


def fuzz_in_turns(place: int, seed: int, until: float, findings: Findings) -> None:
    """One process after another: none grows old, and one that crashed has a successor."""
    turn = 0
    while (left := until - time.time()) > 5:
        turn += 1
        own = f"{seed}.{place}.{turn}"
        with tempfile.TemporaryDirectory(prefix="artigraph-fuzz-") as name:
            folder = Path(name)
            ends = time.time() + min(60.0, left)
            watch(
                "from pathlib import Path; from tests.fuzz.child import fuzz; "
                f"fuzz(Path({name!r}), {own!r}, {ends!r})",
                own,
                folder,
                findings,
            )


def main() -> int:
    """Do as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--replay", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    findings = Findings()
    if given.replay:
        with tempfile.TemporaryDirectory(prefix="artigraph-fuzz-") as name:
            watch(
                "from pathlib import Path; from tests.fuzz.child import replay; "
                f"replay(Path({name!r}), Path({str(given.replay.absolute())!r}))",
                "replay",
                Path(name),
                findings,
            )
    else:
        sys.stdout.write(f"seed {given.seed}, {given.seconds:g} seconds\n")
        sys.stdout.flush()
        until = time.time() + given.seconds
        threads = [
            threading.Thread(target=fuzz_in_turns, args=(n, given.seed, until, findings))
            for n in range(PROCESSES)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for alike in findings.kinds.values():
        sys.stdout.write(f"WRONG, {len(alike)} times: {alike[0]}\n")
    sys.stdout.write(
        f"{findings.cases} cases, {findings.doors} doors opened, {findings.errors} of them with an "
        f"error; {len(findings.kinds)} kinds of errors that are not ours or harm\n"
    )
    return 1 if findings.kinds or not findings.cases else 0


if __name__ == "__main__":
    sys.exit(main())
