"""The address table: reading address files, street keys, loading into both stores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from hydrants import store
from hydrants.errors import ReferenceMissing
from hydrants.reference import address_files, addresses
from hydrants.settings import Settings
from hydrants.store import tables

CRAB = Path(__file__).resolve().parents[2] / "shared" / "data" / "crab_westhoek_2014-10.csv"

BEST_HEADER = (
    "EPSG:31370_x,EPSG:31370_y,EPSG:4326_lat,EPSG:4326_lon,address_id,box_number,house_number,municipality_id,"
    "municipality_name_de,municipality_name_fr,municipality_name_nl,postcode,postname_fr,postname_nl,"
    "street_id,streetname_de,streetname_fr,streetname_nl,region_code,status,bron"
)


def best_line(
    x: str = "45621.02889",
    y: str = "172241.11664",
    lat: str = "50.8512",
    lon: str = "2.8864",
    box: str = "",
    number: str = "14",
    nis: str = "33011",
    postcode: str = "8900",
    street: str = "Grote Markt",
    status: str = "current",
) -> str:
    return (
        f"{x},{y},{lat},{lon},1,{box},{number},{nis},,,Ieper,{postcode},,Ieper,7,,,{street},"
        f"BE-VLG,{status},verzonnen"
    )


def write(path: Path, *lines: str, header: str = BEST_HEADER) -> Path:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


# -- street keys -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "same_as"),
    [
        ("KERKSTRAAT", "Kerkstraat"),
        ("  Kerk straat ", "Kerkstraat"),
        ("Kerkstr.", "Kerkstraat"),
        ("kerkstr", "Kerkstraat"),
        ("Silicostr.", "Silicostraat"),
        ("Koninginneln", "Koninginnelaan"),
        ("Brugse Stwg.", "Brugsesteenweg"),
        ("Brugse steenw.", "Brugsesteenweg"),
        ("Veldwg", "Veldweg"),
        ("Stationspln.", "Stationsplein"),
        ("St.-Jansstraat", "Sint-Jansstraat"),
        ("St. Jansstraat", "Sint Jansstraat"),
        ("St.Pieterskruisstraat", "Sint-Pieterskruisstraat"),
        ("O.L.V.-straat", "Onze-Lieve-Vrouwstraat"),
        ("O.L. Vrouwstraat", "Onze-Lieve-Vrouwestraat"),
        ("O.L.Vrouwstraat", "Onze Lieve Vrouwstraat"),
        ("OLV straat", "O.L.Vrouwstraat"),
        ("Dr. Dumontstraat", "Dokter Dumontstraat"),
        ("Burg. Bertenplaats", "Burgemeester Bertenplaats"),
        ("Gr. Markt", "Grote Markt"),
        ("13de Linieregimentstraat", "13e-Linieregimentstraat"),
        ("8ste-Liniestraat", "8e Liniestraat"),
        ("D’Hondtstraat", "D'Hondtstraat"),
        ("Groenedyk", "Groenedijk"),
        ("Polenlaan_02", "Polenlaan"),
        ("Andréstraat", "Andrestraat"),
        ("White-Châteaustraat", "White Chateaustraat"),
    ],
)
def test_spellings_of_one_street_have_one_key(written: str, same_as: str) -> None:
    assert addresses.street_key(written) == addresses.street_key(same_as)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Kerkstraat", "Kerklaan"),
        ("Kerkstraat", "Oude Kerkstraat"),
        ("Markt", "Grote Markt"),
        ("11 Novemberstraat", "Novemberstraat"),
        ("Stationsstraat", "Sint-Ationsstraat"),
        ("Drieln", "Drieweg"),
    ],
)
def test_different_streets_have_different_keys(one: str, other: str) -> None:
    assert addresses.street_key(one) != addresses.street_key(other)


def test_a_key_is_literally_this() -> None:
    assert addresses.street_key("St.-Sixtdreef") == "sintsixtdreef"
    assert addresses.street_key(" - ") == ""


@given(st.lists(st.text("abcdefghijklmnopqrstuvwxyz", min_size=4), min_size=1, max_size=4))
def test_case_and_separators_do_not_matter(words: list[str]) -> None:
    expected = addresses.street_key(" ".join(words))
    assert addresses.street_key("-".join(words).upper()) == expected
    assert addresses.street_key("  ".join(words).title()) == expected


def test_keys_of_a_column_keep_its_gaps_and_index() -> None:
    names = pd.Series(["Kerkstr.", None, "Markt", "Kerkstr."], index=[5, 6, 7, 8], dtype=object)
    keys = addresses.street_keys(names)
    assert keys.index.tolist() == [5, 6, 7, 8]
    assert keys.fillna("-").tolist() == ["kerkstraat", "-", "markt", "kerkstraat"]


# -- reading -----------------------------------------------------------------------------------


def test_best_in_lambert_72(tmp_path: Path) -> None:
    frame = addresses.read(
        write(tmp_path / "a.csv", best_line(), best_line(number="007B", x="45700.5", y="172300"))
    )
    assert frame.to_dict("index") == {
        1: {
            "nis": "33011",
            "postcode": "8900",
            "street": "Grote Markt",
            "house_number": "14",
            "x_l72": 45621.02889,
            "y_l72": 172241.11664,
        },
        2: {
            "nis": "33011",
            "postcode": "8900",
            "street": "Grote Markt",
            "house_number": "007B",
            "x_l72": 45700.5,
            "y_l72": 172300.0,
        },
    }


def test_best_in_lambert_2008_and_in_degrees_give_the_same_place(tmp_path: Path) -> None:
    header = BEST_HEADER.replace("EPSG:31370", "EPSG:3812")
    path = write(
        tmp_path / "a.csv",
        best_line(x="545621.28087", y="672229.07110"),
        best_line(x="0.00000", y="0.00000", number="16"),
        header=header,
    )
    frame = addresses.read(path)
    assert frame["x_l72"].tolist() == pytest.approx([45621.029, 45621.029], abs=0.002)
    assert frame["y_l72"].tolist() == pytest.approx([172241.117, 172241.117], abs=0.002)


def test_a_missing_position_is_nan(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", best_line(x="0.00000", y="0.00000", lat="0.00000", lon="0.00000"))
    frame = addresses.read(path)
    assert frame[["x_l72", "y_l72"]].isna().all(axis=None)
    assert frame["house_number"].tolist() == ["14"]


@pytest.mark.parametrize(("x", "y"), [("0.02212", "-0.02200"), ("145621", "172241"), ("172241", "45621")])
def test_a_position_elsewhere_is_none(tmp_path: Path, x: str, y: str) -> None:
    frame = addresses.read(write(tmp_path / "a.csv", best_line(x=x, y=y)))
    assert frame[["x_l72", "y_l72"]].isna().all(axis=None)


def test_what_is_left_out_and_what_is_counted(tmp_path: Path) -> None:
    frame = addresses.read(
        write(
            tmp_path / "a.csv",
            best_line(),
            best_line(box="1"),  # a box of the same house
            best_line(number="16", status="retired"),
            best_line(number="18", street=""),
            best_line(number="20", nis="31005", postcode="8000"),  # Brugge
            best_line(number="22", nis="", postcode="8957"),  # Mesen by its postcode
            best_line(number="24", nis="", postcode="8000"),
            best_line(number=""),
        )
    )
    assert frame[["nis", "house_number"]].to_numpy().tolist() == [
        ["33011", "14"],
        ["33016", "22"],
        ["33011", None],
    ]
    assert frame.index.tolist() == [1, 6, 8]
    assert frame.attrs["outside"] == 2


PLACE_L72, PLACE_L2008, PLACE_WGS84 = (
    ("45621.029", "172241.117"),
    ("545621.281", "672229.071"),
    ("2.8864", "50.8512"),
)


@pytest.mark.parametrize("position", [PLACE_L72, PLACE_L2008, PLACE_WGS84])
@pytest.mark.parametrize(
    "header",
    [
        "straatnaam,huisnummer,busnummer,postcode,niscode,x,y",
        "STRAATNM,HUISNR,BUSNR,POSTCODE,NISCODE,X,Y",
        "street,housenumber,box,postcode,municipality_id,EPSG:31370_x,EPSG:31370_y",
        "streetname_nl,house_number,box_number,postcode,municipality_id,EPSG:3812_x,EPSG:3812_y",
        "\ufeffStraatNM,HuisNR,BusNR,PKanCode,NisGemCode,lon,lat",
    ],
)
def test_any_origin_in_any_system_whatever_the_label(
    tmp_path: Path, header: str, position: tuple[str, str]
) -> None:
    rows = [f"Grote Markt,{number},,8900,33011,{','.join(position)}" for number in ("14", "14A")]
    frame = addresses.read(write(tmp_path / "a.csv", *rows, header=header))
    assert frame[["nis", "postcode", "street", "house_number"]].to_numpy().tolist() == [
        ["33011", "8900", "Grote Markt", "14"],
        ["33011", "8900", "Grote Markt", "14A"],
    ]
    assert frame["x_l72"].tolist() == pytest.approx([45621.029] * 2, abs=0.002)
    assert frame["y_l72"].tolist() == pytest.approx([172241.117] * 2, abs=0.002)


def test_the_adressenregister_with_its_statuses_and_decimal_commas(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "Grote Markt;14;8900;https://data.vlaanderen.be/id/gemeente/33011;inGebruik;45621,03;172241,12",
        "Grote Markt;16;8900;https://data.vlaanderen.be/id/gemeente/33011;gehistoreerd;45621,03;172241,12",
        "Grote Markt;18;8000;https://data.vlaanderen.be/id/gemeente/31005;inGebruik;45621,03;172241,12",
        header="straatnaam;huisnummer;postcode;gemeenteid;adresstatus;x;y",
    )
    frame = addresses.read(path)
    assert frame[["nis", "house_number", "x_l72"]].to_numpy().tolist() == [["33011", "14", 45621.03]]
    assert frame.attrs["outside"] == 1


def test_crab_columns_and_semicolons(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "8900;Ieper;Grote Markt;14;50.8512;2.8864;",
        "8900;Ieper;Grote Markt;16;;;",
        header="\ufeffpostcode;gemeente_from_postcode;street;housenumber;lat;lon;source",
    )
    frame = addresses.read(path)
    assert frame["nis"].tolist() == ["33011", "33011"]
    assert frame["house_number"].tolist() == ["14", "16"]
    assert frame.loc[1, ["x_l72", "y_l72"]].tolist() == pytest.approx([45621.029, 172241.117], abs=0.002)
    assert frame.loc[2, ["x_l72", "y_l72"]].isna().all()


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_a_file_read_in_parts_is_read_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    path = write(
        tmp_path / "a.csv",
        best_line(number="1"),
        best_line(number="2", nis="31005"),  # Brugge
        best_line(number="3", x="", y="", lat="", lon="", postcode=""),
        best_line(number="1", box="2"),  # the same house, in another part
        best_line(number="4", street=""),
        best_line(number="5", x="", y=""),
        best_line(number="6", nis="31005"),
    )
    monkeypatch.setattr(address_files, "_ROWS_AT_ONCE", at_once)
    frame = addresses.read(path)
    assert frame.index.tolist() == [1, 3, 6]
    assert frame["house_number"].tolist() == ["1", "3", "5"]
    assert frame["postcode"].tolist() == ["8900", None, "8900"]
    assert frame["x_l72"].isna().tolist() == [False, True, False]
    assert frame.attrs["outside"] == 2


def test_a_file_without_rows_has_no_addresses(tmp_path: Path) -> None:
    frame = addresses.read(write(tmp_path / "a.csv"))
    assert (len(frame), frame.attrs["outside"]) == (0, 0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no address file"),
        (b"naam;plaats\nx;y\n", "naam, plaats"),
        (b"postcode,street,housenumber,lat,lon\n8900,Markt \xff,1,50.8,2.8\n", "UTF-8|cannot be read"),
    ],
)
def test_other_files_are_refused_with_their_columns(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(ReferenceMissing, match=words):
        addresses.read(path)


def test_an_absent_file_says_which_setting(tmp_path: Path) -> None:
    with pytest.raises(ReferenceMissing, match="HYDRANTS_ADDRESSES"):
        addresses.read(tmp_path / "absent.csv")


# -- loading -----------------------------------------------------------------------------------


def stored(engine: sa.Engine) -> list[tuple[object, ...]]:
    a = tables.address.c
    query = sa.select(a.address_id, a.nis, a.street, a.street_key, a.house_number, a.x_l72).order_by(
        a.address_id
    )
    with store.read(engine) as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_load_replaces_the_table_when_the_file_changes_only(engine: sa.Engine, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        best_line(),
        best_line(nis="31005"),
        best_line(street="St.-Jansstr.", number="", x="0.00000", y="0.00000", lat="0.00000", lon="0.00000"),
    )
    assert addresses.load(engine, tmp_path / "landing", path) == {"addresses": 2, "outside": 1}
    assert stored(engine) == [
        (1, "33011", "Grote Markt", "grotemarkt", "14", 45621.02889),
        (3, "33011", "St.-Jansstr.", "sintjansstraat", None, None),
    ]
    with store.read(engine) as connection:
        before = addresses.fingerprint(connection)
    assert addresses.load(engine, tmp_path / "landing", path) == {"addresses": 0, "outside": 0}

    write(path, best_line(number="99"))
    assert addresses.load(engine, tmp_path / "landing", path) == {"addresses": 1, "outside": 0}
    assert stored(engine) == [(1, "33011", "Grote Markt", "grotemarkt", "99", 45621.02889)]
    with store.read(engine) as connection:
        assert addresses.fingerprint(connection) not in (None, before)


def test_two_nights_at_once_load_a_file_once(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, landing = write(tmp_path / "best.csv", best_line()), tmp_path / "landing"
    read, of_the_other = addresses.read, []

    def read_while_the_other_night_loads(path: Path) -> pd.DataFrame:
        if not of_the_other:
            of_the_other.append({})
            of_the_other[0] = addresses.load(engine, landing, path)
        return read(path)

    monkeypatch.setattr(addresses, "read", read_while_the_other_night_loads)
    assert addresses.load(engine, landing, path) == {"addresses": 0, "outside": 0}
    assert of_the_other == [{"addresses": 1, "outside": 0}]
    with store.read(engine) as connection:
        count = sa.select(sa.func.count())
        assert connection.execute(count.select_from(tables.address)).scalar() == 1
        assert connection.execute(count.select_from(tables.event)).scalar() == 1


def test_a_broken_file_leaves_the_table_as_it_was(engine: sa.Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", best_line())
    addresses.load(engine, tmp_path / "landing", path)
    path.write_text("iets;anders\n", encoding="utf-8")
    with pytest.raises(ReferenceMissing):
        addresses.load(engine, tmp_path / "landing", path)
    with pytest.raises(ReferenceMissing):
        addresses.load(engine, tmp_path / "landing", tmp_path / "absent.csv")
    assert len(stored(engine)) == 1


def streets(engine: sa.Engine) -> list[object]:
    return [row[2] for row in stored(engine)]


def test_what_is_loaded_by_hand_holds_until_the_setting_changes(engine: sa.Engine, tmp_path: Path) -> None:
    setting = write(tmp_path / "setting.csv", best_line(street="Oude Markt"))
    given_ = write(tmp_path / "given.csv", best_line(street="Grote Markt"))
    addresses.load(engine, tmp_path / "landing", setting)
    assert addresses.load_by_hand(engine, tmp_path / "landing", given_, setting) == {
        "addresses": 1,
        "outside": 0,
    }
    with store.read(engine) as connection:
        by_hand = addresses.fingerprint(connection)
    given_.unlink()
    for _ in range(2):  # the nights that follow
        assert addresses.load(engine, tmp_path / "landing", setting) == {"addresses": 0, "outside": 0}
        assert streets(engine) == ["Grote Markt"]

    write(setting, best_line(street="Nieuwe Markt"))
    assert addresses.load(engine, tmp_path / "landing", setting) == {"addresses": 1, "outside": 0}
    assert streets(engine) == ["Nieuwe Markt"]
    with store.read(engine) as connection:
        assert addresses.fingerprint(connection) != by_hand
    assert addresses.load(engine, tmp_path / "landing", setting) == {"addresses": 0, "outside": 0}


def test_by_hand_does_without_a_file_of_the_setting(engine: sa.Engine, tmp_path: Path) -> None:
    setting, given_ = tmp_path / "setting.csv", write(tmp_path / "given.csv", best_line())
    addresses.load_by_hand(engine, tmp_path / "landing", given_, setting)
    assert addresses.load(engine, tmp_path / "landing", setting) == {"addresses": 0, "outside": 0}
    write(setting, best_line(street="Nieuwe Markt"))
    addresses.load(engine, tmp_path / "landing", setting)
    assert streets(engine) == ["Nieuwe Markt"]
    addresses.load_by_hand(engine, tmp_path / "landing", setting, setting)  # the same as the night does
    setting.unlink()
    with pytest.raises(ReferenceMissing, match="HYDRANTS_ADDRESSES"):
        addresses.load(engine, tmp_path / "landing", setting)


def test_a_later_version_reads_again_what_was_loaded_by_hand(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = write(tmp_path / "setting.csv", best_line(street="Oude Markt"))
    given_ = write(tmp_path / "given.csv", best_line(street="Grote Markt"))
    addresses.load_by_hand(engine, tmp_path / "landing", given_, setting)
    monkeypatch.setattr(addresses, "VERSION", addresses.VERSION + 1)
    assert addresses.load(engine, tmp_path / "landing", setting) == {"addresses": 1, "outside": 0}
    assert streets(engine) == ["Grote Markt"]
    assert addresses.load(engine, tmp_path / "landing", setting) == {"addresses": 0, "outside": 0}

    monkeypatch.setattr(addresses, "VERSION", addresses.VERSION + 1)
    given_.unlink()  # its copy in LANDING is there
    with store.write(engine) as connection:
        connection.execute(sa.delete(tables.address))
    assert addresses.load(engine, tmp_path / "landing", setting) == {"addresses": 1, "outside": 0}
    assert streets(engine) == ["Grote Markt"]


def run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    told = {"HYDRANTS_DATABASE_URL": settings.database_url, "HYDRANTS_ADDRESSES": str(settings.addresses)}
    return subprocess.run(
        [sys.executable, "-m", "hydrants.cli", "addresses", *arguments],
        env={"PATH": os.environ["PATH"], **told},
        cwd=settings.addresses.parent,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_command_loads_and_finds(tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        database_url=f"sqlite:///{tmp_path}/hydrants.sqlite",
        addresses=tmp_path / "absent.csv",
    )
    path = write(tmp_path / "a.csv", best_line(), best_line(nis="31005"))
    loaded = run(settings, "load", str(path), "--json")
    assert (loaded.returncode, json.loads(loaded.stdout)) == (0, {"addresses": 1, "outside": 1})
    found = json.loads(run(settings, "find", "Gr. Markt t.o. 14", "--nis", "33011", "--json").stdout)
    assert (found["outcome"], found["street"], found["reading"]["relation"]) == (
        "found",
        "Grote Markt",
        "opposite",
    )
    assert found["places"] == [
        {"x_l72": 45621.02889, "y_l72": 172241.11664, "method": "address_number", "accuracy_m": 25.0}
    ]
    spoken = run(settings, "find", "N8 km 3,2", "--nis", "33011").stdout
    assert "unknown" in spoken and "road N8, km 3.2" in spoken
    other = write(tmp_path / "b.csv", "x;y", header="naam;plaats")
    refused = run(settings, "load", str(other))
    assert refused.returncode == 1
    assert "naam, plaats" in refused.stderr and "Traceback" not in refused.stderr


@pytest.mark.skipif(not CRAB.is_file(), reason=f"no {CRAB.name} in shared/data beside the repository")
def test_a_real_address_list() -> None:
    frame = addresses.read(CRAB)
    assert len(frame) == 101_840  # 101 842 lines, of which 2 repeat another
    assert frame.attrs["outside"] == 0
    assert int(frame["x_l72"].isna().sum()) == 4_539  # 4 516 without, 23 at latitude and longitude 0
    assert frame["nis"].nunique() == 18
    located = frame.dropna(subset=["x_l72"])
    assert located["x_l72"].between(20_000, 62_000).all()
    assert located["y_l72"].between(153_000, 208_000).all()
