"""Images of every mode come back with each pixel, palette and info."""

from __future__ import annotations

import copy
import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image, PngImagePlugin, TiffImagePlugin

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer, find_serializer
from artigraph.serializer.pillow import PNG_MODES, TIFF_MODES, image_serializer
from artigraph.testing.serializer import SerializerTests

MODES = sorted(PNG_MODES | TIFF_MODES)


def make(mode: str, size: tuple[int, int] = (5, 3), seed: int = 1) -> Image.Image:
    """An image whose pixels all differ."""
    image = Image.new(mode, size)
    if mode == "F":
        image.putdata([seed * 0.1 * i for i in range(size[0] * size[1])])
        return image
    count = len(image.tobytes())
    image = Image.frombytes(mode, size, bytes((seed * i * 37) % 256 for i in range(count)))
    if mode in ("P", "PA"):
        image.putpalette(bytes(range(30)))
    return image


def same(old: Image.Image, new: Image.Image) -> bool:
    return (
        old.mode == new.mode
        and old.size == new.size
        and old.tobytes() == new.tobytes()
        and old.getpalette(None) == new.getpalette(None)
        and (old.palette and old.palette.mode) == (new.palette and new.palette.mode)
        and old.info == new.info
        and [type(item) for item in old.info.values()] == [type(i) for i in new.info.values()]
    )


class TestImageSerializer(SerializerTests):
    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        return image_serializer

    @pytest.fixture
    def values(self) -> list[Any]:
        clear = make("RGBA")
        clear.putalpha(0)
        few = Image.new("P", (4, 4), 1)
        few.putpalette(bytes(range(6)))
        few.info["transparency"] = 1
        texts = make("RGB")
        texts.info = {
            "dpi": (72, 72),
            "icc_profile": b"abc",
            "exif": b"Exif\0\0MM\0*",
            "Title": "ä",
        }
        return [*map(make, MODES), clear, few, texts]

    @pytest.fixture
    def bad_values(self) -> list[Any]:
        odd = make("L")
        odd.info["odd"] = object()
        return [object(), b"", Image.new("RGB", (0, 3)), make("HSV"), make("RGBX"), odd]

    def equal(self, old: Any, new: Any) -> bool:
        return same(old, new)


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
info = st.recursive(
    plain | st.binary(),
    lambda part: (
        st.lists(part, max_size=3)
        | st.tuples(part, part)
        | st.dictionaries(st.text(), part, max_size=2)
    ),
    max_leaves=5,
)


@given(
    st.sampled_from(MODES),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.integers(0, 255),
    st.dictionaries(st.text(), info, max_size=3),
)
@settings(deadline=None)
def test_image_survives(mode: str, size: tuple[int, int], seed: int, info: dict[str, Any]) -> None:
    """Any mode, size and info comes back, as a plain image of its own memory."""
    image = make(mode, size, seed)
    image.info.update(copy.deepcopy(info).items())
    back = image_serializer.deserialize(image_serializer.serialize(image))
    assert type(back) is Image.Image
    assert same(image, back)


@given(
    st.integers(0, 256),
    st.sampled_from(["RGB", "RGBA", "CMYK"]),
    st.sampled_from(["P", "PA"]),
    st.none() | st.integers(0, 255) | st.binary(max_size=256),
    st.integers(0, 255),
)
@settings(deadline=None)
def test_palette_survives(
    colors: int, kind: str, mode: str, transparency: int | bytes | None, highest: int
) -> None:
    """A palette of any kind and length comes back, also when pixels exceed it."""
    image = Image.new(mode, (3, 3), highest if mode == "P" else (highest, 7))
    image.putpalette(bytes(i % 256 for i in range(colors * len(kind))), kind)
    if transparency is not None:
        image.info["transparency"] = transparency
    assert same(image, image_serializer.deserialize(image_serializer.serialize(image)))


@pytest.mark.parametrize(
    ("mode", "transparency"),
    [("L", 3), ("RGB", (1, 2, 3)), ("1", 255), ("RGB", "odd"), ("L", b"a")],
)
def test_transparency_survives(mode: str, transparency: Any) -> None:
    """A transparent colour comes back, also where PNG would not take it."""
    image = make(mode)
    image.info["transparency"] = transparency
    assert same(image, image_serializer.deserialize(image_serializer.serialize(image)))


def test_odd_info_survives() -> None:
    """Texts with a language, and fractions as TIFF has them, come back as they were."""
    image = make("L")
    image.info = {
        "text": PngImagePlugin.iTXt("größe", "de", "Größe"),
        "dpi": (TiffImagePlugin.IFDRational(72, 1), TiffImagePlugin.IFDRational(1, 3)),
        "large": b"x" * 3_000_000,
        "icc_profile": b"y" * 3_000_000,
        "artigraph": "mine",
    }
    back = image_serializer.deserialize(image_serializer.serialize(image))
    assert same(image, back)
    assert back.info["text"].lang == "de"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"])
def test_opened_file_comes_back_plain(form: str, tmp_path: Path) -> None:
    """An image opened from a file of any format is stored with its info."""
    path = tmp_path / "image"
    make("RGB").save(path, form, dpi=(72, 72))
    with Image.open(path) as opened:
        back = image_serializer.deserialize(image_serializer.serialize(opened))
        assert type(back) is Image.Image
        assert same(opened, back)


def test_stored_bytes_are_a_picture() -> None:
    """Any viewer opens the bytes: PNG with its transparency and profile, or TIFF."""
    image = make("P", (8, 8))
    image.putpalette(bytes(range(256)) * 3)
    image.info = {"transparency": 3, "icc_profile": b"abc"}
    opened = Image.open(io.BytesIO(image_serializer.serialize(image)))
    assert opened.format == "PNG"
    assert opened.info["transparency"] == 3
    assert opened.info["icc_profile"] == b"abc"
    depths = make("F")
    opened = Image.open(io.BytesIO(image_serializer.serialize(depths)))
    assert opened.format == "TIFF"
    assert opened.tobytes() == depths.tobytes()


def test_summary_tells_size_and_mode() -> None:
    """A summary has kind, size and mode."""
    expected = {"kind": "image", "size": [5, 3], "mode": "CMYK"}
    assert image_serializer.summarize(make("CMYK")) == expected


def test_opened_images_find_it() -> None:
    """Classes of opened files find the serializer of images."""
    assert find_serializer(PngImagePlugin.PngImageFile) == image_serializer


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (make("HSV"), r"mode 'HSV'.*image.convert\('RGB'\)"),
        (Image.new("RGBa", (1, 1)), r"mode 'RGBa'.*image.convert\('RGBA'\)"),
        (Image.new("L", (0, 1)), r"size \(0, 1\) has no pixels"),
        ("path.png", r"not a builtins.str. Use PIL.Image.fromarray"),
    ],
)
def test_refusal_says_the_fix(value: Any, message: str) -> None:
    """A refusal says what was found and what to type."""
    with pytest.raises(SerializationError, match=message):
        image_serializer.serialize(value)


def test_odd_info_is_refused_by_its_key() -> None:
    """Info that would not come back is named."""
    image = make("L")
    image.info["odd"] = [{1, 2}]
    with pytest.raises(SerializationError, match=r"image.info\['odd'\] is .* of type set.*Use del"):
        image_serializer.serialize(image)


def test_frames_are_refused() -> None:
    """Of an animation one frame would come back, so it is refused; a copy is not."""
    file = io.BytesIO()
    make("L").save(file, "GIF", save_all=True, append_images=[Image.new("L", (5, 3), 9)])
    animation = Image.open(file)
    with pytest.raises(SerializationError, match=r"2 frames.*image.copy\(\)"):
        image_serializer.serialize(animation)
    frame = animation.copy()
    assert same(frame, image_serializer.deserialize(image_serializer.serialize(frame)))


def test_closed_file_is_refused(tmp_path: Path) -> None:
    """An image whose file is closed unread is refused with the call to make before."""
    make("L").save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        pass
    with pytest.raises(SerializationError, match=r"image.load\(\) before its file is closed"):
        image_serializer.serialize(image)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def bomb(width: int, height: int, text: bytes = b'{"version":1,"palette":null,"info":[]}') -> bytes:
    """A small PNG that says to be very large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"tEXt", b"artigraph\0" + text)]
    parts += [chunk(b"IDAT", zlib.compress(bytes(1_000_000))), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("side", [10_000, 100_000, 2**31 - 1])
def test_bomb_is_refused(side: int) -> None:
    """A picture of more pixels than Pillow's limit is refused before it is decoded."""
    with pytest.raises(DeserializationError, match="decompression bomb"):
        image_serializer.deserialize(bomb(side, side))


def test_tiff_bomb_is_refused() -> None:
    """A TIFF that says to be very large is refused, too."""
    data = bytearray(image_serializer.serialize(make("F")))
    with Image.open(io.BytesIO(data)) as opened:
        assert isinstance(opened, TiffImagePlugin.TiffImageFile)
        assert opened.tag_v2[256] == 5
    for tag in (256, 257):
        place = data.index(struct.pack("<HHI", tag, 4, 1))
        data[place + 8 : place + 12] = struct.pack("<I", 100_000)
    with pytest.raises(DeserializationError, match="decompression bomb"):
        image_serializer.deserialize(bytes(data))


def test_limit_is_kept_when_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be refused as a bomb is not written; without a limit, all is."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(SerializationError, match=r"the 10 pixels .*MAX_IMAGE_PIXELS"):
        image_serializer.serialize(make("L"))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert same(make("L"), image_serializer.deserialize(image_serializer.serialize(make("L"))))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[" * 100_000,
        b'{"version":2,"palette":null,"info":[]}',
        b'{"version":1,"palette":["RGB","!"],"info":[]}',
        b'{"version":1,"palette":["odd","AAAA"],"info":[]}',
        b'{"version":1,"palette":null,"info":[["a",{"pickle":"gASVAAAA"}]]}',
        b'{"version":1,"palette":null,"info":[["a",{"bytes":3}]]}',
    ],
)
def test_hostile_description_is_refused(text: bytes) -> None:
    """A description that says anything else is an error of artigraph's."""
    with pytest.raises(DeserializationError, match="not an image that 'artigraph-pillow' wrote"):
        image_serializer.deserialize(bomb(3, 3, text))


def test_foreign_pictures_are_refused() -> None:
    """A PNG or TIFF of another program, or compressed, is refused."""
    image = make("RGB")
    for form, options in [("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})]:
        file = io.BytesIO()
        image.save(file, form, **options)
        with pytest.raises(DeserializationError):
            image_serializer.deserialize(file.getvalue())
    file = io.BytesIO()
    description = json.dumps({"version": 1, "palette": None, "info": []})
    image.save(file, "TIFF", compression="tiff_lzw", tiffinfo={270: description})
    with pytest.raises(DeserializationError, match="compressed by 'tiff_lzw'"):
        image_serializer.deserialize(file.getvalue())
