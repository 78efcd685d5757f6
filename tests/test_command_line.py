"""The command line, by its commands and by processes that run for real."""

import contextlib
import json
import logging
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import duckdb
import pyotp
import pytest
from typer.testing import CliRunner, Result

from collector import config
from collector.__main__ import cli
from collector.control import Control
from collector.people.accounts import Accounts, Role
from collector.people.factors import Codes
from collector.people.links import Links, Purpose
from collector.people.logins import Logins
from collector.people.trail import Trail
from collector.session import Session
from collector.terminal import errors_told
from tests.mailserver import Inbox, free_port, mail_server
from tests.people import admit, token_of
from tests.serving import (
    DEADLINE_S,
    SITE,
    START_DEADLINE_S,
    Installation,
    Server,
    installation,
    pageview,
    wait_until,
)

SECOND = "example.org"


class Command(Protocol):
    """Runs a command in this process."""

    def __call__(self, *arguments: str, typed: str = "", **environment: str) -> Result:
        """Return what came of it; `typed` is standard input."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where the data directory is going to be."""
    return tmp_path / "data"


@pytest.fixture
def gatecount(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Run commands on a data directory; what they do to their process is undone afterwards."""
    for name in [name for name in os.environ if name.startswith("GATECOUNT_")]:
        monkeypatch.delenv(name)
    # A hard limit, which this process would pass on to all that it starts.
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr("collector.terminal._shut_memory", lambda: None)
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    root, ours = logging.getLogger(), logging.getLogger("gatecount")
    lasting = [h for h in root.handlers if not type(h).__module__.startswith("_pytest")]
    levels = root.level, ours.level
    umask = os.umask(0o077)

    def run(*arguments: str, typed: str = "", **environment: str) -> Result:
        return CliRunner().invoke(
            cli, ["--data", str(data), *arguments], input=typed, env=environment
        )

    try:
        yield run
    finally:
        os.umask(umask)
        logging.captureWarnings(capture=False)
        root.handlers = lasting
        root.level, ours.level = levels


def told(result: Result) -> str:
    """Return the message a command stopped with."""
    assert result.exit_code == 1, result
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.stdout == ""
    assert result.stderr.startswith("gatecount: ")
    return result.stderr.removeprefix("gatecount: ").strip()


def test_a_test_mail_says_what_came_of_it(gatecount: Command) -> None:
    """Taken, refused, nobody there, or switched off."""
    inbox, port, reader = Inbox(), free_port(), "editor@example.com"
    options = {
        "GATECOUNT_SMTP_HOST": "127.0.0.1",
        "GATECOUNT_SMTP_PORT": str(port),
        "GATECOUNT_SMTP_TLS": "none",
        "GATECOUNT_MAIL_FROM": "gatecount@example.com",
        "GATECOUNT_DASHBOARD_URL": "https://stats.example.com/",
    }
    with mail_server(inbox, port):
        taken = gatecount("mail-test", reader, **options)
        inbox.refuses[reader] = "550 5.1.1 no such mailbox"
        refused = gatecount("mail-test", reader, **options)
    assert f"The server took the mail to {reader}." in taken.stdout
    assert "refused the recipient: 550 5.1.1 no such mailbox" in refused.stderr
    assert refused.exit_code == 1
    nobody = gatecount("mail-test", reader, **options)
    assert f"Cannot connect to 127.0.0.1, port {port}: Connection refused" in nobody.stderr
    assert told(gatecount("mail-test", reader)) == "smtp_host is not set: mails are off"
    assert inbox.recipients == [reader]


def test_a_site_is_added_listed_and_removed(gatecount: Command) -> None:
    """Its snippet is shown, ready to be pasted; times are the site's own."""
    assert gatecount("site", "list").stdout == (
        "No site yet. Add one: gatecount site add example.com\n"
    )
    added = gatecount("site", "add", "https://www.Example.com/", "--timezone", "europe/berlin")
    assert added.exit_code == 0
    assert "example.com is registered (Europe/Berlin)." in added.stdout
    snippet = '<script defer src="https://example.com/count/beacon.js"></script>'
    assert added.stdout.splitlines()[-1].strip() == snippet
    assert gatecount("site", "add", "example.org").exit_code == 0
    rows = [line.split() for line in gatecount("site", "list").stdout.splitlines()]
    assert [row[:2] for row in rows[1:]] == [
        ["example.com", "Europe/Berlin"],
        ["example.org", "UTC"],
    ]
    removed = gatecount("site", "remove", "example.com", "--yes")
    assert removed.exit_code == 0
    assert removed.stdout.startswith("example.com is not counted any more.")
    assert "example.com" not in gatecount("site", "list").stdout


def test_the_snippet_has_the_address_of_the_configuration(gatecount: Command) -> None:
    """Where a public URL belongs to the site."""
    urls = {"GATECOUNT_PUBLIC_URL": "https://stats.example.com/"}
    assert (
        'src="https://stats.example.com/beacon.js"'
        in gatecount("site", "add", "example.com", **urls).stdout
    )
    assert (
        'src="https://example.org/count/beacon.js"'
        in gatecount("site", "add", "example.org", **urls).stdout
    )


def test_how_long_a_site_keeps_its_numbers_is_set(gatecount: Command, data: Path) -> None:
    """After being asked once more, since older ones go at once; owners can read it."""
    gatecount("site", "add", SITE)
    assert "25 months" in gatecount("site", "list").stdout
    asked = gatecount("site", "retention", SITE, "12", typed="n\n")
    assert "older than 12 months, for good?" in asked.output
    assert "25 months" in gatecount("site", "list").stdout
    assert gatecount("site", "retention", SITE, "12", "--yes").exit_code == 0
    assert "12 months" in gatecount("site", "list").stdout
    assert "kept for 1 month." in gatecount("site", "retention", SITE, "1", "--yes").stdout
    assert told(gatecount("site", "retention", SITE, "0", "--yes")).startswith("numbers are kept")
    assert told(gatecount("site", "retention", "example.co", "9", "--yes")).startswith("there is")
    with contextlib.closing(Control.open(data / "control.sqlite")) as control:
        found = [(each.who, each.about) for each in Trail(control).of(1, with_all=False)]
    assert found == [("", f"numbers are kept for {kept}") for kept in ("1 month", "12 months")]


def test_a_new_data_directory_is_told_of(gatecount: Command, data: Path) -> None:
    """Whoever stands in another folder than the server registers a site for nobody, else unseen."""
    added = gatecount("site", "add", SITE)
    assert added.stderr == (
        f"gatecount: {data} is new: a server on another data directory knows nothing of it\n"
    )
    assert gatecount("site", "add", SECOND).stderr == ""


def test_nobody_is_asked_about_what_cannot_be_done(gatecount: Command) -> None:
    """A typing error is told at once, not after an anxious yes."""
    gatecount("site", "add", SITE)
    for command, expected in (
        (("site", "remove", "example.co"), "there is"),
        (("site", "retention", "example.co", "9"), "there is"),
        (("site", "retention", SITE, "0"), "numbers are kept for 1 to"),
    ):
        answer = gatecount(*command)
        assert told(answer).startswith(expected), command
        assert "for good?" not in answer.output


def test_the_doctor_says_what_is_wrong_by_its_exit_code(
    gatecount: Command, ram: Path, tmp_path: Path
) -> None:
    """And in a table of all that was looked at."""
    gatecount("site", "add", SITE)
    well = gatecount("doctor", "--key-dir", str(ram / "keys"))
    assert (well.exit_code, "NOT WELL" in well.stdout) == (0, False)
    assert "day keys in RAM" in well.stdout
    asked = ("--peer", "192.0.2.77", "--forwarded-for", "203.0.113.7")
    ill = gatecount("doctor", "--key-dir", str(tmp_path / "keys"), *asked)
    assert ill.stdout.count("192.0.2.77") == 2  # a stranger's word is not believed
    assert (ill.exit_code, ill.stdout.count("NOT WELL")) == (1, 1)


def test_the_audit_prints_what_it_looked_at(gatecount: Command, data: Path) -> None:
    """With counts; the exit code says whether anything was found."""
    gatecount("site", "add", SITE)
    clean = gatecount("audit", str(data))
    assert (clean.exit_code, "LEAK" in clean.stdout) == (0, False)
    assert clean.stdout.startswith("gatecount 0.1.0 looked through")
    (data / "access.log").write_text("198.51.100.213")
    told_of = gatecount("audit", str(data))
    assert (told_of.exit_code, told_of.stdout.count("1 LEAKS")) == (1, 1)
    checks = len(re.findall(r"^(?:ok|1 LEAKS) +P\d+ ", clean.stdout, re.MULTILINE))
    assert f"\n{checks} checks, none of them failed.\n" in clean.stdout
    assert f"\n{checks} checks, 1 of them failed.\n" in told_of.stdout
    assert "198.51" not in told_of.stdout
    assert told(gatecount("audit", str(data / "nowhere"))).endswith("it has no control.sqlite")


def test_removing_a_site_is_asked_for_once_more(gatecount: Command) -> None:
    """Because its numbers are gone for good."""
    gatecount("site", "add", SITE)
    asked = gatecount("site", "remove", SITE, typed="n\n")
    assert "Delete all numbers of example.com, for good?" in asked.output
    assert asked.exit_code == 1
    assert SITE in gatecount("site", "list").stdout
    assert gatecount("site", "remove", SITE, typed="y\n").exit_code == 0
    assert gatecount("site", "list").stdout.startswith("No site yet.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", SITE], "example.com is a site already"),
        (["add", "exa mple"], "'exa mple' cannot be a site: write a host name such as example.com"),
        (["add", "example.org/blog"], "'example.org/blog' cannot be a site: write example.org"),
        (
            ["add", "example.org", "--timezone", "Berlin"],
            "'Berlin' is no time zone: did you mean Europe/Berlin",
        ),
        (
            ["remove", "example.co", "--yes"],
            "there is no site example.co: did you mean example.com?",
        ),
    ],
)
def test_what_cannot_be_done_is_explained(
    gatecount: Command, arguments: list[str], message: str
) -> None:
    """With what to write instead; and nothing is changed."""
    gatecount("site", "add", SITE)
    before = gatecount("site", "list").stdout
    assert told(gatecount("site", *arguments)).startswith(message)
    assert gatecount("site", "list").stdout == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve", "--port", "x"], "port (flag) must be a whole number from 0 to 65535"),
        (["ingest", "--port", "70000"], "port (flag) must be a whole number from 0 to 65535"),
        (["serve", "--log-level", "loud"], "log_level (flag) must be one of debug, info,"),
        (["serve", "--trusted-proxies", "*"], "trusted_proxies (flag) must be IP addresses"),
        (["serve", "--trusted-proxies", "0.0.0.0/0"], "trusted_proxies (flag) must be IP"),
        (["serve", "--public-url", "example.com"], "public_url (flag) must be one or more addr"),
        (["serve", "--host", ""], "host (flag) must be an address such as 127.0.0.1"),
        (["demo", "--days", "3"], "--days, --sites and --seed need --events"),
        (["demo", "--events", "99", "--port", "0"], "--events builds and does not listen: leave"),
        (["demo", "--events", "99", "--days", "5"], "events must be a number from 100 to 10000000"),
    ],
)
def test_a_wrong_option_stops_the_start(
    gatecount: Command, data: Path, arguments: list[str], message: str
) -> None:
    """Before anything is touched."""
    assert told(gatecount(*arguments)).startswith(message)
    assert not data.exists()


def test_a_wrong_variable_or_file_stops_every_command(gatecount: Command, tmp_path: Path) -> None:
    """Also those that would not need it: it was meant to do something."""
    file = tmp_path / "gatecount.toml"
    file.write_text("prot = 1\n", encoding="utf-8")
    for command in (["serve"], ["ingest"], ["site", "list"], ["config", "show"]):
        variable = told(gatecount(*command, GATECOUNT_PROT="1"))
        assert variable.startswith("GATECOUNT_PROT (the environment) is no option; there are: ")
        named = told(gatecount(*command, GATECOUNT_CONFIG=str(file)))
        assert named.startswith(f"prot ({file}) is no option")
        named = told(gatecount("--config", str(file), *command))
        assert named.startswith(f"prot ({file}) is no option")


@pytest.mark.parametrize(
    "arguments",
    [["serve", "--prot", "1"], ["ingest", "--workers", "0"], ["start"], ["site", "add"]],
)
def test_a_wrong_command_line_is_a_usage_error(gatecount: Command, arguments: list[str]) -> None:
    """Exit code 2, as everywhere."""
    assert gatecount(*arguments).exit_code == 2


def test_a_port_that_is_taken_stops_the_start(gatecount: Command) -> None:
    """The message names address and port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        for command in ("serve", "ingest"):
            message = told(gatecount(command, "--port", port))
            assert message == f"cannot listen on 127.0.0.1:{port}: Address already in use"


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("203.0.113.7", "Cannot assign requested address"),
        ("a..b", ""),
        ("\u00fc" * 70, "no host name"),
    ],
)
def test_an_address_that_is_not_ours_stops_the_start(
    gatecount: Command, host: str, why: str
) -> None:
    """In the system's words."""
    message = told(gatecount("serve", "--host", host, "--port", "8123"))
    assert message.startswith(f"cannot listen on {host}:8123: {why}")
    assert "Unknown error" not in message


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["ingest", "--port", "0"],
                                     ["site", "list"], ["site", "add", SITE]])  # fmt: skip
@pytest.mark.parametrize("below", [False, True])
def test_a_data_directory_that_cannot_be_made_stops_the_start(
    gatecount: Command, data: Path, command: list[str], *, below: bool
) -> None:
    """Because a file is where it or its parent should be; the message names it."""
    data.write_text("")
    place = data / "below" if below else data
    result = gatecount("--data", str(place), *command)
    message = result.stderr.removeprefix("gatecount: ")
    assert result.exit_code == 1
    assert message.startswith(f"data: {place} cannot be made: ")


def test_backup_restore_and_export_say_what_is_in_the_way(
    gatecount: Command, tmp_path: Path
) -> None:
    """A sentence and exit code 1, no traceback."""
    target = str(tmp_path / "target")
    assert told(gatecount("backup", target)).endswith("it has no control.sqlite")
    assert told(gatecount("restore", target)).endswith("it has no backup.json")
    assert told(gatecount("export", target)).endswith("no server ever ran on it")
    assert told(gatecount("export", target, "--site", "a.example")).startswith("a.example is no")


def test_the_example_configuration_is_printed(gatecount: Command) -> None:
    """Nothing but it, to be sent to a file."""
    assert gatecount("config", "example").stdout == config.example()


def test_the_configuration_is_shown_with_each_origin(tmp_path: Path) -> None:
    """Every option, its value and where that came from."""
    file = tmp_path / "gatecount.toml"
    file.write_text('port = 8100\ntrusted_proxies = ["10.0.0.0/8"]\n', encoding="utf-8")
    command = ["--config", str(file), "--data", "/somewhere", "config", "show"]
    with installation(tmp_path) as here:
        shown = subprocess.run(
            [sys.executable, "-m", "collector", *command],
            env=here.environment(GATECOUNT_THREADS="3", COLUMNS="400"),
            capture_output=True, text=True, check=True, timeout=START_DEADLINE_S,
        )  # fmt: skip
    rows = {line.split()[0]: line for line in shown.stdout.splitlines()}
    assert list(rows) == ["option", *[option.name for option in config.OPTIONS]]
    for name, (value, origin) in {
        "data": ("/somewhere", "flag"),
        "port": ("8100", str(file)),
        "trusted_proxies": ("10.0.0.0/8", str(file)),
        "threads": ("3", "environment"),
        "host": ("127.0.0.1", "default"),
        "allow_third_party": ("false", "default"),
        "visitor_counts": ("false", "default"),
    }.items():
        assert re.match(rf"{name} +{re.escape(value)} +{re.escape(origin)} ", rows[name])
    for option in config.OPTIONS:
        assert f"{option.help} [{option.unit}]" in rows[option.name]


# What follows is a server that runs for real. Sealing and purging turn more often than usual.
_OFTEN = "from collector import keeper, __main__; keeper._SEAL_EVERY_S = 0.2; __main__.main()"


def often(here: Installation, *command: str) -> Sequence[str]:
    """Return a command that looks after the stores five times a second."""
    return (sys.executable, "-c", _OFTEN, "--data", str(here.data), *command, "--port", "0")


@dataclass(frozen=True)
class Running:
    """A `serve` for all tests, and how long it took to acknowledge its first event."""

    here: Installation
    server: Server
    first_202_s: float

    def counts(self, path: str, site: str = SITE, server: Server | None = None) -> bool:
        """Post a pageview, and tell whether it is in the journal."""
        before = self.journalled(path)
        headers = {"Host": site}
        answer = (server or self.server).post(pageview(path, site), headers)
        assert answer.status == 202
        return self.journalled(path) > before

    def journalled(self, path: str) -> int:
        """Return how many pageviews of a path are in the journal."""
        wanted = f'"path":"{path}"'.encode()
        chunks = (self.here.data / "journal").glob("*")
        return sum(chunk.read_bytes().count(wanted) for chunk in chunks)

    def wait_for(self, path: str, pageviews: int) -> None:
        """Return once the dashboard's numbers have so many pageviews of a page."""

        def found() -> int:
            rows = self.server.query(dimensions=["event:page"])
            return sum(row["metrics"][0] for row in rows if row["dimensions"] == [path])

        wait_until(lambda: found() == pageviews, f"{pageviews} pageviews of {path}")

    def control(self) -> contextlib.closing[Control]:
        """Open the control database beside the server."""
        return contextlib.closing(Control.open(self.here.data / "control.sqlite"))

    def add(self, site: str) -> None:
        """Register a site, as `site add` does."""
        add_site(self.here, site)


def add_site(here: Installation, site: str = SITE) -> None:
    """Register a site without a command."""
    here.data.mkdir(mode=0o700, exist_ok=True)
    with contextlib.closing(Control.open(here.data / "control.sqlite")) as control:
        control.add_site(site, "UTC", datetime.now(UTC))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run `serve` on a directory with one site."""
    with installation(tmp_path_factory.mktemp("cli")) as here:
        add_site(here)
        begun_s = time.monotonic()
        with here.serving(program=often(here, "serve")) as server:
            assert server.post(pageview("/first")).status == 202
            yield Running(here, server, time.monotonic() - begun_s)


def test_a_server_is_soon_ready(running: Running) -> None:
    """From the start of the process to the first event on disk."""
    print(f"start to first 202: {running.first_202_s:.2f} s")
    assert running.journalled("/first") == 1
    assert running.first_202_s < START_DEADLINE_S


def test_the_address_is_shown_and_how_to_make_the_first_account(running: Running) -> None:
    """But not how to add a site where there is one."""
    said = running.server.said()
    assert said.startswith(f"Dashboard  http://127.0.0.1:{running.server.port}/\n")
    assert f"\nSet up     http://127.0.0.1:{running.server.port}/links/" in said
    assert "No site yet" not in said


def test_files_are_private_and_memory_is_not_dumped(running: Running) -> None:
    """For nobody but the user that runs it."""
    paths = [running.here.data, *running.here.data.rglob("*"), *running.here.key_dir.rglob("*")]
    assert len(paths) > 8
    assert [path for path in paths if path.stat().st_mode & 0o077] == []
    limits = Path(f"/proc/{running.server.process.pid}/limits").read_text(encoding="utf-8")
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)


def test_a_site_that_is_added_counts_at_once(running: Running, gatecount: Command) -> None:
    """Within about a second; the server is not restarted."""
    assert gatecount("--data", str(running.here.data), "site", "add", SECOND).exit_code == 0
    begun_s = time.monotonic()
    wait_until(lambda: running.counts("/added", SECOND), "counting of a new site")
    print(f"site add to counted: {time.monotonic() - begun_s:.2f} s")
    running.server.wait_for_pageviews(1, SECOND)


def test_a_site_that_is_removed_counts_no_more(running: Running, gatecount: Command) -> None:
    """Its numbers are deleted, and nobody can ask for them any more."""
    running.add("example.net")
    wait_until(lambda: running.counts("/doomed", "example.net"), "counting of a new site")
    running.server.wait_for_pageviews(1, "example.net")
    command = ["--data", str(running.here.data), "site", "remove", "example.net", "--yes"]
    assert gatecount(*command).exit_code == 0
    wait_until(lambda: not running.counts("/doomed", "example.net"), "the end of counting")
    with running.control() as control:
        wait_until(lambda: not control.removed(), "the deletion of its numbers")
    headers = {"Authorization": f"Bearer {running.server.key}", "Content-Type": "application/json"}
    query = {"site_id": "example.net", "metrics": ["pageviews"], "date_range": "day"}
    answer = running.server.ask("POST", "/api/v2/query", json.dumps(query).encode(), headers)
    assert answer.status >= 400


def test_a_second_server_on_the_same_data_is_refused(running: Running, gatecount: Command) -> None:
    """It says so, and the first goes on."""
    data = running.here.data
    keys = str(running.here.key_dir)
    message = told(gatecount("--data", str(data), "serve", "--port", "0", "--key-dir", keys))
    assert message == (f"{data} is in use by another gatecount. One `serve` at a time can have it.")
    assert running.counts("/still-here")


def children(process_id: int) -> set[int]:
    """Return the processes that a process started."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            fields = status.read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[1]) == process_id and fields[0] != "Z":
                found.add(int(status.parent.name))
    return found


@pytest.fixture(scope="module")
def beside(running: Running) -> Iterator[Server]:
    """Run `ingest` with two workers on the same data; they end with the command."""
    with running.here.serving("--workers", "2", command="ingest") as ingest:
        yield ingest
        workers = children(ingest.process.pid)
        assert len(workers) == 2
        ingest.terminate()
        assert not [number for number in workers if Path(f"/proc/{number}").exists()]


def test_ingest_takes_events_beside_serve(running: Running, beside: Server) -> None:
    """They show in its numbers; the same visitor has the same token in both."""
    for server in (beside, running.server, beside):
        assert running.counts("/beside", server=server)
    running.wait_for("/beside", 3)
    rows = running.server.query(metrics=["visitors"])
    assert rows[0]["metrics"] == [1]
    assert beside.ask("GET", "/", headers={"Host": SITE}).status == 404
    assert "Traceback" not in beside.said()


def test_ingest_has_as_many_workers_as_asked_for(running: Running, beside: Server) -> None:
    """Each on a core of its own, where there are enough. One that ends is replaced."""
    first = children(beside.process.pid)
    assert len(first) == 2
    cores = os.sched_getaffinity(0)

    def have_settled() -> bool:
        theirs = [os.sched_getaffinity(worker) for worker in children(beside.process.pid)]
        return [*map(len, theirs)] == [1, 1] and len(set().union(*theirs)) == min(2, len(cores))

    wait_until(have_settled, "a core for each")
    os.kill(min(first), signal.SIGKILL)
    wait_until(
        lambda: len(now := children(beside.process.pid)) == 2 and now != first, "a new worker"
    )
    assert running.counts("/replaced", server=beside)


def test_workers_that_cannot_start_are_not_started_for_ever(tmp_path: Path) -> None:
    """The command ends as one alone would, with the same message."""
    with installation(tmp_path) as here:
        nowhere = str(tmp_path / "missing" / "keys")
        with pytest.raises(subprocess.CalledProcessError) as caught:
            here.gatecount("ingest", "--port", "0", "--workers", "2", "--key-dir", nowhere)
        assert caught.value.returncode == 1
        assert f"gatecount: key_dir: {nowhere} cannot be made" in caught.value.output


def test_the_first_start_shows_a_link_that_makes_an_account(tmp_path: Path) -> None:
    """It is good once; without a site, the start says how to add one."""
    with installation(tmp_path) as here:
        with here.serving() as server:
            said = server.said()
            link = re.search(r"\nSet up +http://127.0.0.1:\d+(/links/[\w-]{43}) ", said)
            assert link
            assert "No site yet. In another terminal: gatecount site add example.com\n" in said
            headers = {"Host": "localhost", "Content-Type": "application/x-www-form-urlencoded"}
            form = b"email=editor%40example.com&password=lanterns+over+the+harbour"
            begun_s = time.monotonic()
            assert server.ask("POST", link[1], form, headers).status == 303
            print(f"making an account: {time.monotonic() - begun_s:.2f} s")
            assert server.ask("POST", link[1], form, headers).status == 404
            assert server.ask("POST", "/login", form, headers).status == 303
            server.process.send_signal(signal.SIGINT)
            server.process.wait(DEADLINE_S)
            assert "Traceback" not in server.said()
        add_site(here)
        with here.serving() as server:
            assert "Set up" not in server.said()
            assert "No site yet" not in server.said()
        kept = b"".join(path.read_bytes() for path in here.data.rglob("*") if path.is_file())
        assert link[1].removeprefix("/links/").encode() not in kept
        assert b"lanterns over the harbour" not in kept


def test_people_are_let_back_in_by_the_command_line(tmp_path: Path, gatecount: Command) -> None:
    """With a link to a new password, or one that makes another account; or they are put out."""
    data = ("--data", str(tmp_path / "data"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "GATECOUNT_PUBLIC_URL", "https://example.com/count/ https://stats.example.com/"
        )
        assert "No account yet" in gatecount(*data, "user", "list").stdout
        link = gatecount(*data, "user", "link").stdout
        assert re.match(r"https://stats\.example\.com/links/[\w-]{43}   \(good once: ", link)
    with contextlib.closing(Control.open(tmp_path / "data" / "control.sqlite")) as control:
        admit(control)
        found_user = admit(control, "viewer@example.com", Role.VIEWER)
        listed = gatecount(*data, "user", "list").stdout
        assert re.search(r"owner@example\.com +20\d\d-\d\d-\d\d +owner of all sites", listed)
        link = gatecount(*data, "user", "reset", "Viewer@Example.com").stdout
        assert link.startswith("http://127.0.0.1:8000/links/")
        token = link.split()[0].rpartition("/")[2]
        found = Links(control).find(token, datetime.now(UTC))
        assert found is not None
        assert (found.purpose, found.email) == (Purpose.RESET, "viewer@example.com")
        login = token_of(control, found_user)
        assert gatecount(*data, "user", "logout", "viewer@example.com").exit_code == 0
        assert Logins(control).find(login, datetime.now(UTC)) is None
        codes = Codes(control)
        secret = pyotp.random_base32()
        codes.turn_on(found_user, secret, pyotp.TOTP(secret).now(), datetime.now(UTC))
        gatecount(*data, "user", "reset", "--without-codes", "viewer@example.com")
        assert codes.left(found_user) == 0
        assert gatecount(*data, "user", "remove", "viewer@example.com", "--yes").exit_code == 0
        assert Accounts(control).named("viewer@example.com") is None
    for command in (
        ("reset", "nobody@example.com"),
        ("logout", "nobody@example.com"),
        ("remove", "nobody@example.com", "--yes"),
    ):
        assert "there is no account" in told(gatecount(*data, "user", *command))
    message = told(gatecount(*data, "user", "remove", "owner@example.com", "--yes"))
    assert "somebody has to be left" in message


def test_ctrl_c_ends_a_command_also_while_duckdb_works() -> None:
    """Which says so by an error of its own, that would be shown as a failure."""
    pressed = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))

    def work() -> None:
        with contextlib.closing(duckdb.connect()) as connection:
            pressed.start()
            for _ in range(2_000):  # of about ten milliseconds each
                Session(connection).query("SELECT count(DISTINCT hash(range)) FROM range(300_000)")

    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # whoever starts us may ignore it
    try:
        with pytest.raises(KeyboardInterrupt), errors_told():
            work()
    finally:
        signal.signal(signal.SIGINT, before)
    with pytest.raises(KeyboardInterrupt), errors_told():
        raise RuntimeError("Query interrupted") from KeyboardInterrupt()
    with pytest.raises(RuntimeError, match="another"), errors_told():
        raise RuntimeError("another")
