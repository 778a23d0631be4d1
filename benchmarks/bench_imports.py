"""Importing artigraph, against importing the part of SQLAlchemy it stands on."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.report import Report

ROUNDS = 15


def seconds_to_import(module: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return time.perf_counter() - start


def seconds_in_ipython(statement: str) -> float:
    """How long a statement takes in a shell that has begun."""
    code = (
        "import time; from IPython.core.interactiveshell import InteractiveShell; "
        "shell = InteractiveShell.instance(); start = time.perf_counter(); "
        f"{statement}; print(time.perf_counter() - start)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> int:
    report = Report()
    plain, ours, all_names = [], [], []
    everything = "sys, artigraph; [getattr(artigraph, name) for name in dir(artigraph)]"
    for _ in range(ROUNDS):
        plain.append(seconds_to_import("sqlalchemy.ext.asyncio"))
        ours.append(seconds_to_import("artigraph"))
        all_names.append(seconds_to_import(everything))
    report.ratio("import artigraph", ours, plain, 1.3)
    report.ratio("import artigraph and use every name", all_names, plain)
    loads, takes = [], []
    for _ in range(ROUNDS):
        takes.append(seconds_in_ipython("import sqlalchemy.ext.asyncio"))
        loads.append(seconds_in_ipython("shell.run_line_magic('load_ext', 'artigraph')"))
    report.ratio("%load_ext artigraph", loads, takes, 1.5)
    return report.failures


if __name__ == "__main__":
    sys.exit(min(main(), 1))
