"""The portal as a process: a socket, uvicorn, and an end when it is asked to."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

import uvicorn

from hydrants.portal import app, tables
from hydrants.portal.house import House
from hydrants.settings import Settings

_GRACE_S = 10


def serve(settings: Settings, host: str, port: int, *, proxies: str, ready: Callable[[str], None]) -> None:
    """Answer requests until SIGTERM or SIGINT.

    Args:
        port: 0: any that is free.
        proxies: addresses, with commas, whose X-Forwarded-For and -Proto are believed; empty: nobody's.
        ready: is told the address once connections are taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        tables.opened(settings.accounts_url) as engine,
        socket.create_server((host, port), family=family, backlog=2048) as listening,
    ):
        house = House(settings, engine)
        config = uvicorn.Config(
            app.create(house),
            access_log=False,  # one-time links would stand in it; the portal has a log of its own
            log_level="warning",
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies or None,
            timeout_graceful_shutdown=_GRACE_S,
            ws="none",
        )
        server = uvicorn.Server(config)

        def stop(*_: object) -> None:
            server.should_exit = True

        # uvicorn passes on what ended it, once it has ended: that is no failure; it may also be asked to end
        # before it has begun
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        shown = f"[{host}]" if family == socket.AF_INET6 else host
        ready(f"http://{shown}:{listening.getsockname()[1]}")
        server.run(sockets=[listening])
        house.close()
