"""Written addresses resolved: how many rightly, how many wrongly though sure, how fast, beside rapidfuzz.

Texts are made from an address list of which the resolver knows all but a share (crews name houses that the
list does not have yet). The truth is the row that a text was made from.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from rapidfuzz import fuzz, process
from rich.console import Console
from rich.table import Table

from hydrants import demo, reference, store
from hydrants.geocoding import frames
from hydrants.geocoding.parser import readings
from hydrants.geocoding.resolver import Gazetteer, Resolution
from hydrants.reference import addresses
from hydrants.reference.street_keys import street_key
from scripts.address_verdicts import by_form, by_method
from scripts.written_addresses import Written, write

CRAB = Path(__file__).resolve().parents[2] / "shared" / "data" / "crab_westhoek_2014-10.csv"
UNLISTED_SHARE = 0.04
ALIKE = 80.0  # of fuzz.ratio: less alike is no answer
OURS, OURS_THEN = "hydrants: text to street, number and place", "hydrants: as many other texts after these"

Columns = tuple[list[str], list[str], list[str | None]]
Streets = dict[str, set[str]]
"""Street names of a place by folded name."""
Answers = list[Any]


def _default(keys: list[str], choices: list[list[str]]) -> Answers:
    return [process.extractOne(key, of_place) for key, of_place in zip(keys, choices, strict=True)]


def _ratio(keys: list[str], choices: list[list[str]]) -> Answers:
    return [
        process.extractOne(key, of_place, scorer=fuzz.ratio, score_cutoff=ALIKE)
        for key, of_place in zip(keys, choices, strict=True)
    ]


PEERS: dict[str, Callable[[list[str], list[list[str]]], Answers]] = {
    "extractOne, default scorer": _default,
    f"extractOne, fuzz.ratio >= {ALIKE:g}": _ratio,
}


def main() -> None:
    """Write texts, resolve them round by round beside rapidfuzz, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--addresses", type=Path, help="an address file; else CRAB's, or a made-up list")
    parser.add_argument("--count", type=int, default=100_000, help="texts")
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--wrong", type=int, default=0, help="also print this many texts that went wrong")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hydrants-bench-") as name:
        directory = Path(name)
        path = asked.addresses or (CRAB if CRAB.is_file() else _made_up(directory))
        rows = addresses.read(path)
        rows["gemeente"] = rows["nis"].map({nis: g.name_nl for nis, g in reference.gemeenten().items()})
        is_unlisted = np.random.default_rng(asked.seed).random(len(rows)) < UNLISTED_SHARE
        unlisted = set(rows.index[is_unlisted])
        written, more = (write(rows, unlisted, asked.count, seed) for seed in (asked.seed, asked.seed + 1))
        engine = store.create_engine(f"sqlite:///{directory}/hydrants.sqlite")
        store.migrate(engine)
        with store.write(engine) as connection:
            reference.sync(connection)
        addresses.load(engine, directory / "landing", _listed(rows[~is_unlisted], directory))
        _run(engine, written, more, rows, asked.rounds, asked.wrong)


def _run(
    engine: sa.Engine,
    written: list[Written],
    more: list[Written],
    rows: pd.DataFrame,
    rounds: int,
    wrong: int,
) -> None:
    """Resolve texts, and others after them, in rounds beside rapidfuzz; judge the first."""
    first, then = _columns(written), _columns(more)
    names = _names_by_place(rows)
    known = [names[one.postcode or one.nis] for one in written]
    listed = {id(of_place): list(of_place) for of_place in names.values()}
    choices = [listed[id(of_place)] for of_place in known]
    keys = _parsed(first[1])
    seconds: dict[str, list[float]] = defaultdict(list)
    answers: dict[str, Answers] = {}
    resolved: list[Resolution] = []
    for _ in range(rounds):
        _forget()
        with store.read(engine) as connection:
            gazetteer = Gazetteer(connection, sorted(set(first[0])))
        ours_s, resolved = _timed(gazetteer.resolve_all, *first)
        then_s, _ = _timed(gazetteer.resolve_all, *then)
        seconds[OURS].append(ours_s)
        seconds[OURS_THEN].append(then_s)
        _forget()
        parse_s, _ = _timed(_parsed, first[1])
        for label, peer in PEERS.items():
            peer_s, answers[label] = _timed(peer, keys, choices)
            seconds[f"parse each text, then {label}"].append(parse_s + peer_s)
            seconds[f"{label}, given the street parts"].append(peer_s)
    console = Console(width=150)
    console.print(by_form(written, resolved, console, wrong), by_method(written, resolved), sep="\n")
    console.print(_speeds(len(written), seconds))
    for label, of_peer in answers.items():
        right, sure = _streets_right(written, of_peer, known)
        console.print(f"{label}: right street {right:.4f}, wrong though sure {sure:.4f}")
    console.print(
        "rapidfuzz gets the street part that the same parser finds likeliest, abbreviations written out,\n"
        "and the streets of the postcode, or of the gemeente if the row states none. It finds only streets."
    )


def _speeds(count: int, seconds: dict[str, list[float]]) -> Table:
    table = Table(title=f"{count} texts, median of the rounds, CPU time of one process", box=None)
    table.add_column("")
    table.add_column("addresses/s", justify="right")
    table.add_column("times the time of hydrants", justify="right")
    for label, of_rounds in seconds.items():
        ratios = (theirs / ours for theirs, ours in zip(of_rounds, seconds[OURS], strict=True))
        per_s = count / statistics.median(of_rounds)
        table.add_row(label, f"{per_s:,.0f}", f"{statistics.median(ratios):.2f}")
    return table


def _timed(work: Callable[..., Any], *given: Any) -> tuple[float, Any]:
    """CPU seconds of some work; the harness's own objects are kept out of the garbage collector's way."""
    gc.collect()
    gc.freeze()
    started = time.process_time()
    result = work(*given)
    seconds = time.process_time() - started
    gc.unfreeze()
    return seconds, result


def _columns(written: list[Written]) -> Columns:
    return [one.nis for one in written], [one.text for one in written], [one.postcode for one in written]


def _parsed(texts: list[str]) -> list[str]:
    """The folded street part of each text's likeliest reading."""
    found = map(readings, texts)
    return [street_key(of_text[0].street) if of_text else "" for of_text in found]


def _names_by_place(rows: pd.DataFrame) -> dict[str, Streets]:
    """Street names for each postcode and each gemeente."""
    found: dict[str, Streets] = {}
    for part in ("postcode", "nis"):
        for place, street in rows[[part, "street"]].drop_duplicates().itertuples(index=False, name=None):
            found.setdefault(place, {}).setdefault(street_key(street), set()).add(street)
    return found


def _streets_right(written: list[Written], answers: Answers, known: list[Streets]) -> tuple[float, float]:
    """Share of texts that name a street whose street was found; share of all whose answer is another one."""
    right = sure = named = 0
    for one, answer, of_place in zip(written, answers, known, strict=True):
        is_right = answer is not None and not of_place[answer[0]].isdisjoint(one.streets)
        named += bool(one.streets)
        right += is_right
        sure += answer is not None and not is_right
    return right / named, sure / len(written)


def _forget() -> None:
    """Nothing of a former round makes the next one faster."""
    for function in (street_key, *vars(frames).values()):
        if hasattr(function, "cache_clear"):
            function.cache_clear()


def _listed(rows: pd.DataFrame, directory: Path) -> Path:
    """The address list that the resolver gets."""
    columns = {"postcode": "postcode", "street": "straatnaam", "house_number": "huisnummer", "nis": "niscode"}
    path = directory / "listed.csv"
    renamed = rows.rename(columns=columns | {"x_l72": "x", "y_l72": "y"})
    renamed.drop(columns="gemeente").to_csv(path, index=False)
    return path


def _made_up(directory: Path) -> Path:
    demo.write(directory / "world", scale=0.3)
    return directory / "world" / "addresses.csv"


if __name__ == "__main__":
    main()
