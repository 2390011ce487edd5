"""Contractor profiles: how a firm writes down what its crews saw.

A profile is `contractors/<contractor>.yml`. It holds no code and needs none: a new
firm is a new file. Whatever it does not name is refused or reported, never guessed.
"""

from __future__ import annotations

import csv
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator
from pydantic import Field as PydanticField

from hydrants import reference, store
from hydrants.errors import ProfileError
from hydrants.reference import marked_yaml
from hydrants.reference.words import Vocabulary, fold

Field = Literal[
    "record_ref",
    "revised_at",
    "record_status",
    "hydrant_ref",
    "inspected_on",
    "outcome",
    "defects",
    "is_reinspection",
    "address",
    "gemeente",
    "deelgemeente",
    "postcode",
    "x",
    "y",
    "geopoint",
    "hydrant_type",
    "diameter_mm",
    "pressure_bar",
    "flow_l_per_min",
    "remark",
    "photos",
]
"""What a column can mean. `geopoint`: "latitude longitude [altitude [accuracy]]" in WGS84, as phone forms
write it. `photos`: names of pictures in the same zip. `record_status`: whether the record is withdrawn."""

FIELDS: tuple[Field, ...] = get_args(Field)

Outcome = Literal["ok", "failed", "not_found", "not_testable", "repaired"]
HydrantType = Literal["aboveground", "underground", "rising_point", "wall_mounted"]
RecordStatus = Literal["valid", "withdrawn"]
Family = Literal["csv", "workbook", "vector"]
"""Formats that share their habits: `workbook` is XLSX, XLS and ODS; `vector` what has its own geometry."""


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
    # what is said of a key below it becomes its description in docs/profile.schema.json
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Habits(_Strict):
    """Of one family of formats: the decimal sign in texts; the coordinate system where a file names none."""

    decimal: Literal[",", "."]
    """The decimal sign of numbers written as text; the other sign may set groups of three apart."""
    crs: str | None = None
    """The coordinate system of X and Y where neither file nor heading names one, such as EPSG:31370."""


class Lookups(_Strict):
    """What the firm's words mean: our value -> its words."""

    outcome: dict[Outcome, list[str]]
    """What became of the inspection. The first word of each is the one that templates offer."""
    hydrant_type: dict[HydrantType, list[str]] = {}
    """Kinds of hydrant; needed where `columns` has a hydrant_type."""
    is_reinspection: dict[bool, list[str]] = {}
    """Whether the crew knows that it looks a second time; an empty cell is no."""
    record_status: dict[RecordStatus, list[str]] = {}
    """Whether the firm takes the record back; an empty cell is valid."""
    defects: dict[str, list[str]] = {}
    """Words beside the Dutch labels of defects.csv, which are always known."""


class Expectations(_Strict):
    """When a file is held until a person has looked: so many refused rows that no crew makes by accident."""

    max_refused_share: float = PydanticField(default=0.5, ge=0, le=1)
    """Share of the rows, from 0 to 1, that may be refused; 1 never holds a file."""
    from_rows: int = PydanticField(default=20, ge=1)
    """Files with fewer rows are never held."""


class Profile(_Strict):
    """How one firm fills in its lists."""

    contractor: str
    """Key of the firm: the name of this file without .yml, and of its folder in UPLOADS."""
    name: str
    """Name of the firm, as its receipts and the published page write it."""
    columns: dict[Field, Annotated[list[str], PydanticField(min_length=1)]]
    """What each column means: our field, and the headings that the firm uses for it.

    Accents, capitals, spaces and punctuation do not count. The first heading of each is what templates
    and messages show. A unit, CRS or group of questions around a heading ("Druk (kPa)", "X [EPSG:4326]",
    "check/result") is understood by itself.
    """
    required_columns: list[Field]
    """Without a column for each of these the whole file is refused; among them inspected_on and outcome."""
    ignored_columns: list[str] = []
    """Headings that are left out on purpose; one that ends in * stands for all that begin so."""
    ignored_sheets: list[str] = []
    """Sheets of a workbook that hold no inspections, such as lists of words."""
    layer: str | None = None
    """The layer that holds the inspections, in formats with several."""
    formats: dict[Family, Habits]
    """The families of formats that the firm may send, and its habits in each.

    A workbook can always be sent, since receipts are: by default with the habits of CSV.
    """
    units: dict[Field, str] = {}
    """The unit of a measured field where neither heading nor cell says one; by default as its name says."""
    date_formats: list[DatePattern]
    """strptime patterns of dates, tried in this order; a time of day may follow. ISO is always known."""
    summary_words: list[str] = []
    """First words of rows that add up the others, such as "totaal"; such a row is never an inspection."""
    unit_words: list[str] = []
    """What may stand in a row of units below the headings."""
    lookups: Lookups
    """What the firm's words mean. A word that stands nowhere here is refused; the nearest is suggested."""
    expectations: Expectations = Expectations()
    """When a whole file is held until a person has looked."""

    @model_validator(mode="before")
    @classmethod
    def _workbooks_are_as_csv(cls, document: Any) -> Any:
        formats = document.get("formats") if isinstance(document, dict) else None
        if isinstance(formats, dict) and "workbook" not in formats and "csv" in formats:
            return {**document, "formats": {**formats, "workbook": formats["csv"]}}
        return document

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        from hydrants.reference import profile_rules  # which speaks of fields and defects

        found = profile_rules.findings(self.model_dump(mode="json"))
        if wrong := [finding.message for finding in found if finding.is_error]:
            raise ValueError("; ".join(dict.fromkeys(wrong)))
        return self

    @cached_property
    def fields(self) -> Vocabulary[Field]:
        """What a column means, by its heading."""
        return Vocabulary(self.columns)

    def is_ignored(self, heading: str) -> bool:
        """Whether a column is left out on purpose."""
        folded = fold(heading)
        return any(
            folded.startswith(fold(ignored)) if ignored.endswith("*") else folded == fold(ignored)
            for ignored in self.ignored_columns
        )

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
    def record_statuses(self) -> Vocabulary[RecordStatus]:
        """Whether a record is withdrawn, by the firm's words."""
        return Vocabulary(self.lookups.record_status)

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
        document = marked_yaml.parse(path.read_text(encoding="utf-8"))
        for place, line in document.repeated:
            raise ProfileError(f"{path.name}, line {line}: {place[-1]!r} stands there for the second time")
        profile = Profile.model_validate(document.content)
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
