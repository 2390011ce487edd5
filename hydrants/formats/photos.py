"""The pictures that came with a list, made anew: whatever else was in their files stays behind."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator

from PIL import Image, UnidentifiedImageError

from hydrants.formats import archive
from hydrants.formats.archive import Entry
from hydrants.formats.frames import MAX_NAME_CHARACTERS
from hydrants.formats.sheet import Photo

LONGEST_SIDE = 2_048
"""In pixels: the plate beside a hydrant stays readable, and a phone's picture becomes a tenth as large."""

MAX_PIXELS = 80_000_000
"""Above what phones make; a picture of one colour unpacks from a small file to any size."""

_QUALITY = 85
_MAX_FILE_BYTES = 64_000_000
_FORMATS = ("JPEG", "PNG", "WEBP")  # named, so that no other decoder sees the bytes
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ADVICE = "Stuur de foto als JPEG, PNG of WebP."

# what Pillow raises of bytes that are no picture, or only the start of one
_DAMAGE = (
    *archive.DAMAGE,
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    SyntaxError,
    TypeError,
)


class _Unusable(Exception):
    """A picture cannot be taken over.

    Args:
        reason_nl: why, in Dutch.
    """

    def __init__(self, reason_nl: str) -> None:
        super().__init__(reason_nl)
        self.reason_nl = reason_nl


def read(beside: Iterable[tuple[str, Entry | None, str | None]]) -> Iterator[Photo]:
    """A photo for each file that lies beside a list; refused with a reason where it is none.

    Each has a name of its own: one that is refused because its name is taken bears its path.

    Args:
        beside: (path in the zip, entry, None) of a picture; (path, None, why not) of anything else.
    """
    paths: dict[str, str] = {}
    for ordinal, (path, entry, reason_nl) in enumerate(beside, start=1):
        name = path.rpartition("/")[2]
        first = paths.setdefault(name.casefold(), path)
        if first != path:
            reason_nl = f"Er is al een bestand met deze naam ('{first}'). Geef elke foto een eigen naam."
            name = path if "/" in path else f"./{path}"
        if len(name) > MAX_NAME_CHARACTERS:
            reason_nl = f"De naam is langer dan {MAX_NAME_CHARACTERS} tekens."
            name = f"{name[: MAX_NAME_CHARACTERS - 20]}... ({ordinal})"
        if entry is None or reason_nl is not None:
            yield Photo(name, None, reason_nl or _ADVICE)
            continue
        try:
            yield Photo(name, _cleaned(entry))
        except _Unusable as unusable:
            yield Photo(name, None, unusable.reason_nl)


def _cleaned(entry: Entry) -> bytes:
    if entry.size > _MAX_FILE_BYTES:
        raise _Unusable(f"De foto is groter dan {_MAX_FILE_BYTES // 1_000_000} MB. {_ADVICE}")
    try:
        with entry.open() as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of size, which is judged here, and of odd metadata
            return _made_anew(stream.read())
    except UnidentifiedImageError as error:
        raise _Unusable(f"Dit is geen foto die gelezen kan worden. {_ADVICE}") from error
    except Image.DecompressionBombError as error:
        raise _too_large() from error
    except _DAMAGE as error:
        raise _Unusable(f"De foto is beschadigd of niet volledig aangekomen. {_ADVICE}") from error


def _made_anew(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content), formats=_FORMATS) as checked:
        if checked.width * checked.height > MAX_PIXELS:
            raise _too_large()
        checked.verify()
    with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
        turn = _TURNS.get(_orientation(picture))
        picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG is unpacked at about that size at once
        picture.load()
        small = _opaque(picture)
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    if turn is not None:
        small = small.transpose(turn)
    bare = Image.new("RGB", small.size)  # a copy would take the metadata along
    bare.paste(small)
    stream = io.BytesIO()
    bare.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()


def _too_large() -> _Unusable:
    return _Unusable(f"De foto heeft meer dan {MAX_PIXELS // 1_000_000} megapixels. Verklein ze.")


def _orientation(picture: Image.Image) -> int:
    """How the camera was held; upright where its note of that cannot be read."""
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except _DAMAGE:
        return 1


def _opaque(picture: Image.Image) -> Image.Image:
    """In colours without transparency, which becomes white."""
    if picture.has_transparency_data:
        layered = picture.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(white, layered).convert("RGB")
    return picture.convert("RGB")
