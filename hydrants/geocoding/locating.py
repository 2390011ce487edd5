"""Where records are: by their coordinates, by the address table, and by the answers of an online service."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import sqlalchemy as sa

from hydrants import store
from hydrants.geocoding import online
from hydrants.geocoding.borders import is_outside, is_outside_deelgemeente
from hydrants.geocoding.coordinates import GIVEN_ACCURACY_M, recognise
from hydrants.geocoding.resolver import Gazetteer, Resolution
from hydrants.reference import boundaries, deelgemeenten
from hydrants.reference.street_keys import street_key
from hydrants.settings import Settings
from hydrants.store import tables

NO_METHOD = "none"
_NO_PLACE = (np.nan, np.nan, None, np.nan)
_NOT_ASKED = Resolution()
_TEXT = ["nis", "address_text", "postcode"]
_OF_ADDRESS = {"street": object, "x_l72": float, "y_l72": float, "method": object, "accuracy_m": float}


class Areas(NamedTuple):
    """What places are checked against, and a hash of the files it was read from.

    `gemeenten`: a polygon each, EPSG:31370, indexed by nis; `deelgemeenten`: by gemeente and name.
    """

    gemeenten: gpd.GeoDataFrame
    deelgemeenten: dict[deelgemeenten.Key, Any]
    fingerprint: str

    @classmethod
    def load(cls, settings: Settings) -> Areas:
        """Read the files of the settings.

        Raises:
            ReferenceMissing: if one is absent or lacks a column.
        """
        gemeenten = boundaries.load(settings.boundaries)
        parts, files = dict[deelgemeenten.Key, Any](), [settings.boundaries]
        if settings.deelgemeenten:
            parts = deelgemeenten.load(settings.deelgemeenten, settings.boundaries)
            files.append(settings.deelgemeenten)
        return cls(gemeenten, parts, store.fingerprint([_sha256(path) for path in files]))


class _Evidence(NamedTuple):
    """What records tell of their place, all with the index of the records.

    `given`: see `coordinates.recognise`; `address`: street, x_l72, y_l72, method, accuracy_m by the address
    table; `is_open`: there is an address text, but no coordinates, and the table does not know it. What it
    knows in several places is not open: who asks elsewhere hears of one of them.
    """

    given: pd.DataFrame
    address: pd.DataFrame
    is_open: pd.Series[Any]


def locate(
    connection: sa.Connection, settings: Settings, records: pd.DataFrame, areas: Areas
) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Places of records, by their coordinates and by their address.

    Args:
        records: row_id, upload_id, nis, deelgemeente, address_text, postcode, x_given, y_given, crs_given.

    Returns:
        One row per record with the columns of the table `location`; and for each record the key of the
        question that waits for an answer of the online service, or None.
    """
    given, address, is_open = _evidence(connection, records)
    open_questions = pd.Series([None] * len(records), index=records.index, dtype=object)
    if settings.online_geocoder:
        address, open_questions = _with_online(connection, settings, records, address, is_open)
    has_coordinates = given["method"].notna()
    method = given["method"].where(has_coordinates, address["method"])
    located = pd.DataFrame(
        {
            "row_id": records["row_id"],
            "upload_id": records["upload_id"],
            "x_l72": given["x_l72"].where(has_coordinates, address["x_l72"]),
            "y_l72": given["y_l72"].where(has_coordinates, address["y_l72"]),
            "location_method": method.where(method.notna(), NO_METHOD),
            "location_accuracy_m": address["accuracy_m"].mask(has_coordinates, GIVEN_ACCURACY_M),
            "corrections": given["corrections"],
            "street": address["street"],
            "address_x_l72": address["x_l72"],
            "address_y_l72": address["y_l72"],
            "address_method": address["method"],
            "address_accuracy_m": address["accuracy_m"],
        }
    )
    x_l72, y_l72 = located["x_l72"].to_numpy(), located["y_l72"].to_numpy()
    located["is_outside_gemeente"] = is_outside(x_l72, y_l72, records["nis"], areas.gemeenten)
    located["is_outside_deelgemeente"] = is_outside_deelgemeente(
        x_l72, y_l72, records["nis"], records["deelgemeente"], areas.deelgemeenten
    )
    return located, open_questions


def open_texts(connection: sa.Connection, records: pd.DataFrame) -> set[online.Text]:
    """The address texts that only an online service can still tell something about.

    Args:
        records: nis, address_text, postcode, x_given, y_given, crs_given.
    """
    is_open = _evidence(connection, records).is_open
    return set(_texts(records)[is_open.to_numpy()].itertuples(index=False, name=None))


def _evidence(connection: sa.Connection, records: pd.DataFrame) -> _Evidence:
    given = recognise(
        records["x_given"].to_numpy(dtype=float),
        records["y_given"].to_numpy(dtype=float),
        records["crs_given"],
    )
    address, is_unknown = _by_table(connection, records, given)
    return _Evidence(given, address, is_unknown & given["method"].isna())


def _texts(records: pd.DataFrame) -> pd.DataFrame:
    """What the address of each record is made of; None where there is none."""
    return records[_TEXT].astype(object).where(records[_TEXT].notna(), None)


def _by_table(
    connection: sa.Connection, records: pd.DataFrame, given: pd.DataFrame
) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """street, x_l72, y_l72, method, accuracy_m per record, and whether it has a text that leads nowhere."""
    asked = _texts(records)
    distinct = asked[asked["address_text"].notna()].drop_duplicates()
    texts = list(distinct.itertuples(index=False, name=None))
    gazetteer = Gazetteer(connection, distinct["nis"].unique())
    resolved = dict(zip(texts, gazetteer.resolve_all(*(list(distinct[name]) for name in _TEXT)), strict=True))
    nowhere = {text for text, found in resolved.items() if found.place is None and not found.alternatives}
    is_unknown = [text in nowhere for text in asked.itertuples(index=False, name=None)]
    rows = []
    for key, x_l72, y_l72 in zip(
        asked.itertuples(index=False, name=None), given["x_l72"], given["y_l72"], strict=True
    ):
        resolution = resolved.get(key, _NOT_ASKED)
        rows.append((resolution.street, *(resolution.near(x_l72, y_l72) or _NO_PLACE)))
    address = pd.DataFrame(rows, columns=list(_OF_ADDRESS), index=records.index).astype(_OF_ADDRESS)
    return address, pd.Series(is_unknown, index=records.index, dtype=bool)


def _with_online(
    connection: sa.Connection,
    settings: Settings,
    records: pd.DataFrame,
    address: pd.DataFrame,
    is_open: pd.Series[Any],
) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """The addresses with what was answered of those that are open, and the questions that still are."""
    asked = list(_texts(records)[is_open.to_numpy()].itertuples(index=False, name=None))
    found = online.found(connection, settings, set(asked))
    by_table = address.loc[is_open.to_numpy(), "street"].fillna("").tolist()
    doubtful = _other_streets(connection, found)
    rows = []
    for text, street in zip(asked, by_table, strict=True):
        answer = found[text].answer
        is_other = text in doubtful and street_key(street) != street_key(answer.street or "")
        rows.append((None, *_NO_PLACE) if is_other else (answer.street, *(answer.place or _NO_PLACE)))
    of_service = pd.DataFrame(rows, columns=list(_OF_ADDRESS), index=records.index[is_open.to_numpy()])
    open_questions = pd.Series([None] * len(records), index=records.index, dtype=object)
    open_questions[is_open.to_numpy()] = [found[text].open_question for text in asked]
    of_service["street"] = address.loc[of_service.index, "street"].fillna(of_service["street"])
    completed = address.copy()
    completed.loc[of_service.index] = of_service
    return completed.astype(_OF_ADDRESS), open_questions


def _other_streets(connection: sa.Connection, found: dict[online.Text, online.Found]) -> set[online.Text]:
    """Texts whose street the service takes for a slip of another one that the address table has.

    The table did not take it for one: two opinions are no place.
    """
    slips = {
        text: (text[0], street_key(one.answer.street))
        for text, one in found.items()
        if one.answer.is_slip and one.answer.street
    }
    if not slips:
        return set()
    column = tables.address.c
    query = sa.select(column.nis, column.street_key).distinct()
    nis_codes, keys = ({pair[part] for pair in slips.values()} for part in (0, 1))
    known = {
        row._tuple()
        for row in connection.execute(query.where(column.nis.in_(nis_codes), column.street_key.in_(keys)))
    }
    return {text for text, pair in slips.items() if pair in known}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
