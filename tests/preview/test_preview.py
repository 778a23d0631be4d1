"""What is seen of a value: pictures, tables and texts, whoever made them."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import artigraph
from artigraph import File, read_preview
from artigraph.display.facts import Facts
from artigraph.errors import NameTakenError, PartError
from artigraph.preview.base import Content, Preview, previews
from artigraph.preview.find import find_preview
from artigraph.preview.kind.picture import MOST_PIXELS, size_of
from artigraph.preview.read import can_preview
from artigraph.serializer.json import json_serializer
from artigraph.serializer.matplotlib import figure_serializer
from artigraph.serializer.numpy import array_serializer
from artigraph.serializer.pillow import image_serializer
from tests.frame.sources import keep

HOSTILE = "<script>alert(1)</script>\u202e"


def picture(form: str, size: tuple[int, int] = (40, 20), noise: bool = False) -> bytes:
    """A picture's file."""
    file = io.BytesIO()
    image = Image.effect_noise(size, 90) if noise else Image.new("L", size, 100)
    image.convert("RGB").save(file, form)
    return file.getvalue()


async def facts_of(data: bytes, name: str, media_type: str | None = None) -> Facts:
    """The facts of a preview of a file."""
    return (await read_preview(File(data, media_type, name=name))).facts


@pytest.mark.parametrize("form", ["png", "jpeg", "gif", "webp"])
async def test_small_picture_is_shown_as_it_is(form: str) -> None:
    """A small picture goes to the page byte by byte, as what it is."""
    data = picture(form)
    assert size_of(data) == (form, 40, 20)
    found = (await facts_of(data, f"a.{form}")).picture
    assert found is not None
    assert (found.png, found.width, found.height, found.type) == (data, 40, 20, form)
    html = (await File(data, name=f"a.{form}").preview())._repr_html_()
    assert f'src="data:image/{form};base64,' in html


async def test_picture_is_what_its_bytes_say() -> None:
    """A JPEG that is called a PNG is shown as a JPEG; a page that is called one is not shown."""
    found = (await facts_of(picture("jpeg"), "a.png")).picture
    assert found is not None
    assert found.type == "jpeg"
    fake = await facts_of(b"<html><script>alert(1)</script>", "a.png")
    assert fake.picture is None
    assert "no PNG" in fake.lines[0]


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
async def test_large_picture_is_made_smaller(form: str) -> None:
    """A picture beyond the budget is made smaller, and what is shown stays within it."""
    data = picture(form, (1600, 1200), noise=True)
    assert len(data) > 100_000
    preview = await File(data, name=f"a.{form}").preview()
    found = preview.facts.picture
    assert found is not None
    assert len(found.png) < 70_000
    assert (found.width, found.height) == (480, 360)
    assert len(preview._repr_html_().encode()) <= artigraph.options.max_bytes
    assert "data:image" in preview._repr_html_()


def bomb(form: str, side: int = 60_000) -> bytes:
    """A small file that wants gigabytes once it is decoded."""
    if form == "png":
        head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        chunks = (b"IHDR", head), (b"IDAT", zlib.compress(bytes(10_000))), (b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b))
            for n, b in chunks
        )
    if form == "gif":  # its frame is larger than its screen
        frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x01\x00\x00"
        return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + frame + b";"
    data = bytearray(picture("jpeg"))
    at = data.index(b"\xff\xc0")
    struct.pack_into(">HH", data, at + 5, side, side)
    return bytes(data)


@pytest.mark.parametrize("form", ["png", "gif", "jpeg"])
async def test_bomb_is_not_decoded(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of too many pixels goes neither to the page nor to a decoder."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr(Image, "open", refuse)
    facts = await facts_of(bomb(form), f"a.{form}")
    assert facts.picture is None
    assert f"more than {MOST_PIXELS:,} pixels" in facts.warnings[0]


@pytest.mark.parametrize("form", ["png", "gif", "jpeg", "webp"])
async def test_damaged_picture_does_no_harm(form: str) -> None:
    """Cut off at any place, a picture gives facts and no error."""
    data = picture(form, (900, 700), noise=True)
    for end in (*range(0, 60, 3), len(data) // 2, len(data) - 1):
        size_of(data[:end])
        assert isinstance(await facts_of(data[:end], f"a.{form}"), Facts)


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.svg", "a.json", "a.csv", "a.xml"])
async def test_texts_are_escaped(name: str) -> None:
    """Texts of every kind, HTML and SVG too, are shown as they are written, and run nothing."""
    preview = await File(HOSTILE.encode(), name=name).preview()
    html = preview._repr_html_()
    assert "<script" not in html
    assert "\u202e" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "<img" not in html
    assert "\u202e" not in repr(preview)


async def test_text_is_cut(tmp_path: Path) -> None:
    """Of a long text the beginning is read, and the line says how much of it is seen."""
    path = tmp_path / "long.txt"
    path.write_text("é" * 3_000_000, encoding="utf-8")
    preview = await File(path).preview()
    assert "6.0 MB, of which" in preview.facts.lines[0]
    assert "\ufffd" not in preview.facts.code
    assert len(preview._repr_html_().encode()) <= artigraph.options.max_bytes


async def test_binary_text_is_not_shown() -> None:
    """Bytes that are called a text and are none are told in words."""
    facts = await facts_of(bytes(range(256)) * 10, "a.txt")
    assert "no text" in facts.lines[0]
    assert facts.code == ""


async def test_json_is_indented() -> None:
    """A short JSON is indented; one that nobody can parse is shown as it is."""
    assert (await facts_of(b'{"a":[1]}', "a.json")).code == '{\n  "a": [\n    1\n  ]\n}'
    for odd in (b"{", b"[" * 100_000, b"1" * 100_000):
        assert (await facts_of(odd, "a.json")).code.startswith(odd[:1].decode())
    # A few bytes, which indented would be a hundred megabytes.
    deep = b"[" * 300 + b"1," * 90_000 + b"1" + b"]" * 300
    tracemalloc.start()
    try:
        assert len((await facts_of(deep, "a.json")).code) < 30_000
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert (await facts_of(b"{}", "a.geojson", "application/geo+json")).code == "{}"


async def test_csv_is_a_table() -> None:
    """The first rows of a CSV are a table, with its first line for a head."""
    lines = "\n".join(["step;loss", *(f"{n};{n / 2}" for n in range(1000))])
    facts = await facts_of(lines.encode(), "a.csv")
    assert facts.table is not None
    assert facts.table.columns == ("step", "loss")
    assert facts.table.rows[1] == ("1", "0.5")
    assert len(facts.table.rows) == 20
    assert "the first 20 rows" in facts.lines[0]
    odd = await facts_of(b'a,b\n"' + b"x" * 200_000, "a.csv")
    assert odd.table is not None or odd.code


@pytest.mark.parametrize("shape", [(30, 40), (30, 40, 3), (30, 40, 4), (2000, 1500), (5000, 2, 3)])
async def test_array_that_is_a_picture(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """An array of bytes with the shape of a picture is drawn, small enough for a page."""
    value = np.random.default_rng(1).integers(0, 255, shape, dtype="uint8")
    handle, _ = keep(array_serializer, value, tmp_path / "blob")
    assert can_preview(handle)
    preview = await handle.preview()
    found = preview.facts.picture
    assert found is not None
    with Image.open(io.BytesIO(found.png)) as image:
        image.load()
        if value.size < 10_000:
            assert np.array_equal(np.asarray(image), value)
    assert len(preview._repr_html_().encode()) <= artigraph.options.max_bytes
    assert "data:image/png" in preview._repr_html_()


@pytest.mark.parametrize(
    ("summary", "read"),
    [
        ({"shape": [10**9, 10**9]}, False),
        ({"shape": [30, 40, 3]}, True),
        ({"shape": [30, "x"]}, False),
        ({"shape": None}, False),
        ({"dtype": "float64"}, False),
    ],
)
async def test_array_whose_row_lies(tmp_path: Path, summary: dict[str, Any], read: bool) -> None:
    """A row that says other than the array, or something odd, gives no picture and no error."""
    handle, source = keep(array_serializer, np.zeros((30, 40), "uint8"), tmp_path / "blob")
    handle._summary = {**handle._summary, **summary}
    preview = await handle.preview()
    assert preview.facts.picture is None
    assert bool(source.opened) is read


async def test_figures_and_images(tmp_path: Path) -> None:
    """What was drawn of a Matplotlib figure is seen, without the vectors in its file."""
    figure = Figure()
    figure.subplots().plot([1, 3, 2])
    handle, _ = keep(figure_serializer, figure, tmp_path / "figure")
    found = (await handle.preview()).facts.picture
    assert found is not None
    assert b"agSv" not in found.png
    with Image.open(io.BytesIO(found.png)) as image:
        assert image.size == (640, 480)
    handle, _ = keep(image_serializer, Image.new("RGB", (9, 8), "red"), tmp_path / "image")
    assert (await handle.preview()).facts.picture is not None


async def test_plotly_figure_is_told(tmp_path: Path) -> None:
    """Of a Plotly figure its title and its traces are told."""
    from plotly.graph_objects import Figure as PlotlyFigure

    from artigraph.serializer.plotly import figure_serializer as plotly_serializer

    figure = PlotlyFigure()
    figure.add_scatter(y=[1, 2], name=HOSTILE, mode="lines")
    figure.update_layout(title="Loss")
    handle, _ = keep(plotly_serializer, figure, tmp_path / "blob")
    preview = await handle.preview()
    assert "Loss" in preview.facts.lines[0]
    assert "1 trace" in preview.facts.lines[0]
    assert preview.facts.table is not None
    assert preview.facts.table.rows[0][0] == "scatter"
    assert "<script" not in preview._repr_html_()


async def test_stored_json_and_folders(tmp_path: Path) -> None:
    """A JSON value is seen as a text, and a folder as a list of its files."""
    handle, _ = keep(json_serializer, {"a": [1, 2]}, tmp_path / "blob")
    assert json.loads((await handle.preview()).facts.code) == {"a": [1, 2]}
    (tmp_path / "set").mkdir()
    for n in range(60):
        (tmp_path / "set" / f"{n:02}.txt").write_text("x")
    facts = (await File(tmp_path / "set").preview()).facts
    assert facts.code.startswith("00.txt\n01.txt\n")
    assert facts.code.endswith("+20 more")


async def test_what_has_no_preview_says_so() -> None:
    """Bytes of an unknown kind are told in words, and other values are refused."""
    file = File(b"\0\1", name="a.onnx")
    assert not can_preview(file)
    assert "nothing can be seen" in (await file.preview()).facts.lines[0]
    with pytest.raises(PartError, match="takes a File"):
        await read_preview(5)


def test_preview_of_ones_own() -> None:
    """Whoever knows a media type says what is seen of it, in one place."""

    @previews("application/x-of-a-test")
    def show(content: Content, limits: Any) -> Facts:
        return Facts("Preview", content.name)

    assert find_preview("application/x-of-a-test; charset=utf-8") is show
    assert find_preview("application/x-of-another") is None
    with pytest.raises(NameTakenError, match="text/csv"):
        previews("text/csv")(show)


def test_preview_fits_any_budget() -> None:
    """A preview is shown in ever fewer words until it fits."""
    facts = Facts("Preview", "x", code="<" * 200_000)
    with artigraph.options.set(max_bytes=12_000):
        assert len(Preview(facts)._repr_html_().encode()) <= 12_000
