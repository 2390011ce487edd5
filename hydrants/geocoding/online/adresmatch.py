"""Adresmatch v2 of the Flemish address register: parts of an address in, registered addresses out."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Annotated, Any

import pyproj
from pydantic import BaseModel, ConfigDict, Field

from hydrants.geocoding.online.answer import Precision, Result
from hydrants.geocoding.online.question import Question
from hydrants.reference.boundaries import LAMBERT_72
from hydrants.settings import Settings

SERVICE = "adresmatch"

_GONE = {"gehistoreerd", "afgekeurd"}
_INTERPOLATED = "geinterpoleerd"
_USELESS = {"gemeente", "straat", "wegsegment"}  # specifications of points that are not of a house
_LAMBERT_2008 = "EPSG:3812"
_SYSTEMS = {LAMBERT_72, _LAMBERT_2008}  # that the register gives points in
_CRS = re.compile(r'srsName="[^"]*/(\d{4,5})"')
_POSITION = re.compile(r"<gml:pos[^>]*>\s*([-+.\dEe]+)\s+([-+.\dEe]+)\s*</gml:pos>")


_Text = Annotated[str, Field(max_length=300)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class _Spelling(_Shape):
    spelling: _Text


class _Name(_Shape):
    name: _Spelling = Field(alias="geografischeNaam")


class _Street(_Shape):
    name: _Name = Field(alias="straatnaam")


class _Numbered(_Shape):
    number: _Text = Field(alias="objectId")


class _Geometry(_Shape):
    gml: Annotated[str, Field(max_length=2_000)]


class _Position(_Shape):
    geometry: _Geometry = Field(alias="geometrie")
    method: _Text = Field(alias="positieGeometrieMethode")
    specification: _Text = Field(alias="positieSpecificatie")


class _Match(_Shape):
    gemeente: _Numbered
    postinfo: _Numbered | None = None
    street: _Street | None = Field(default=None, alias="straatnaam")
    number: Annotated[str, Field(max_length=20)] | None = Field(default=None, alias="huisnummer")
    position: _Position | None = Field(default=None, alias="adresPositie")
    state: _Text | None = Field(default=None, alias="adresStatus")
    score: float


class _Matches(_Shape):
    matches: list[_Match] = Field(alias="adresMatches")


def request(settings: Settings, question: Question) -> tuple[str, dict[str, str], dict[str, str]]:
    """URL, parameters and headers of a question."""
    parameters = {"niscode": question.nis, "gemeentenaam": question.gemeente, "straatnaam": question.street}
    if question.postcode:
        parameters["postcode"] = question.postcode
    if question.number:
        parameters["huisnummer"] = question.number
    key = settings.adresmatch_key.get_secret_value()
    return f"{settings.adresmatch_url}/adresmatch", parameters, {"x-api-key": key} if key else {}


def results(answer: Any) -> list[Result]:
    """The addresses in an answer. A street alone has no point: the register has points of addresses only.

    Raises:
        ValidationError: if the answer has another shape than documented.
    """
    found = []
    for match in _Matches.model_validate(answer).matches:
        if match.street is None or match.state in _GONE:
            continue
        position, precision, x_l72, y_l72 = match.position, Precision.STREET, math.nan, math.nan
        if match.number is not None and position and position.specification not in _USELESS:
            is_interpolated = position.method == _INTERPOLATED
            precision = Precision.INTERPOLATED if is_interpolated else Precision.NUMBER
            x_l72, y_l72 = _point_l72(position.geometry.gml)
        found.append(
            Result(
                match.gemeente.number,
                match.postinfo.number if match.postinfo else None,
                match.street.name.name.spelling,
                match.number if precision is not Precision.STREET else None,
                precision,
                x_l72,
                y_l72,
            )
        )
    return found


def _point_l72(gml: str) -> tuple[float, float]:
    """The point of a `gml:Point`, whose system it names; metres of Lambert 72.

    Raises:
        ValueError: if it is no such point.
    """
    crs, position = _CRS.search(gml), _POSITION.search(gml)
    if crs is None or position is None:
        raise ValueError("no gml:Point with srsName and gml:pos")
    system = f"EPSG:{crs[1]}"
    if system not in _SYSTEMS:
        raise ValueError(f"a point in {system}")
    x, y = float(position[1]), float(position[2])
    if system == LAMBERT_72:
        return x, y
    x_l72, y_l72 = _to_l72().transform(x, y)
    return x_l72, y_l72


@cache
def _to_l72() -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(_LAMBERT_2008, LAMBERT_72, always_xy=True)
