"""Mutants of sound files, as Hypothesis draws them: so that a failure can be shrunk and done again."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.compound_files import compound_file
from tests.mutations import Named, OnBytes, OnPart, OnRecords, OnTables, OnTokens, OnValues, Recoded
from tests.valid_files import sound_files

SOUND = sound_files()
FORMATS = tuple(SOUND)

_OTHER = {name: Named(content, f"<sound {name}>") for name, (_, content) in sound_files(count=3).items()}
"""Files to take pieces from."""
_AT = st.integers(0, 2**16 - 1)
"""A place in something whose length is not known yet: taken modulo that length."""

NASTY: Sequence[bytes] = (
    *(b"", b"0", b"-1", b"007", b"1e999", b"-1e-999", b"NaN", b"Infinity", b"0x10", b"1_000"),
    *(b"1.234.567,89", b"1,2,3", b"2147483648", b"-9223372036854775809", b"00/00/0000", b"29/02/2019"),
    *(b"9999-12-31T23:59:59.999999999+99:99", b"0001-01-01T00:00:00+14:00", b"24:00:00", b"2019-W12-4"),
    *(b'"', b'""', b'"""', b"'", b"\\", b"\\u0000", b"\\ud800", b"\0", b"\x1a", b"\x85", b"\x0b\x0c", b"\r"),
    *(b"\n", b"\r\r\n", b"\t", b"\xff", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc3"),
    *("\u202e".encode(), "\u2028".encode(), "e\u0301".encode(), "🚒".encode(), "é".encode("cp1252")),
    *(b"=1+1", b"<", b">", b"&", b"&amp;", b"&a;", b"&#0;", b"&#x110000;", b"]]>", b"<!--", b"<![CDATA["),
    *(b"<!DOCTYPE a [<!ENTITY a 'a'>]>", b"<?xml version='1.1'?>", b"{", b"}", b"[", b"]", b"null", b"true"),
    *(b",", b":", b"sep=;"),
    *(
        Named(piece * times, f"{piece!r} * {times}")
        for piece, times in [(b"9", 400), (b"x", 70_000)]
        + [(piece, 3_000) for piece in (b"[", b'{"a":', b"<a>", b";")]
    ),
    *(b"A1048577", b"XFE1", b"A0", b"ZZZZ9", b"__proto__", b"../../x", b"/etc/passwd", b"%s%n"),
)


_VALUES = (
    *("NULL", "''", "x''", "x'00ff80'", "9e999", "-9e999", "9223372036854775807", "zeroblob(100000)"),
    *("'a' || char(0) || 'b'", "CAST(x'ff' AS TEXT)", "printf('%.*c', 70000, 'x')", "1.5", "'2019-02-30'"),
)
_STATEMENTS = (
    *(f'UPDATE controles SET "{column}" = {value}' for column in ("Datum", "Adres") for value in _VALUES),
    *(f"UPDATE controles SET geom = {value} WHERE fid > 2" for value in _VALUES),
    *(f"UPDATE controles SET geom = substr(geom, 1, {n})" for n in (3, 7, 8, 9, 13, 20)),
    *(
        f"UPDATE controles SET geom = substr(geom, 1, 3) || x'{flags}' || substr(geom, 5)"
        for flags in ("00", "0a", "1b", "ff")
    ),
    *(f"UPDATE gpkg_geometry_columns SET column_name = {value}" for value in _VALUES),
    *(f"UPDATE gpkg_spatial_ref_sys SET organization = {value}" for value in _VALUES[:4]),
    *(f"UPDATE controles SET fid = fid + {step}" for step in (-3, 2**31, 2**62)),
    *(f"UPDATE sqlite_master SET sql = {value} WHERE name = 'controles'" for value in _VALUES),
    *(f"UPDATE sqlite_master SET rootpage = {n} WHERE name = 'controles'" for n in (0, 1, 2, 99_999)),
    "UPDATE sqlite_master SET name = 'CONTROLES ' WHERE name = 'controles'",
    "DROP TABLE controles; CREATE VIEW controles AS SELECT 1 AS fid, NULL AS geom, 'x' AS Datum",
    "DROP TABLE controles; CREATE VIRTUAL TABLE controles USING fts5(geom, Datum)",
    "CREATE VIEW oneindig AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n",
    "ALTER TABLE controles ADD COLUMN lus AS (hex(zeroblob(100000)))",
    "DELETE FROM gpkg_contents",
    "DELETE FROM gpkg_spatial_ref_sys",
    "INSERT INTO gpkg_contents SELECT 'sqlite_master', 'features', 'x', '', '', 0, 0, 0, 0, 4326",
    "PRAGMA application_id = 0",
    "PRAGMA encoding = 'UTF-16'; VACUUM",
    "PRAGMA journal_mode = WAL",
)

_PIECES = st.sampled_from(NASTY) | st.binary(max_size=6)


def _made(make: Callable[..., Any], *parts: Any) -> st.SearchStrategy[Any]:
    """What `make` makes of a draw from each part, or of the part itself; nothing else is filled in."""
    drawn = [part if isinstance(part, st.SearchStrategy) else st.just(part) for part in parts]
    return st.tuples(*drawn).map(lambda values: make(*values))


def _on_bytes(other: bytes) -> st.SearchStrategy[Any]:
    count = st.integers(1, 300)
    return st.one_of(
        _made(OnBytes, "flip", _AT, st.integers(0, 7)),
        _made(OnBytes, "insert", _AT, 0, _PIECES),
        _made(OnBytes, st.sampled_from(["delete", "double"]), _AT, count),
        _made(OnBytes, "cut", _AT),
        _made(OnBytes, "splice", _AT, _AT, other),
        _made(OnBytes, "fill", _AT, count, st.sampled_from([b"\0", b"\xff", b"0", b'"'])),
    )


def _on_tokens(grammar: str) -> st.SearchStrategy[Any]:
    return st.one_of(
        _made(OnTokens, grammar, st.sampled_from(["replace", "quote"]), _AT, 0, _PIECES),
        _made(OnTokens, grammar, st.sampled_from(["remove", "repeat", "swap"]), _AT, _AT),
    )


def _on_values(grammar: str) -> st.SearchStrategy[Any]:
    grammars = ["xml", "attribute"] if grammar == "xml" else [grammar]
    return _made(OnValues, st.sampled_from(grammars), _AT, _PIECES)


def _on_text(grammar: str) -> st.SearchStrategy[Any]:
    encodings = ["utf-16", "utf-16-le", "cp1252", "utf-8-sig", "utf-32", "utf-7"]
    return st.one_of(_on_values(grammar), _on_tokens(grammar), _made(Recoded, st.sampled_from(encodings)))


_NAMES = st.sampled_from(
    [
        *("", "x", "x/", "../x", "/x", "a\\b", "é🚒.csv", "a\x01b", "n" * 300, "x.zip", "foto.jpg"),
        *("lijst2.csv", "xl/workbook.xml", "content.xml", "doc.kml", "CONTROLES.DBF", "x/y.shp"),
    ]
)


def _on_parts(grammar: str, other: bytes) -> st.SearchStrategy[Any]:
    one = st.one_of(_on_values(grammar), _on_tokens(grammar), _on_bytes(other))
    inside = st.lists(one, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        _made(OnPart, "change", _AT, inside),
        _made(OnPart, "change", _AT, inside),  # the most telling one, twice as often
        _made(OnPart, st.sampled_from(["rename", "add"]), _AT, (), _NAMES),
        _made(OnPart, "drop", _AT),
    )


def _on_records() -> st.SearchStrategy[Any]:
    number = st.integers(0, 2**16 - 1)
    inside = st.lists(_on_bytes(b""), min_size=1, max_size=3).map(tuple)
    return st.one_of(
        _made(OnRecords, st.sampled_from(["kind", "length"]), _AT, number),
        _made(OnRecords, st.sampled_from(["drop", "double"]), _AT),
        _made(OnRecords, "body", _AT, 0, inside),
    )


def _on_tables() -> st.SearchStrategy[Any]:
    update = _made(
        "UPDATE controles SET {} = CAST(x'{}' AS {}) WHERE fid = {}".format,
        st.sampled_from(["Fiche", "Datum", "Adres", "Resultaat", "geom", "fid"]),
        _PIECES.map(bytes.hex),
        st.sampled_from(["TEXT", "BLOB", "REAL", "INTEGER"]),
        st.integers(1, 6),
    )
    return _made(OnTables, st.sampled_from(_STATEMENTS) | update)


class Mutant(NamedTuple):
    """A sound file and what was done to it: first to what its container holds, then to the whole."""

    file_format: str
    within: tuple[Callable[[bytes], bytes], ...]
    whole: tuple[Callable[[bytes], bytes], ...]

    def content(self) -> bytes:
        """The bytes that are sent."""
        content = SOUND[self.file_format][1]
        if self.file_format == "xls" and self.within:
            stream = _XLS_STREAM
            for change in self.within:
                stream = change(stream)
            content = compound_file({"Workbook": stream})
        else:
            for change in self.within:
                content = change(content)
        for change in self.whole:
            content = change(content)
        return content

    def with_one_less(self) -> Iterator[Mutant]:
        """Each mutant that lacks one of the mutations."""
        for position in range(len(self.within)):
            yield self._replace(within=self.within[:position] + self.within[position + 1 :])
        for position in range(len(self.whole)):
            yield self._replace(whole=self.whole[:position] + self.whole[position + 1 :])


_START_OF_BIFF = struct.pack("<HHH", 0x0809, 16, 0x0600)
_XLS_STREAM = SOUND["xls"][1][SOUND["xls"][1].index(_START_OF_BIFF) :]


def mutants(file_format: str) -> st.SearchStrategy[Mutant]:
    """Mutants of the sound file of a format."""
    other = _OTHER[file_format]
    whole = _on_bytes(other)
    within: st.SearchStrategy[Any] = {
        "csv": _on_text("csv"),
        "geojson": _on_text("json"),
        "kml": _on_text("xml"),
        "gpkg": _on_tables(),
        "xls": _on_records(),
        "xlsx": _on_parts("xml", other),
        "ods": _on_parts("xml", other),
        "kmz": _on_parts("xml", other),
        "shp": _on_parts("csv", other),
        "photos": _on_parts("csv", other),
    }[file_format]

    def several(one: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(one, min_size=1, max_size=3).map(tuple)

    kinds = [
        _made(Mutant, file_format, several(within), ()),
        _made(Mutant, file_format, (), several(whole)),
        _made(Mutant, file_format, several(within), several(whole)),
    ]
    if file_format in _VALUES_OF:  # a file that can still be read has to be judged too
        kinds.append(_made(Mutant, file_format, several(_VALUES_OF[file_format]), ()))
    return st.one_of(kinds)


def _values_in_part(grammar: str) -> st.SearchStrategy[Any]:
    return _made(OnPart, "change", _AT, _made(lambda value: (value,), _on_values(grammar)))


_VALUES_OF = {
    "csv": _on_values("csv"),
    "geojson": _on_values("json"),
    "kml": _on_values("xml"),
    "xlsx": _values_in_part("xml"),
    "ods": _values_in_part("xml"),
    "kmz": _values_in_part("xml"),
    "photos": _values_in_part("csv"),
}
"""Mutations that leave a file sound, and change what it says."""
