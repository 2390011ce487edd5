"""KML: placemarks with a point, their data and folder as columns, in flat memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from hydrants.errors import UploadRejected
from hydrants.formats import archive, markup
from hydrants.formats.cells import GEOMETRY_COLUMNS
from hydrants.formats.limits import MAX_COLUMNS, Limits
from hydrants.formats.sheet import Cells, Sheet
from hydrants.formats.source import Source

_KML_NL = "Het KML-bestand"
_WGS84 = "EPSG:4326"  # always, by the definition of the format
_DAMAGE = (*archive.DAMAGE, *markup.MALFORMED)
_OWN_FIELDS = {"name", "description", "address", "phoneNumber"}
_TIMES = {("TimeStamp", "when"), ("TimeSpan", "begin"), ("TimeSpan", "end")}
_VALUES = {("Data", "value"), ("SchemaData", "SimpleData")}
_GEOMETRIES = {
    "Point",
    "LineString",
    "LinearRing",
    "Polygon",
    "MultiGeometry",
    "Model",
    "Track",
    "MultiTrack",
}

_Field = tuple[bool, str]
"""Whether it is an element of KML itself, and its name: KML's "name" is another than a column "name"."""


class _Placemark(NamedTuple):
    fields: dict[_Field, str]
    point: tuple[str | None, str | None]


class _Facts:
    """What a document says outside its placemarks."""

    def __init__(self) -> None:
        self.declared: dict[_Field, None] = {}
        self.links = 0
        self.has_folder_data = False


def read(source: Source, _layer: str | None, _limits: Limits) -> Iterator[Sheet]:
    """The placemarks of a KML document in all its folders; row numbers count them from 1.

    It is read twice, the first time for the columns: those of all placemarks, in order of appearance.

    Raises:
        UploadRejected: if it is malformed, or declares a document type.
    """
    facts = _Facts()
    columns: dict[_Field, None] = {}
    for placemark in _placemarks(source, facts):
        columns.update(dict.fromkeys(placemark.fields))
        if len(columns) > MAX_COLUMNS:
            raise UploadRejected(f"Het bestand heeft meer dan {MAX_COLUMNS} verschillende kenmerken.")
    columns = {**facts.declared, **columns}
    notices = []
    if facts.links:
        notices.append("Het bestand verwijst naar andere bestanden (NetworkLink); die worden niet gelezen.")
    if facts.has_folder_data:
        notices.append(
            "De gegevens bij mappen (ExtendedData) zijn niet gelezen: zet ze bij elk punt van de map."
        )
    yield Sheet(
        name="",
        rows=_rows(source, list(columns)),
        columns=[*_labels(columns), *GEOMETRY_COLUMNS],
        crs=_WGS84,
        notice_nl=" ".join(notices) or None,
    )


def _labels(columns: dict[_Field, None]) -> Iterator[str]:
    """Names of columns; an element of KML steps aside for a column of the sender with its name."""
    taken = {name.casefold() for is_own, name in columns if not is_own}
    for is_own, name in columns:
        yield f"Placemark {name}" if is_own and name.casefold() in taken else name


def _rows(source: Source, columns: list[_Field]) -> Iterator[tuple[int, Cells]]:
    for ordinal, placemark in enumerate(_placemarks(source, _Facts()), start=1):
        yield ordinal, [*(placemark.fields.get(column) for column in columns), *placemark.point]


def _placemarks(source: Source, facts: _Facts) -> Iterator[_Placemark]:
    try:
        with source.open() as stream:
            yield from _parse(stream, facts)
    except _DAMAGE as error:
        raise UploadRejected(
            f"{_KML_NL} is beschadigd of niet volledig aangekomen. "
            "Exporteer het opnieuw en stuur het nog eens."
        ) from error


def _parse(stream: IO[bytes], facts: _Facts) -> Iterator[_Placemark]:
    parser = markup.new_parser(_KML_NL)
    found: list[_Placemark] = []
    placemark: _Builder | None = None
    path: list[str] = []
    folders: list[str] = []
    texts: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal placemark
        name = markup.LOCAL[tag]
        if placemark is not None:
            placemark.start(name, attributes)
            return
        within = path[-1] if path else ""
        path.append(name)
        if name == "Placemark":
            placemark = _Builder("/".join(filter(None, folders)))
        elif name == "Folder":
            folders.append("")
        elif name == "name" and within == "Folder":
            texts.clear()
        elif name == "ExtendedData" and within in ("Folder", "Document"):
            facts.has_folder_data = True
        elif name == "SimpleField" and attributes.get("name"):
            facts.declared[False, attributes["name"]] = None
        elif name == "NetworkLink":
            facts.links += 1

    def end(_tag: str) -> None:
        nonlocal placemark
        if placemark is not None:
            if not placemark.end():
                return
            found.append(_Placemark(placemark.fields, placemark.point()))
            placemark = None
        name = path.pop()
        if name == "Folder":
            folders.pop()
        elif name == "name" and path[-1:] == ["Folder"]:
            folders[-1] = "".join(texts).strip()
        texts.clear()

    def data(text: str) -> None:
        (texts if placemark is None else placemark.texts).append(text)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = data
    for _ in markup.feed(parser, stream):
        yield from found
        found.clear()


class _Builder:
    """A placemark while its elements pass by."""

    def __init__(self, folder: str) -> None:
        self.fields: dict[_Field, str] = {(True, "Folder"): folder} if folder else {}
        self.texts: list[str] = []
        self._path: list[str] = []
        self._label = ""
        self._field: _Field | None = None
        self._text_depth = 0
        self._geometries: list[list[str | None]] = []

    def start(self, name: str, attributes: dict[str, Any]) -> None:
        """An element within; those within a text, such as HTML that was not escaped, are part of it."""
        path = self._path
        path.append(name)
        if self._text_depth:
            return
        if name in ("Data", "SimpleData"):
            self._label = attributes.get("name", "")
        if name in _GEOMETRIES and path[0] in _GEOMETRIES:
            self._geometries.append([name, None])
        self._field = self._field_here(name)
        if self._field is not None or (name == "coordinates" and path[-2:-1] == ["Point"]):
            self._text_depth = len(path)
            self.texts.clear()

    def end(self) -> bool:
        """The end of an element within, or of the placemark itself: then True."""
        if not self._path:
            return True
        if self._text_depth == len(self._path):
            self._text_depth = 0
            self._take("".join(self.texts).strip())
        self._path.pop()
        return False

    def _field_here(self, name: str) -> _Field | None:
        """What the text of this element is the value of."""
        path = self._path
        match len(path):
            case 1:
                return (True, name) if name in _OWN_FIELDS else None
            case 2 if path[0] == "ExtendedData":
                return None if name in ("Data", "SchemaData") else (False, name)
            case 2:
                return (True, name) if (path[0], name) in _TIMES else None
            case 3 if path[0] == "ExtendedData" and (path[1], name) in _VALUES:
                return (False, self._label) if self._label else None
        return None

    def _take(self, text: str) -> None:
        field = self._field
        if field is None:
            if self._geometries:
                self._geometries[-1][1] = text
        elif not field[0]:
            before = self.fields.get(field)
            self.fields[field] = f"{before}\n{text}" if before else text
        elif text:
            self.fields[field] = text

    def point(self) -> tuple[str | None, str | None]:
        """The coordinates as they are written; the type of a geometry that is no single point."""
        geometries = self._geometries
        if [kind for kind, _ in geometries] == ["MultiGeometry", "Point"]:
            geometries = geometries[1:]
        if not geometries:
            return None, None
        kind, text = geometries[0]
        if kind != "Point" or len(geometries) > 1:
            return kind, None
        x, _, rest = (text or "").partition(",")
        return x.strip() or None, rest.partition(",")[0].strip() or None
