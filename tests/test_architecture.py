"""The rules of the layout, read from the source: who imports whom, and how long and how documented it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from hydrants.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = sorted((ROOT / "hydrants").rglob("*.py"))
DAGS = sorted((ROOT / "dags").glob("*.py"))

STAGES = {
    *("landing", "reading", "validation", "geocoding", "matching", "receipts", "publishing", "planning"),
}
BESIDE_THE_FLOW = {"register", "review"}
GROUND = {
    "workers",
    "links",
    "formats",
    "journal",
    "reference",
    "store",
    "settings",
    "spreadsheet",
    "spreadsheet_rows",
    "errors",
}
MAY_IMPORT = {
    "errors": set[str](),
    "links": set[str](),
    "workers": {"store", "settings"},
    "spreadsheet": set[str](),
    "spreadsheet_rows": {"spreadsheet"},
    "formats": {"errors"},  # runs apart, on files that nobody trusts
    "settings": {"errors"},
    "store": {"errors"},
    "journal": {"store", "errors"},
    "reference": {"journal", "store", "errors"},
    **dict.fromkeys(BESIDE_THE_FLOW, GROUND),
    **dict.fromkeys(STAGES, GROUND | BESIDE_THE_FLOW),  # never another stage: tables lie between them
    "demo": {"reference", "errors"},
    "evaluation": {"matching", "review", "settings", "store", "errors"},
    "proposals": {"matching", "register"} | GROUND,
    "replay": {"journal", "settings", "store"},  # finds who applies an event by name, when there is one
    "rebuild": {"night", "receipts", "replay"} | GROUND,
    "backup": {"night", "replay"} | GROUND,
    "cli_operations": {"backup", "night", "publishing", "rebuild", "terminal"} | GROUND,
    "night": STAGES | BESIDE_THE_FLOW | GROUND | {"replay"},
    "terminal": {"reference"},
    "template": {"reference", "spreadsheet", "errors"},
    "cli": STAGES
    | BESIDE_THE_FLOW
    | GROUND
    | {"night", "demo", "evaluation", "terminal"}
    | {
        "cli_operations",
        "cli_portal",
        "cli_addresses",
        "cli_matching",
        "cli_review",
        "cli_uploads",
        "cli_profiles",
        "cli_errors",
        "cli_health",
    },
    "portal": {"publishing"} | GROUND,
    "cli_portal": {"portal", "terminal"} | GROUND,
    "cli_addresses": {"geocoding", "night", "terminal"} | GROUND,
    "cli_matching": {"matching", "night", "terminal"} | GROUND,
    "cli_review": {"review", "proposals", "night", "terminal"} | GROUND,
    "cli_uploads": {"receipts", "night", "terminal"} | GROUND,
    "cli_errors": {"health"} | GROUND,
    "cli_health": {"health", "terminal"} | GROUND,
    "health": GROUND,
    "cli_profiles": {"reading", "validation", "template", "terminal"} | GROUND,
    "": set[str](),  # hydrants/__init__.py
}
"""What each part of the package may import of it, itself always included."""


def _part(path: Path) -> str:
    """The word after `hydrants` that a module belongs to; empty for the package itself."""
    inside = path.relative_to(ROOT / "hydrants").with_suffix("").parts
    return "" if inside == ("__init__",) else inside[0]


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _imported(tree: ast.AST) -> Iterator[str]:
    """Dotted names of everything imported, wherever in the file; `from a import b` gives `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_something_to_check() -> None:
    assert {_part(path) for path in PACKAGE} == MAY_IMPORT.keys()
    assert {path.stem for path in DAGS} == {
        "assets",
        "mail",
        "register_refresh",
        "inspections_nightly",
        "progress_publish",
        "rounds_plan",
    }


@pytest.mark.parametrize("path", PACKAGE, ids=_id)
def test_imports_point_one_way(path: Path) -> None:
    part = _part(path)
    own_or_allowed = MAY_IMPORT[part] | {part}
    ours = [name.split(".") for name in _imported(_tree(path)) if name.split(".")[0] == "hydrants"]
    wrong = [".".join(name) for name in ours if len(name) > 1 and name[1] not in own_or_allowed]
    assert wrong == []


@pytest.mark.parametrize("path", PACKAGE, ids=_id)
def test_package_knows_nothing_of_airflow(path: Path) -> None:
    assert [name for name in _imported(_tree(path)) if name.split(".")[0] in {"airflow", "dags"}] == []


@pytest.mark.parametrize("path", DAGS, ids=_id)
def test_dags_wire_only(path: Path) -> None:
    tree = _tree(path)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 80
    at_parse_time = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {name for node in at_parse_time for name in _imported(node)}
    roots = {name.split(".")[0] for name in names}
    assert roots <= {"airflow", "dags", "collections", "contextlib", "datetime", "typing"}
    assert {
        name for name in names if name.startswith("airflow") and not name.startswith("airflow.sdk")
    } == set()
    assert {name.split(".")[1] for name in _imported(tree) if name.startswith("hydrants.")} <= {
        "night",
        "settings",
    }


@pytest.mark.parametrize("path", PACKAGE, ids=_id)
def test_module_fits_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


def _public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Public functions of the module, and public methods of its public classes."""
    for node in tree.body:
        members = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else [node]
        yield from (
            member
            for member in members
            if isinstance(member, ast.FunctionDef) and not member.name.startswith("_")
        )


@pytest.mark.parametrize("path", PACKAGE + DAGS, ids=_id)
def test_public_functions_are_documented_and_annotated(path: Path) -> None:
    tree = _tree(path)
    if path.stat().st_size:
        assert ast.get_docstring(tree), "the module says what it is for"
    lacking = [
        function.name
        for function in _public_functions(tree)
        if not ast.get_docstring(function)
        or function.returns is None
        or any(
            argument.annotation is None
            for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
            if argument.arg not in {"self", "cls"}
        )
    ]
    assert lacking == []


def test_the_truth_is_read_by_its_judge_only() -> None:
    names_it = {
        _part(path)
        for path in PACKAGE
        if re.search(r"truth\.csv|truth_file", path.read_text(encoding="utf-8"))
    }
    assert names_it == {"demo", "evaluation"}
    dags = "".join(path.read_text(encoding="utf-8") for path in DAGS)
    sql = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "sql").rglob("*.sql"))
    assert "truth" not in dags.lower() + sql.lower()


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^(HYDRANTS_[A-Z0-9_]+)=(.*)$", text, flags=re.MULTILINE))
    defaults = {
        f"HYDRANTS_{name.upper()}": str(field.default) for name, field in Settings.model_fields.items()
    }
    assert documented == defaults


def test_compose_has_no_secret_and_watches_every_service() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    assert {"postgres", "redis", "init", "scheduler", "dag-processor", "triggerer", "worker"} <= set(services)
    for name, service in services.items():
        assert name == "init" or "healthcheck" in service, name
        for variable, value in service["environment"].items():
            if re.search("PASSWORD$|SECRET|KEY$|_CONN$|BACKEND$|BROKER|DATABASE_URL", variable):
                assert re.search(r"\$\{\w+:\?", str(value)), f"{name}: {variable} must come from .env"


def test_compose_hands_every_setting_on() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    handed_on, to_portal = (
        {name for name in services[which]["environment"] if name.startswith("HYDRANTS_")}
        for which in ("worker", "portal")
    )
    of_portal = {
        f"HYDRANTS_{name.upper()}"
        for name in Settings.model_fields
        if name.startswith(("accounts_", "portal_", "session_", "audit_", "oidc_"))
    }
    assert len(of_portal) == 11
    # the portal has no other way into the store than the one that only reads
    assert to_portal - of_portal == {"HYDRANTS_SITE", "HYDRANTS_TILES_URL", "HYDRANTS_TILES_ATTRIBUTION"}
    assert of_portal <= to_portal
    assert not of_portal & handed_on
    # Airflow's pools stand in for workers; deelgemeenten are one more file, to be mounted by who has one
    left_out = {"HYDRANTS_WORKERS", "HYDRANTS_DEELGEMEENTEN"}
    of_airflow = {"HYDRANTS_WRITERS"}  # the size of a pool
    known = {f"HYDRANTS_{name.upper()}" for name in Settings.model_fields}
    assert handed_on - of_airflow == known - left_out - of_portal


@pytest.mark.parametrize("name", ["uv", "", "dev", "celery"])
def test_requirements_are_pinned_by_hash_and_name_no_index(name: str) -> None:
    text = (ROOT / "-".join(filter(None, ["requirements", name]))).with_suffix(".txt").read_text("utf-8")
    pins = re.findall(r"^([a-z0-9][\w.-]*)(?:\[[\w,-]+\])?==", text, flags=re.MULTILINE)
    assert pins
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert len(entries) == len(pins)
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert "--find-links" not in text
