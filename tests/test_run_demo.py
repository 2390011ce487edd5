"""What `make run` does, as its user sees it: a program that prints a table and ends with 0 or not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def _run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # nothing of the tests' own Airflow, whose settings are in the environment by now
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "HYDRANTS"))
    }
    command = [sys.executable, "scripts/run_demo.py", "--dir", str(directory), *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=clean | {"COLUMNS": "100"}, capture_output=True, text=True, check=False
    )


def test_it_prints_the_table_the_times_and_the_page(tmp_path: Path) -> None:
    done = _run(tmp_path, "--scale", "0.02", "--seed", "1")

    assert done.returncode == 0, done.stdout + done.stderr
    for dag_id in ("register_refresh", "inspections_nightly", "progress_publish", "rounds_plan"):
        assert re.search(rf"^{dag_id} +success +[\d.]+ s$", done.stdout, flags=re.MULTILINE)
    (line,) = re.findall(r"De Watergroep .*", done.stdout)
    registered, checked, failed, remaining = map(int, re.findall(r"\d+", line))
    assert registered == 318
    assert checked + remaining == registered
    assert 0 < failed < checked
    times = dict(re.findall(r"^ ?(\w[\w' ]*?) +([\d.]+) *$", done.stdout, flags=re.MULTILINE))
    stages = ["landing", "reading", "validation", "geocoding", "matching", "publishing", "planning"]
    assert [name for name in times if name in stages] == stages
    assert sum(float(times[stage]) for stage in stages) < float(times["in all"])
    assert Path(re.findall(r"^Page: (.*)$", done.stdout, flags=re.MULTILINE)[0]).is_file()

    other = _run(tmp_path, "--scale", "0.02", "--seed", "2")
    assert other.returncode == 2
    assert "seed 1, scale 0.02" in other.stderr


def test_it_ends_with_an_error_when_a_dag_fails(tmp_path: Path) -> None:
    (tmp_path / "demo.env").touch()  # as if a world were here
    done = _run(tmp_path)

    assert done.returncode == 1
    assert "ReferenceMissing" in done.stdout
    assert "register_refresh failed" in done.stdout
    assert "De Watergroep" not in done.stdout
