"""Checks a profile wherever it lies: everything that is wrong with it at once, with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from hydrants import reference
from hydrants.reference import marked_yaml, profile_rules
from hydrants.reference.marked_yaml import Marked, Place
from hydrants.reference.profile import Profile
from hydrants.reference.profile_rules import Finding, nearest
from hydrants.reference.profile_schema import known_keys

_KEY = "[key]"  # pydantic's last step of the place of a key that is wrong itself
_WHOLE: Place = ()
_WORKBOOKS: Place = ("formats", "workbook")
_FEW = 2  # so many values are all told


class Problem(NamedTuple):
    """Something wrong, or (`is_error` false) suspicious, in a profile.

    Args:
        line: from 1; None where it concerns the whole file.
        place: keys that lead there, such as "lookups.outcome.ok".
        message: what it is, and what to do.
    """

    is_error: bool
    line: int | None
    place: str
    message: str


def check(path: Path) -> list[Problem]:
    """Everything that is wrong with a profile, in the order of its lines; empty when nothing is.

    A profile without errors can be loaded.

    Raises:
        OSError: if the file cannot be read.
    """
    try:
        document = marked_yaml.parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return [Problem(True, line, "", "not UTF-8: save the file with the encoding UTF-8")]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return [Problem(True, mark.line + 1 if mark else None, "", f"not YAML: {error.problem}")]
    except yaml.YAMLError as error:
        return [Problem(True, None, "", f"not YAML: {error}")]
    if not isinstance(document.content, dict):
        return [Problem(True, None, "", "not a profile: it has no keys such as 'contractor' and 'columns'")]
    found = [_placed(finding, document) for finding in _findings(document, path)]
    return sorted(dict.fromkeys(found), key=lambda problem: (problem.line or 0, problem.place))


def _placed(finding: Finding, document: Marked) -> Problem:
    place = ".".join(map(str, finding.place))
    return Problem(finding.is_error, document.line(finding.place), place, finding.message)


def _findings(document: Marked, path: Path) -> Iterator[Finding]:
    rules = list(profile_rules.findings(document.content))
    yield from rules
    for place, line in document.repeated:
        yield Finding(True, place, f"{place[-1]!r} stands here and again in line {line}; put them together")
    has_errors = any(finding.is_error for finding in rules)
    yield from _of_shape(document.content, has_errors)
    yield from _of_contractor(document.content.get("contractor"), path)


def _of_contractor(contractor: Any, path: Path) -> Iterator[Finding]:
    if not isinstance(contractor, str):
        return
    place = ("contractor",)
    if contractor != path.stem:
        yield Finding(True, place, f"the file must be named {contractor}.yml, or this be {path.stem!r}")
    if contractor not in {contract.contractor for contract in reference.contracts()}:
        message = "no contract in contracts.csv: nothing is expected of the firm, in no gemeente"
        yield Finding(False, place, message)


def _of_shape(content: dict[str, Any], has_errors: bool) -> Iterator[Finding]:
    """What the model itself refuses."""
    try:
        Profile.model_validate(content)
    except ValidationError as error:
        for item in error.errors():
            place: Place = tuple(step for step in item["loc"] if step != _KEY)
            if place[:2] == _WORKBOOKS and "workbook" not in content["formats"]:
                continue  # those of CSV, which are wrong themselves
            if place == _WHOLE:
                if not has_errors:  # else the rules have said it, each with its place
                    yield Finding(True, place, _plain(item["msg"]))
            else:
                yield Finding(True, place, _advice(place, item))


def _advice(place: Place, item: Any) -> str:
    name = str(place[-1])
    keys = known_keys(place[:-1])
    if item["type"] == "missing":
        return f"{name!r} is missing"
    if item["type"] == "extra_forbidden" or item["loc"][-1] == _KEY:
        return f"unknown key {name!r}{nearest(name, keys)}"
    if item["type"] == "too_short":
        return f"{name!r} is empty: list at least one, or leave the key out"
    given = item["input"]
    if not isinstance(given, str):
        return _plain(item["msg"])
    expected = re.findall("'([^']+)'", item.get("ctx", {}).get("expected", ""))
    if len(expected) > _FEW:
        return f"unknown value {given!r}{nearest(given, expected)}"
    return f"{_plain(item['msg'])} (it is {given!r})"


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")
