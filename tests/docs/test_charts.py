"""The charts of the guide of performance."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.chart import Line, draw
from benchmarks.growth_charts import CHARTS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guides" / "performance.md"
LARGEST = 20_000
NAMES = [f"growth-{chart.name}.svg" for chart in CHARTS]


def texts(drawn: str) -> list[str]:
    found = ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")
    return [text.text or "" for text in found]


def check(drawn: str) -> None:
    assert len(drawn.encode()) < LARGEST
    assert "prefers-color-scheme: dark" in drawn
    assert not re.search(r"href|<script|<image|/tmp|\d{4}-\d\d-\d\d", drawn)
    assert socket.gethostname() not in drawn
    assert {"time", "artigraph"} <= set(texts(drawn))


def test_benchmark_draws_each_chart(tmp_path: Path) -> None:
    """Of a few rows, every measure is printed and drawn."""
    asked = ("--sizes", "10", "100", "--into", str(tmp_path))
    command = [sys.executable, "-m", "benchmarks.growth_charts", *asked]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
    for chart in CHARTS:
        drawn = (tmp_path / f"growth-{chart.name}.svg").read_text(encoding="utf-8")
        check(drawn)
        assert str(tmp_path) not in drawn
        assert {chart.title, chart.across, chart.plain, "10", "100"} <= set(texts(drawn))
        assert done.stdout.count(f"| {chart.title} |") == 2


@pytest.mark.parametrize("name", NAMES)
def test_page_shows_chart(name: str) -> None:
    """The committed pictures are small, tell nothing of where they were drawn, and have a text."""
    check((ROOT / "docs" / "images" / name).read_text(encoding="utf-8"))
    assert re.search(rf"!\[[^\]]{{20,}}\]\(\.\./images/{name}\)", PAGE.read_text(encoding="utf-8"))


def test_labels_keep_apart() -> None:
    """Lines that end in one place have labels below one another; names are escaped."""
    ends = {10: 1.0, 100: 2.0}
    drawn = draw("<b> & co", "rows", [Line("one", ends), Line("<i>", ends), Line("three", ends)])
    assert texts(drawn)[0] == "<b> & co"
    places = {
        text.text: float(text.attrib["y"])
        for text in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")
    }
    labels = [places["one"], places["<i>"], places["three"]]
    assert [b - a for a, b in pairwise(labels)] == [15, 15]


def test_times_have_their_unit() -> None:
    """Ticks are powers of ten, in microseconds, milliseconds and seconds."""
    drawn = draw("times", "rows", [Line("one", {10: 2e-5, 1000: 20.0})])
    ticks = [text for text in texts(drawn) if re.fullmatch(r"\d+ (s|ms|µs)", text)]
    assert ticks == ["10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s"][::2]
