"""What an answer of a service is worth: a place, nothing, or several places that it could be."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from enum import IntEnum, StrEnum
from typing import NamedTuple

from rapidfuzz.distance import OSA

from hydrants import reference
from hydrants.geocoding.online.question import Question
from hydrants.geocoding.streets import (
    INTERPOLATED_ACCURACY_M,
    NUMBER_ACCURACY_M,
    STREET_ACCURACY_M,
    Place,
    base_number,
)
from hydrants.reference.addresses import REGION_L72
from hydrants.reference.street_keys import ENDINGS, street_key

_ONE_TYPO_FROM = 5  # letters of the name, its ending ("straat") left aside
_STEM = re.compile(rf"(?:{'|'.join(sorted(set(ENDINGS.values()) | {'dreef', 'lei', 'dijk'}))})$")
_SAME_PLACE_M = 100.0
_LONGEST_STREET_M = 20_000.0


class Fault(StrEnum):
    """What a failure says of the service."""

    QUESTION = "question"
    """Nothing: it answers, but not this question in a way that can be used."""
    DOWN = "down"
    """It may be out of order: after a few of these it is left alone."""
    FINAL = "final"
    """It is not to be asked anything more for now."""


class ServiceFailure(Exception):
    """A service gave no answer, or none that can be read: not the same as an address that is not there."""

    def __init__(self, message: str, fault: Fault = Fault.QUESTION) -> None:
        super().__init__(message)
        self.fault = fault


class Status(StrEnum):
    """What became of a question."""

    PLACE = "place"
    NONE = "none"
    AMBIGUOUS = "ambiguous"


class Answer(NamedTuple):
    """`place` is there when the status says so; `street`, in the service's spelling, when one was meant.

    `is_slip`: the street's name is not quite the one that was asked.
    """

    status: Status
    place: Place | None = None
    street: str | None = None
    is_slip: bool = False


class Precision(IntEnum):
    """What the point of a result stands for, the most precise first."""

    NUMBER = 0
    INTERPOLATED = 1
    STREET = 2


class Result(NamedTuple):
    """One address that a service proposes.

    `postcode` and `number` are None where it names none; `length_m` is of a street, corner to corner of
    its bounding box, None where that is not known; without a point x_l72 and y_l72 are NaN.
    """

    nis: str | None
    postcode: str | None
    street: str
    number: str | None
    precision: Precision
    x_l72: float
    y_l72: float
    length_m: float | None = None


def nis_of(gemeente: str | None, postcode: str | None) -> str | None:
    """The gemeente of a result by its postcode, else by its name; None when it is none of ours."""
    if postcode is not None:
        return reference.nis_by_postcode().get(postcode)
    names = {street_key(row.name_nl): row.nis for row in reference.gemeenten().values()}
    return names.get(street_key(gemeente or ""))


def judge(service: str, question: Question, results: Sequence[Result]) -> Answer:
    """What is left of the results that a service proposes, once they are held against the question.

    Services answer with the likest address that they know, wherever it is. Only results in the gemeente,
    in a street that is spelt (nearly) so, and with the number that was asked count.

    Args:
        service: starts the method of the place.

    Raises:
        ServiceFailure: for a point outside the region: its coordinates are not what they were. Whether it
            lies in the gemeente is checked with all other places, against the polygons.
    """
    ranked = [
        (rank, result)
        for result in results
        if result.nis == question.nis and (rank := _rank(question, result)) is not None
    ]
    best = min((rank for rank, _ in ranked), default=None)
    fitting = [result for rank, result in ranked if rank == best]
    streets = {street_key(result.street): result.street for result in fitting}
    street = next(iter(streets.values())) if len(streets) == 1 else None
    located = [result for result in fitting if not math.isnan(result.x_l72)]
    for result in located:
        _check_region(service, result)
    places = [place for result in located if (place := _place(service, question, result)) is not None]
    if not places:
        return Answer(Status.AMBIGUOUS if len(streets) > 1 else Status.NONE, street=street)
    if len(streets) > 1 or any(_apart_m(places[0], place) > _SAME_PLACE_M for place in places):
        return Answer(Status.AMBIGUOUS, street=street)
    return Answer(Status.PLACE, places[0], street, best is not None and best[0] > 0)


def _rank(question: Question, result: Result) -> tuple[int, bool, Precision, bool] | None:
    """How far a result is from the question, 0 the nearest; None when it is about something else."""
    typos = _typos(question.street, result.street)
    # any house of a street would do for a street alone, but its middle is asked for
    is_number = question.number is not None and base_number(result.number) == base_number(question.number)
    if typos is None or not (is_number or result.precision is Precision.STREET):
        return None
    is_elsewhere = question.postcode is not None and result.postcode != question.postcode
    return typos, is_elsewhere, result.precision, result.number != question.number


def _typos(asked: str, answered: str) -> int | None:
    """Slips between two names of one street, at most one; None when they are two streets.

    The ending does not count as part of a name: it makes Kouterstraat no less unlike Kosterstraat.
    """
    asked, answered = street_key(asked), street_key(answered)
    if asked == answered:
        return 0
    is_long = len(_STEM.sub("", asked)) >= _ONE_TYPO_FROM
    return 1 if is_long and OSA.distance(asked, answered, score_cutoff=1) == 1 else None


def _place(service: str, question: Question, result: Result) -> Place | None:
    precision, accuracy_m = result.precision, NUMBER_ACCURACY_M
    if precision is Precision.STREET:
        if result.length_m is None or result.length_m > _LONGEST_STREET_M:
            return None
        # spread evenly along a straight street: length / sqrt(12), half of that variance per axis
        accuracy_m = max(STREET_ACCURACY_M, result.length_m / math.sqrt(24))
    elif precision is Precision.INTERPOLATED or question.is_between:
        precision, accuracy_m = Precision.INTERPOLATED, INTERPOLATED_ACCURACY_M
    return Place(result.x_l72, result.y_l72, f"{service}_{precision.name.lower()}", accuracy_m)


def _apart_m(one: Place, other: Place) -> float:
    return math.hypot(one.x_l72 - other.x_l72, one.y_l72 - other.y_l72)


def _check_region(service: str, result: Result) -> None:
    (west, east), (south, north) = REGION_L72
    if not (west <= result.x_l72 <= east and south <= result.y_l72 <= north):
        raise ServiceFailure(
            f"{service} puts {result.street} of {result.nis} at {result.x_l72}, {result.y_l72}: "
            "no place there in Lambert 72"
        )
