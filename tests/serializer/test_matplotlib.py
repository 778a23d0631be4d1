"""Matplotlib's figures come back as pictures, and pictures as themselves."""

from __future__ import annotations

import io
import pickle
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.image
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from matplotlib.figure import Figure

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer, find_serializer
from artigraph.serializer.matplotlib import MAX_SVG, FigureImage, figure_serializer
from artigraph.testing.serializer import SerializerTests

SVG = "http://www.w3.org/2000/svg"


def plot(points: int = 5, size: tuple[float, float] = (3, 2), dpi: float = 50) -> Figure:
    figure = Figure(size, dpi)
    axes = figure.add_subplot()
    axes.plot(range(points), [0.5] * points, "o-", label="a")
    axes.set_title("title $x^2$")
    axes.legend()
    return figure


def drawn(figure: Figure) -> FigureImage:
    image = figure_serializer.deserialize(figure_serializer.serialize(figure))
    assert type(image) is FigureImage
    return image


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def picture(*ours: bytes) -> bytes:
    """A small PNG with chunks of ours before its end."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    parts = [header, chunk(b"IDAT", zlib.compress(b"\0\0")), *ours, chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


PNG = picture()
FACTS = chunk(b"agFc", b'{"version": 1, "size": [3, 2], "dpi": 50}')


class TestFigureSerializer(SerializerTests):
    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        return figure_serializer

    @pytest.fixture
    def values(self) -> list[Any]:
        drawing = f'<svg xmlns="{SVG}"><g id="a"/><use href="#a"/></svg>'
        return [
            FigureImage(PNG, None, (3.0, 2.0), 50.0),
            FigureImage(PNG, drawing, (0.1, 1e3), 72.5),
            drawn(plot()),
        ]

    @pytest.fixture
    def bad_values(self) -> list[Any]:
        return [
            object(),
            plot().axes[0],
            FigureImage(b"", None, (1, 1), 1),
            FigureImage(PNG[:-1], None, (1, 1), 1),
            FigureImage(picture(FACTS), None, (1, 1), 1),
            FigureImage(PNG, None, (0, 1), 1),
            FigureImage(PNG, None, (1, 1), float("nan")),
            FigureImage(PNG, "<script/>", (1, 1), 1),
            FigureImage(PNG, f'<svg xmlns="{SVG}"><!--{"x" * MAX_SVG}--></svg>', (1, 1), 1),
            FigureImage(pickle.dumps(plot), None, (1, 1), 1),
        ]


@given(
    st.binary(max_size=20),
    st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
    st.tuples(*[st.floats(1e-6, 1e6)] * 2),
    st.floats(1e-6, 1e6),
)
@settings(deadline=None)
def test_picture_survives(
    extra: bytes, text: str | None, size: tuple[float, float], dpi: float
) -> None:
    """A FigureImage comes back equal, and makes the same bytes again."""
    svg = None
    if text is not None:
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        svg = f'<svg xmlns="{SVG}"><text>{escaped}</text></svg>'
    image = FigureImage(picture(chunk(b"tEXt", b"a\0" + extra)), svg, size, dpi)
    data = figure_serializer.serialize(image)
    back = figure_serializer.deserialize(data)
    assert back == image
    assert figure_serializer.serialize(back) == data


def test_figure_comes_back_as_a_picture() -> None:
    """A figure is drawn at its own size and resolution, as pixels and as vectors."""
    image = drawn(plot())
    assert (image.size, image.dpi) == ((3, 2), 50)
    pixels = matplotlib.image.imread(io.BytesIO(image.png))
    assert pixels.shape == (100, 150, 4)
    assert image.svg is not None
    assert "<svg" in image.svg
    assert image._repr_png_() == image.png
    assert repr(image).startswith("FigureImage(3 x 2 inches at 50 dpi, PNG of ")


def test_stored_bytes_are_a_picture() -> None:
    """Any viewer opens the bytes as PNG."""
    data = figure_serializer.serialize(plot())
    stored = matplotlib.image.imread(io.BytesIO(data))
    assert np.array_equal(stored, matplotlib.image.imread(io.BytesIO(drawn(plot()).png)))


def test_equal_figures_make_equal_bytes() -> None:
    """Two figures drawn alike make the same bytes, so that blobs are shared."""
    assert figure_serializer.serialize(plot()) == figure_serializer.serialize(plot())


def test_figure_and_settings_are_left_alone() -> None:
    """Canvas, size, colours and all settings are as before, though settings differ."""
    with mpl.rc_context({"savefig.bbox": "tight", "savefig.dpi": 300, "savefig.transparent": True}):
        before = dict(mpl.rcParams)
        figure = plot()
        canvas = figure.canvas
        image = drawn(figure)
        assert dict(mpl.rcParams) == before
    assert figure.canvas is canvas
    assert figure.dpi == 50
    assert image == drawn(plot())


def test_pyplot_is_not_imported() -> None:
    """Drawing needs no pyplot, so no window and no list of figures."""
    code = """
    import sys
    from matplotlib.figure import Figure
    from artigraph.serializer.matplotlib import figure_serializer
    figure_serializer.serialize(Figure())
    sys.exit("matplotlib.pyplot" in sys.modules)
    """
    code = "\n".join(line.strip() for line in code.splitlines())
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_large_drawing_has_no_vectors() -> None:
    """A figure of very many points, a million characters of SVG, is kept as PNG alone."""
    figure = plot()
    x = np.random.default_rng(1).random(10_000)
    figure.axes[0].scatter(x, x, c=x)
    image = drawn(figure)
    assert image.svg is None
    assert repr(image).endswith("no SVG)")
    assert figure.dpi == 50


def test_links_are_left_out() -> None:
    """Vectors with a link, which could fetch or run something, are not kept."""
    figure = plot()
    figure.axes[0].scatter([1], [1]).set_urls(["javascript:alert(1)"])
    assert drawn(figure).svg is None


def test_many_kinds_of_artist_keep_their_vectors() -> None:
    """Images, hatches, clips, colour bars and texts are all drawn as vectors."""
    figure = plot()
    axes = figure.axes[0]
    figure.colorbar(axes.imshow(np.arange(6).reshape(2, 3)))
    axes.bar([1, 2], [1, 2], hatch="/")
    axes.pcolormesh(np.arange(6).reshape(2, 3), shading="gouraud")
    axes.text(0, 0, "<b>&ä javascript: onload=")
    assert drawn(figure).svg is not None


def test_any_name_of_an_artist_keeps_its_vectors() -> None:
    """The id that somebody gives an artist may read like a function."""
    figure = plot()
    figure.axes[0].lines[0].set_gid("f(x) @ 1")
    assert drawn(figure).svg is not None


def test_summary_tells_size_and_resolution() -> None:
    """A figure and its picture have the same summary."""
    summary = figure_serializer.summarize(plot())
    assert summary == {"kind": "figure", "size": [3.0, 2.0], "dpi": 50.0}
    assert figure_serializer.summarize(drawn(plot())) == summary


def test_figures_and_pictures_find_it() -> None:
    """Figures, subclasses of them and pictures use this serializer."""
    for kind in (Figure, type("Own", (Figure,), {}), FigureImage):
        assert find_serializer(kind) == figure_serializer


class Broken(Figure):
    """A figure that cannot be drawn."""

    def draw(self, renderer: Any) -> None:
        raise RuntimeError("out of ink")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (plot().axes[0], r"not a matplotlib.axes._axes.Axes. Use value.get_figure\(\)"),
        ("figure.png", r"not a builtins.str. Use matplotlib.pyplot.gcf\(\)"),
        (Broken(), r"cannot be drawn: out of ink. Repair it, so that figure.savefig"),
        (FigureImage(b"", None, (1, 1), 1), r"not a picture of a figure: it is not a PNG"),
    ],
)
def test_refusal_says_the_fix(value: Any, message: str) -> None:
    """A refusal says what was found and what to type."""
    with pytest.raises(SerializationError, match=message):
        figure_serializer.serialize(value)


def vector(svg: str) -> bytes:
    return picture(FACTS, chunk(b"agSv", zlib.compress(svg.encode())))


def within(body: str) -> bytes:
    return vector(f'<svg xmlns="{SVG}" xmlns:x="http://www.w3.org/1999/xlink">{body}</svg>')


@pytest.mark.parametrize(
    "data",
    [
        within("<script>alert(1)</script>"),
        within('<s:script xmlns:s="http://www.w3.org/2000/svg">alert(1)</s:script>'),
        within('<b xmlns="http://www.w3.org/1999/xhtml" onclick="alert(1)"/>'),
        within('<a x:href="javascript:alert(1)"><text>t</text></a>'),
        within('<g onload="alert(1)"/>'),
        within('<g ONLOAD="alert(1)"/>'),
        within('<use x:href="https://example.com/a.svg#a"/>'),
        within('<image href="data:image/svg+xml;base64,AAAA"/>'),
        within('<image href="java&#115;cript:alert(1)"/>'),
        within("<foreignObject/>"),
        within('<set attributeName="href" to="javascript:alert(1)"/>'),
        within("<style>@import 'https://example.com'</style>"),
        within("<style><![CDATA[*{fill:u]]>rl(https://example.com)}</style>"),
        within("<style>*{fill:\\75rl(https://example.com)}</style>"),
        within('<g style="fill: URL(https://example.com)"/>'),
        within('<g fill="url(https://example.com)"/>'),
        within('<style>*{background:image-set("https://example.com" 1x)}</style>'),
        within("<style>*{background:-webkit-image-set('//example.com' 1x)}</style>"),
        within("<style>*{fill:src('https://example.com')}</style>"),
        within("<style>*{fill:url(#a)}</style>"),
        within("<g style=\"fill:cross-fade(url(#a), 'https://example.com')\"/>"),
        within('<g fill="url( https://example.com#a)"/>'),
        within('<g xml:base="https://example.com"/>'),
        within('<g id="a"><use x:href="#b"/></g><use x:href="#a"/>'),
        within('<pattern id="a"><g><rect fill="url(#b)"/></g></pattern><rect fill="url(#a)"/>'),
        within("<?xml-stylesheet href='https://example.com'?>"),
        vector(f'<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="{SVG}">&a;</svg>'),
        vector(f'<!DOCTYPE svg [<!ENTITY a SYSTEM "/etc/passwd">]><svg xmlns="{SVG}">&a;</svg>'),
        vector("<svg/>"),
        vector("no XML"),
    ],
)
def test_vectors_that_could_run_or_fetch_are_refused(data: bytes) -> None:
    """Scripts, handlers, links, styles from elsewhere and entities are refused."""
    with pytest.raises(DeserializationError, match="its SVG"):
        figure_serializer.deserialize(data)


@pytest.mark.parametrize(
    "data",
    [
        PNG,
        picture(FACTS, FACTS),
        picture(chunk(b"agFc", b'{"version": 2, "size": [3, 2], "dpi": 50}')),
        picture(chunk(b"agFc", b'{"version": 1, "size": [3], "dpi": 50}')),
        picture(chunk(b"agFc", b'{"version": 1, "size": [3, 2], "dpi": "50"}')),
        picture(chunk(b"agFc", b'{"version": 1, "size": [3, 2], "dpi": Infinity}')),
        picture(chunk(b"agFc", pickle.dumps(1))),
        picture(FACTS, chunk(b"agSv", b"odd")),
        picture(FACTS, chunk(b"agSv", zlib.compress(b"<svg/>") + b"more")),
        picture(FACTS, chunk(b"agSv", zlib.compress(bytes(100_000_000)))),
        picture(FACTS) + b"more",
        picture(FACTS)[:-12],
    ],
)
def test_hostile_bytes_are_refused(data: bytes) -> None:
    """Foreign pictures, false facts and bombs are an error of artigraph's."""
    with pytest.raises(DeserializationError, match="not a figure that 'artigraph-matplotlib'"):
        figure_serializer.deserialize(data)
