"""Contractor profiles: how a firm writes down what its crews saw.

A profile is `contractors/<contractor>.yml`. It holds no code and needs none: a new
firm is a new file. Whatever it does not name is refused or reported, never guessed.
"""

from __future__ import annotations

import csv
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator

from hydrants import reference, store
from hydrants.errors import ProfileError
from hydrants.reference.words import Vocabulary, fold

Field = Literal[
    "record_ref",
    "revised_at",
    "hydrant_ref",
    "inspected_on",
    "outcome",
    "defects",
    "is_reinspection",
    "address",
    "gemeente",
    "postcode",
    "x",
    "y",
    "hydrant_type",
    "diameter_mm",
    "remark",
]
"""What a column can mean."""

FIELDS: tuple[Field, ...] = get_args(Field)

Outcome = Literal["ok", "failed", "not_found", "not_testable", "repaired"]
HydrantType = Literal["aboveground", "underground", "rising_point", "wall_mounted"]
Family = Literal["csv", "xlsx", "vector"]
"""Formats that share their habits: `vector` is GeoPackage and GeoJSON."""


class Defect(NamedTuple):
    """A thing that can be wrong with a hydrant.

    `takes_out_of_order`: the fire service cannot count on it. `repaired_by`: gemeente or operator.
    """

    code: str
    label_nl: str
    takes_out_of_order: bool
    repaired_by: str


@lru_cache
def defects() -> dict[str, Defect]:
    """The defects by their code."""
    with (reference.REFERENCE_DIR / "defects.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["code"]: Defect(
                row["code"], row["label_nl"], row["takes_out_of_order"] == "true", row["repaired_by"]
            )
            for row in csv.DictReader(file, strict=True)
        }


def _usable_pattern(pattern: str) -> str:
    moment = datetime(2019, 12, 31)  # noqa: DTZ001 - dates on paper have no zone
    try:
        same = datetime.strptime(moment.strftime(pattern), pattern) == moment  # noqa: DTZ007
    except ValueError:
        same = False
    if not same:
        raise ValueError(f"date format {pattern!r} does not hold day, month and year")
    return pattern


DatePattern = Annotated[str, AfterValidator(_usable_pattern)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Habits(_Strict):
    """Of one family of formats: the decimal sign in texts; the coordinate system where a file names none."""

    decimal: Literal[",", "."]
    crs: str | None = None


class Lookups(_Strict):
    """What the firm's words mean: our value -> its words."""

    outcome: dict[Outcome, list[str]]
    hydrant_type: dict[HydrantType, list[str]] = {}
    is_reinspection: dict[bool, list[str]] = {}
    defects: dict[str, list[str]] = {}
    """Words beside the Dutch labels of defects.csv, which are always known."""


class Profile(_Strict):
    """How one firm fills in its lists."""

    contractor: str
    name: str
    columns: dict[Field, list[str]]
    required_columns: list[Field]
    ignored_columns: list[str] = []
    ignored_sheets: list[str] = []
    layer: str | None = None
    """The layer that holds the inspections, in formats with several."""
    formats: dict[Family, Habits]
    date_formats: list[DatePattern]
    """strptime patterns of dates, tried in this order; a time of day may follow. ISO is always known."""
    summary_words: list[str] = []
    unit_words: list[str] = []
    """What may stand in a row of units below the headings."""
    lookups: Lookups

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if not {"inspected_on", "outcome"} <= set(self.required_columns):
            raise ValueError("'required_columns' must name inspected_on and outcome")
        absent = [field for field in self.required_columns if field not in self.columns]
        if absent:
            raise ValueError(f"required columns without headings under 'columns': {', '.join(absent)}")
        unknown = self.lookups.defects.keys() - defects().keys()
        if unknown:
            raise ValueError(f"unknown defects: {', '.join(sorted(unknown))}")
        for vocabulary in ("fields", "outcomes", "hydrant_types", "reinspections", "defect_codes"):
            getattr(self, vocabulary)  # each refuses a word with two meanings
        return self

    @cached_property
    def fields(self) -> Vocabulary[Field]:
        """What a column means, by its heading."""
        return Vocabulary(self.columns)

    @cached_property
    def ignored_headings(self) -> frozenset[str]:
        """Folded headings of the columns that are left out on purpose."""
        return frozenset(map(fold, self.ignored_columns))

    @cached_property
    def outcomes(self) -> Vocabulary[Outcome]:
        """Outcomes by the firm's words."""
        return Vocabulary(self.lookups.outcome)

    @cached_property
    def hydrant_types(self) -> Vocabulary[HydrantType]:
        """Hydrant types by the firm's words."""
        return Vocabulary(self.lookups.hydrant_type)

    @cached_property
    def reinspections(self) -> Vocabulary[bool]:
        """Whether it is a re-inspection, by the firm's words."""
        return Vocabulary(self.lookups.is_reinspection)

    @cached_property
    def defect_codes(self) -> Vocabulary[str]:
        """Defect codes by their Dutch labels and the firm's words."""
        own_words = self.lookups.defects
        return Vocabulary(
            {code: [defect.label_nl, *own_words.get(code, [])] for code, defect in defects().items()}
        )

    @cached_property
    def fingerprint(self) -> str:
        """Changes whenever something changes that decides what a row means."""
        return store.fingerprint(self.model_dump(mode="json"), list(defects().values()))


def load(contractor: str) -> Profile:
    """The profile of a firm.

    Raises:
        ProfileError: if there is none, or it cannot be used; the message says where it is wrong.
    """
    path = reference.REFERENCE_DIR / "contractors" / f"{contractor}.yml"
    if not path.is_file():
        raise ProfileError(f"no profile for contractor {contractor!r}: {path.name} is not there")
    return _load(path, path.stat().st_mtime_ns)


@lru_cache
def _load(path: Path, _mtime_ns: int) -> Profile:
    return load_file(path)


def load_file(path: Path) -> Profile:
    """Read and check a profile wherever it lies; its name is the contractor's.

    Raises:
        ProfileError: if it is not YAML, lacks something, or gives a word two meanings.
    """
    try:
        # every scalar as text: YAML would make booleans of "nee" abroad and numbers of "080"
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
        profile = Profile.model_validate(document)
    except yaml.YAMLError as error:
        raise ProfileError(f"{path.name} is not YAML: {error}") from error
    except ValidationError as error:
        details = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'profile'}: {item['msg']}" for item in error.errors()
        )
        raise ProfileError(f"{path.name}: {details}") from error
    if profile.contractor != path.stem:
        raise ProfileError(f"{path.name} is the profile of {profile.contractor!r}: rename one of them")
    return profile
