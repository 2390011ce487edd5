"""Zips: hostile ones are refused unread, and a list with photos gives its rows and the photos made anew."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from hydrants import formats
from hydrants.errors import UploadRejected
from hydrants.formats import Format, Limits, Photo, detect
from tests.sheets import photos_of, refusal_of, sheets_of
from tests.valid_files import jpeg, sound_files, zipped

CSV = b"nr;foto\n1;a.jpg\n"


def landed(folder: Path, content: bytes) -> Path:
    path = folder / "landed"
    path.write_bytes(content)
    return path


def entry(name: str, content: bytes, **properties: int) -> bytes:
    """A zip of a list and one more entry with properties of its own."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("lijst.csv", CSV)
        info = zipfile.ZipInfo(name)
        for key, value in properties.items():
            setattr(info, key, value)
        archive.writestr(info, content)
    return stream.getvalue()


# -- what is refused unread --------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("../x.csv", "a/../../x.csv", "/tmp/x.csv", "//x/y.csv", "C:/x.csv", "c:x.csv"),
        *("..\\x.csv", "C:\\x.csv", "\\\\x\\y.csv", "a\\..\\..\\x", "a\nb.csv", "\x1b[31m.csv"),
    ],
)
def test_paths_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    path = landed(tmp_path, entry(name, b"x"))
    assert "ongeldig pad" in refusal_of(path)
    with pytest.raises(UploadRejected, match="ongeldig pad"):
        detect(path)
    assert [found.name for found in tmp_path.iterdir()] == ["landed"]


def test_an_entry_without_a_name_is_refused(tmp_path: Path) -> None:
    content = entry("Aabc", b"x").replace(b"Aabc", b"\0abc")
    assert "ongeldig pad" in refusal_of(landed(tmp_path, content))


@pytest.mark.parametrize("kind", [0o120777, 0o060666, 0o020666, 0o010666, 0o140777])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    content = entry("foto.jpg", b"/etc/passwd", create_system=3, external_attr=kind << 16)
    assert "koppeling" in refusal_of(landed(tmp_path, content))


@pytest.mark.parametrize("mode", [0, 0o100644, 0o644])
def test_ordinary_files_are_not_taken_for_links(tmp_path: Path, mode: int) -> None:
    content = entry("foto.jpg", jpeg(), create_system=3, external_attr=mode << 16)
    assert [photo.refused_because for photo in photos_of(landed(tmp_path, content))] == [None]


def encrypted(content: bytes) -> bytes:
    """The zip with the mark of encryption on every entry."""
    changed = bytearray(content)
    for signature, flags_at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = changed.find(signature)
        while at >= 0:
            changed[at + flags_at] |= 1
            at = changed.find(signature, at + 4)
    return bytes(changed)


@pytest.mark.parametrize("kind", ["xlsx", "photos", "shp", "kmz"])
def test_encrypted_zips_are_refused(tmp_path: Path, kind: str) -> None:
    content = encrypted(sound_files()[kind][1])
    assert "wachtwoord" in refusal_of(landed(tmp_path, content))


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = entry("lijst.csv", CSV)
    assert "twee keer een onderdeel met de naam 'lijst.csv'" in refusal_of(landed(tmp_path, content))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression_is_refused(tmp_path: Path, method: int) -> None:
    content = entry("a.jpg", bytes(100), compress_type=method)
    assert "ongewone compressie" in refusal_of(landed(tmp_path, content))


@pytest.mark.parametrize(("count", "is_read"), [(9_999, True), (10_000, False)])
def test_number_of_entries_is_bounded(tmp_path: Path, count: int, is_read: bool) -> None:
    content = zipped({"lijst.csv": CSV, **{f"{number}/": b"" for number in range(count)}})
    path = landed(tmp_path, content)
    if is_read:
        assert len(sheets_of(path)) == 1
    else:
        assert "meer dan 10000 onderdelen" in refusal_of(path)


def test_number_of_parts_of_a_workbook_is_bounded(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(sound_files()["xlsx"][1])) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    path = landed(tmp_path, zipped(parts | {f"xl/media/{number}.png": b"" for number in range(2_000)}))
    assert "meer dan 2000 onderdelen" in refusal_of(path)


def test_a_long_table_of_contents_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = landed(tmp_path, zipped({f"{'x' * 60_000}{number}": b"" for number in range(100)}))
    tracemalloc.start()
    assert "onderdelen" in refusal_of(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3_000_000


def unpacking_to(size: int, *, declared: int | None = None, prefix_checksum: bool = False) -> bytes:
    """A zip of a list and a CSV of `size` bytes of spaces, said to be of `declared` bytes."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("lijst.csv", "w") as part,
    ):
        for _ in range(size // 1_000_000):
            part.write((b" " * 999 + b"\n") * 1_000)
    content = bytearray(stream.getvalue())
    if declared is not None:
        at = content.rindex(b"PK\1\2")
        struct.pack_into("<I", content, at + 24, declared)
        if prefix_checksum:
            struct.pack_into("<I", content, at + 16, zlib.crc32((b" " * 999 + b"\n") * (declared // 1_000)))
    return bytes(content)


def test_declared_unpacked_size_is_bounded(tmp_path: Path) -> None:
    path = landed(tmp_path, unpacking_to(30_000_000))
    limits = Limits(unpacked_bytes=20_000_000)
    with pytest.raises(UploadRejected, match="uitgepakt groter dan 20 MB"):
        list(formats.read(path, detect(path), limits=limits))
    assert len(list(formats.read(path, detect(path)))) == 1


@pytest.mark.parametrize("prefix_checksum", [False, True])
def test_actual_unpacked_size_is_bounded_by_the_declared_one(tmp_path: Path, prefix_checksum: bool) -> None:
    content = unpacking_to(300_000_000, declared=5_000, prefix_checksum=prefix_checksum)
    assert len(content) < 2_000_000
    path = landed(tmp_path, content)
    tracemalloc.start()
    read = 0
    try:
        for sheet in formats.read(path, Format.CSV):
            assert not isinstance(sheet, Photo)
            read = sum(len(cell or "") for _, cells in sheet.rows for cell in cells)
    except UploadRejected as rejection:
        assert "beschadigd" in rejection.reason_nl
    else:
        assert prefix_checksum
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read <= 5_000
    assert peak < 10_000_000


@pytest.mark.parametrize("kind", ["csv", "geojson", "kml", "gpkg", "xlsx", "ods", "xls"])
def test_an_entry_that_is_damaged_further_on_is_refused(tmp_path: Path, kind: str) -> None:
    name, content = sound_files(2_000)[kind]
    packed = bytearray(zipped({name: content}))
    at = packed.index(b"PK\1\2")
    packed[at // 2 : at // 2 + 4] = b"\xff\0\xff\0"
    assert len(content) > 65_536 or kind == "ods", (
        "the damage lies behind what is looked at to tell the format"
    )
    assert "beschadigd" in refusal_of(landed(tmp_path, bytes(packed)))
    packed = bytearray(zipped({name: content}))
    struct.pack_into("<I", packed, packed.index(b"PK\1\2") + 16, 12345)  # the checksum only
    assert "beschadigd" in refusal_of(landed(tmp_path, bytes(packed)))


# -- which list is read ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "xlsx", "ods", "xls", "gpkg", "geojson", "kml", "kmz"])
def test_any_list_is_read_from_a_zip_as_by_itself(tmp_path: Path, kind: str) -> None:
    name, content = sound_files()[kind]
    alone = landed(tmp_path, content)
    expected, expected_format = sheets_of(alone), detect(alone)
    path = landed(tmp_path, zipped({f"map/{name}": content, "fotos/a.jpg": jpeg()}))
    assert (sheets_of(path), detect(path)) == (expected, expected_format)
    assert [photo.file_name for photo in photos_of(path)] == ["a.jpg"]
    assert [found.name for found in tmp_path.iterdir()] == ["landed"], "nothing is unpacked"


def test_a_shapefile_comes_with_photos(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(sound_files()["shp"][1])) as shapes:
        parts = {name: shapes.read(name) for name in shapes.namelist()}
    path = landed(tmp_path, zipped(parts | {"b.png": jpeg()}))
    assert detect(path) is Format.SHAPEFILE
    assert len(sheets_of(path)[0]["rows"]) == 6
    assert [photo.file_name for photo in photos_of(path)] == ["b.png"]


def test_a_geopackage_in_a_zip_may_have_kept_a_log(tmp_path: Path) -> None:
    content = bytearray(sound_files()["gpkg"][1])
    content[18:20] = b"\2\2"
    alone = sheets_of(landed(tmp_path, sound_files()["gpkg"][1]))
    parts = {"a.gpkg": bytes(content), "a.gpkg-shm": b"", "a.gpkg-wal": b""}
    (found,), (expected,) = sheets_of(landed(tmp_path, zipped(parts))), alone
    assert "misschien nog open" in found.pop("notice")
    assert expected.pop("notice") is None
    assert found == expected


def test_paths_of_windows_are_paths(tmp_path: Path) -> None:
    parts = {"map\\lijst.csv": CSV, "map\\fotos\\a.jpg": jpeg(), "map\\leeg\\": b""}
    path = landed(tmp_path, zipped(parts))
    assert len(sheets_of(path)) == 1
    assert [photo.file_name for photo in photos_of(path)] == ["a.jpg"]
    twice = landed(tmp_path, zipped({"lijst.csv": CSV, "f\\a.jpg": jpeg(), "f/a.jpg": jpeg()}))
    assert "twee keer" in refusal_of(twice)


@pytest.mark.parametrize("kind", ["xlsx", "gpkg", "geojson"])
def test_text_beside_a_list_is_no_second_one(tmp_path: Path, kind: str) -> None:
    content = sound_files()[kind][1]
    alone = sheets_of(landed(tmp_path, content))
    texts = {
        "leesmij.txt": b"Beste, hierbij de lijst.\n",
        "README.md": b"# Lijst\n",
        "stijl.lyrx": b'{"type": "CIMLayerDocument"}',
        "stijl.qml": b"<!DOCTYPE qgis><qgis/>",
        "lijst.qmd": b"<qgis/>",
    }
    path = landed(tmp_path, zipped({"lijst." + kind: content, **texts}))
    assert sheets_of(path) == alone
    assert {photo.file_name for photo in photos_of(path)} == set(texts)
    assert all("niet gelezen" in (photo.refused_because or "") for photo in photos_of(path))


def test_text_that_may_be_the_list_is_not_passed_over(tmp_path: Path) -> None:
    assert "meer dan één lijst" in refusal_of(landed(tmp_path, zipped({"a.csv": CSV, "b.txt": CSV})))
    assert len(sheets_of(landed(tmp_path, zipped({"b.txt": CSV})))) == 1
    assert len(sheets_of(landed(tmp_path, zipped({"a.csv": CSV, "a.md": b"# Lijst\n"})))) == 1


LITTER = {
    "__MACOSX/._lijst.csv": b"Mac OS X",
    "__MACOSX/fotos/._a.jpg": b"Mac OS X",
    ".DS_Store": b"\0\0\0\1Bud1",
    "fotos/Thumbs.db": b"\xd0\xcf\x11\xe0",
    "fotos/desktop.ini": b"[x]",
    "fotos/._a.jpg": b"Mac OS X",
    "leeg/": b"",
}


def test_litter_of_archivers_is_passed_over(tmp_path: Path) -> None:
    path = landed(tmp_path, zipped({"lijst.csv": CSV, **LITTER}))
    assert len(sheets_of(path)) == 1
    assert photos_of(path) == []


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"a.csv": CSV, "b.csv": CSV}, "meer dan één lijst ('a.csv', 'b.csv')"),
        ({"a.csv": CSV, "b.xlsx": sound_files()["xlsx"][1]}, "meer dan één lijst ('a.csv', 'b.xlsx')"),
        ({"a.jpg": jpeg()}, "alleen foto's, geen lijst"),
        (LITTER, "geen bestanden"),
        ({"leeg/": b""}, "geen bestanden"),
        (
            {"a.pdf": b"%PDF-1.7", "b.exe": b"MZ\0\0"},
            "geen lijst die gelezen kan worden, wel 'a.pdf', 'b.exe'",
        ),
        ({"a.pdf": b"%PDF-1.7", "b.jpg": jpeg()}, "'a.pdf' in het zip-bestand: Dit is een PDF"),
        ({"a.csv": b"", "b.jpg": jpeg()}, "'a.csv' in het zip-bestand: Het bestand is leeg"),
        ({"a.zip": zipped({"a.csv": CSV})}, "zip-bestand in een zip-bestand"),
        ({"a.zip": zipped({"a.shp": b"", "a.dbf": b""})}, "zip-bestand in een zip-bestand"),
        (
            {"a.gpkg": sound_files()["gpkg"][1], "a.gpkg-wal": b"x"},
            "wijzigingen die nog niet in de GeoPackage",
        ),
        ({"word/document.xml": b"<x/>"}, "Word-bestand"),
        ({"xl/workbook.bin": b"x"}, ".xlsb"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_zips_without_exactly_one_list_are_refused(
    tmp_path: Path, parts: Mapping[str, bytes], says: str
) -> None:
    path = landed(tmp_path, zipped(parts))
    assert says in refusal_of(path)
    with pytest.raises(UploadRejected):
        detect(path)


def test_a_locked_workbook_beside_a_list_is_told(tmp_path: Path) -> None:
    locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") + bytes(600)
    path = landed(tmp_path, zipped({"lijst.csv": CSV, "geheim.xlsx": locked}))
    (other,) = photos_of(path)
    assert (other.file_name, other.jpeg) == ("geheim.xlsx", None)
    assert "wachtwoord" in (other.refused_because or "")


# -- photos ------------------------------------------------------------------------------------


def picture(
    kind: str = "JPEG", mode: str = "RGB", size: tuple[int, int] = (40, 30), **options: object
) -> bytes:
    """A picture whose left half is red and whose right half is blue."""
    pixels = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    pixels[:, : size[0] // 2, 0] = pixels[:, size[0] // 2 :, 2] = 255
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


def photo_of(folder: Path, content: bytes, name: str = "fotos/a.jpg") -> Photo:
    (photo,) = photos_of(landed(folder, zipped({"lijst.csv": CSV, name: content})))
    return photo


def opened(photo: Photo) -> Image.Image:
    assert photo.jpeg is not None, photo.refused_because
    image = Image.open(io.BytesIO(photo.jpeg))
    image.load()
    assert (image.format, image.mode) == ("JPEG", "RGB")
    return image


def segments(content: bytes) -> list[int]:
    """Markers of a JPEG up to its pixels: what else is in it would be here."""
    found, at = [], 2
    while content[at + 1] != 0xDA:
        found.append(content[at + 1])
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return found


APPLICATION_0, COMMENT = 0xE0, 0xFE
METADATA = {*range(APPLICATION_0 + 1, APPLICATION_0 + 16), COMMENT}


def is_reddish(pixel: object) -> bool:
    assert isinstance(pixel, tuple)
    return pixel[0] > 150 > pixel[2]


def with_metadata() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x9286] = "Fototoestel", "geheim"
    exif.get_ifd(0x8825).update({1: "N", 2: (50.0, 51.0, 18.0), 3: "E", 4: (2.0, 43.0, 32.0)})
    return picture(exif=exif, icc_profile=b"geheim profiel" * 20, comment=b"geheim", xmp=b"<x>geheim</x>")


def test_metadata_stays_behind(tmp_path: Path) -> None:
    content = with_metadata()
    assert METADATA & set(segments(content)), "the fixture has some"
    photo = photo_of(tmp_path, content)
    assert photo.jpeg is not None
    assert METADATA & set(segments(photo.jpeg)) == set()
    assert b"geheim" not in photo.jpeg
    assert b"Fototoestel" not in photo.jpeg
    assert dict(opened(photo).getexif()) == {}


def test_text_of_a_png_stays_behind(tmp_path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "geheim")
    photo = photo_of(tmp_path, picture("PNG", pnginfo=text), "a.png")
    assert photo.file_name == "a.png"
    assert b"geheim" not in (photo.jpeg or b"")
    assert METADATA & set(segments(photo.jpeg or b"")) == set()


@pytest.mark.parametrize(
    ("orientation", "size", "red_at"),
    [
        (1, (40, 30), (5, 15)),
        (2, (40, 30), (35, 15)),
        (3, (40, 30), (35, 15)),
        (4, (40, 30), (5, 15)),
        (5, (30, 40), (15, 5)),
        (6, (30, 40), (15, 5)),
        (7, (30, 40), (15, 35)),
        (8, (30, 40), (15, 35)),
        (99, (40, 30), (5, 15)),
    ],
)
def test_photos_stand_upright(
    tmp_path: Path, orientation: int, size: tuple[int, int], red_at: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = opened(photo_of(tmp_path, picture(exif=exif)))
    assert image.size == size
    x, y = red_at
    assert is_reddish(image.getpixel((x, y)))
    assert not is_reddish(image.getpixel((size[0] - 1 - x, size[1] - 1 - y)))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((40, 30), (40, 30)),
        ((4096, 3072), (2048, 1536)),
        ((3000, 50), (2048, 34)),
        ((1000, 9000), (228, 2048)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_large_photos_are_made_smaller(
    tmp_path: Path, kind: str, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    image = opened(photo_of(tmp_path, picture(kind, size=size)))
    assert image.size == pytest.approx(expected, abs=1)
    assert is_reddish(image.getpixel((expected[0] // 4, expected[1] // 2)))
    assert not is_reddish(image.getpixel((3 * expected[0] // 4, expected[1] // 2)))


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
        ("PNG", "L"),
        ("PNG", "P"),
        ("PNG", "1"),
        ("PNG", "RGBA"),
        ("WEBP", "RGBA"),
    ],
)
def test_photos_of_other_modes_become_coloured_jpegs(tmp_path: Path, kind: str, mode: str) -> None:
    image = opened(photo_of(tmp_path, picture(kind, mode)))
    assert image.size == (40, 30)
    if mode not in ("L", "1"):
        assert is_reddish(image.getpixel((5, 15)))


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("RGBA", (40, 30), (0, 0, 0, 0)).save(stream, "PNG")
    assert opened(photo_of(tmp_path, stream.getvalue(), "a.png")).getpixel((5, 5)) == (255, 255, 255)


def bomb() -> bytes:
    """A PNG of one kilobyte that is 30 000 by 30 000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def unfinished(kind: str) -> bytes:
    content = picture(kind, size=(400, 300))
    return content[: len(content) * 2 // 3]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("programma.jpg", b"MZ\x90\0" + bytes(range(256)) * 20, "geen foto"),
        ("programma.png", b"\x7fELF" + bytes(500), "geen foto"),
        ("pagina.jpg", b"<html><script>alert(1)</script></html>", "geen foto"),
        ("lijst.jpg", CSV, "geen foto"),
        ("leeg.jpg", b"", "geen foto"),
        ("tekening.svg.jpg", b"<svg onload='alert(1)'/>", "geen foto"),
        ("vorm.jpg", picture("GIF"), "geen foto"),
        ("vorm.gif", picture("GIF"), "geen foto"),
        ("vorm.bmp", picture("BMP"), "geen foto"),
        ("vorm.tif", picture("TIFF"), "geen foto"),
        ("van een telefoon.heic", b"\0\0\0\x18ftypheic" + bytes(500), "geen foto"),
        ("half.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\0" + b"#!/bin/sh\nrm -rf /\n" * 20, ""),
        ("half.jpg", unfinished("JPEG"), "beschadigd"),
        ("half.png", unfinished("PNG"), "beschadigd"),
        ("half.webp", unfinished("WEBP"), "beschadigd"),
        ("bom.png", bomb(), "megapixels"),
        ("script.sh", b"#!/bin/sh\n" + b"\x80\x81\0" * 99, "niet herkend"),
        ("verslag.pdf", b"%PDF-1.7", "een PDF"),
    ],
)
def test_what_is_no_photo_is_refused_and_the_list_is_read(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = landed(tmp_path, zipped({"lijst.csv": CSV, name: content, "goed.jpg": jpeg()}))
    assert len(sheets_of(path)) == 1
    photos = {photo.file_name: photo for photo in photos_of(path)}
    assert photos["goed.jpg"].refused_because is None
    assert photos[name].jpeg is None
    assert says in (photos[name].refused_because or "")
    assert photos[name].refused_because


def test_photos_bear_the_name_by_which_rows_refer_to_them(tmp_path: Path) -> None:
    parts = {f"fotos/{name}": jpeg() for name in ("ge\u0308inspecteerd.JPG", "met spatie.Jpeg", "🚒.png")}
    photos = photos_of(landed(tmp_path, zipped({"lijst.csv": CSV, **parts})))
    assert [photo.file_name for photo in photos] == ["g\u00ebinspecteerd.JPG", "met spatie.Jpeg", "🚒.png"]


@pytest.mark.parametrize(("encoding", "name"), [("utf-8", "één.jpg"), ("cp437", "één.jpg")])
def test_names_of_archivers_that_do_not_tell_their_encoding(tmp_path: Path, encoding: str, name: str) -> None:
    stand_in = "x" * len(name.encode(encoding).removesuffix(b".jpg")) + ".jpg"
    content = zipped({"lijst.csv": CSV, stand_in: jpeg()})
    content = content.replace(stand_in.encode(), name.encode(encoding))
    assert [photo.file_name for photo in photos_of(landed(tmp_path, content))] == [name]


def test_two_photos_of_one_name_are_not_confused(tmp_path: Path) -> None:
    parts = {"1/a.jpg": picture(), "a.jpg": jpeg(), "2/A.JPG": jpeg(), "b.jpg": b"", "c/b.jpg": jpeg()}
    photos = photos_of(landed(tmp_path, zipped({"lijst.csv": CSV, **parts})))
    assert [(photo.file_name, photo.jpeg is None) for photo in photos] == [
        ("a.jpg", False),
        ("./a.jpg", True),
        ("2/A.JPG", True),
        ("b.jpg", True),
        ("c/b.jpg", True),
    ]
    assert opened(photos[0]).size == (40, 30)
    assert "('1/a.jpg')" in (photos[1].refused_because or "")


def test_long_names_are_refused_and_stay_apart(tmp_path: Path) -> None:
    parts = {f"{'x' * 300}{number}.jpg": jpeg() for number in range(3)}
    photos = photos_of(landed(tmp_path, zipped({"lijst.csv": CSV, **parts})))
    assert len({photo.file_name for photo in photos}) == 3
    assert all(photo.jpeg is None and len(photo.file_name) <= 255 for photo in photos)


@pytest.mark.parametrize("make", [picture, with_metadata, lambda: picture("PNG"), lambda: picture("WEBP")])
def test_a_photo_without_its_end_or_with_other_bytes_never_stops_the_list(
    tmp_path: Path, make: Callable[[], bytes]
) -> None:
    content = make()
    parts = {f"{at}.jpg": content[:at] for at in range(0, len(content), max(1, len(content) // 60))}
    for at in range(0, len(content), max(1, len(content) // 120)):
        parts[f"x{at}.jpg"] = content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]
    photos = photos_of(landed(tmp_path, zipped({"lijst.csv": CSV, **parts})))
    assert len(photos) == len(parts)
    assert all((photo.jpeg is None) != (photo.refused_because is None) for photo in photos)
    assert any(photo.jpeg is None for photo in photos)
