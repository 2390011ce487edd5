"""What an operator's columns mean: its YAML profile, and the rows it makes of an export."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import pyproj
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from hydrants import reference
from hydrants.errors import ProfileError, RegisterRejected
from hydrants.reference.boundaries import LAMBERT_72
from hydrants.register.exports import Export

ATTRIBUTES = ("hydrant_type", "diameter_mm", "main_diameter_mm", "street_names", "created_on")

_MANGLED_NUMBER = r"\d+(?:[.,]\d+)?[eE][+-]?\d+"
_Column = Literal[
    "supplier_id",
    "x",
    "y",
    "hydrant_type",
    "diameter_mm",
    "main_diameter_mm",
    "street_names",
    "created_on",
]


class Profile(BaseModel):
    """`reference/operators/<operator>.yml`; the files say what each entry means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operator: str
    delimiter: str
    decimal: Literal[".", ","]
    crs: str
    columns: dict[_Column, str]
    date_format: str = "%d/%m/%Y"
    missing: tuple[str, ...] = ()
    sentinel_ids: tuple[str, ...] = ()
    lookups: dict[Literal["hydrant_type"], dict[str, str]] = {}
    ignore: tuple[str, ...] = ()

    @property
    def has_ids(self) -> bool:
        """Whether the operator numbers its hydrants; else a hydrant is known by its place."""
        return "supplier_id" in self.columns


class Rows(NamedTuple):
    """What a profile makes of an export.

    Args:
        frame: indexed by row number: supplier_id, x_l72, y_l72, the `ATTRIBUTES`, and
            `reason`, in Dutch, where a row cannot be used (else None).
        unknown_columns: columns of the export that the profile neither reads nor ignores.
    """

    frame: pd.DataFrame
    unknown_columns: list[str]


@lru_cache
def load(operator: str) -> Profile:
    """The profile of an operator.

    Raises:
        ProfileError: when there is none, or when it is not usable.
    """
    path = reference.REFERENCE_DIR / "operators" / f"{operator}.yml"
    if operator not in reference.operators() or not path.is_file():
        raise ProfileError(f"no profile of operator {operator!r}; known: {', '.join(reference.operators())}")
    try:
        profile = Profile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise ProfileError(f"{path.name}: {error}") from error
    if profile.operator != operator:
        raise ProfileError(f"{path.name} is the profile of {profile.operator!r}")
    return profile


def read_rows(profile: Profile, export: Export) -> Rows:
    """Turn text into hydrants.

    Raises:
        RegisterRejected: when a column is absent that rows cannot do without.
    """
    theirs: dict[str, str] = {ours: column.lower() for ours, column in profile.columns.items()}
    needed = ["supplier_id"] if profile.has_ids else []
    needed += ["x", "y"] if export.points is None else []
    absent = [theirs.get(ours, ours) for ours in needed if theirs.get(ours) not in export.rows.columns]
    if absent:
        raise RegisterRejected(
            f"the export has no column {', '.join(absent).upper()}; it has: "
            f"{', '.join(export.rows.columns).upper() or 'none'}"
        )
    known = {*theirs.values(), *(column.lower() for column in profile.ignore)}
    unknown = [column for column in export.rows.columns if column not in known]
    text = pd.DataFrame(
        {ours: export.rows[column] for ours, column in theirs.items() if column in export.rows.columns},
        index=export.rows.index,
    )
    frame = pd.DataFrame({"reason": pd.Series(None, index=text.index, dtype="object")})
    _put_position(frame, text, profile, export)
    _put_id(frame, text, profile)
    for name in ATTRIBUTES:
        value = text[name] if name in text else pd.Series(None, index=text.index, dtype="object")
        _put_attribute(frame, name, value.mask(value.isin(profile.missing)), profile)
    broken = pd.DataFrame({"reason": export.broken}, dtype="object").reindex(columns=frame.columns)
    return Rows(pd.concat([frame, broken]).sort_index() if len(broken) else frame, unknown)


def reject(frame: pd.DataFrame, rows: pd.Series, reason: pd.Series | str) -> None:
    """Give rows a reason, in place; the first reason that a row gets is the one it keeps."""
    free = rows & frame["reason"].isna()
    frame.loc[free, "reason"] = reason[free] if isinstance(reason, pd.Series) else reason


def _put_position(frame: pd.DataFrame, text: pd.DataFrame, profile: Profile, export: Export) -> None:
    if export.points is None:
        x, y = (_numbers(text[name], profile.decimal).to_numpy() for name in ("x", "y"))
        crs = profile.crs
    else:
        x, y = export.points.T
        crs = export.crs or profile.crs
    if crs != LAMBERT_72:
        x, y = pyproj.Transformer.from_crs(crs, LAMBERT_72, always_xy=True).transform(x, y)
    frame["x_l72"], frame["y_l72"] = x, y
    is_readable = np.isfinite(frame["x_l72"]) & np.isfinite(frame["y_l72"])
    reject(frame, ~is_readable, "geen leesbare coördinaten")


def _put_id(frame: pd.DataFrame, text: pd.DataFrame, profile: Profile) -> None:
    if not profile.has_ids:
        frame["supplier_id"] = pd.Series(None, index=frame.index, dtype="object")
        return
    number = text["supplier_id"].astype("object")
    reject(frame, number.isna(), "geen nummer")
    reject(frame, number.isin(profile.sentinel_ids), "nummer " + number + " is een vulwaarde, geen hydrant")
    is_mangled = number.str.fullmatch(_MANGLED_NUMBER).fillna(False).astype(bool)
    reject(frame, is_mangled, "nummer " + number + " is door een rekenblad vervormd")
    # an unusable number says nothing of any hydrant, not even that it is still there
    frame["supplier_id"] = number.mask(is_mangled | number.isin(profile.sentinel_ids))


def _put_attribute(frame: pd.DataFrame, name: str, text: pd.Series, profile: Profile) -> None:
    if name == "street_names":
        frame[name] = text
        return
    value: pd.Series
    if name == "hydrant_type":
        lookup = {key.casefold(): found for key, found in profile.lookups.get("hydrant_type", {}).items()}
        value = text.map(lambda word: lookup.get(word.casefold()), na_action="ignore")
    elif name == "created_on":
        dates = pd.to_datetime(text, format=profile.date_format, errors="coerce")
        value = dates.fillna(pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")).dt.date
    else:
        value = _numbers(text, profile.decimal)
        value = value.where((value % 1 == 0) & (value > 0)).astype("Int64")
    header = next((theirs for ours, theirs in profile.columns.items() if ours == name), name)
    reject(frame, text.notna() & value.isna(), f"{header} '" + text.astype("object") + "' is onbekend")
    frame[name] = value.astype("object").where(value.notna(), None)


def _numbers(text: pd.Series, decimal: str) -> pd.Series:
    plain = text.astype("object").str.replace(",", ".", regex=False) if decimal == "," else text
    numbers = pd.to_numeric(plain, errors="coerce")
    return numbers.astype("float64").where(lambda value: np.isfinite(value))
