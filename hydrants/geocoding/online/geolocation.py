"""Geolocation v4 of Geopunt: one line of text in, likely locations out."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from hydrants.geocoding.online.answer import Precision, Result, nis_of
from hydrants.geocoding.online.question import Question
from hydrants.settings import Settings

SERVICE = "geolocation"
_MOST_RESULTS = 5

# the service says where a location comes from, then what it is, then how its point was made: crab_straat,
# crab_huisnummer_afgeleidVanGebouw, basisregisters_huisnummer_aangeduidDoorBeheerder, basisregisters_gemeente
_STREET, _NUMBER = "straat", "huisnummer"
_INTERPOLATED = ("geinterpoleerd", "geïnterpoleerd")
_ELSEWHERE = ("afgeleidvanstraat", "afgeleidvangemeente")  # a number at no point of its own


_Text = Annotated[str, Field(max_length=300)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class _Point(_Shape):
    x_l72: float = Field(alias="X_Lambert72")
    y_l72: float = Field(alias="Y_Lambert72")


class _Box(_Shape):
    lower_left: _Point = Field(alias="LowerLeft")
    upper_right: _Point = Field(alias="UpperRight")


class _Location(_Shape):
    gemeente: _Text | None = Field(alias="Municipality")
    postcode: _Text | None = Field(alias="Zipcode")
    street: _Text | None = Field(alias="Thoroughfarename")
    number: Annotated[str, Field(max_length=20)] | None = Field(alias="Housenumber")
    point: _Point = Field(alias="Location")
    box: _Box | None = Field(alias="BoundingBox")


class _Kind(_Shape):
    model_config = ConfigDict(extra="allow")

    name: _Text = Field(alias="LocationType")


class _Locations(_Shape):
    locations: list[_Kind] = Field(alias="LocationResult")


def request(settings: Settings, question: Question) -> tuple[str, dict[str, str], dict[str, str]]:
    """URL, parameters and headers of a question."""
    place = f"{question.postcode} {question.gemeente}" if question.postcode else question.gemeente
    street = f"{question.street} {question.number}" if question.number else question.street
    return f"{settings.geolocation_url}/Location", {"q": f"{street}, {place}", "c": str(_MOST_RESULTS)}, {}


def results(answer: Any) -> list[Result]:
    """The addresses in an answer; gemeenten and points of interest are none.

    Raises:
        ValidationError: if the answer has another shape than documented.
    """
    found = []
    for kind in _Locations.model_validate(answer).locations:
        precision = _precision(kind.name)
        if precision is None:
            continue
        location = _Location.model_validate(kind.model_extra)
        if not location.street:
            continue
        found.append(
            Result(
                nis_of(location.gemeente, location.postcode or None),
                location.postcode or None,
                location.street,
                location.number if precision is not Precision.STREET else None,
                precision,
                location.point.x_l72,
                location.point.y_l72,
                _length_m(location.box) if precision is Precision.STREET else None,
            )
        )
    return found


def _length_m(box: _Box | None) -> float | None:
    if box is None:
        return None
    low, high = box.lower_left, box.upper_right
    return math.hypot(high.x_l72 - low.x_l72, high.y_l72 - low.y_l72)


def _precision(location_type: str) -> Precision | None:
    _source, _, rest = location_type.casefold().partition("_")
    kind, _, how = rest.partition("_")
    if kind == _STREET:
        return Precision.STREET
    if kind != _NUMBER or how.startswith(_ELSEWHERE):
        return None
    return Precision.INTERPOLATED if how.startswith(_INTERPOLATED) else Precision.NUMBER
