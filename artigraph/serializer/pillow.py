"""Pillow's images as PNG, or as TIFF where PNG lacks their mode.

Any viewer opens these files. What the format has no words for (``info``, the
palette's own mode) is a JSON description: a text named ``artigraph`` in a
PNG, the tag ImageDescription of a TIFF. TIFF is written without compression.

What comes back is always a plain ``PIL.Image.Image``, also where the value
was opened from a file: it is loaded, and knows neither ``filename`` nor
``format``. EXIF data is kept as it stands in ``info``; changes made by
``getexif()`` and the tags of an opened TIFF are not. Of several frames none
is chosen: such images are refused.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from typing import Any

from PIL import Image, PngImagePlugin, TiffImagePlugin

from artigraph.errors import SerializationError
from artigraph.serializer.base import Serializer
from artigraph.serializer.part import reading

__all__ = ["ImageSerializer", "image_serializer", "thumbnail"]

PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})
TIFF_MODES = frozenset({"P", "PA", "CMYK", "YCbCr", "LAB", "I", "F", "I;16B"})
NEAREST_MODE = {"La": "LA", "RGBa": "RGBA", "I;16L": "I;16", "I;16N": "I;16"}
"""What to convert to where neither format has the mode; else RGB."""

KEY = "artigraph"
IMAGE_DESCRIPTION = 270
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"


class ImageSerializer(Serializer[Image.Image]):
    """Images as PNG, or TIFF.

    * keeps mode, size, every pixel (also under full transparency), palette,
      and ``info``: transparency, ICC profile, EXIF, resolution, texts ...
    * gives back a plain ``Image.Image`` whatever class was written
    * refuses modes that neither format has (HSV, RGBX, La, RGBa), images of
      several frames or without pixels, ``info`` of other types, and images
      larger than ``PIL.Image.MAX_IMAGE_PIXELS``, which Pillow takes for bombs
    """

    name = "artigraph-pillow"
    types = (Image.Image,)

    def serialize(self, value: Image.Image, /) -> bytes:
        """Write an image.

        Raises:
            SerializationError: It is none, or would not come back equal.
        """
        _check_image(value)
        try:
            # Pillow's writers look at info by themselves; this copy has none.
            plain = value.copy()
        except Exception as error:  # a file that is closed, truncated, damaged
            raise SerializationError(
                f"The pixels of {value!r} cannot be read: {error}. Call image.load() before its "
                "file is closed."
            ) from error
        plain.info = {}
        palette = _palette(plain)
        description = {
            "version": 1,
            "palette": palette and [palette[0], _base64(palette[1])],
            "info": [[key, _encode(item, key)] for key, item in value.info.items()],
        }
        try:
            data = _write(plain, value.info, json.dumps(description, separators=(",", ":")))
            back = self.deserialize(data)
        except Exception as error:  # Pillow's writers have no error of their own
            raise SerializationError(
                f"{value!r} cannot be written: {error}. Try it without its image.info, or as "
                "image.convert('RGBA')."
            ) from error
        same = plain.mode == back.mode and plain.size == back.size and palette == _palette(back)
        if not same or value.info != back.info or plain.tobytes() != back.tobytes():
            raise SerializationError(
                f"{value!r} would come back changed. Use image.convert('RGBA'), or store "
                "numpy.asarray(image)."
            )
        return data

    def deserialize(self, data: bytes, /) -> Image.Image:
        """Read an image.

        Raises:
            DeserializationError: The bytes are not an image that this
                serializer wrote, damaged, or more pixels than
                ``PIL.Image.MAX_IMAGE_PIXELS``.
        """
        told = f"These {len(data)} bytes are not an image that {self.name!r} wrote, or are damaged"
        with reading(told):
            return _read(data)

    def summarize(self, value: Image.Image, /) -> Mapping[str, Any]:
        """Its size (width first) and mode."""
        return {"kind": "image", "size": list(value.size), "mode": value.mode}


def _check_image(value: object) -> None:
    if not isinstance(value, Image.Image):
        raise SerializationError(
            f"{ImageSerializer.name!r} takes a PIL.Image.Image, not a {type(value).__module__}."
            f"{type(value).__qualname__}. Use PIL.Image.fromarray(value) or PIL.Image.open(path)."
        )
    if value.mode not in PNG_MODES | TIFF_MODES:
        raise SerializationError(
            f"An image of mode {value.mode!r} can be written neither as PNG nor as TIFF. "
            f"Use image.convert({NEAREST_MODE.get(value.mode, 'RGB')!r})."
        )
    if 0 in value.size:
        raise SerializationError(
            f"An image of size {value.size} has no pixels, which no file can hold. "
            "Store None, or its size."
        )
    if not _fits(value.size):
        raise SerializationError(
            f"An image of size {value.size} has more than the {Image.MAX_IMAGE_PIXELS} pixels that "
            "Pillow reads without a warning. Raise PIL.Image.MAX_IMAGE_PIXELS here and wherever "
            "it is read, or store numpy.asarray(image)."
        )
    frames = getattr(value, "n_frames", 1)
    if frames > 1:
        raise SerializationError(
            f"This image has {frames} frames, of which one would come back. Store image.copy() "
            "for the present one, or a list of copies from PIL.ImageSequence.Iterator(image)."
        )


def _fits(size: tuple[int, int]) -> bool:
    limit = Image.MAX_IMAGE_PIXELS
    return limit is None or size[0] * size[1] <= limit


def _palette(image: Image.Image) -> tuple[str, bytes] | None:
    colors = image.getpalette(None)
    if colors is None or image.palette is None:
        return None
    return image.palette.mode, bytes(colors)


def _write(image: Image.Image, info: Mapping[Any, Any], text: str) -> bytes:
    file = io.BytesIO()
    if image.mode not in PNG_MODES or _exceeds_palette(image):
        image.save(file, "TIFF", compression="raw", tiffinfo={IMAGE_DESCRIPTION: text})
        return file.getvalue()
    texts = PngImagePlugin.PngInfo()
    texts.add_text(KEY, text)
    # For other viewers; here the description says it all.
    known: dict[str, Any] = {}
    profile, transparency = info.get("icc_profile"), info.get("transparency")
    if isinstance(profile, bytes) and len(profile) <= PngImagePlugin.MAX_TEXT_CHUNK:
        known["icc_profile"] = profile
    if isinstance(info.get("exif"), bytes):
        known["exif"] = info["exif"]
    if _is_transparency(image.mode, transparency):
        known["transparency"] = transparency
    image.save(file, "PNG", pnginfo=texts, **known)
    return file.getvalue()


def _exceeds_palette(image: Image.Image) -> bool:
    """Whether a pixel names a colour that its palette lacks; PNG would cut it off."""
    palette = _palette(image)
    if image.mode != "P" or palette is None:
        return False
    _, highest = image.getextrema()
    return isinstance(highest, int) and highest >= len(image.getpalette() or ()) // 3


def _is_transparency(mode: str, value: object) -> bool:
    if mode == "P":
        return isinstance(value, int | bytes)
    if mode == "RGB":
        parts = value if isinstance(value, tuple) and len(value) == 3 else (None,)
        return all(isinstance(part, int) and 0 <= part < 2**16 for part in parts)
    return mode in ("1", "L", "I;16") and isinstance(value, int)


def _read(data: bytes) -> Image.Image:
    # By their own classes: Image.open would try every format that it knows.
    file = io.BytesIO(data)
    if data.startswith(b"\x89PNG"):
        if not data.endswith(PNG_END):
            raise ValueError("the end is missing")
        opened: Any = PngImagePlugin.PngImageFile(file)
        text = opened.info[KEY]
    else:
        opened = TiffImagePlugin.TiffImageFile(file)
        if opened.info["compression"] != "raw":
            raise ValueError(f"the TIFF is compressed by {opened.info['compression']!r}")
        text = opened.tag_v2[IMAGE_DESCRIPTION]
    if not _fits(opened.size):
        raise ValueError(
            f"{opened.size} is more than the {Image.MAX_IMAGE_PIXELS} pixels of "
            "PIL.Image.MAX_IMAGE_PIXELS, so it may be a decompression bomb; raise that limit if "
            "you trust it"
        )
    description = json.loads(text)
    if description["version"] > 1:
        raise ValueError("a newer artigraph wrote it: pip install --upgrade artigraph")
    image: Image.Image = opened.copy()
    if description["palette"] is not None:
        mode, colors = description["palette"]
        image.putpalette(base64.b64decode(colors, validate=True), mode)
    image.info = {key: _decode(item) for key, item in description["info"]}
    image.load()
    return image


def _encode(value: Any, key: object) -> Any:
    """Turn a part of ``info`` into JSON; what JSON lacks becomes ``{type: parts}``."""
    kind = type(value)
    if type(key) is str:
        if value is None or kind in (bool, int, float, str):
            return value
        if kind is bytes:
            return {"bytes": _base64(value)}
        if kind in (tuple, list):
            return {kind.__name__: [_encode(item, key) for item in value]}
        if kind is dict:
            return {"dict": [[name, _encode(item, name)] for name, item in value.items()]}
        if kind is PngImagePlugin.iTXt:
            return {"text": [str(value), value.lang, value.tkey]}
        if kind is TiffImagePlugin.IFDRational:
            return {"rational": [value.numerator, value.denominator]}
    raise SerializationError(
        f"image.info[{key!r}] is {value!r:.60} of type {kind.__name__}, which would not come back. "
        f"Use del image.info[{key!r}], or store it beside the image."
    )


def _decode(value: object) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, parts),) = value.items()
    if kind == "bytes":
        return base64.b64decode(parts, validate=True)
    if kind == "dict":
        return {name: _decode(item) for name, item in parts}
    if kind == "text":
        return PngImagePlugin.iTXt(*parts)
    if kind == "rational":
        return TiffImagePlugin.IFDRational(*parts)
    if kind in ("tuple", "list"):
        items = [_decode(item) for item in parts]
        return items if kind == "list" else tuple(items)
    raise ValueError(f"image.info holds an unknown {kind!r}")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def thumbnail(data: bytes, form: str, width: int, most_bytes: int) -> bytes | None:
    """A picture made smaller, whoever made it.

    Args:
        data: A file of few enough pixels for memory; see to that first.
        form: ``png``, ``jpeg``, ``gif`` or ``webp``; no other reader is tried.
        width: Pixels across, at most; it is at most three times as high.
        most_bytes: How many bytes it may take.

    Returns:
        A PNG, or a JPEG where that is smaller; ``None`` for what is damaged.
    """
    try:
        with Image.open(io.BytesIO(data), formats=[form.upper()]) as image:
            image.draft("RGB", (width, 3 * width))
            for divisor in (1, 2, 4):
                image.thumbnail((width // divisor, 3 * width // divisor))
                small = image.convert("RGBA" if image.has_transparency_data else "RGB")
                for to, options in (("PNG", {}), *(("JPEG", {"quality": n}) for n in (85, 60))):
                    file = io.BytesIO()
                    small.convert("RGBA" if to == "PNG" else "RGB").save(file, to, **options)
                    if file.tell() <= most_bytes:
                        return file.getvalue()
    except Exception:  # damage shows as almost any error
        return None
    return None


image_serializer = ImageSerializer()
"""Pillow's images."""
