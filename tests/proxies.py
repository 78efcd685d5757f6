"""Caddy and nginx from Debian with the snippets of deploy/, in front of a real server.

    with caddy(folder, Upstreams(serve=server.port, ingest=0)) as proxy:
        proxy.ask("GET", "example.com", "/count/beacon.js")

What is changed of a snippet is what a test has otherwise than an operator: ports, certificate, and
what the site has for itself: a page `/about` and an access log. A host `stats.example.org` is set
up as the one beside the site is, with nobody behind it.
"""

import contextlib
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.serving import REQUEST_TIMEOUT_S, ROOT, STOP_DEADLINE_S, Answer, own_port, wait_until

SITE, BESIDE, DEAD = "example.com", "stats.example.com", "stats.example.org"
VISITOR = "127.83.64.5"  # all of 127.0.0.0/8 is this machine
_GLOBAL_BLOCK = re.compile(r"^\{\n.*?^\}\n", re.MULTILINE | re.DOTALL)
_CLOSED_PORT = 1  # tcpmux: nobody listens there


@dataclass(frozen=True, slots=True)
class Upstreams:
    """The ports of the two kinds of server."""

    serve: int
    ingest: int

    def put_into(self, text: str) -> str:
        """Return a configuration with these instead of the usual ones."""
        return text.replace(":8000", f":{self.serve}").replace(":8001", f":{self.ingest}")


@dataclass(frozen=True)
class Proxy:
    """A running proxy, and the folder with all that it writes."""

    port: int
    folder: Path

    def ask(
        self,
        method: str,
        host: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        visitor: str = VISITOR,
    ) -> Answer:
        """Send one request over TLS, from an address of this machine's."""
        connection = http.client.HTTPConnection(host)
        raw = socket.create_connection(
            ("127.0.0.1", self.port), REQUEST_TIMEOUT_S, source_address=(visitor, 0)
        )
        with _trusting().wrap_socket(raw, server_hostname=host) as connection.sock:
            connection.request(method, path, body or None, dict(headers or {}))
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, told, response.read())

    def written(self) -> bytes:
        """Return all it wrote anywhere, its configuration apart."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return b"".join(path.read_bytes() for path in files)


def snippet(name: str) -> str:
    """Return a file of deploy/."""
    return (ROOT / "deploy" / name).read_text(encoding="utf-8")


@contextlib.contextmanager
def caddy(folder: Path, upstreams: Upstreams) -> Iterator[Proxy]:
    """Run Caddy with both snippets."""
    port, (made, key) = own_port(), _certificate(folder)
    below, beside = snippet("Caddyfile.path"), snippet("Caddyfile.host")
    (options,) = _GLOBAL_BLOCK.findall(below)
    assert _GLOBAL_BLOCK.findall(beside) == [options]
    site = f'log {{\noutput file "{folder}/out/site.log"\n}}\nrespond /about "about"'
    blocks = {
        SITE: _without(options, below).replace("# What your site has stays here.", site),
        BESIDE: _without(options, beside),
        DEAD: _without(options, beside).replace(BESIDE, DEAD),
    }
    ours = f"{{\nadmin off\nauto_https off\nhttps_port {port}\ndefault_bind 127.0.0.1"
    texts = [options.replace("{", ours, 1)]
    for host, block in blocks.items():
        live = _dead(block) if host == DEAD else upstreams.put_into(block)
        texts.append(live.replace(f"\n{host} {{\n", f"\n{host} {{\ntls {made} {key}\n", 1))
    text = "\n".join(texts).replace("health_interval 1s", "health_interval 100ms")
    (folder / "Caddyfile").write_text(text, encoding="utf-8")
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    with _running(command, folder, port) as proxy:
        yield proxy


@contextlib.contextmanager
def nginx(folder: Path, upstreams: Upstreams) -> Iterator[Proxy]:
    """Run nginx with all three files."""
    port, (made, key) = own_port(), _certificate(folder)
    certified = f"ssl_certificate {made};\nssl_certificate_key {key};"
    listening = f"listen 127.0.0.1:{port} ssl;"
    beside = re.sub(r"(?m)^ *listen \[.*|^ *ssl_certificate.*", "", snippet("nginx-host.conf"))
    beside = re.sub(r"listen 443 ssl;", f"{listening}\n{certified}", beside)
    behind = snippet("nginx-upstreams.conf").replace("fail_timeout=5s", "fail_timeout=1s")
    out = folder / "out"
    text = f"""
        daemon off;
        master_process off;
        pid {folder}/nginx.pid;
        error_log stderr;
        events {{ worker_connections 256; }}
        http {{
            access_log off;
            client_body_temp_path {out}/body;
            proxy_temp_path {out}/proxy;
            fastcgi_temp_path {out}/fastcgi;
            scgi_temp_path {out}/scgi;
            uwsgi_temp_path {out}/uwsgi;
            {upstreams.put_into(behind)}
            {_dead(_renamed(behind))}
            server {{
                {listening}
                {certified}
                server_name {SITE};
                access_log {out}/site.log;
                location = /about {{ return 200 "about"; }}
                {snippet("nginx-path.conf")}
            }}
            {beside}
            {_renamed(beside).replace(BESIDE, DEAD)}
        }}
    """
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    with _running(["nginx", "-c", str(folder / "nginx.conf")], folder, port) as proxy:
        yield proxy


PROXIES = {"caddy": caddy, "nginx": nginx}


def _without(options: str, snippet: str) -> str:
    return snippet.replace(options, "")


def _dead(text: str) -> str:
    return Upstreams(_CLOSED_PORT, _CLOSED_PORT).put_into(text)


def _renamed(text: str) -> str:
    """Return nginx's configuration with names of upstreams of its own."""
    return re.sub(r"(upstream |http://)gatecount", r"\1dead", text)


@contextlib.contextmanager
def _running(command: Sequence[str], folder: Path, port: int) -> Iterator[Proxy]:
    """Run a proxy until it is told to stop; it has no home but the folder."""
    places = {name: str(folder) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    path = f"{os.environ['PATH']}:/usr/sbin"  # where Debian has nginx
    program = shutil.which(command[0], path=path)
    assert program, f"{command[0]} is missing: apt-get install {command[0]}"
    with (folder / "out" / "said.log").open("wb") as said:
        process = subprocess.Popen(
            [program, *command[1:]],
            env={"PATH": path, **places},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        try:
            wait_until(lambda: process.poll() is not None or _answers(port), command[0])
            assert process.poll() is None, (folder / "out" / "said.log").read_text()
            yield Proxy(port, folder / "out")
        finally:
            process.terminate()
            process.wait(STOP_DEADLINE_S)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Make a throw-away certificate and its key."""
    (folder / "out").mkdir(parents=True)
    made, key = folder / "certificate.pem", folder / "key.pem"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = f"subjectAltName=DNS:{SITE},DNS:{BESIDE},DNS:{DEAD}"
    files = ["-keyout", str(key), "-out", str(made)]
    subprocess.run(
        ["openssl", "req", "-x509", *kind, "-subj", "/CN=test", "-addext", names, *files],
        check=True,
        capture_output=True,
    )
    return made, key


def _trusting() -> ssl.SSLContext:
    """Believe any certificate: these are not what is tested."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
