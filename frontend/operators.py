"""Writes ``src/viewer/operators.ts``: the operators that a frame's viewer offers.

They are those of ``artigraph/filter/operator.py`` that Arrow knows. ``make frontend``
runs this before it bundles; a test compares.
"""

from __future__ import annotations

import json
from pathlib import Path

from artigraph.frame.query import operators

__all__ = ["TARGET", "typescript"]

TARGET = Path(__file__).with_name("src") / "viewer" / "operators.ts"

HEAD = """\
/** Operators, written by frontend/operators.py: change artigraph/filter/operator.py. */

/** How an operator reads, and whether it stands without a value. */
export interface Operator {
  words: string;
  bare: boolean;
}

/** In the order in which they are offered. */
export const OPERATORS: Record<string, Operator> = {
"""


def typescript() -> str:
    """The file's text, for the operators that there are."""
    rows = (
        f"  {name}: {{ words: {json.dumps(one.words, ensure_ascii=False)}, "
        f"bare: {json.dumps(one.takes == 'nothing')} }},\n"
        for name, one in operators().items()
    )
    return f"{HEAD}{''.join(rows)}}};\n"


if __name__ == "__main__":
    TARGET.write_text(typescript(), encoding="utf-8")
