"""Hazards 1 to 9: files that are empty, broken, locked or hostile as a whole."""

from __future__ import annotations

from tests.bad_inputs import damage
from tests.bad_inputs.case import COMPANY, Case, Read, Refused, one
from tests.batches import as_csv
from tests.valid_files import (
    geopackage,
    kml,
    ods,
    point_rows,
    rezipped,
    rows_of,
    shapefile_parts,
    workbook,
    zipped,
)

INTERWEST = ("interwest", "38025")
_VRT = b"""<OGRVRTDataSource><OGRVRTLayer name="controles"><SrcDataSource>/etc/passwd</SrcDataSource>
<SrcSQL>select 1</SrcSQL></OGRVRTLayer></OGRVRTDataSource>"""
_DAMAGED = Refused(["beschadigd", "nog eens"])
_LIST = {"lijst.csv": as_csv(rows_of(COMPANY), above=())}
_SHAPE = shapefile_parts(point_rows(rows_of(COMPANY)))


def _cut(content: bytes, share: float) -> bytes:
    return content[: int(len(content) * share)]


def _sound() -> bytes:
    return workbook(rows_of(COMPANY))


def _kmz() -> bytes:
    return zipped({"doc.kml": kml(point_rows(rows_of(COMPANY)))})


_EMPTY = [
    one(1, "empty", "a file of 0 bytes", "leeg.csv", lambda: b"", Refused(["leeg (0 bytes)"])),
    one(
        1,
        "headings-only-csv",
        "a CSV of headings only",
        "alleen titels.csv",
        lambda: as_csv([], above=()),
        Read(accepted=0, notices=["Het bestand bevat geen controles."]),
    ),
    one(
        1,
        "headings-only-xlsx",
        "a workbook of headings only",
        "alleen titels.xlsx",
        lambda: workbook([]),
        Read(accepted=0, notices=["Het bestand bevat geen controles."]),
    ),
]

_TRUNCATED = [
    one(2, f"truncated-{percent}", f"the first {percent} % of an XLSX", "half.xlsx", make, _DAMAGED)
    for percent, make in (
        (50, lambda: _cut(_sound(), 0.5)),
        (99, lambda: _cut(_sound(), 0.99)),
    )
]

_LOCKED = [
    one(
        3,
        "password",
        "an XLSX with a password",
        "geheim.xlsx",
        damage.locked_workbook,
        Refused(["wachtwoord", "zonder wachtwoord"]),
    ),
    one(
        3,
        "password-xls",
        "an old XLS with a password",
        "geheim.xls",
        damage.locked_old_workbook,
        Refused(["wachtwoord", "zonder wachtwoord"]),
    ),
    one(
        3,
        "macros",
        "an .xlsm with macros",
        "macro.xlsm",
        damage.macro_workbook,
        Read(accepted=COMPANY),
    ),
]

_FAR = [
    one(
        4,
        "far-corner",
        "one cell at XFD1048576",
        "hoek.xlsx",
        lambda: damage.with_cell("XFD1048576"),
        Refused(["kolom 16384", "Wis die cel"]),
    ),
    one(
        4,
        "far-below",
        "one cell at A1048576",
        "diep.xlsx",
        lambda: damage.with_cell("A1048576"),
        Read(
            accepted=COMPANY, quarantined={1_048_576: ("DATE_MISSING", "OUTCOME_MISSING", "NOTHING_TO_GO_ON")}
        ),
    ),
]

_LITTLE_MEMORY = {"read_memory_mb": 300}
_BOMBS = [
    one(
        5,
        "bomb-declared",
        "1.5 MB of XLSX that says it unpacks to 600 MB",
        "bom.xlsx",
        damage.bomb,
        Refused(["uitgepakt groter dan 500 MB"]),
        settings=_LITTLE_MEMORY,
    ),
    one(
        5,
        "bomb-actual",
        "the same, said to be 10 kB",
        "bom.xlsx",
        lambda: damage.bomb(says_bytes=10_000),
        Refused(["beschadigd"]),
        settings=_LITTLE_MEMORY,
    ),
]

_ENTITIES = [
    one(
        6,
        f"entities-{name}",
        f"entities that expand to 10 GB, in {where}",
        file_name,
        make,
        refused,
        settings=_LITTLE_MEMORY,
    )
    for name, where, file_name, make, refused in (
        (
            "xlsx",
            "an XLSX",
            "entiteit.xlsx",
            lambda: damage.with_entities(_sound(), damage.SHEET, b"<t>"),
            Refused(["DOCTYPE"]),
        ),
        (
            "ods",
            "an ODS",
            "entiteit.ods",
            lambda: damage.with_entities(ods(rows_of(COMPANY)), "content.xml", b"<text:p>"),
            Refused(["DOCTYPE"]),
        ),
        (
            "kml",
            "a KML",
            "entiteit.kml",
            lambda: kml(point_rows(rows_of(COMPANY)), damage.entity_prolog()).replace(
                b"<value>", b"<value>&a9;", 1
            ),
            Refused(["DOCTYPE"]),
        ),
        (
            "kmz",
            "a KMZ",
            "entiteit.kmz",
            lambda: damage.with_entities(_kmz(), "doc.kml", b"<value>"),
            Refused(["DOCTYPE"]),
        ),
    )
]


def _zip_slips() -> list[Case]:
    members = {
        "up": f"../../{damage.ESCAPED}_omhoog.txt",
        "absolute": f"/tmp/{damage.ESCAPED}_absoluut.txt",
        "backslash": f"..\\..\\{damage.ESCAPED}_schuin.txt",
    }
    kinds = {
        "photos": ("a zip of a list and photos", "fotos.zip", _LIST),
        "shapefile": ("a zipped shapefile", "punten.zip", _SHAPE),
    }
    cases = [
        one(
            7,
            f"{path}-{kind}",
            f"`{member.replace(damage.ESCAPED + '_', '')}` in {what}",
            name,
            damage.escaping(member, beside),
            Refused(["ongeldig pad"]),
        )
        for kind, (what, name, beside) in kinds.items()
        for path, member in members.items()
    ]
    cases += [
        one(
            7,
            f"link-{kind}",
            f"a symbolic link in {what}, and a file to write through it",
            name,
            lambda beside=beside: damage.with_link(beside),
            Refused(["koppeling"]),
        )
        for kind, (what, name, beside) in kinds.items()
    ]
    documents = {"xlsx": _sound, "ods": lambda: ods(rows_of(COMPANY)), "kmz": _kmz}
    return cases + [
        one(
            7,
            f"up-{suffix}",
            f"`../../{suffix}.txt` in {'an' if suffix != 'kmz' else 'a'} {suffix.upper()}",
            f"pad.{suffix}",
            lambda make=make, suffix=suffix: rezipped(
                make(), lambda _name, part: part, {f"../../{damage.ESCAPED}_{suffix}.txt": b"buiten"}
            ),
            Refused(["ongeldig pad"]),
        )
        for suffix, make in documents.items()
    ]


_VIRTUAL = [
    one(
        8,
        f"vrt-{suffix}",
        f"a VRT that points at `/etc/passwd`, named .{suffix}",
        f"virtueel.{suffix}",
        lambda: _VRT,
        Refused(["XML"]),
    )
    for suffix in ("geojson", "gpkg", "csv")
] + [
    one(
        8,
        "vrt-zip",
        "the same in a zip",
        "virtueel.zip",
        lambda: zipped({"lijst.geojson": _VRT}),
        Refused(["'lijst.geojson'", "XML"]),
    ),
]


_GEOPACKAGES = [
    one(
        9,
        "torn-geopackage",
        "a GeoPackage whose pages are gone from the third on",
        "stuk.gpkg",
        damage.torn_geopackage,
        Refused(["GeoPackage is beschadigd"]),
    ),
    one(
        9,
        "triggers",
        "a GeoPackage with triggers that delete its rows",
        "trekker.gpkg",
        damage.triggered_geopackage,
        Read(accepted=COMPANY, headings=0),
    ),
    one(
        9,
        "layers",
        "a GeoPackage with a second layer beside the declared one",
        "lagen.gpkg",
        lambda: geopackage(
            [
                {"uuid": f"a-{n}", "datum": "2019-03-14", "Status": "ok", "Adres": "Markt 1"}
                for n in range(COMPANY)
            ],
            more_sql="""
                INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
                  VALUES ('achtergrond', 'features', 'achtergrond', 4326);
                INSERT INTO gpkg_geometry_columns VALUES ('achtergrond', 'geom', 'POINT', 4326, 0, 0);
                CREATE TABLE achtergrond (fid INTEGER PRIMARY KEY, geom BLOB, datum TEXT, Status TEXT);
                INSERT INTO achtergrond (datum, Status) VALUES ('2019-03-14', 'ok');
            """,
        ),
        Read(accepted=COMPANY, headings=0, notices=["Niet gelezen lagen: achtergrond."]),
        batch=INTERWEST,
    ),
]

CASES = [
    *_EMPTY,
    *_TRUNCATED,
    *_LOCKED,
    *_FAR,
    *_BOMBS,
    *_ENTITIES,
    *_zip_slips(),
    *_VIRTUAL,
    *_GEOPACKAGES,
]
