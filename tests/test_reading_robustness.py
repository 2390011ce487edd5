"""Every format: whatever its bytes, a file is read or refused; and a longer one takes no more memory."""

from __future__ import annotations

import io
import random
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hydrants import formats
from hydrants.errors import UploadRejected
from hydrants.formats import Photo
from tests.batches import as_csv
from tests.valid_files import (
    feature,
    geojson,
    geopackage,
    kml,
    point_rows,
    rows_of,
    shapefile_parts,
    sound_files,
    zipped,
)
from tests.valid_files import ods as ods_bytes

SOUND = {kind: content for kind, (_, content) in sound_files(40).items()}
KINDS = sorted(SOUND)


def outcome(path: Path, content: bytes) -> int | None:
    """How many rows are read; None when it is refused. Anything else is a fault."""
    path.write_bytes(content)
    rows = 0
    try:
        for found in formats.read(path, formats.detect(path)):
            if isinstance(found, Photo):
                assert (found.jpeg is None) != (found.refused_because is None)
                continue
            for number, cells in found.rows:
                assert isinstance(number, int)
                assert all(cell is None or isinstance(cell, str) for cell in cells)
                rows += 1
    except UploadRejected as rejection:
        assert rejection.reason_nl.endswith((".", ")"))
        return None
    return rows


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_files_are_refused_unless_nothing_is_lost(tmp_path: Path, kind: str) -> None:
    content = SOUND[kind]
    whole = outcome(tmp_path / "landed", content)
    assert whole in (40, 41)
    for share in (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99):
        rows = outcome(tmp_path / "landed", content[: int(len(content) * share)])
        if kind == "csv":  # of which every part is one too
            assert rows is not None
            assert rows <= whole
        else:
            assert rows in (None, whole), share
            assert rows is None or share > 0.9


@st.composite
def changes(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """One to a few strokes at random: bytes changed, removed, repeated, put in."""
    seed, strokes = draw(st.integers(0, 2**32)), draw(st.integers(1, 6))
    pieces = draw(st.lists(st.binary(max_size=8), min_size=1, max_size=3))

    def change(content: bytes) -> bytes:
        chance, changed = random.Random(seed), bytearray(content)
        for _ in range(strokes):
            at = chance.randrange(len(changed) or 1)
            match chance.randrange(5):
                case 0:
                    changed[at : at + 1] = bytes([chance.randrange(256)])
                case 1:
                    del changed[at : at + chance.randrange(1, 50)]
                case 2:
                    changed[at:at] = changed[at : at + chance.randrange(1, 200)]
                case 3:
                    changed[at : at + 4] = chance.choice(
                        [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f"]
                    )
                case 4:
                    changed[at:at] = chance.choice(pieces)
        return bytes(changed)

    return change


def inside(content: bytes, change: Callable[[bytes], bytes], which: int) -> bytes:
    """A zip with one of its entries changed, so that not its checksum but its reader has to notice."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = list(parts)[which % len(parts)]
    return zipped(parts | {name: change(parts[name])})


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(change=changes(), which=st.integers(0, 30), is_inside=st.booleans())
def test_changed_files_are_read_or_refused(
    tmp_path: Path, kind: str, change: Callable[[bytes], bytes], which: int, is_inside: bool
) -> None:
    content = SOUND[kind]
    is_zip = content.startswith(b"PK")
    changed = inside(content, change, which) if is_zip and is_inside else change(content)
    outcome(tmp_path / "landed", changed)


@given(
    content=st.binary(max_size=300),
    start=st.sampled_from(
        [b"", b"PK\3\4", b"SQLite format 3\0", b"<", b"{", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]
    ),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes, start: bytes) -> None:
    outcome(tmp_path / "landed", start + content)


def _points(count: int) -> list[dict[str, str]]:
    return point_rows(rows_of(1)) * count


LONG: dict[str, Callable[[int], bytes]] = {
    "csv": lambda count: as_csv(rows_of(1) * count, above=()),
    "ods": lambda count: ods_bytes(rows_of(1) * count),
    "geojson": lambda count: geojson([feature(row) for row in _points(count)]),
    "geopackage": lambda count: geopackage(_points(count)),
    "kml": lambda count: kml(_points(count)),
    "shapefile": lambda count: zipped(shapefile_parts(_points(count))),
    "csv in a zip": lambda count: zipped({"a.csv": as_csv(rows_of(1) * count, above=())}),
    "kmz": lambda count: zipped({"doc.kml": kml(_points(count))}),
}


@pytest.mark.parametrize("kind", LONG)
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, kind: str) -> None:
    peaks = []
    for count in (20_000, 60_000) if "csv" in kind else (4_000, 12_000):
        content = LONG[kind](count)
        path = tmp_path / "landed"
        path.write_bytes(content)
        del content
        tracemalloc.start()
        rows = 0
        for found in formats.read(path, formats.detect(path)):
            assert not isinstance(found, Photo)
            rows += sum(1 for _ in found.rows)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert rows in (count, count + 1)
    assert peaks[1] < peaks[0] * 1.3 + 200_000
