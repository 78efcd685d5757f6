"""The command line, and the only place that sees everything and puts it together."""

import contextlib
import errno
import os
import socket
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from collector import config as options
from collector import log
from collector.config import Config, StartError
from collector.hosts import dashboard_url
from collector.people.accounts import ALL_SITES
from collector.people.trail import OPERATOR, Act, Trail
from collector.registry import site_cli, user_cli
from collector.serving import workers
from collector.terminal import (
    Invocation,
    busy,
    errors_told,
    how_to_call,
    open_control,
    prepare_process,
    print_table,
)

if TYPE_CHECKING:
    from collector.compose import Composed

cli = typer.Typer(
    help="gatecount: web analytics that counts visitors without knowing them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
config_cli = typer.Typer(help="Look at the configuration.", no_args_is_help=True)
cli.add_typer(site_cli, name="site")
cli.add_typer(user_cli, name="user")
cli.add_typer(config_cli, name="config")

_DEMO_DAYS, _DEMO_SITES, _DEMO_SEED = 365, 2, 1


def _tell_version(wanted: bool) -> None:  # noqa: FBT001 - typer's own
    if wanted:
        typer.echo(f"gatecount {version('gatecount')}")
        raise typer.Exit


@cli.callback()
def _global(
    context: typer.Context,
    data: Annotated[
        str | None, typer.Option(help="The data directory.", show_default="data")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(envvar="GATECOUNT_CONFIG", help="A TOML file with options.")
    ] = None,
    _version: Annotated[  # noqa: FBT002 - a flag
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which it is."),
    ] = False,
) -> None:
    context.obj = Invocation(config, data)


_Host = Annotated[str | None, typer.Option(help="The address to listen on.")]
_Port = Annotated[str | None, typer.Option(help="The port to listen on; 0 takes a free one.")]
_PublicUrl = Annotated[
    list[str] | None, typer.Option(help="Where visitors' browsers reach the collector.")
]
_KeyDir = Annotated[str | None, typer.Option(help="The directory in RAM for the day keys.")]
_Proxies = Annotated[
    list[str] | None, typer.Option(help="Proxies whose X-Forwarded-* headers are believed.")
]
_GeoDatabase = Annotated[str | None, typer.Option(help="A country database of your own (MMDB).")]
_LogLevel = Annotated[str | None, typer.Option(help="debug, info, warning or error.")]


@cli.command()
def serve(
    context: typer.Context,
    host: _Host = None,
    port: _Port = None,
    public_url: _PublicUrl = None,
    key_dir: _KeyDir = None,
    trusted_proxies: _Proxies = None,
    geo_database: _GeoDatabase = None,
    log_level: _LogLevel = None,
) -> None:
    """Run collector and dashboard on one port."""
    with errors_told():
        config = context.obj.settings(
            host=host,
            port=port,
            public_url=public_url,
            key_dir=key_dir,
            trusted_proxies=trusted_proxies,
            geo_database=geo_database,
            log_level=log_level,
        ).config
        prepare_process(config)
        from collector import compose, server  # noqa: PLC0415 - small commands do without it

        with (
            _listen(config) as bound,
            _scraped(config, 0) as scraped,
            compose.collector_and_dashboard(config, scraped=scraped) as parts,
        ):
            _greet(parts, bound, scraped, dashboard_url(config.public_url))
            if not parts.control.sites():
                add = f"{how_to_call(config)} site add example.com"
                typer.echo(f"No site yet. In another terminal: {add}")
            server.serve(parts.app, bound, parts.short_cuts)


@cli.command()
def ingest(
    context: typer.Context,
    host: _Host = None,
    port: _Port = None,
    public_url: _PublicUrl = None,
    key_dir: _KeyDir = None,
    trusted_proxies: _Proxies = None,
    geo_database: _GeoDatabase = None,
    log_level: _LogLevel = None,
    count: Annotated[int, typer.Option("--workers", min=1, max=64, help="How many processes.")] = 1,
    descriptor: Annotated[int | None, typer.Option(hidden=True)] = None,
    supervisor: Annotated[int | None, typer.Option(hidden=True)] = None,
    place: Annotated[int, typer.Option(hidden=True)] = 1,
) -> None:
    """Take events only, beside a `serve` with the same data directory."""
    with errors_told():
        config = context.obj.settings(
            host=host,
            port=port,
            public_url=public_url,
            key_dir=key_dir,
            trusted_proxies=trusted_proxies,
            geo_database=geo_database,
            log_level=log_level,
        ).config
        prepare_process(config)
        with _listen(config) if descriptor is None else socket.socket(fileno=descriptor) as bound:
            if descriptor is None:
                typer.echo(f"Taking events on {_address(bound)}")
            if count > 1:
                _supervise(bound, count)
                return
            if supervisor is not None:
                workers.end_with(supervisor)
                workers.keep_to_a_core(place)
            from collector import compose, server  # noqa: PLC0415 - small commands do without it

            with (
                _scraped(config, place) as scraped,
                compose.collector_only(config, scraped=scraped) as parts,
            ):
                server.serve(parts.app, bound, parts.short_cuts)


@cli.command()
def doctor(
    context: typer.Context,
    key_dir: _KeyDir = None,
    peer: Annotated[
        str | None, typer.Option(help="Whose request to make up, to see what proxies are believed.")
    ] = None,
    forwarded_for: Annotated[
        str | None, typer.Option(help="The X-Forwarded-For header of that request.")
    ] = None,
) -> None:
    """Look whether keys, deadlines, machine and files are as they should be; exit code 1 if not."""
    from collector import compose  # noqa: PLC0415 - small commands do without it
    from collector.care import checkup, doctor  # noqa: PLC0415 - small commands do without it

    now = datetime.now(UTC)
    asked = checkup.Request()
    if peer is not None or forwarded_for is not None:
        asked = checkup.Request(peer or asked.peer, forwarded_for or "")
    with errors_told(), open_control(context) as (_, control), busy("Looking at everything"):
        config = context.obj.settings(key_dir=key_dir).config
        keys_at = config.key_dir or compose.default_key_dir(config.data)
        with (
            contextlib.closing(compose.key_store(config)) as keys,
            contextlib.closing(compose.countries_of(config)) as countries,
        ):
            findings = list(doctor.examine(config.data, keys, control, now))
            findings += checkup.examine(config, keys_at, countries, now, asked)
    rows = [("ok" if f.is_well else "NOT WELL", f.what, f.found) for f in findings]
    print_table(("", "what", "found"), rows)
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


@cli.command()
def audit(
    context: typer.Context,
    directory: Annotated[
        Path, typer.Argument(metavar="DATA", help="A data directory, or a backup of one.")
    ],
    key_dir: _KeyDir = None,
) -> None:
    """Look through a data directory for what must not be in it; exit code 1 if there is any."""
    from collector import compose  # noqa: PLC0415 - small commands do without it
    from collector.care import audit  # noqa: PLC0415 - small commands do without it

    with errors_told():
        if not (directory / "control.sqlite").exists():
            raise StartError(f"{directory} is no data directory: it has no control.sqlite")
        config = context.obj.settings(key_dir=key_dir).config
        prepare_process(config)
        keys = config.key_dir or compose.default_key_dir(directory)
        now = datetime.now(UTC)
        checks = audit.audit(directory, keys, now)
    typer.echo(f"gatecount {version('gatecount')} looked through {directory.resolve()}")
    typer.echo(f"on {now:%Y-%m-%d %H:%M} UTC.\n")
    rows = [
        (f"{c.leaks:,} LEAKS" if c.leaks else "ok", c.promise, c.what, c.looked_at) for c in checks
    ]
    print_table(("", "", "what was looked for", "in"), rows)
    failed = sum(check.leaks > 0 for check in checks)
    typer.echo(f"\n{len(checks)} checks, {failed or 'none'} of them failed.")
    typer.echo("The promises P1 to P22 are those of PRIVACY.md. No value that was found is shown.")
    if failed:
        raise typer.Exit(1)


@cli.command()
def backup(
    context: typer.Context,
    target: Annotated[
        Path, typer.Argument(metavar="DEST", help="An empty directory, or one that is not there.")
    ],
    unsealed: Annotated[  # noqa: FBT002 - a flag
        bool,
        typer.Option(
            "--unsealed", help="Days that are not over, too; keep that backup for a day at most."
        ),
    ] = False,
) -> None:
    """Copy sealed days and control data, also while a server runs, and check the copy."""
    from collector.care import backup, upkeep  # noqa: PLC0415 - small commands do without it

    with errors_told():
        config = context.obj.settings().config
        prepare_process(config)
        steps = backup.back_up(config, target, datetime.now(UTC), has_unsealed=unsealed)
        made = upkeep.shown(steps)
    typer.echo(f"Backed up to {target}, and checked:")
    typer.echo("\n".join(f"  {line}" for line in upkeep.told(made)))


@cli.command()
def restore(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="What `backup` made.")],
) -> None:
    """Fill an empty data directory from a backup."""
    from collector.care import backup, upkeep  # noqa: PLC0415 - small commands do without it

    with errors_told():
        config = context.obj.settings().config
        prepare_process(config)
        restored = upkeep.shown(backup.restore(config, source))
    typer.echo(f"Restored to {config.data}:")
    typer.echo("\n".join(f"  {line}" for line in upkeep.told(restored)))


@cli.command()
def export(
    context: typer.Context,
    target: Annotated[
        Path, typer.Argument(metavar="DEST", help="An empty directory, or one that is not there.")
    ],
    site: Annotated[str | None, typer.Option(metavar="DOMAIN", help="One site alone.")] = None,
) -> None:
    """Write sealed visits and events as Parquet, two files a month, also while a server runs."""
    from collector.care import export, upkeep  # noqa: PLC0415 - small commands do without it

    with errors_told(), open_control(context) as (config, control):
        exported = upkeep.shown(export.export(config, control, target, site))
        found = None if site is None else control.site(site)
        where = ALL_SITES if found is None else found.id
        Trail(control).note(datetime.now(UTC), OPERATOR, Act.EXPORTED, where, "Parquet")
    typer.echo(f"Exported to {target}: {upkeep.told_of_export(exported)}")


@cli.command("mail-test")
def mail_test(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="To whom.")],
) -> None:
    """Send a test mail now, and say what the mail server makes of it."""
    # Not at the top: a server without mails would keep what these take.
    from collector.mail.postman import MailError, Postman, Relay, trial  # noqa: PLC0415 - see above

    with errors_told():
        config = context.obj.settings().config
        prepare_process(config)
        if not config.smtp_host:
            raise StartError("smtp_host is not set: mails are off")
        relay = Relay.of(config)
        typer.echo(f"Mail server  {relay.host}, port {relay.port} ({relay.tls})")
        try:
            with Postman(relay).round() as way:
                way.deliver(address, trial(config.mail_from, address, datetime.now(UTC)))
        except MailError as error:
            raise StartError(str(error)) from None
    typer.echo(f"The server took the mail to {address}. If it does not arrive, its logs say why.")


@config_cli.command("show")
def config_show(context: typer.Context) -> None:
    """Show every option, its value and where that came from."""
    with errors_told():
        rows = [
            (row.option.name, row.shown(), row.origin, f"{row.option.help} [{row.option.unit}]")
            for row in context.obj.settings().table
        ]
        print_table(("option", "value", "from", "what it is"), rows)


@config_cli.command("example")
def config_example() -> None:
    """Print a configuration file with every option commented out."""
    typer.echo(options.example(), nl=False)


@cli.command()
def demo(
    context: typer.Context,
    host: _Host = None,
    port: _Port = None,
    events: Annotated[
        int | None,
        typer.Option(help="Build a data directory of sealed history with about so many events."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="Of --events: until yesterday.", show_default="365")
    ] = None,
    sites: Annotated[int | None, typer.Option(help="Of --events.", show_default="2")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of --events: the same gives the same.", show_default="1")
    ] = None,
) -> None:
    """Show two made-up sites with lively traffic, on a throw-away data directory.

    With --events nothing is shown: a history is built in the data directory, for `serve` to show.
    """
    with errors_told():
        if events is None and (days, sites, seed) != (None, None, None):
            raise StartError("--days, --sites and --seed need --events")
        if events is not None and (host, port) != (None, None):
            raise StartError("--events builds and does not listen: leave out --host and --port")
        config = context.obj.settings(host=host, port=port).config
        prepare_process(config)
        if events is not None:
            _build_history(config, events, days=days, sites=sites, seed=seed)
            return
        from collector import server  # noqa: PLC0415 - small commands do without it
        from collector.made_up import demonstration  # noqa: PLC0415 - small commands do without it

        bound = _listen(config)
        with demonstration.composed(config) as parts:
            _greet(parts, bound)
            server.serve(parts.app, bound, parts.short_cuts)


def _build_history(
    config: Config, events: int, *, days: int | None, sites: int | None, seed: int | None
) -> None:
    from collector.made_up import demonstration, history  # noqa: PLC0415 - small commands do without it

    plan = history.Plan(
        events=events,
        days=_DEMO_DAYS if days is None else days,
        sites=_DEMO_SITES if sites is None else sites,
        seed=_DEMO_SEED if seed is None else seed,
    )
    log.set_up("warning")  # a line for each sealed day would tear the progress bar
    demonstration.build(config, plan, datetime.now(UTC))
    typer.echo(f"Built. Look at it: {how_to_call(config)} serve")


def _listen(config: Config) -> socket.socket:
    return _bound(config.host, config.port, "--port takes another, and 0 a free one")


def _bound(host: str, port: int, way_out: str) -> socket.socket:
    from collector.server import listen  # noqa: PLC0415 - small commands start without a server

    try:
        return listen(host, port)
    except OSError as error:
        hint = f"; {way_out}" if error.errno == errno.EADDRINUSE else ""
        raise StartError(f"cannot listen on {error.strerror}{hint}") from None


def _scraped(config: Config, place: int) -> contextlib.AbstractContextManager[socket.socket | None]:
    """Listen for Prometheus if that is wanted: each process by itself, side by side."""
    bind = config.metrics_bind
    if bind is None:
        return contextlib.nullcontext()
    return _bound(bind.host, bind.port + place if bind.port else 0, "see metrics_bind")


def _address(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _greet(
    parts: "Composed",
    bound: socket.socket,
    scraped: socket.socket | None = None,
    public: str | None = None,
) -> None:
    """Say where the dashboard is, how to make the first account, and what to know."""
    typer.echo(f"Dashboard  {_address(bound)}")
    if scraped is not None:
        typer.echo(f"Metrics    {_address(scraped)}metrics")
    if parts.setup_token:
        link = f"{public or _address(bound)}links/{parts.setup_token}"
        typer.echo(f"Set up     {link}   (makes the first account; good once, for a day)")
    if parts.login:
        typer.echo("Log in     {} with the password {}".format(*parts.login))
    for notice in parts.notices:
        typer.echo(f"Notice     {notice}")


def _supervise(bound: socket.socket, count: int) -> None:
    """Run worker processes on one socket until a signal comes."""
    command = [sys.executable, "-m", "collector", *sys.argv[1:], "--workers", "1"]
    command += ["--descriptor", str(bound.fileno()), "--supervisor", str(os.getpid())]
    if not workers.Supervisor(command, bound.fileno(), count).run():
        raise typer.Exit(workers.CANNOT_START)


def main() -> None:
    """Run the command line."""
    cli()


if __name__ == "__main__":
    main()
