"""Matplotlib's figures as pictures: they do not come back as figures.

A ``Figure`` can only be stored by pickle, which artigraph never does. So it
is drawn when it is written, as PNG at its own resolution and, where that
stays below 1 MB, as SVG; what comes back is a :class:`FigureImage` that holds
both. It shows itself in a notebook, and writing it again gives the same
bytes. What must be drawn anew, store as data.

The bytes are a PNG that any viewer opens, with the SVG in a chunk of its own.
Pyplot is neither imported nor asked; drawing has the effects on a figure that
showing it has, such as limits that are settled.
"""

from __future__ import annotations

import io
import json
import math
import re
import struct
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

import matplotlib as mpl
from matplotlib.figure import Figure

from artigraph.display.library import Describer, describe_type, figure_line, picture_facts
from artigraph.errors import SerializationError
from artigraph.serializer.base import Serializer
from artigraph.serializer.part import reading

__all__ = ["FigureImage", "FigureSerializer", "figure_serializer"]

MAX_SVG = 1_000_000
"""Characters of an SVG that is kept; a scatter of 10,000 points has as many."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FACTS, VECTOR = b"agFc", b"agSv"
"""Chunks of ours: private, not critical, and copied by editors that know no better."""


@dataclass(frozen=True)
class FigureImage:
    """A figure as it looked when it was written; equal when all of it is equal."""

    png: bytes
    """The picture, ``size`` times ``dpi`` pixels large."""

    svg: str | None
    """The same as vectors without scripts or links, unless it grew too large."""

    size: tuple[float, float]
    """Width and height in inches."""

    dpi: float
    """Pixels an inch."""

    def _repr_png_(self) -> bytes:
        return self.png

    def __repr__(self) -> str:
        vectors = "no SVG" if self.svg is None else f"SVG of {len(self.svg):,} characters"
        return (
            f"FigureImage({self.size[0]:g} x {self.size[1]:g} inches at {self.dpi:g} dpi, "
            f"PNG of {len(self.png):,} bytes, {vectors})"
        )


def _line(figure: FigureImage) -> str:
    return figure_line(figure.size, figure.dpi)


describe_type(
    Describer(line=_line, facts=picture_facts(_line, lambda figure: figure.png), is_data=False),
    *("artigraph", "FigureImage"),
)


class FigureSerializer(Serializer[Figure | FigureImage]):
    """Matplotlib's figures as pictures.

    * gives back a :class:`FigureImage`, never a ``Figure``
    * keeps a FigureImage exactly
    * leaves the SVG out where it has more than 1,000,000 characters or
      anything that could run or fetch, such as links
    * refuses figures that cannot be drawn, and axes or pyplot itself
    """

    name = "artigraph-matplotlib"
    types = (Figure, FigureImage)

    def serialize(self, value: Figure | FigureImage, /) -> bytes:
        """Draw a figure and write the picture, or write a picture again.

        Raises:
            SerializationError: It is neither, or cannot be drawn.
        """
        if isinstance(value, Figure):
            image = _draw(value)
        elif type(value) is FigureImage:
            image = value
        else:
            fix = "Use matplotlib.pyplot.gcf() for the present figure."
            if hasattr(value, "get_figure"):
                fix = "Use value.get_figure()."
            raise SerializationError(
                f"{self.name!r} takes a matplotlib.figure.Figure, not a {type(value).__module__}."
                f"{type(value).__qualname__}. {fix}"
            )
        try:
            data = _pack(image)
            same = _unpack(data) == image
        except Exception as error:  # a FigureImage that somebody made
            raise SerializationError(
                f"{image!r} is not a picture of a figure: {error}. Store the figure itself."
            ) from error
        if not same:
            raise SerializationError(f"{image!r} would come back changed. Store the figure itself.")
        return data

    def deserialize(self, data: bytes, /) -> FigureImage:
        """Read the picture of a figure.

        Raises:
            DeserializationError: The bytes are not what this serializer
                writes, damaged, or hold an SVG that could run something.
        """
        told = f"These {len(data)} bytes are not a figure that {self.name!r} wrote, or are damaged"
        with reading(told):
            return _unpack(data)

    def summarize(self, value: Figure | FigureImage, /) -> Mapping[str, Any]:
        """Its size in inches (width first) and its resolution."""
        if isinstance(value, FigureImage):
            return {"kind": "figure", "size": list(value.size), "dpi": value.dpi}
        return {"kind": "figure", "size": list(_size(value)), "dpi": _dpi(value)}


def _size(figure: Figure) -> tuple[float, float]:
    width, height = figure.get_size_inches()
    return float(width), float(height)


def _dpi(figure: Figure) -> float:
    # A window on a fine screen multiplies it.
    return float(figure.dpi / figure.canvas.device_pixel_ratio)


def _draw(figure: Figure) -> FigureImage:
    try:
        png = io.BytesIO()
        _save(figure, png, "agg", format="png", metadata={"Software": None})
        svg = _draw_svg(figure)
    except Exception as error:  # artists of any origin draw themselves
        raise SerializationError(
            f"This figure of {_size(figure)} inches cannot be drawn: {error}. "
            "Repair it, so that figure.savefig('figure.png') works."
        ) from error
    return FigureImage(png.getvalue(), svg, _size(figure), _dpi(figure))


def _draw_svg(figure: Figure) -> str | None:
    file = _ShortText()
    # Without a salt, names within are random. Only this one setting is touched,
    # for others may be in use by another thread.
    salt = mpl.rcParams["svg.hashsalt"]
    mpl.rcParams["svg.hashsalt"] = "artigraph"
    try:
        _save(figure, file, "svg", format="svg", metadata={"Date": None, "Creator": None})
    except _TooLongError:
        return None
    finally:
        mpl.rcParams["svg.hashsalt"] = salt
    text = file.getvalue()
    try:
        _check_svg(text)
    except ValueError:
        return None
    return text


def _save(figure: Figure, file: io.IOBase, backend: str, **options: object) -> None:
    # Whatever rcParams say: the figure at its own size, in its own colours.
    figure.savefig(
        file,  # type: ignore[arg-type]  # the stubs want an IO, which no class inherits
        backend=backend,
        dpi=_dpi(figure),
        bbox_inches="",  # None would mean the user's rcParams
        facecolor="auto",
        edgecolor="auto",
        transparent=False,
        **options,
    )


class _TooLongError(Exception):
    """An SVG grew beyond what is kept."""


class _ShortText(io.StringIO):
    def write(self, text: str, /) -> int:
        if self.tell() + len(text) > MAX_SVG:
            raise _TooLongError
        return super().write(text)


ELEMENTS = {
    "http://www.w3.org/2000/svg": {
        *("svg", "metadata", "title", "defs", "style", "g", "use", "path", "rect", "circle"),
        *("polygon", "image", "text", "tspan", "clipPath", "pattern", "linearGradient", "stop"),
        *("filter", "feColorMatrix", "feComposite"),
    },
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": {"RDF", "Bag", "li"},
    "http://creativecommons.org/ns#": {"Work", "Agent"},
    "http://purl.org/dc/elements/1.1/": {
        *("type", "format", "date", "creator", "title", "contributor", "coverage", "description"),
        *("identifier", "language", "relation", "source", "publisher", "rights", "subject"),
    },
}
"""What Matplotlib draws with. Scripts, links and foreign content are not there."""

CALLED = re.compile(r"""([\w-]+)\((\s*["']?#)?""")
"""A function that style calls, and whether it begins with a reference to an element."""

FUNCTIONS = {
    *("matrix", "translate", "scale", "rotate", "skewx", "skewy", "rgb", "rgba", "hsl", "hsla"),
}
"""Those that name nothing; any other may fetch, today or some day."""

HIDDEN = re.compile(r"@|javascript:|\\", re.IGNORECASE)
"""Style that asks for something from elsewhere, or could hide that it does."""

REFERENCE = re.compile(r"""url\(\s*["']?#([^"')\s]*)""", re.IGNORECASE)


@dataclass
class _Open:
    """An element whose end was not read yet."""

    name: str
    id: str | None
    refers: bool
    """Whether it, or what it holds, refers to another."""


def _check_svg(text: str) -> None:
    """Refuse an SVG that could run or fetch something where it is shown."""

    def start(name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if local not in ELEMENTS.get(namespace, ()):
            raise ValueError(f"its SVG holds an element {local!r} of {namespace!r}")
        for key, value in attributes.items():
            attribute = key.rpartition(" ")[2].lower()
            inside = value.startswith(("#", "data:image/png;base64,"))
            if attribute.startswith("on") or (attribute in ("href", "src") and not inside):
                raise ValueError(f"its SVG holds {attribute}={value!r:.60}")
            if attribute == "base":
                raise ValueError(f"its SVG holds {attribute}={value!r:.60}")
            if not inside and attribute != "id":  # which may be any text
                refuse(value)
        # In other attributes "#" begins a colour.
        links = (v[1:] for k, v in attributes.items() if k.endswith("href") and v[:1] == "#")
        referred = {*links, *REFERENCE.findall(" ".join(attributes.values()))}
        targets.update(referred)
        within.append(_Open(local, attributes.get("id"), bool(referred)))
        style.clear()

    def end(name: str) -> None:
        element = within.pop()
        if element.name == "style":
            refuse("".join(style), functions=FUNCTIONS)
        if element.refers:
            holders.add(element.id)
            if within:
                within[-1].refers = True

    def characters(data: str) -> None:
        if within and within[-1].name == "style":
            style.append(data)

    def refuse(value: str, functions: Collection[str] = (*FUNCTIONS, "url")) -> None:
        called = ((name.lower(), inside) for name, inside in CALLED.findall(value))
        known = (name in functions and (name != "url" or inside) for name, inside in called)
        if HIDDEN.search(value) or not all(known):
            raise ValueError(f"its SVG holds the style {value!r:.60}")

    def instruction(*_: object) -> None:
        raise ValueError("its SVG holds an entity or an instruction")

    within: list[_Open] = []
    style: list[str] = []
    targets: set[str] = set()
    holders: set[str | None] = set()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = characters
    parser.EntityDeclHandler = parser.ProcessingInstructionHandler = instruction
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        raise ValueError(f"its SVG is not XML: {error}") from error
    # Ten references to what holds ten, and so on, would be drawn a billion times.
    if twice := holders & targets:
        raise ValueError(f"its SVG refers to {twice.pop()!r:.60}, which refers to something")


def _pack(image: FigureImage) -> bytes:
    chunks = _chunks(image.png)
    if any(name in (FACTS, VECTOR) for name, _ in chunks):
        raise ValueError("its PNG has an SVG already")
    facts = {"version": 1, "size": list(image.size), "dpi": image.dpi}
    ours = [(FACTS, json.dumps(facts, allow_nan=False).encode())]
    if image.svg is not None:
        _check_svg(image.svg)
        ours.append((VECTOR, zlib.compress(image.svg.encode(), 9)))
    return _join([*chunks[:-1], *ours, chunks[-1]])


def _unpack(data: bytes) -> FigureImage:
    chunks = _chunks(data)
    ours = [(name, body) for name, body in chunks if name in (FACTS, VECTOR)]
    if [name for name, _ in ours] not in ([FACTS], [FACTS, VECTOR]):
        raise ValueError(f"it has the chunks {[name for name, _ in ours]}")
    facts = json.loads(ours[0][1])
    if facts["version"] > 1:
        raise ValueError("a newer artigraph wrote it: pip install --upgrade artigraph")
    width, height = facts["size"]
    if not all(math.isfinite(number) and number > 0 for number in (width, height, facts["dpi"])):
        raise ValueError(f"it has a size of {facts['size']} inches at {facts['dpi']} dpi")
    svg = _decompress(ours[1][1]) if len(ours) > 1 else None
    if svg is not None:
        _check_svg(svg)
    png = _join([chunk for chunk in chunks if chunk not in ours])
    return FigureImage(png, svg, (width, height), facts["dpi"])


def _decompress(data: bytes) -> str:
    decompressor = zlib.decompressobj()
    # UTF-8 has at most 4 bytes a character.
    text = decompressor.decompress(data, 4 * MAX_SVG).decode()
    if not decompressor.eof or decompressor.unused_data or len(text) > MAX_SVG:
        raise ValueError(f"its SVG is damaged, or has more than {MAX_SVG} characters")
    return text


def _chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Take a PNG apart, checking that it is whole."""
    if not png.startswith(SIGNATURE):
        raise ValueError("it is not a PNG")
    chunks, place = [], len(SIGNATURE)
    while place < len(png):
        length, name = struct.unpack_from(">I4s", png, place)
        body = png[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack_from(">I", png, place + 8 + length)
        if checksum != zlib.crc32(name + body):
            raise ValueError(f"its chunk {name!r} is damaged")
        chunks.append((name, body))
        place += length + 12
    names = [name for name, _ in chunks]
    if names[:1] != [b"IHDR"] or names.index(b"IEND") != len(names) - 1:
        raise ValueError("it lacks its beginning or end")
    return chunks


def _join(chunks: list[tuple[bytes, bytes]]) -> bytes:
    parts = [SIGNATURE]
    for name, body in chunks:
        parts += [struct.pack(">I", len(body)), name, body]
        parts.append(struct.pack(">I", zlib.crc32(name + body)))
    return b"".join(parts)


figure_serializer = FigureSerializer()
"""Matplotlib's figures, as pictures."""
