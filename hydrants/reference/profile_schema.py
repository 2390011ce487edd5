"""The JSON schema of a contractor profile: what editors complete, explain and check while one is written.

It is made from the model that loads profiles, so that both know the same keys. Two things differ: a profile
is loaded with every scalar as text while an editor sees numbers and booleans, so a word may be either; and
mappings whose keys are ours name each key with what it means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hydrants.reference import units
from hydrants.reference.profile import Family, Field, HydrantType, Outcome, Profile, RecordStatus, defects

Schema = dict[str, Any]

FIELD_MEANINGS: Mapping[Field, str] = {
    "record_ref": "The firm's own number of the record; the same when it is corrected or withdrawn.",
    "revised_at": "When the firm last changed the record; of two versions the latest holds.",
    "record_status": "Whether the record is withdrawn; needs record_ref and lookups.record_status.",
    "hydrant_ref": "Number of the hydrant as it stands on its sign or list; kept as text.",
    "inspected_on": "Day of the inspection. Required.",
    "outcome": "What became of the inspection, by lookups.outcome. Required.",
    "defects": "What is wrong with the hydrant, by the Dutch labels of defects.csv and lookups.defects; "
    "several in one cell are set apart by comma, semicolon, slash or, on phone forms, space.",
    "is_reinspection": "Whether it is a second look at the same hydrant, by lookups.is_reinspection.",
    "address": "Where it stands in the crew's words, such as 'Dorpsstraat t.o. 14'.",
    "gemeente": "Name, postcode or NIS code of the gemeente; the folder says it where this is empty.",
    "deelgemeente": "Name of the part of the gemeente; kept as text, and compared with the place.",
    "postcode": "Postcode; decides the gemeente where that is empty.",
    "x": "First coordinate, x or longitude, in formats.*.crs; in m or degrees.",
    "y": "Second coordinate, y or latitude.",
    "geopoint": "A phone's position in one cell, 'latitude longitude [altitude [accuracy]]', always WGS84.",
    "hydrant_type": "Kind of hydrant, by lookups.hydrant_type.",
    "diameter_mm": "Nominal diameter; '80', '80 mm', 'DN80'.",
    "pressure_bar": "Measured pressure.",
    "flow_l_per_min": "Measured flow.",
    "remark": "Free text.",
    "photos": "File names of pictures that come in the same zip.",
}
"""What a column of each field holds."""

VALUE_MEANINGS: Mapping[Outcome | HydrantType | RecordStatus, str] = {
    "ok": "It works: the hydrant is checked.",
    "failed": "It does not work: the hydrant is checked and not in order.",
    "not_found": "It cannot be found; counts as failed.",
    "not_testable": "It could not be tested (a car on it): the hydrant remains to be checked.",
    "repaired": "It was repaired; a failed hydrant stays failed until it is inspected again.",
    "aboveground": "Pillar hydrant.",
    "underground": "Hydrant in a street box.",
    "rising_point": "Rising point: the dry riser of a building.",
    "wall_mounted": "Hydrant in a wall.",
    "valid": "The record holds.",
    "withdrawn": "The firm takes the record back; it counts no more.",
}
"""What each of our values means."""

FAMILY_MEANINGS: Mapping[Family, str] = {
    "csv": "CSV, phone forms (ODK, Kobo) included.",
    "workbook": "XLSX, XLSM, XLS and ODS.",
    "vector": "GeoPackage, GeoJSON, shapefile and KML: the geometry is X and Y.",
}

_TEXT: Schema = {"type": ["string", "number", "boolean"]}
_CRS: Schema = {"type": "string", "pattern": "^EPSG:[0-9]{4,6}$", "examples": ["EPSG:31370", "EPSG:4326"]}
_DATE_PATTERN: Schema = {"type": "string", "pattern": "%", "examples": ["%d/%m/%Y", "%d-%m-%Y", "%d.%m.%y"]}
_NUMERIC_TEXT = r"^[0-9]+(\.[0-9]+)?$"


def schema() -> Schema:
    """The JSON schema (2020-12) of a profile's YAML."""
    found = _plain(Profile.model_json_schema())
    keys: Schema = found["properties"]
    words: Schema = found["$defs"]["Lookups"]["properties"]
    _name_keys(keys["columns"], FIELD_MEANINGS)
    _name_keys(keys["formats"], FAMILY_MEANINGS)
    for field in ("outcome", "hydrant_type", "record_status"):
        known = words[field].pop("propertyNames")["enum"]
        _name_keys(words[field], {value: VALUE_MEANINGS[value] for value in known})
    _name_keys(words["is_reinspection"], {"true": "Yes.", "false": "No."})
    _name_keys(words["defects"], {code: _of_defect(code) for code in defects()})
    _name_keys(
        keys["units"],
        {field: f"Unit of {field}." for field in sorted(units.MEASURED)},
        lambda field: {"enum": list(units.units(field))},
    )
    keys["date_formats"]["items"] = _DATE_PATTERN
    keys["layer"] = _without_null(keys["layer"])
    habits = found["$defs"]["Habits"]["properties"]
    habits["crs"] = _without_null(habits["crs"]) | _CRS
    for number in found["$defs"]["Expectations"]["properties"].values():
        number |= {"type": [number["type"], "string"], "pattern": _NUMERIC_TEXT}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Contractor profile", **found}


def known_keys(place: tuple[str | int, ...]) -> tuple[str, ...]:
    """The keys that may stand at a place of a profile, such as ("lookups", "outcome"); none in a list."""
    whole = schema()
    node: Schema = whole
    for step in place:
        node = node.get("properties", {}).get(step, {})
        if "$ref" in node:
            node = whole["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return tuple(node.get("properties", ()))


def _plain(node: Any) -> Any:
    """A schema without the titles that repeat its keys, its texts in one line, and a word as any scalar."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _plain(value) for key, value in node.items() if key != "title"}
    if isinstance(found.get("description"), str):
        found["description"] = " ".join(found["description"].split())
    if found.get("type") == "string" and "enum" not in found:
        found |= _TEXT
    return found


def _name_keys(
    mapping: Schema, meanings: Mapping[Any, str], value: Callable[[str], Schema] | None = None
) -> None:
    """Make a schema of any mapping into one that has these keys only, each with its meaning."""
    mapping.pop("propertyNames", None)
    anything = mapping.pop("additionalProperties")
    mapping["properties"] = {
        key: (value(key) if value else dict(anything)) | {"description": text}
        for key, text in meanings.items()
    }
    mapping["additionalProperties"] = False


def _without_null(node: Schema) -> Schema:
    kept = {key: value for key, value in node.items() if key not in ("anyOf", "default")}
    return kept | next(choice for choice in node["anyOf"] if choice["type"] != "null")


def _of_defect(code: str) -> str:
    defect = defects()[code]
    consequence = "out of order" if defect.takes_out_of_order else "still serves"
    return f"'{defect.label_nl}' is always known; {consequence}, repaired by the {defect.repaired_by}."
