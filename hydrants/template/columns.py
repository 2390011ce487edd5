"""The columns of a template: what each asks for, in which form, and what it offers to choose from. Dutch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from hydrants import reference
from hydrants.reference import units
from hydrants.reference.profile import Field, Profile, defects

_TEXT = "@"  # what is typed stays as it is: 007 keeps its zeros and 12-14 is no date
_EARLIEST_REVISION_ON = date(2000, 1, 1)
_ALWAYS_FILLED = ("inspected_on", "outcome")


class _Facts(NamedTuple):
    """What is said of a field; the braces are filled in by the profile."""

    what: str
    example: str = ""
    width: int = 14
    number_format: str = _TEXT


_FACTS: Mapping[Field, _Facts] = {
    "record_ref": _Facts(
        "Uw eigen nummer van deze controle. Stuurt u ze verbeterd opnieuw, houd dan hetzelfde nummer.",
        "F-00123",
    ),
    "revised_at": _Facts(
        "Wanneer u deze rij het laatst wijzigde, dag en uur. Van twee versies met hetzelfde nummer telt de "
        "laatste.",
        "14/03/2019 17:20",
        18,
        "dd/mm/yyyy hh:mm",
    ),
    "record_status": _Facts(
        "Om een rij die u al stuurde in te trekken; het nummer van de rij moet dan ook ingevuld zijn. "
        "Leeg betekent dat ze geldt.",
        width=16,
    ),
    "hydrant_ref": _Facts(
        "Nummer van de brandkraan, zoals het op het bordje of in uw lijst staat.", "0012345", 18
    ),
    "inspected_on": _Facts("Dag van de controle.", "14/03/2019", number_format="dd/mm/yyyy"),
    "outcome": _Facts("Wat de controle opleverde. Kies uit de lijst.", width=20),
    "defects": _Facts(
        "Wat er mis is. Kies uit de lijst; zet bij meer dan één gebrek een komma ertussen.",
        "overgroeid, lek",
        28,
    ),
    "is_reinspection": _Facts("Of u dezelfde brandkraan een tweede keer bekijkt. Leeg betekent nee."),
    "address": _Facts("Straat en nummer, of waar ze staat in uw eigen woorden.", "Dorpsstraat t.o. 14", 34),
    "gemeente": _Facts(
        "Gemeente van de brandkraan. Leeg betekent: die van de map waarin u het bestand plaatst.", width=24
    ),
    "deelgemeente": _Facts("Deelgemeente van de brandkraan. Mag leeg blijven.", width=24),
    "postcode": _Facts("Postcode van de brandkraan."),
    "x": _Facts("X-coördinaat, {crs}. Vul X en Y allebei in, of geen van beide."),
    "y": _Facts("Y-coördinaat, {crs}. Vul X en Y allebei in, of geen van beide."),
    "geopoint": _Facts(
        "Plaats volgens een telefoon: eerst de breedte, dan de lengte, in graden (WGS84) met een punt.",
        "50.8553 2.7245",
        24,
    ),
    "hydrant_type": _Facts("Soort brandkraan. Kies uit de lijst.", width=20),
    "diameter_mm": _Facts("Diameter van de brandkraan, in {unit}.", "80", number_format="0"),
    "pressure_bar": _Facts("Gemeten druk, in {unit}. Mag leeg blijven.", "4.5", number_format="0.0#"),
    "flow_l_per_min": _Facts("Gemeten debiet, in {unit}. Mag leeg blijven.", "1000", number_format="0.##"),
    "remark": _Facts("Wat u verder kwijt wilt.", "hek op slot", 40),
    "photos": _Facts(
        "Bestandsnamen van foto's, met een puntkomma ertussen. Stuur lijst en foto's samen in één "
        "zip-bestand.",
        "IMG_0012.jpg; IMG_0013.jpg",
        30,
    ),
}


class _System(NamedTuple):
    """A coordinate system, and a place in it."""

    name_nl: str
    x: str
    y: str
    number_format: str


_METRES = "0.00"
_SYSTEMS = {
    "EPSG:31370": _System("Lambert 72 in meter", "34567,25", "172345,50", _METRES),
    "EPSG:3812": _System("Lambert 2008 in meter", "534567,25", "672345,50", _METRES),
    "EPSG:4326": _System("WGS84 in graden", "2,7245000", "50,8553000", "0.0000000"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the list.

    Args:
        heading: the firm's own.
        what: what to fill in, in Dutch.
        example: a text as one types it; empty where the words tell.
        number_format: how the spreadsheet shows what is typed.
        width: in characters.
        is_required: whether a row without it is refused.
        words: what its drop-down offers; empty without one.
        rule: what the spreadsheet checks, for XlsxWriter; the source of a drop-down is left to its writer.
    """

    field: Field
    heading: str
    what: str
    example: str
    number_format: str
    width: int
    is_required: bool
    words: tuple[str, ...]
    rule: dict[str, Any] = dataclasses.field(hash=False)

    @property
    def comment(self) -> str:
        """What the heading says when one points at it."""
        lines = ["Verplicht." if self.is_required else "", self.what]
        lines.append(f"Bijvoorbeeld: {self.example}" if self.example else "")
        return "\n".join(filter(None, lines))


def columns(profile: Profile, earliest_on: date) -> list[Column]:
    """The columns of a firm's list, in the order of its profile.

    Args:
        earliest_on: no inspection can be of before this day.
    """
    crs = profile.formats["workbook"].crs if "workbook" in profile.formats else None
    return [_column(field, profile, _SYSTEMS.get(crs or ""), crs, earliest_on) for field in profile.columns]


def gemeenten(contractor: str) -> list[reference.Gemeente]:
    """Those that a firm has a contract for, in order of the alphabet; all when it has none."""
    contracted = {contract.nis for contract in reference.contracts() if contract.contractor == contractor}
    known = reference.gemeenten().values()
    return sorted(
        (row for row in known if row.nis in contracted or not contracted), key=lambda row: row.name_nl
    )


def _column(
    field: Field, profile: Profile, system: _System | None, crs: str | None, earliest_on: date
) -> Column:
    facts = _FACTS[field]
    example, number_format, unit = facts.example, facts.number_format, ""
    if field in ("x", "y"):
        example = (system.x if field == "x" else system.y) if system else ""
        number_format = system.number_format if system else "General"
    elif field in units.MEASURED:
        unit = units.unit_of(field, profile.units.get(field, "")) or units.STORE_UNIT[field]
        example = f"{float(example) / units.factor(field, unit):.4g}".replace(".", ",")
        number_format = number_format if unit == units.STORE_UNIT[field] else "General"
    elif field == "record_status":
        example = next(iter(profile.lookups.record_status.get("withdrawn", [])), "")
    elif field == "postcode":
        example = gemeenten(profile.contractor)[0].postcodes[0]
    words = _words(field, profile)
    return Column(
        field,
        profile.columns[field][0],
        facts.what.format(crs=system.name_nl if system else crs or "zoals afgesproken", unit=unit),
        example or (words[0] if words else ""),
        number_format,
        max(facts.width, len(profile.columns[field][0]) + 2),
        field in _ALWAYS_FILLED,
        words,
        _rule(field, words, unit, earliest_on),
    )


def _words(field: Field, profile: Profile) -> tuple[str, ...]:
    """The firm's first word for each value; what it cannot say is not offered."""
    lookups = profile.lookups
    match field:
        case "outcome":
            return _first(lookups.outcome.values())
        case "hydrant_type":
            return _first(lookups.hydrant_type.values())
        case "is_reinspection":
            return _first(lookups.is_reinspection.values())
        case "record_status":
            return _first(lookups.record_status.values())
        case "defects":
            return tuple(defect.label_nl for defect in defects().values())
        case "gemeente":
            return tuple(row.name_nl for row in gemeenten(profile.contractor))
        case _:
            return ()


def _first(words_by_value: Iterable[list[str]]) -> tuple[str, ...]:
    return tuple(words[0] for words in words_by_value if words)


def _rule(field: Field, words: tuple[str, ...], unit: str, earliest_on: date) -> dict[str, Any]:
    if field == "defects":
        # several in one cell are never on the list, so it can only ask
        message = (
            "Deze tekst staat niet in de lijst. Zet bij meer dan één gebrek een komma ertussen. Behouden?"
        )
        return {"validate": "list", "error_type": "warning", **_error("Gebrek nakijken", message)}
    if field == "gemeente":
        message = "Deze gemeente staat niet in de lijst van uw gemeenten. Behouden?"
        return {"validate": "list", "error_type": "warning", **_error("Gemeente nakijken", message)}
    if words:
        return {"validate": "list", **_error("Kies uit de lijst", f"Mogelijk zijn: {', '.join(words)}.")}
    if field == "inspected_on":
        message = f"Vul een dag in als dd/mm/jjjj, van {earliest_on:%d/%m/%Y} tot en met vandaag."
        days = {"criteria": "between", "minimum": earliest_on, "maximum": "=TODAY()"}
        return {"validate": "date", **days, **_error("Geen dag van een controle", message)}
    if field == "revised_at":
        days = {"criteria": ">=", "value": _EARLIEST_REVISION_ON}
        return {"validate": "date", **days, **_error("Geen datum", "Vul in als dd/mm/jjjj uu:mm.")}
    if field in units.MEASURED:
        message = f"Vul een getal in, zonder letters{f', in {unit}' if unit else ''}."
        return {"validate": "decimal", "criteria": ">=", "value": 0, **_error("Geen getal", message)}
    return {}


def _error(title: str, message: str) -> dict[str, str]:
    return {"error_title": title, "error_message": message[:255]}
