"""How values of other libraries are told: frames, arrays, numbers, figures and images.

One :class:`Describer` a type, found by the names of the type's library and class: a library
is never imported to ask. Only the rows shown are copied, pictures are drawn in memory, and a
library's own HTML is not used, so that nothing depends on what it escapes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from artigraph.display.escape import counted, cut
from artigraph.display.facts import Facts, Picture, Table
from artigraph.display.options import Limits
from artigraph.errors import NameTakenError

__all__ = [
    "LONGEST_NAME",
    "Brief",
    "Describer",
    "describe_type",
    "describer_of",
    "figure_line",
    "frame_line",
    "picture_facts",
    "python_number",
    "shape_line",
]

Brief: TypeAlias = Callable[[object, Limits], str]
"""Writes any value on one line."""

TIMES = "\N{MULTIPLICATION SIGN}"

LONGEST_NAME = 40
"""Characters of a column's label, of a type and of a cell that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Describer:
    """How values of a type are told; one without a line is what Python says of it."""

    line: Callable[[Any], str] | None = None
    """How large it is, in words."""
    facts: Callable[[Any, Limits, Brief], Facts] | None = None
    """What unfolds below it."""
    number: Callable[[Any], object] | None = None
    """What it is in Python."""
    element: Callable[[Any], str | None] | None = None
    """It as an element of a frame or an array, where its type stands beside it."""
    is_data: bool = True
    """Whether the line says by itself what it is, as that of a frame does."""


_describers: dict[tuple[str, str], Describer] = {}
_found: WeakKeyDictionary[type, Describer | None] = WeakKeyDictionary()


def describe_type(describer: Describer, library: str, *names: str) -> None:
    """Say how values of a library's types, and of types derived from them, are told.

    Args:
        describer: How.
        library: The name that the library is imported by, such as ``"pandas"``.
        *names: Names of classes in it, wherever in it they are.

    The same functions defined anew, as by a cell that runs again, replace the older ones.

    Raises:
        NameTakenError: A type is described already by others.
        TypeError: Nothing is said, or of no type, or facts without the line above them.
    """
    half = describer == Describer() or (describer.facts and not describer.line)
    if half or not library or not names:
        raise TypeError(
            f"describe_type(…, {library!r}, {', '.join(map(repr, names))}) wants a library, names "
            "of its classes, and a Describer with line=, number= or element=; facts= unfold "
            "below a line."
        )
    for name in names:
        known = _describers.get((library, name))
        if known is not None and _homes(known) != _homes(describer):
            raise NameTakenError(
                f"Values of {library}.{name} are described already, by {_homes(known)}."
            )
    _describers.update({(library, name): describer for name in names})
    _found.clear()


def _homes(describer: Describer) -> str:
    told = (describer.line, describer.facts, describer.number, describer.element)
    return ", ".join(f"{one.__module__}.{one.__qualname__}" for one in told if one is not None)


def describer_of(kind: type) -> Describer | None:
    """How values of a type are told; ``None`` if nobody has said it."""
    try:
        return _found[kind]
    except KeyError:
        keys = ((str(one.__module__).partition(".")[0], one.__name__) for one in kind.__mro__)
        found = next((_describers[key] for key in keys if key in _describers), None)
        _found[kind] = found
        return found
    except TypeError:  # its metaclass knows no hash
        return None


def python_number(value: object) -> Any:
    """What a scalar of numpy is in Python; anything else as it is."""
    found = describer_of(type(value))
    return value if found is None or found.number is None else found.number(value)


# ------------------------------------------------------------------ frames and arrays


def frame_line(rows: int, columns: int) -> str:
    """How large a frame is, in words."""
    return f"{counted(rows, 'row')} {TIMES} {counted(columns, 'column')}"


def shape_line(shape: Iterable[int], dtype: str) -> str:
    """How large an array is, and of what."""
    size = f" {TIMES} ".join(f"{length:,}" for length in shape) or "scalar"
    return f"{size} {cut(dtype, LONGEST_NAME)}"


_Columns: TypeAlias = list[tuple[str, str, list[Any]]]
"""Label, type and first cells of the first columns."""


def _frame_facts(
    columns: Callable[[Any, Limits], _Columns], *, index: int = 0
) -> Callable[[Any, Limits, Brief], Facts]:
    """A frame's size, column types and first rows; the index counts as columns as well."""

    def facts(frame: Any, limits: Limits, brief: Brief) -> Facts:
        rows, width = frame.shape
        table = _table(columns(frame, limits), (rows, width + index), limits, brief)
        return Facts(
            cut(type(frame).__name__, 60),
            lines=(frame_line(rows, width),),
            table=table if width else None,
        )

    return facts


def _arrow(frame: Any, limits: Limits) -> _Columns:
    return [
        (one.name, str(one.type), frame.column(at).slice(0, limits.max_rows).to_pylist())
        for at, one in enumerate(islice(frame.schema, limits.max_columns))
    ]


def _polars(frame: Any, limits: Limits) -> _Columns:
    first = frame.head(limits.max_rows)
    return [
        (name, str(dtype), first[:, at].to_list())
        for at, (name, dtype) in enumerate(islice(first.schema.items(), limits.max_columns))
    ]


def _pandas(frame: Any, limits: Limits) -> _Columns:
    first = frame.iloc[: limits.max_rows, : limits.max_columns]
    rows = range(len(first))
    # The index first, as pandas itself shows it; it counts as no column.
    names = [name for name in first.index.names if name is not None]
    columns = [(_label(names) if names else "", "", [_label(first.index[n]) for n in rows])]
    for at in range(first.shape[1]):
        column = first.iloc[:, at]
        cells = [column.iloc[n] for n in rows]
        columns.append((_label(first.columns[at]), str(column.dtype), cells))
    return columns


def _label(label: object) -> str:
    levels = label if isinstance(label, tuple | list) else (label,)
    return ", ".join(str(level)[: LONGEST_NAME + 1] for level in levels)


def _table(columns: _Columns, size: tuple[int, int], limits: Limits, brief: Brief) -> Table:
    rows = list(zip(*([_cell(v, limits, brief) for v in c] for _, _, c in columns), strict=True))
    return Table(
        tuple(cut(str(name), LONGEST_NAME) for name, _, _ in columns),
        tuple(rows),
        tuple(cut(dtype, LONGEST_NAME) for _, dtype, _ in columns),
        gap=len(rows),
        more=size[0] - len(rows),
        more_columns=size[1] - len(columns),
        numbers=frozenset(
            at
            for at, (_, _, v) in enumerate(columns)
            if v and type(python_number(v[0])) in (int, float)
        ),
    )


def _cell(value: object, limits: Limits, brief: Brief) -> str:
    """A cell: a text as it is, a number in few digits, anything else on one line."""
    found = describer_of(type(value))
    if found is not None and found.number is not None:
        value = found.number(value)
    if type(value) is float:
        return f"{value:.6g}" if math.isfinite(value) else str(value)
    text = value if type(value) is str else None
    if found is not None and found.element is not None:
        text = found.element(value)
    text = brief(value, limits) if text is None else text
    return text if len(text) <= LONGEST_NAME else cut(text, LONGEST_NAME)


def _array_facts(elements: Callable[[Any], Any]) -> Callable[[Any, Limits, Brief], Facts]:
    """An array's size, and its first and last elements."""

    def facts(array: Any, limits: Limits, brief: Brief) -> Facts:
        at, most = elements(array), limits.max_items
        line, total = _size_of_array(array), math.prod(array.shape)
        last = 0 if total <= most else most // 2
        first = min(total, most - last)
        shown = [_cell(at[n], limits, brief) for n in range(first)]
        if total > most:
            shown.append(f"… +{total - first - last:,} more")
        shown += [_cell(at[n], limits, brief) for n in range(total - last, total)]
        told = f"{line}: {', '.join(shown)}" if total else line
        return Facts(cut(type(array).__name__, 60), lines=(told,))

    return facts


def _size_of_frame(frame: Any) -> str:
    return frame_line(*frame.shape)


def _size_of_array(array: Any) -> str:
    # A column of a frame is an array as well.
    return shape_line(array.shape, str(array.dtype))


for _library, _names, _columns, _index in (
    ("pandas", ("DataFrame",), _pandas, 1),
    ("polars", ("DataFrame",), _polars, 0),
    ("pyarrow", ("Table", "RecordBatch"), _arrow, 0),
):
    _facts = _frame_facts(_columns, index=_index)
    describe_type(Describer(line=_size_of_frame, facts=_facts), _library, *_names)
for _library, _name, _elements in (
    ("numpy", "ndarray", lambda array: array.flat),
    ("pandas", "Series", lambda series: series.array),
    ("polars", "Series", lambda series: series),
):
    describe_type(Describer(line=_size_of_array, facts=_array_facts(_elements)), _library, _name)
_MASKED = Describer(
    line=_size_of_array,
    facts=_array_facts(lambda array: array.flat),
    element=lambda value: "masked" if value.ndim == 0 else None,
)
describe_type(_MASKED, "numpy", "MaskedArray")
describe_type(
    Describer(number=lambda value: value.item()),
    *("numpy", "bool", "bool_", "integer", "float16", "float32", "float64", "complexfloating"),
)
# Their own reprs name their types, which stand above the column or the elements.
describe_type(Describer(element=str), "numpy", "str_", "datetime64", "timedelta64", "void")
describe_type(Describer(element=str), "pandas", "Timestamp")


# --------------------------------------------------------------- figures and images

WIDEST = 480
"""Pixels that a picture takes of the page."""

MOST_PIXELS = 1_000_000
"""Larger images are thinned out rather than encoded whole."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def picture_facts(
    line: Callable[[Any], str], png: Callable[[Any], bytes | None]
) -> Callable[[Any, Limits, Brief], Facts]:
    """Facts with a picture, unless it is too large or cannot be had at once.

    Args:
        line: How large the value is, in words.
        png: Draws it; ``None`` for one that would have to be read first.
    """

    def facts(value: object, limits: Limits, brief: Brief) -> Facts:
        drawn = png(value) if limits.max_pictures > 0 else None
        picture = None if drawn is None else _picture(drawn, limits)
        return Facts(cut(type(value).__name__, 60), lines=(line(value),), picture=picture)

    return facts


def _picture(png: bytes, limits: Limits) -> Picture | None:
    # In a page, three bytes take four.
    if len(png) * 4 // 3 > limits.max_bytes or not png.startswith(_SIGNATURE):
        return None
    width, height = struct.unpack(">II", png[16:24])
    shown = min(width, WIDEST)
    return Picture(png, shown, max(1, height * shown // max(1, width)))


def figure_line(size: Iterable[float], dpi: float) -> str:
    """How large a figure is, in words.

    Args:
        size: Its width and height in inches.
        dpi: Its pixels an inch.
    """
    width, height = size
    return f"{width:g} {TIMES} {height:g} inches at {dpi:g} dpi"


def _figure_line(figure: Any) -> str:
    return figure_line(figure.get_size_inches(), figure.dpi)


def _figure_png(figure: Any) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=min(figure.dpi, 100))
    return buffer.getvalue()


def _image_png(image: Any) -> bytes | None:
    if getattr(image, "fp", None) is not None:
        return None  # its file was not read yet, and stays unread
    width, height = image.size
    step = max(1, -(-width // WIDEST), int((width * height / MOST_PIXELS) ** 0.5))
    if step > 1:
        # The nearest pixels: others would mean to look at all of them.
        image = image.resize((max(1, width // step), max(1, height // step)), 0)
    if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
        image = image.convert("RGB")
    buffer = BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def _image_line(image: Any) -> str:
    return f"{image.size[0]:,} {TIMES} {image.size[1]:,} pixels, {image.mode}"


def _plotly_line(figure: Any) -> str:
    return counted(len(figure.data), "trace")


for _library, _name, _line, _png in (
    ("PIL", "Image", _image_line, _image_png),
    ("matplotlib", "Figure", _figure_line, _figure_png),
    # It needs a browser to be drawn, and is told in words.
    ("plotly", "Figure", _plotly_line, lambda figure: None),
):
    _drawn = Describer(line=_line, facts=picture_facts(_line, _png), is_data=False)
    describe_type(_drawn, _library, _name)
