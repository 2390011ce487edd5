"""The site, measured: how fast it is written, how heavy its pages are, and how fast the portal hands it out.

Writing: all files of a snapshot, at several sizes. Looking: pages of the largest gemeente in Chromium, its
processor slowed down four times, over the portal, which compresses. Handing out: `wrk` with 32 connections on
the portal, which looks at the session each time, and on nginx with the same files, which lets anybody in.
What is not installed (chromium, wrk, nginx) is left out, and said.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from scripts.night_bench.apart import taken_by
from scripts.night_bench.report import Report, machine, write_page

_HYDRANTS_OF_SCALE_1 = 19_700
_SLOWED = 4
_CONNECTIONS = 32
_SECONDS = 10
_ROUNDS = 3
_CHROMIUM = ("--no-sandbox", "--disable-gpu")
_WATCH_LONG_TASKS = """
window.longTasksEnd = 0;
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries())
    longTasksEnd = Math.max(longTasksEnd, startTime + duration);
}).observe({ type: "longtask", buffered: true });
"""
_PAINTED = """
() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()), 0)))
"""

# started as root, its worker would be somebody who may not read the folders; otherwise it stays who it is
_NGINX = """
user root; worker_processes 1; daemon off; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
  types {{ text/html html; text/javascript js; text/css css; }}
  gzip on; gzip_comp_level 6; gzip_min_length 500; gzip_types text/javascript text/css;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  server {{ listen 127.0.0.1:{port}; root {site}; }}
}}
"""


def main() -> None:
    """Measure, print the tables, and write the page that was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[16_000, 300_000], help="registered hydrants")
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument("--markdown", type=Path, help="page to write")
    asked = parser.parse_args()
    report = Report(Console(width=None if sys.stdout.isatty() else 150))
    report.console.print(machine(), markup=False, highlight=False)
    with tempfile.TemporaryDirectory(prefix="hydrants-site-") as name:
        places = [Path(name) / str(size) for size in asked.sizes]
        written = [_written(place, size, asked.seed) for place, size in zip(places, asked.sizes, strict=True)]
        report.add("Writing the site of a snapshot, one process", written)
        with portal(places[0]) as (address, cookie):
            _look(report, places[0], address, cookie)
            _hand_out(report, places[0], address, cookie)
    if asked.markdown:
        write_page(asked.markdown, "The site", Path(__file__).name, __doc__ or "", report.tables)


def _written(home: Path, hydrants: int, seed: int) -> dict[str, Any]:
    world = taken_by(_night, home, hydrants / _HYDRANTS_OF_SCALE_1, seed).result
    taken = taken_by(_write_site, home)
    site = home / "site" / "current"
    files = [path for path in site.rglob("*") if path.is_file()]
    return {
        "hydrants": world["hydrants"],
        "seconds": taken.seconds,
        "ms per 1 000": 1e6 * taken.seconds / world["hydrants"],
        "peak MB": taken.peak_mb,
        "files": len(files),
        "MB": sum(path.stat().st_size for path in files) / 1e6,
    }


def _environment(home: Path) -> dict[str, str]:
    text = (home / "demo.env").read_text(encoding="utf-8")
    given = dict(re.findall(r"^(HYDRANTS_\w+)='?(.*?)'?$", text, flags=re.MULTILINE))
    return {
        **given,
        "HYDRANTS_ACCOUNTS_URL": f"sqlite:///{home / 'accounts.sqlite'}",
        "HYDRANTS_UPLOAD_STABLE_S": "0",
        "HYDRANTS_WORKERS": "1",
    }


def _night(home: Path, scale: float, seed: int) -> dict[str, Any]:
    """A made-up world with as many hydrants, after one night."""
    from hydrants import demo, night, publishing, store
    from hydrants.settings import Settings

    demo.write(home, seed=seed, scale=scale)
    os.environ.update(_environment(home))
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    with night.opened(settings) as engine:
        night.whole_night(engine, settings)
        with store.read(engine) as connection:
            lines = publishing.progress(connection)
    return {"hydrants": sum(line["registered"] for line in lines if line["nis"] is not None)}


def _write_site(home: Path) -> dict[str, Any]:
    """Write the folder of the current snapshot once more."""
    os.environ.update(_environment(home))
    from hydrants import publishing, store
    from hydrants.settings import Settings

    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    folder = (settings.site / "current").resolve()
    shutil.rmtree(folder)
    return publishing.run(store.create_engine(settings.database_url), settings)


@contextmanager
def portal(home: Path) -> Iterator[tuple[str, str]]:
    """The portal as a process; its address, and the cookie of somebody who may see all."""
    environment = {**os.environ, **_environment(home), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "hydrants.cli", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None  # noqa: S101
        link = next(found[0] for line in process.stdout if (found := re.findall(r"http://127\S+", line)))
        try:
            yield link[: link.index("/", 8)], _cookie(link)
        finally:
            process.terminate()


def _cookie(link: str) -> str:
    """Come in by the one-time link, as its page's only button does."""
    import httpx

    with httpx.Client() as client:
        page = client.get(link).text
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        client.post(link, data=fields, headers={"Origin": link[: link.index("/", 8)]})
        return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def _largest(home: Path) -> str:
    """The gemeente with the most hydrants, by the size of its data."""
    pages = (home / "site" / "current").glob("[0-9]*/hydrants.js")
    return max(pages, key=lambda path: path.stat().st_size).parent.name


def _look(report: Report, home: Path, address: str, cookie: str) -> None:
    """The largest gemeente's page in a slow browser: bytes over the wire, and until it can be used."""
    executable = shutil.which("chromium")
    if executable is None or importlib.util.find_spec("playwright") is None:
        report.console.print("no chromium here, or no playwright: looking is left out")
        return
    from playwright.sync_api import sync_playwright

    rows = []
    nis = _largest(home)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*_CHROMIUM])
        for page_name in (
            "index.html",
            f"{nis}/index.html",
            f"{nis}/hydrant.html",
            "zones/westhoek/index.html",
        ):
            taken = [_seen(browser, f"{address}/current/{page_name}", cookie) for _ in range(_ROUNDS)]
            taken.sort(key=lambda one: one["usable ms"])
            rows.append({"page": page_name, **taken[len(taken) // 2]})
        browser.close()
    report.add(f"Looking, the processor slowed {_SLOWED} times, medians of {_ROUNDS}", rows)


def _seen(browser: Any, address: str, cookie: str) -> dict[str, Any]:
    """One visit without a cache.

    Usable: the page's own scripts have run, its last long task is over, and it has been painted since.
    """
    context = browser.new_context(
        extra_http_headers={"Cookie": cookie}, viewport={"width": 360, "height": 740}
    )
    page = context.new_page()
    session = context.new_cdp_session(page)
    received = {"bytes": 0}
    session.on(
        "Network.loadingFinished",
        lambda event: received.update(bytes=received["bytes"] + event["encodedDataLength"]),
    )
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWED})
    page.add_init_script(_WATCH_LONG_TASKS)
    page.goto(address, wait_until="load")
    painted = page.evaluate(_PAINTED)
    loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    page.wait_for_timeout(500)
    busy = page.evaluate("longTasksEnd")
    context.close()
    return {
        "kB over the wire": received["bytes"] / 1e3,
        "loaded ms": loaded,
        "usable ms": max(loaded, busy),
        "painted again ms": painted,
    }


def _hand_out(report: Report, home: Path, address: str, cookie: str) -> None:
    """Requests per second and latency, portal and nginx by turns."""
    missing = [name for name in ("wrk", "nginx") if shutil.which(name) is None]
    if missing:
        report.console.print(f"not installed: {', '.join(missing)}; handing out is left out")
        return
    nis = _largest(home)
    rows = []
    with nginx(home) as plain:
        for page_name in (f"{nis}/index.html", f"{nis}/hydrants.js", "page/page.css"):
            for who, where in (("nginx, 1 worker", plain), ("portal, 1 process", address)):
                best = [_load(f"{where}/current/{page_name}", cookie) for _ in range(_ROUNDS)]
                best.sort(key=lambda one: one["requests/s"])
                rows.append({"file": page_name, "server": who, **best[len(best) // 2]})
    report.add(f"Handing out, {_CONNECTIONS} connections, gzip, medians of {_ROUNDS}", rows)


def _load(address: str, cookie: str) -> dict[str, Any]:
    command = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{_SECONDS}s", "--latency"]
    headers = ["-H", f"Cookie: {cookie}", "-H", "Accept-Encoding: gzip"]
    command += [*headers, address]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    p50, p99 = (re.search(rf"{share}%\s+([\d.]+)(us|ms|s)", said) for share in (50, 99))
    if rate is None or p50 is None or p99 is None or "Non-2xx" in said:
        raise RuntimeError(f"wrk on {address}:\n{said}")
    in_ms = {"us": 1e-3, "ms": 1.0, "s": 1e3}
    return {
        "requests/s": float(rate[1]),
        "p50 ms": float(p50[1]) * in_ms[p50[2]],
        "p99 ms": float(p99[1]) * in_ms[p99[2]],
    }


@contextmanager
def nginx(home: Path) -> Iterator[str]:
    """nginx with the same files, compressed by itself at each request; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = home / "nginx"
    folder.mkdir(exist_ok=True)
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(home=folder, port=port, site=home / "site"), encoding="utf-8")
    command = ["nginx", "-c", str(config), "-p", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(100):
                try:
                    urllib.request.urlopen(f"{address}/state.js").close()  # noqa: S310
                    break
                except OSError:
                    time.sleep(0.1)
            yield address
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
