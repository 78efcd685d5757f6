"""uvicorn with the limits it lacks: nobody can hold a connection or memory for free."""

import asyncio
import gc
import logging
import resource
import signal
import socket
from types import FrameType
from typing import Any

import uvicorn

from collector.serving.connection import MOST_FILES, Connection
from collector.serving.shortcuts import ShortCuts

_LOG = logging.getLogger("gatecount.server")
SHUTDOWN_TIMEOUT_S = 5
_BACKLOG = 4096
FILES_KEPT_FREE = 256  # of those that may be open: for chunks, databases, answers to the keeper
# With the defaults, collections of many live objects made the slowest requests wait 70 ms.
_GC_THRESHOLDS = (50_000, 50, 1_000)
_NO_SHORT_CUTS = ShortCuts()


class Server(uvicorn.Server):
    """Closes overdue connections once a second, and ends by returning."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's
        """Stop; at a second Ctrl-C at once.

        uvicorn's own raises the signal once more at the end, which would leave files open.
        """
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Do what was put off, at uvicorn's ticks of 0.1 s; sweep on every tenth."""
        Connection.tick()
        if counter % 10 == 0:
            now_s = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection) and connection.is_overdue(now_s):
                    _hang_up(connection.transport)
            if Connection.shed:
                _LOG.warning("connections_shed", extra={"count": Connection.shed})
                Connection.shed = 0
        return await super().on_tick(counter)


def _hang_up(transport: asyncio.Transport) -> None:
    """Close a connection; what its client does not take in would keep it open for ever."""
    if transport.get_write_buffer_size():
        transport.abort()
    else:
        transport.close()


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket; raise OSError with the address in it when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except (OSError, TypeError) as error:  # the latter of a name that cannot be encoded
        bound.close()
        why = error.strerror if isinstance(error, OSError) else "no host name"
        raise OSError(getattr(error, "errno", 0), f"{host}:{port}: {why}") from None
    bound.set_inheritable(True)
    return bound


def _allowed_connections() -> int:
    """Let this process open as many files as it may; return how many can be connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(1, most - FILES_KEPT_FREE)


def serve(
    app: Any,  # noqa: ANN401 - any ASGI application
    bound: socket.socket,
    short_cuts: ShortCuts = _NO_SHORT_CUTS,
) -> bool:
    """Serve an application on a bound socket until a signal; False when it could not start."""
    config = uvicorn.Config(
        app,
        http=Connection,
        loop="uvloop",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
    )
    server = Server(config)
    Connection.short_cuts = short_cuts
    Connection.most_connections = _allowed_connections()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    server.run(sockets=[bound])
    return server.started
