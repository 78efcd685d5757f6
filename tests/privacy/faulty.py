"""A server in which things fail, each with the whole request in the error's message.

    python -m tests.privacy.faulty DATA KEY_DIR

It is put together as `compose` does it, with a country database and pages that quote what they
choke on, as libraries do. `PAGES` are the paths of the pages.
"""

import asyncio
import contextlib
import logging
import sys
import time
import warnings
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from collector import log
from collector.anonymise import TrustedProxies
from collector.app import Application, Intake
from collector.control import Control
from collector.geo import Countries
from collector.ingest import Ingest
from collector.journal import Journal
from collector.keys import KeyStore
from collector.server import listen, serve
from collector.serving.shortcuts import ShortCuts
from collector.statement import Statement

_FLOOD_LIMIT = 1_000_000


class _QuotingCountries(Countries):
    """Fails for every address, and names it."""

    __slots__ = ()

    def country(self, address: str) -> str:
        raise LookupError(f"no record of {address}")


def _quoted(request: Request) -> str:
    return f"{request.client} asked {request.url} with {request.headers.raw}"


async def _page(request: Request) -> Response:
    try:
        _page_in_a_thread(request)
    except ValueError as error:
        raise RuntimeError(f"{await request.body()!r} of {_quoted(request)}") from error
    return PlainTextResponse("never sent")


def _page_in_a_thread(request: Request) -> Response:
    raise ValueError(_quoted(request))


async def _forgotten_task(request: Request) -> Response:
    async def fail() -> None:
        raise OSError(_quoted(request))

    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    return PlainTextResponse("asyncio finds out later")


async def _careless_logs(request: Request) -> Response:
    quoted = _quoted(request)
    logging.getLogger("library").error("bad request: %s", quoted)
    logging.getLogger("gatecount.careless").error(quoted)
    logging.getLogger("gatecount.careless").error("refused_it", extra={"peer": quoted})
    logging.getLogger("gatecount.careless").debug("saw %s", quoted)
    warnings.warn(f"odd: {quoted}", stacklevel=1)
    return PlainTextResponse("logged")


PAGES = {
    "/page": _page,
    "/page-in-a-thread": _page_in_a_thread,
    "/forgotten-task": _forgotten_task,
    "/careless-logs": _careless_logs,
}


def _never(_: str) -> Statement:
    raise AssertionError


def main(data: Path, key_dir: Path) -> None:
    """Serve until a signal."""
    log.set_up("debug")
    bound = listen("127.0.0.1", 0)
    print(f"Taking events on http://127.0.0.1:{bound.getsockname()[1]}/", flush=True)
    trusted = TrustedProxies.parse(["127.0.0.1"])
    journal = Journal(data / "journal", time.time, log.report_fault)
    with (
        closing(Control.open(data / "control.sqlite")) as control,
        closing(KeyStore.open(key_dir)) as keys,
    ):
        ingest = Ingest(
            journal=journal,
            keys=keys,
            countries=_QuotingCountries(None),
            trusted=trusted,
            clock=time.time,
            flood_limit=_FLOOD_LIMIT,
            daily_limit=_FLOOD_LIMIT,
            allow_third_party=False,
        )
        intake = Intake(ingest=ingest, journal=journal, control=control, keys=keys, clock=time.time)

        @contextlib.asynccontextmanager
        async def lifespan(_: ASGIApp) -> AsyncIterator[None]:
            async with intake.running():
                yield

        app = Application(
            ingest=ingest,
            mounts=(),
            trusted=trusted,
            statement=_never,
            troubles=list,
            editors_routes=[Route(path, page) for path, page in PAGES.items()],
            lifespan=lifespan,
        )
        serve(app, bound, ShortCuts(takers=app.takers))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
