"""What a landed file holds: one list, and the pictures that came along when it is a zip."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from hydrants.errors import UploadRejected
from hydrants.formats import archive
from hydrants.formats.archive import Entry
from hydrants.formats.detect import Format, kind_of
from hydrants.formats.limits import Limits
from hydrants.formats.source import File, Source

Parts = Mapping[str, Source]
"""The files of a shapefile by suffix: shp, dbf, prj, ..."""

PICTURE_SUFFIXES = frozenset(
    {"jpg", "jpeg", "jpe", "jfif", "png", "webp", "heic", "heif", "avif", "gif", "bmp", "tif", "tiff", "dng"}
)

_ZIP_NL, _KMZ_NL = "Het zip-bestand", "Het KMZ-bestand"
_SHAPE_SUFFIXES = frozenset(
    {"shp", "shx", "dbf", "prj", "cpg", "qpj", "sbn", "sbx", "qix", "fbn", "fbx", "ain", "aih", "atx", "cst"}
)
_LITTER = frozenset({".ds_store", "thumbs.db", "desktop.ini"})  # of Finder and Explorer
_COMPANIONS = frozenset(
    {"md", "lyrx", "qml", "qmd"}
)  # of notes and of looks in ArcGIS and QGIS: never a list
_COMPANION_NL = "Dit bestand hoort bij de lijst en is zelf niet gelezen."
_ADVICE = "Stuur één lijst per zip-bestand, met de foto's die erbij horen."


@dataclass(frozen=True, slots=True)
class Contents:
    """The one list of a file, and what lies beside it.

    Args:
        format: of the list.
        list_source: the list; or the shapefiles by name, each by suffix.
        beside: (path, entry or None, why it is refused unread) of everything else in the zip.
        notice_nl: what of the zip is left out, in Dutch.
    """

    format: Format
    list_source: Source | Mapping[str, Parts]
    beside: list[tuple[str, Entry | None, str | None]] = field(default_factory=list)
    notice_nl: str | None = None


@contextmanager
def opened(source: File, limits: Limits | None = None) -> Iterator[Contents]:
    """The contents of a landed file, readable within the `with`.

    Args:
        limits: of the unpacked size of a zip; None to look at what it is only.

    Raises:
        UploadRejected: if there is no list in it, or more than one, or the zip is hostile or damaged.
    """
    kind = kind_of(source)
    if kind is not None:
        yield Contents(kind, source)
        return
    with ExitStack() as stack:
        try:
            package = stack.enter_context(archive.opened(source, _ZIP_NL, limits))
            found = _sorted_out(package)
            if isinstance(found.list_source, Entry) and _is_kmz(found.list_source):
                inner = _sorted_out(stack.enter_context(archive.opened(found.list_source, _KMZ_NL, limits)))
                found = replace(inner, beside=[*found.beside, *inner.beside])
            yield found
        except archive.BROKEN as error:
            raise archive.damaged(_ZIP_NL) from error


def _sorted_out(package: zipfile.ZipFile) -> Contents:
    entries = [Entry(package, info) for info in package.infolist() if not info.is_dir()]
    entries = [entry for entry in entries if not _is_litter(entry.name)]
    shapes = _shapefiles(entries)
    of_shapes = {id(part) for parts in shapes.values() for part in parts.values()}
    lists: dict[str, tuple[Format, Source | Mapping[str, Parts]]] = {}
    beside: list[tuple[str, Entry | None, str | None]] = []
    refused: dict[str, str] = {}
    if shapes:
        lists[", ".join(sorted(shapes))] = Format.SHAPEFILE, shapes
    for entry in entries:
        if id(entry) in of_shapes:
            continue
        if _suffix(entry.name) in PICTURE_SUFFIXES:
            beside.append((entry.name, entry, None))
            continue
        _refuse_unfinished(entry)
        try:
            kind = Format.KML if _is_kmz(entry) else kind_of(entry)
        except UploadRejected as rejection:
            refused[entry.name] = rejection.reason_nl
            continue
        if kind is None:
            refused[entry.name] = "Een zip-bestand in een zip-bestand wordt niet gelezen. Pak het uit."
        else:
            lists[entry.name] = kind, entry
    for companion in _companions(lists, refused):
        lists.pop(companion, None)
        refused[companion] = _COMPANION_NL
    name, notice_nl = _choose(lists, refused, has_pictures=bool(beside))
    beside += [(path, None, reason_nl) for path, reason_nl in refused.items()]
    kind, chosen = lists[name]
    return Contents(kind, chosen, beside, notice_nl)


def _companions(lists: Mapping[str, tuple[Format, object]], refused: Mapping[str, str]) -> list[str]:
    """Texts beside the one list; a .txt may be the list itself where the other one is text too."""
    others = [kind for name, (kind, _) in lists.items() if _suffix(name) not in _COMPANIONS | {"txt"}]
    if len(others) != 1:
        return []
    suffixes = _COMPANIONS if others == [Format.CSV] else _COMPANIONS | {"txt"}
    return [name for name in (*lists, *refused) if _suffix(name) in suffixes]


def _is_kmz(entry: Entry) -> bool:
    """A zip in a zip is read only when it is one list by its own name."""
    if _suffix(entry.name) != "kmz":
        return False
    with entry.open() as stream:
        return stream.read(4) == b"PK\3\4"


def _choose(
    lists: Mapping[str, tuple[Format, object]], refused: Mapping[str, str], *, has_pictures: bool
) -> tuple[str, str | None]:
    """Name of the one list, and what to say of others; a KMZ names its own: doc.kml."""
    if len(lists) == 1:
        return next(iter(lists)), None
    if all(kind is Format.KML for kind, _ in lists.values()) and "doc.kml" in lists:
        others = ", ".join(sorted(lists.keys() - {"doc.kml"}))
        return "doc.kml", f"Niet gelezen onderdelen van de KMZ: {others}."
    if lists:
        names = ", ".join(f"'{name}'" for name in sorted(lists))
        raise UploadRejected(f"{_ZIP_NL} bevat meer dan één lijst ({names}). {_ADVICE}")
    if len(refused) == 1:
        ((name, reason_nl),) = refused.items()
        raise UploadRejected(f"'{name}' in het zip-bestand: {reason_nl}")
    if refused:
        names = ", ".join(f"'{name}'" for name in sorted(refused)[:10])
        raise UploadRejected(f"{_ZIP_NL} bevat geen lijst die gelezen kan worden, wel {names}. {_ADVICE}")
    what = "alleen foto's, geen lijst" if has_pictures else "geen bestanden"
    raise UploadRejected(f"{_ZIP_NL} bevat {what}. {_ADVICE}")


def _suffix(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[2].casefold()


def _is_litter(name: str) -> bool:
    base = name.rpartition("/")[2]
    return name.startswith("__MACOSX/") or base.startswith("._") or base.casefold() in _LITTER


def _shapefiles(entries: list[Entry]) -> dict[str, dict[str, Source]]:
    """Shapefiles by name: files of one stem in one folder, of which one holds shapes or their table."""
    groups: dict[str, dict[str, Source]] = {}
    stems: dict[str, str] = {}
    for entry in entries:
        stem, _, suffix = entry.name.rpartition(".")
        if suffix.casefold() == "xml" and stem.casefold().endswith(".shp"):
            stem, suffix = stem[: -len(".shp")], "shp.xml"
        elif suffix.casefold() not in _SHAPE_SUFFIXES:
            continue
        stems.setdefault(stem.casefold(), stem)
        groups.setdefault(stem.casefold(), {})[suffix.casefold()] = entry
    complete = {stems[stem]: parts for stem, parts in groups.items() if parts.keys() & {"shp", "dbf"}}
    bases = {stem: stem.rpartition("/")[2] for stem in complete}
    often = Counter(bases.values())
    return {base if often[base] == 1 else stem: complete[stem] for stem, base in bases.items()}


def _refuse_unfinished(entry: Entry) -> None:
    if entry.size and entry.name.endswith(("-wal", "-journal")):
        raise UploadRejected(
            f"'{entry.name}' bevat wijzigingen die nog niet in de GeoPackage staan. "
            "Sluit het project in QGIS of op het toestel en stuur het bestand opnieuw."
        )
