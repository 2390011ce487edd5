"""Profiles say what a firm's words mean, and nothing else; a wrong one is refused with its place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hydrants import reference
from hydrants.errors import ProfileError
from hydrants.reference import profile
from hydrants.reference.words import Vocabulary, fold

WORDS = {
    "ok": ["goedgekeurd", "in orde", "ok", "o.k.", "V", "werkbaar"],
    "failed": ["afgekeurd", "niet in orde", "x", "defect", "niet werkbaar"],
    "not_found": ["niet gevonden", "niet vindbaar", "onvindbaar"],
    "not_testable": ["niet controleerbaar", "n.v.t.", "auto op deksel"],
    "repaired": ["hersteld", "herstelling uitgevoerd"],
}


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("X-coördinaat", "xcoordinaat"),
        ("  Nr.  brandkraan ", "nrbrandkraan"),
        ("O.K.", "ok"),
        ("N.V.T", "nvt"),
        ("Straße", "strasse"),
        ("-", "-"),
        (" ✓ ", "✓"),
        ("", ""),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_a_vocabulary_knows_words_and_suggests_the_nearest() -> None:
    words = Vocabulary({1: ["goedgekeurd", "in orde"], 2: ["afgekeurd"]})
    assert (words.get("Goedgekeurd "), words.get("IN-ORDE"), words.get("afgekeurd")) == (1, 1, 2)
    assert words.get("goedgekeurt") is None
    assert words.nearest("goedgekeurt") == "goedgekeurd"
    assert words.nearest("inorden") == "in orde"
    assert words.nearest("blauw") is None
    with pytest.raises(ValueError, match="'A-B' means both 1 and 2"):
        Vocabulary({1: ["ab"], 2: ["A-B"]})


@pytest.mark.parametrize("contractor", ["interwest", "westlandia"])
def test_the_firms_write_outcomes_types_and_defects_as_known(contractor: str) -> None:
    firm = profile.load(contractor)
    assert {word: firm.outcomes.get(word) for words in WORDS.values() for word in words} == {
        word: outcome for outcome, words in WORDS.items() for word in words
    }
    types = ("BH", "bovengronds", "Bovengrondse hydrant", "OH", "ondergronds", "ondergrondse hydrant")
    assert [firm.hydrant_types.get(word) for word in types] == ["aboveground"] * 3 + ["underground"] * 3
    for defect in profile.defects().values():
        assert firm.defect_codes.get(defect.label_nl.upper()) == defect.code
    assert firm.reinspections.get("ja") is True
    assert firm.reinspections.get("nee") is False


@pytest.mark.parametrize(
    ("contractor", "headings"),
    [
        (
            "westlandia",
            "Fiche|Nr. brandkraan|Datum|Straat en nr|X|Y|Type|Diameter|Resultaat|Gebrek|Herkeuring|"
            "Gewijzigd op|Opmerking",
        ),
        (
            "westlandia",
            "Fiche|Brandkraannummer|Datum controle|Adres|X-coördinaat|Y-coördinaat|Soort|DN|Uitslag|"
            "Vaststelling|Herkeuring|Laatst gewijzigd|Opm.",
        ),
        (
            "interwest",
            "Volgnummer|Kenmerk|Datum controle|Adres|X-coördinaat|Y-coördinaat|Soort|DN|Status|Vaststelling|"
            "Herkeuring|Laatst gewijzigd|Opmerking",
        ),
        (
            "interwest",
            "uuid|kenmerk|datum|adres|@x|@y|soort|diameter|status|vaststelling|herkeuring|gewijzigd_op|opmerking",
        ),
    ],
)
def test_the_headings_of_the_firms(contractor: str, headings: str) -> None:
    fields = [profile.load(contractor).fields.get(heading) for heading in headings.split("|")]
    found = [field or f"@{heading[1]}" for field, heading in zip(fields, headings.split("|"), strict=True)]
    assert [field.removeprefix("@") for field in found] == [
        *("record_ref", "hydrant_ref", "inspected_on", "address", "x", "y", "hydrant_type", "diameter_mm"),
        *("outcome", "defects", "is_reinspection", "revised_at", "remark"),
    ]


def test_every_defect_says_whether_the_hydrant_still_serves_and_who_repairs_it() -> None:
    defects = profile.defects()
    labels = (
        "straatpot stuk, straatpot te hoog, straatpot te laag, overgroeid, onder asfalt, sleutel past niet, "
        "klauw gebroken, lek, moeilijk te openen, leegloop verstopt, deksel ontbreekt, geen water, "
        "laag debiet, toegang versperd, signalisatie ontbreekt, signalisatie fout, verf, niet vindbaar"
    )
    assert {defect.label_nl for defect in defects.values()} == set(labels.split(", "))
    assert {defect.repaired_by for defect in defects.values()} == {"gemeente", "operator"}
    assert defects["no_water"].takes_out_of_order
    assert not defects["paint"].takes_out_of_order


MINIMAL = {
    "contractor": "zuidhoek",
    "name": "Zuidhoek",
    "columns": {"inspected_on": ["Wanneer"], "outcome": ["Hoe"]},
    "required_columns": ["inspected_on", "outcome"],
    "formats": {"csv": {"decimal": "."}},
    "date_formats": ["%d.%m.%Y"],
    "lookups": {"outcome": {"ok": ["1"], "failed": ["0"]}},
}


def written(folder: Path, **changes: object) -> Path:
    path = folder / "zuidhoek.yml"
    path.write_text(yaml.safe_dump(MINIMAL | changes, sort_keys=False), encoding="utf-8")
    return path


def test_a_new_firm_is_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "contractors").mkdir()
    written(tmp_path / "contractors")
    shutil.copy(reference.REFERENCE_DIR / "defects.csv", tmp_path)
    monkeypatch.setattr(reference, "REFERENCE_DIR", tmp_path)
    assert reference.contractors() == ("zuidhoek",)
    firm = profile.load("zuidhoek")
    assert (firm.fields.get("WANNEER"), firm.outcomes.get("1"), firm.outcomes.get("0")) == (
        "inspected_on",
        "ok",
        "failed",
    )
    fingerprint = firm.fingerprint
    written(tmp_path / "contractors", summary_words=["som"])
    assert profile.load("zuidhoek").fingerprint != fingerprint, "a changed file is read again"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"columns": {"inspected_on": ["Wanneer"]}}, "required columns .* outcome"),
        ({"required_columns": ["outcome"]}, "must name inspected_on and outcome"),
        ({"columns": {"datum": ["Wanneer"]}}, "columns.datum"),
        ({"columns": {"inspected_on": ["Wanneer"], "outcome": ["wan neer"]}}, "'wan neer' means both"),
        ({"lookups": {"outcome": {"ok": ["x"], "failed": ["X"]}}}, "'X' means both 'ok' and 'failed'"),
        ({"lookups": {"outcome": {"prima": ["x"]}}}, "lookups.outcome.prima"),
        ({"lookups": {"outcome": {}, "defects": {"rust": ["roest"]}}}, "unknown defects: rust"),
        ({"date_formats": ["%d/%m"]}, "'%d/%m' does not hold day, month and year"),
        ({"date_formats": ["%q"]}, "date_formats"),
        ({"formats": {"csv": {"decimal": ";"}}}, "formats.csv.decimal"),
        ({"colums": {}}, "colums"),
        ({"contractor": "noordhoek"}, "profile of 'noordhoek'"),
    ],
)
def test_a_wrong_profile_says_where(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    with pytest.raises(ProfileError, match=says):
        profile.load_file(written(tmp_path, **changes))


def test_no_profile_and_no_yaml(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="no profile for contractor 'onbekend'"):
        profile.load("onbekend")
    path = tmp_path / "kapot.yml"
    path.write_text("a: [", encoding="utf-8")
    with pytest.raises(ProfileError, match=r"kapot\.yml is not YAML"):
        profile.load_file(path)
