"""Plotly's figures as Plotly's own JSON.

``plotly.io.from_json`` and Plotly.js open these texts. What JSON has no words
for (arrays and their dtypes, NaN, dates, tuples) is described beside the
figure under the key ``artigraph``, so that here all of it comes back.

A figure's data, layout and frames are kept, not the grid that
``make_subplots`` keeps outside of them: ``add_trace(..., row=, col=)`` needs
the figure that was made there. Plotly's own ``==`` finds a figure with NaN in
it unequal to itself, and so to what comes back. Key order within a trace is not kept, nor how
an array lay in memory, nor an empty part of the layout such as ``geo={"center": {}}``,
which Plotly itself drops.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from plotly.graph_objects import Figure

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer
from artigraph.serializer.datetime import decode_datetime, encode_datetime

__all__ = ["FigureSerializer", "figure_serializer"]

Array = np.ndarray[Any, np.dtype[Any]]

KEY = "artigraph"
VERSION = 1

DTYPES = re.compile(r"[<>|](b1|[iuf][1248]|M8(\[\w{1,8}\])?|O)")
"""Those of the arrays that a figure holds."""

JAVASCRIPT = {"i1": "i1", "i2": "i2", "i4": "i4", "u1": "u1", "u2": "u2", "u4": "u4"}
JAVASCRIPT |= {"f2": "f4", "f4": "f4", "f8": "f8"}
"""Kinds of array that Plotly.js can be given as bytes, and as what."""


class FigureSerializer(Serializer[Figure]):
    """Plotly's figures as JSON.

    * keeps traces, layout with its template, frames, arrays with their dtype
      and shape, NaN and infinities, tuples, decimals, dates, times with their
      zone, pandas' timestamps and missing values, and lists as lists
    * refuses FigureWidget, values that Plotly itself would not accept again,
      and others within that Plotly could not draw
    """

    name = "artigraph-plotly"
    types = (Figure,)

    def serialize(self, value: Figure, /) -> bytes:
        """Write a figure.

        Raises:
            SerializationError: It is none, or would not come back equal.
        """
        if type(value) is not Figure:
            raise SerializationError(
                f"{self.name!r} takes a plotly.graph_objects.Figure, not a {type(value).__module__}"
                f".{type(value).__qualname__}, which would not come back as one. "
                "Use plotly.graph_objects.Figure(value)."
            )
        try:
            data = _write(value)
        except (RecursionError, ValueError) as error:
            raise SerializationError(
                f"This figure cannot be written as JSON: {error}. If its data or layout lies very "
                "deep or contains itself, store it flat; integers of thousands of digits as text."
            ) from error
        try:
            back = _write(_read(data))
        except Exception as error:  # what a figure took unchecked may fail anyhow
            raise SerializationError(
                f"Plotly would not make this figure again: {error}. Repair it, so that "
                "plotly.graph_objects.Figure(value.to_dict()) works."
            ) from error
        if back != data and _without_empty(json.loads(back)) != _without_empty(json.loads(data)):
            raise SerializationError(
                "Plotly would change this figure when it is made again. Store "
                "plotly.graph_objects.Figure(value.to_dict()) instead."
            )
        return back

    def deserialize(self, data: bytes, /) -> Figure:
        """Read a figure.

        Raises:
            DeserializationError: The bytes are not a figure that this
                serializer wrote, or damaged.
        """
        try:
            return _read(data)
        except Exception as error:  # the text may say anything, and Plotly too
            raise DeserializationError(
                f"These {len(data)} bytes are not a figure that {self.name!r} wrote, or they are "
                f"damaged: {error!s:.500}"
            ) from error

    def summarize(self, value: Figure, /) -> Mapping[str, Any]:
        """The types of its traces, of which the first 20, and its number of frames."""
        kinds = [trace.type for trace in value.data[:20]]
        return {
            "kind": "figure",
            "traces": kinds,
            "num_traces": len(value.data),
            "frames": len(value.frames),
        }


def _write(figure: Figure) -> bytes:
    # The parts, for a whole figure's to_plotly_json() has narrowed its arrays.
    whole: dict[str, Any] = {
        "data": [trace.to_plotly_json() for trace in figure.data],
        "layout": figure.layout.to_plotly_json(),
        "frames": [frame.to_plotly_json() for frame in figure.frames],
    }
    plain, types = _encode(whole, ())
    plain[KEY] = {"version": VERSION, "types": types}
    text = json.dumps(plain, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return text.encode()


def _without_empty(value: Any) -> Any:
    """JSON without empty objects, which mean to Plotly what a missing one means."""
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_empty(item) for key, item in value.items() if item != {}}


def _read(data: bytes) -> Figure:
    plain = json.loads(data.decode())
    description = plain.pop(KEY)
    if description["version"] > VERSION:
        raise ValueError("a newer artigraph wrote it: pip install --upgrade artigraph")
    whole = _decode(plain, description["types"])
    if whole.keys() != {"data", "layout", "frames"}:
        raise ValueError(f"a figure has no parts {sorted(whole)}")
    figure = Figure(whole)
    if "template" not in whole["layout"]:
        figure.layout.template = None  # a new figure has the default one
    return figure


# A type says how to turn JSON into what it was: None where it is the same;
# {"each": t} or {"in": {key: t}} for the parts of a dict or list; else the
# name of a type with what that needs.


def _encode(value: Any, way: tuple[Any, ...]) -> tuple[Any, Any]:
    """Turn a value into JSON and its type."""
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value, None
    if kind is float:
        return (value, None) if np.isfinite(value) else (None, {"float": repr(value)})
    if kind is dict and all(type(key) is str for key in value):
        parts = {key: _encode(item, (*way, key)) for key, item in value.items()}
        types = {key: part[1] for key, part in parts.items() if part[1] is not None}
        return {key: part[0] for key, part in parts.items()}, {"in": types} if types else None
    if kind in (list, tuple):
        items, each = _encode_items(value, way)
        return items, each if kind is list else {"tuple": each}
    if kind is np.ndarray:
        return _encode_array(value, way)
    if kind is datetime and (value.tzinfo is None or type(value.tzinfo) is timezone):
        return value.isoformat(), {"datetime": value.fold}
    if kind is datetime and type(value.tzinfo) is ZoneInfo:
        decode_datetime(encode_datetime(value))  # a zone without a key, or a time that it skips
        return value.isoformat(), {"zone": value.tzinfo.key}
    if kind is Decimal:
        number = float(value)
        shortest = str(Decimal(repr(number))) == str(value)
        shown = number if np.isfinite(number) else None
        return shown, {"decimal": None if shortest and shown is not None else str(value)}
    if kind.__module__.partition(".")[0] == "pandas":
        found = _plain().encode_in_json(value)
        if found is not None:
            return found[0], {"pandas": found[1]}
    if kind is date:
        return value.isoformat(), {"date": None}
    if isinstance(value, np.generic) and DTYPES.fullmatch(value.dtype.str):
        item, _ = _encode_array(np.asarray(value).reshape(1), way)
        return item, {"scalar": value.dtype.str}
    place = "".join(f"[{key!r}]" for key in way)
    raise SerializationError(
        f"figure{place} is {value!r:.60} of type {kind.__module__}.{kind.__qualname__}, which "
        "JSON would not give back. Use a number, a text, or a NumPy array of them."
    )


def _encode_items(values: Any, way: tuple[Any, ...]) -> tuple[list[Any], Any]:
    parts = [_encode(item, (*way, index)) for index, item in enumerate(values)]
    items, types = [part[0] for part in parts], [part[1] for part in parts]
    if not types or all(one is None for one in types):
        return items, None
    if all(one == types[0] for one in types):
        return items, {"each": types[0]}
    return items, {"in": {str(i): one for i, one in enumerate(types) if one is not None}}


def _encode_array(array: Array, way: tuple[Any, ...]) -> tuple[Any, Any]:
    type_: dict[str, Any] = {"array": array.dtype.str, "shape": list(array.shape)}
    kind = array.dtype.str[1:]
    if array.dtype.kind == "O":
        flat, items_type = _encode_items(array.ravel().tolist(), way)
        type_["items"] = items_type
    elif kind in JAVASCRIPT and array.size:
        raw = np.ascontiguousarray(array, f"<{JAVASCRIPT[kind]}").tobytes()
        spec = {"dtype": JAVASCRIPT[kind], "bdata": base64.b64encode(raw).decode("ascii")}
        if array.ndim > 1:
            spec["shape"] = ", ".join(map(str, array.shape))
        return spec, type_
    elif array.dtype.kind == "M":
        # NumPy takes no notice of the byte order here.
        native = array.ravel().astype(array.dtype.newbyteorder("="))
        flat = np.datetime_as_string(native).tolist()
    elif DTYPES.fullmatch(array.dtype.str):  # integers of 64 bits, which JavaScript lacks
        flat = array.ravel().tolist()
    else:
        place = "".join(f"[{key!r}]" for key in way)
        raise SerializationError(
            f"figure{place} is an array of dtype {array.dtype!r}, which would not come back. "
            "Use array.astype(float)."
        )
    return _nest(flat, array.shape), type_


def _nest(flat: list[Any], shape: tuple[int, ...]) -> Any:
    if not flat:
        return []
    for length in reversed(shape[1:]):
        flat = [flat[i : i + length] for i in range(0, len(flat), length)]
    return flat


def _decode(value: Any, type_: Any) -> Any:
    """Turn JSON back into what had the type."""
    if type_ is None:
        return value
    if "each" in type_:
        return [_decode(item, type_["each"]) for item in value]
    if "in" in type_:
        if isinstance(value, dict):
            return value | {key: _decode(value[key], t) for key, t in type_["in"].items()}
        items = list(value)
        for index, one in type_["in"].items():
            items[int(index)] = _decode(items[int(index)], one)
        return items
    if "tuple" in type_:
        return tuple(_decode(value, type_["tuple"]))
    if "array" in type_:
        return _decode_array(value, type_)
    if "scalar" in type_:
        return _decode_array(value, {"array": type_["scalar"], "shape": [1]})[0]
    if "datetime" in type_:
        return datetime.fromisoformat(value).replace(fold=type_["datetime"])
    if "date" in type_:
        return date.fromisoformat(value)
    if "zone" in type_:
        return datetime.fromisoformat(value).astimezone(ZoneInfo(type_["zone"]))
    if "decimal" in type_:
        return Decimal(repr(value) if type_["decimal"] is None else type_["decimal"])
    if "pandas" in type_:
        return _plain().decode_in_json(value, type_["pandas"])
    if type_.get("float") in ("nan", "inf", "-inf"):
        return float(type_["float"])
    raise ValueError(f"it holds the unknown type {type_!r:.60}")


def _plain() -> Any:
    # Only here, since whoever keeps figures need not have pandas.
    return import_module("artigraph.serializer.pandas.plain")


def _decode_array(value: Any, type_: Any) -> Array:
    shape, dtype = tuple(type_["shape"]), type_["array"]
    if not DTYPES.fullmatch(dtype):
        raise ValueError(f"it holds an array of dtype {dtype!r:.60}")
    if isinstance(value, dict):
        if value["dtype"] not in JAVASCRIPT.values():
            raise ValueError(f"it holds an array of dtype {value['dtype']!r:.60}")
        raw = base64.b64decode(value["bdata"], validate=True)
        return np.frombuffer(raw, f"<{value['dtype']}").astype(dtype).reshape(shape)
    flat = value
    if 0 in shape:
        flat = []
    else:
        for _ in shape[1:]:
            flat = [item for part in flat for item in part]
    if dtype != "|O":
        return np.array(flat, dtype).reshape(shape)
    # One by one, lest NumPy take lists within for further dimensions.
    array: Array = np.empty(len(flat), object)
    for index, item in enumerate(_decode(flat, type_["items"])):
        array[index] = item
    return array.reshape(shape)


figure_serializer = FigureSerializer()
"""Plotly's figures."""
