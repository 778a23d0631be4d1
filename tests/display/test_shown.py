"""What models and their values show: complete, bounded, and never an exception."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure
from PIL import Image

from artigraph import BaseModel, DataModel, UnknownModel, create_model, new_node, options
from artigraph.display.row import ResultList
from artigraph.display.shown import Shown, as_html, as_text
from artigraph.filter.node import NodeFilter
from artigraph.orm.node import Node
from tests.display.hostile import HOSTILE, check_html, check_text

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "reprs.md"


@pytest.fixture(autouse=True)
def _reset() -> Iterator[None]:
    yield
    options.reset()


class Colour(Enum):
    RED = 1


class ShownPart(DataModel, version=3):
    depth: int
    rate: float


class Holder(DataModel, version=1):
    value: Any


class Raising:
    """Shows that a repr may raise anything."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __repr__(self) -> str:
        raise self.error


class EvilError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("this, too")


def bundle(value: object) -> dict[str, Any]:
    """What a cell that ends with a value would hold, by MIME type."""
    return DisplayFormatter().format(value)[0]  # type: ignore[no-any-return]  # IPython has none


def line(value: object) -> str:
    """What stands beside a field that holds a value."""
    (found,) = Holder(value)._describe(options.limits).fields
    return found.value


def test_a_cell_shows_text_and_html() -> None:
    """IPython finds both; inside of a tuple a model takes one line."""
    shown = bundle(ShownPart(3, 0.1))
    assert shown.keys() == {"text/plain", "text/html"}
    assert shown["text/plain"] == "ShownPart  [v3]\n  depth  int    3\n  rate   float  0.1"
    assert bundle((ShownPart(3, 0.1), 1))["text/plain"] == "(ShownPart(depth=3, rate=0.1), 1)"


def test_the_guide_shows_a_card_as_it_is() -> None:
    """What the guide prints is what a cell shows."""
    params: Any = create_model("Params", depth=int, rate=float)
    fit: Any = create_model("Fit", version=2, loss=float, params=params, layers=list[int])
    assert as_text(fit(0.12, params(3, 0.1), list(range(1000)))) in GUIDE.read_text("utf-8")


def test_repr_is_that_of_a_dataclass() -> None:
    """On one line a model writes itself as a dataclass does, as long as that is short."""
    one = Holder([1, "a", None, {"x": (1.5,)}])
    assert repr(one) == "Holder(value=[1, 'a', None, {'x': (1.5,)}])"
    assert str(one) == f"{one}" == repr(one)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.5, "1.5"),
        (True, "True"),
        (None, "None"),
        (10**700, "<int of 2,326 bits>"),
        ("it's", '"it\'s"'),
        ("x" * 10_000_000, f"'{'x' * 200}…' (10,000,000 characters)"),
        (b"x" * 1000, f"b'{'x' * 50}…' (1,000 bytes)"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02 03:04:05 UTC"),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02 03:04:05"),
        (date(2026, 1, 2), "2026-01-02"),
        (timedelta(hours=1), "1:00:00"),
        (Decimal("1.10"), "1.10"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("/a/b"), "/a/b"),
        (Colour.RED, "Colour.RED"),
        ([], "[]"),
        ((1,), "(1,)"),
        (set(), "set()"),
        (frozenset({1}), "frozenset({1})"),
        (deque([1, 2]), "deque([1, 2])"),
        (list(range(1000)), "[0, 1, 2, 3, 4, … +990 more, 995, 996, 997, 998, 999]"),
        ({n: n for n in range(12)}, None),
        (np.float64(0.1), "0.1"),
        (np.int8(3), "3"),
        (np.arange(3), "3 int64: 0, 1, 2"),
        (np.array(1.5), "scalar float64: 1.5"),
        (np.zeros((0, 3)), "0 × 3 float64"),  # noqa: RUF001
        (pd.Series([1.0, None]), "2 float64: 1, nan"),
        (np.array(["a", "<b>"]), "2 <U3: a, <b>"),
        (np.array(["2020-01-02", "NaT"], "M8[D]"), "2 datetime64[D]: 2020-01-02, NaT"),
        (np.array([(1, 2.5)], "i4,f8"), "1 [('f0', '<i4'), ('f1', '<f8')]: (1, 2.5)"),
        (np.ma.array([1, 2], mask=[False, True]), "2 int64: 1, masked"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_are_short_and_tell_what_is_left_out(value: object, shown: str | None) -> None:
    """A value stands as it is written; a long one is cut, and its length told."""
    if shown is None:
        shown = "{0: 0, 1: 1, 2: 2, 3: 3, 4: 4, … +2 more, 7: 7, 8: 8, 9: 9, 10: 10, 11: 11}"
    assert line(value) == shown


FRAMES: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame(
        {"x": range(30), "name": ["<b>"] * 30, "y": np.linspace(0, 1, 30)}
    ),
    "polars": lambda: pl.DataFrame(
        {"x": range(30), "name": ["<b>"] * 30, "y": np.linspace(0, 1, 30)}
    ),
    "pyarrow": lambda: pa.table(
        {"x": list(range(30)), "name": ["<b>"] * 30, "y": [n / 29 for n in range(30)]}
    ),
}


@pytest.mark.parametrize("library", FRAMES)
def test_a_frame_shows_size_types_and_first_rows(library: str) -> None:
    """Rows × columns, the types, five rows, and how many more there are."""  # noqa: RUF002
    one = Holder(FRAMES[library]())
    text, page = as_text(one), check_html(as_html(one))
    for shown in (text, page.text):
        for fact in ("30 rows × 3 columns", "name", "<b>", "0.0344828", "+25 more"):  # noqa: RUF001
            assert fact in shown
        assert ("int64" in shown) or ("Int64" in shown)
    assert repr(one).endswith("30 rows × 3 columns>)")  # noqa: RUF001


def test_odd_frames_are_shown() -> None:
    """Levels, labels of any type, no rows, no columns, and columns that share a label."""
    levels = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", None])
    frames = [
        pd.DataFrame({("x", 1): [1, 2], ("y", None): ["a", None]}, index=levels),
        pd.DataFrame([[1, 2]], columns=["x", "x"]),
        pd.DataFrame(),
        pd.DataFrame({"x": []}),
        pd.DataFrame(index=range(3)),
        pd.DataFrame({HOSTILE["script"]: [HOSTILE["long"]], 3: [Raising(ValueError("no"))]}),
        pd.DataFrame(np.zeros((3, 1000))),
        pl.DataFrame(),
        pa.table({}),
    ]
    for frame in frames:
        one = Holder(frame)
        check_html(as_html(one))
        check_text(as_text(one))
    assert "+988 more columns" in as_text(Holder(frames[6]))
    # Nothing but its size is to be said of a frame without columns.
    for frame in (frames[2], frames[4], pl.DataFrame(), pa.table({})):
        assert len(as_text(Holder(frame)).split("\n")) == 2


PICTURES: dict[str, Callable[[], Any]] = {
    "Pillow": lambda: Image.new("RGB", (40, 30), "red"),
    "a large one": lambda: Image.new("L", (4000, 3000)),
    "other colours": lambda: Image.new("CMYK", (40, 30)),
    "matplotlib": lambda: Figure(figsize=(2, 1)),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_is_shown(kind: str) -> None:
    """Figures and images are PNGs in HTML, and their size in text."""
    value = PICTURES[kind]()
    page = check_html(as_html(Holder(value)))
    (image,) = [attributes for tag, attributes in page.tags if tag == "img"]
    assert int(image["width"] or 0) <= 480
    assert " × " in as_text(Holder(value))  # noqa: RUF001


def test_pictures_are_few_and_within_the_budget() -> None:
    """More than ``max_pictures`` are told in words; so is one that is too large."""
    several = [Image.new("RGB", (20, 20)) for _ in range(6)]
    assert as_html(Holder(several)).count("<img") == 4
    noise = Image.frombytes("RGB", (400, 400), np.random.default_rng(0).bytes(480_000))
    html = as_html(Holder(noise))
    assert "<img" not in html
    assert "400 × 400 pixels" in html  # noqa: RUF001


def test_an_image_is_not_read_to_be_shown(tmp_path: Path) -> None:
    """One that Pillow has not yet read from its file stays unread."""
    Image.new("RGB", (5, 5)).save(tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        assert "<img" not in as_html(Holder(image))
        assert image.fp is not None


@pytest.mark.parametrize(
    "error", [ValueError("no <b>"), RecursionError(), EvilError(), KeyError(1)]
)
def test_a_repr_that_raises_is_told(error: Exception) -> None:
    """One bad value says what it raised, and hides none of the others."""
    model = Holder([1, Raising(error), {"k": Raising(error)}])
    assert repr(model).count(f"<repr failed: {type(error).__name__}") == 2
    assert as_text(model, 200).count("<repr failed: ") == 2
    assert check_html(as_html(model)).text.count("<repr failed: ") == 2
    frame = Holder(pd.DataFrame({"x": [Raising(error)], "y": [7]}))
    assert "<repr failed: " in as_text(frame)
    assert "7" in as_text(frame)


def test_a_thing_that_cannot_tell_its_facts_says_so() -> None:
    """A class whose own facts raise is named in every representation."""

    class Broken(Shown):
        pass

    assert repr(Broken()) == "<Broken: <repr failed: NotImplementedError>>"
    assert "repr failed" in as_text(Broken())
    assert "repr failed" in check_html(as_html(Broken())).text


def test_interrupts_go_through() -> None:
    """The stop button is no failure of a repr."""
    with pytest.raises(KeyboardInterrupt):
        repr(Holder(Raising(KeyboardInterrupt())))


def test_a_thing_inside_of_itself_ends() -> None:
    """Models, lists and dicts that hold themselves are cut at ``max_depth``."""
    items: list[Any] = []
    model = Holder(items)
    items += [model, items, {"again": model}]
    for shown in (repr(model), as_text(model), as_html(model)):
        assert len(shown) < 100_000
        assert "…" in shown


def test_own_reprs_are_kept() -> None:
    """A class's own ``__repr__`` is its text; ``repr=False`` shows no value at all."""

    class Own(DataModel, version=1):
        x: int = 1

        def __repr__(self) -> str:
            return f"own {self.x}"

    class Below(Own, version=1):
        y: int = 2

    class Quiet(DataModel, version=1, repr=False):
        x: int = 1234

    class Secret(DataModel, version=1):
        user: str
        password: str = field(repr=False)

    assert bundle(Own())["text/plain"] == "own 1"
    assert (
        as_text(Holder([Own()]))
        == "Holder  [v1]\n  value  list  1 item\n      0  Own  [v1]\n          x  int  1"
    )
    assert "y  " in bundle(Below())["text/plain"]
    assert "1234" not in repr(Quiet()) + as_text(Quiet()) + as_html(Quiet())
    shown = repr(Secret("me", "hunter2")) + "".join(bundle(Secret("me", "hunter2")).values())
    assert "hunter2" not in shown
    assert "password not shown: repr=False" in " ".join(as_text(Secret("me", "x")).split())


def test_other_kinds_of_models_are_shown() -> None:
    """A ``BaseModel`` of one's own, and one whose class is not defined here."""

    class Point(BaseModel, version=1):
        def __init__(self, x: int) -> None:
            self.x = x

        def model_data(self) -> dict[str, int]:
            return {"x": self.x}

    assert repr(Point(3)).endswith("Point(x=3)")
    assert as_text(Point(3)) == "Point  [v1]\n  x  int  3"
    unknown = UnknownModel("Gone", 7, {"loss": 0.5})
    assert repr(unknown) == "UnknownModel(name='Gone', version=7, data={'loss': 0.5})"
    assert as_text(unknown) == "Gone  [v7]  [class not defined here]\n  loss  float  0.5"


def test_many_fields_are_counted() -> None:
    """Beyond ``max_fields`` they are counted."""
    one = UnknownModel("Wide", 1, {f"f{n}": n for n in range(1000)})
    assert as_text(one).endswith("  … +950 more")
    assert "… +950 more" in as_html(one)


@pytest.mark.parametrize("most", [10_000, 100_000])
def test_nothing_is_larger_than_the_budget(most: int) -> None:
    """What would be is told in fewer words, and says that it was shortened."""
    options.max_bytes = most
    text = "木" * 1_000
    models = [
        UnknownModel("Wide", 1, {f"field {n} {text}": [text] * 50 for n in range(100)}),
        Holder([Holder([Holder([text] * 9)] * 9)] * 9),
        Holder(pd.DataFrame([[text] * 40] * 40)),
        Holder([Image.new("RGB", (400, 300))] * 9),
        ResultList(Holder(text) for _ in range(100)),
    ]
    for model in models:
        for shown in (repr(model), *bundle(model).values(), as_text(model, 400)):
            assert len(shown.encode()) <= most
    shortened = as_text(models[0])
    assert most == 100_000 or f"max_bytes is {most:,}" in " ".join(shortened.split())


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_stay_text(name: str) -> None:
    """As names, labels, keys, values and columns the corpus hides and runs nothing."""
    evil = HOSTILE[name]
    # As far as pandas and the filters take it.
    clean = evil.replace("\x00", "").encode(errors="replace").decode()
    kind = (
        type(evil[:40].replace("\x00", "") or "x", (), {"__repr__": lambda _: evil})
        if (evil.isascii() or name == "wide")
        else Raising
    )
    things: list[Shown] = [
        UnknownModel(evil, 1, {evil: evil, "nested": {evil: [evil]}, "other": Exception(evil)}),
        Holder(pd.DataFrame({clean: [clean]}, index=[clean])),
        Holder(np.array([evil, 1], dtype=object)),
        Holder({evil: Holder(evil)}),
        Holder(kind() if kind is not Raising else Raising(Exception(evil))),
        Node(node_label=evil, node_type=evil),
        NodeFilter(label=clean[:10_000]),
    ]
    for thing in [*things, ResultList(things)]:
        page = check_html(as_html(thing))
        for shown in (repr(thing), as_text(thing)):
            check_text(shown)
        assert len(page.text) < 100_000


@settings(deadline=None, max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text(), inner) | st.builds(Holder, inner)
        ),
    )
)
def test_any_value_is_shown(value: object) -> None:
    """Whatever a model holds, all of its representations are whole and escaped."""
    model = Holder(value)
    check_html(as_html(model))
    check_text(as_text(model))
    check_text(repr(model))


class Counted:
    """Counts how often it is looked at."""

    looks = 0

    def _cells(self, limits: object) -> dict[str, str]:
        Counted.looks += 1
        return {"id": "1"}

    def _noun(self) -> str:
        return "nodes"

    def __repr__(self) -> str:
        Counted.looks += 1
        return "counted"


def test_a_long_list_costs_what_it_shows() -> None:
    """Of 10,000 items only those are looked at that are shown."""
    several = ResultList(Counted() for _ in range(10_000))
    Counted.looks = 0
    assert "10,000 nodes" in as_text(several)
    assert "… +9,980 more" in as_html(several)
    assert repr(several).count("counted") == 10
    assert Counted.looks == 20 + 20 + 10


def test_a_result_list_is_a_list() -> None:
    """It compares, slices, copies and pickles as a list, and a slice shows itself as well."""
    several = ResultList([1, 2, 3])
    assert several == [1, 2, 3]
    assert isinstance(several, list)
    assert type(several[:2]) is type(several.copy()) is ResultList
    assert several[0] == 1
    assert several[:2] == [1, 2]
    assert pickle.loads(pickle.dumps(several)) == several
    assert copy.deepcopy(several) == several
    assert repr(several) == "[1, 2, 3]"
    assert repr(ResultList()) == "[]"
    assert bundle(ResultList())["text/plain"] == "[]"


def test_a_list_is_a_table_with_a_column_for_each_field() -> None:
    """Texts without quotes, numbers in few digits, and an empty cell where a row has none."""
    several = ResultList([ShownPart(3, 1 / 3), Holder("a text"), Holder([1, 2])])
    assert as_text(several) == "\n".join(
        [
            "3 models",
            "  depth      rate  value",
            "      3  0.333333",
            "                   a text",
            "                   [1, 2]",
        ]
    )


def test_showing_imports_no_library() -> None:
    """Showing a plain model loads neither numpy nor pandas."""
    code = (
        "import sys; from artigraph import DataModel\n"
        "class M(DataModel, version=1):\n    x: int\n"
        "M(1)._repr_html_(); repr(M(1)); sys.exit('pandas' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_new_node_is_not_written() -> None:
    """A node without an id says so."""
    assert as_text(new_node(node_label="a")) == "Node 'a'  [not written]"
