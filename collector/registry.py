"""The commands `site` and `user`: who is counted, and who may look."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from collector.config import Config
from collector.control import Control, check_retention, in_months
from collector.control_file import ControlError
from collector.hosts import dashboard_url, is_of_this_machine, snippet
from collector.people.accounts import ALL_SITES, Accounts, User
from collector.people.factors import Codes, Passkeys
from collector.people.links import Links
from collector.people.logins import Logins
from collector.people.trail import OPERATOR, Act, Trail
from collector.terminal import errors_told, open_control, print_table

site_cli = typer.Typer(help="Register sites.", no_args_is_help=True)

user_cli = typer.Typer(help="Let people in, and back in.", no_args_is_help=True)

_Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The account's e-mail address.")]


@site_cli.command("add")
def site_add(
    context: typer.Context,
    domain: Annotated[str, typer.Argument(help="The site's host name, such as example.com.")],
    timezone: Annotated[
        str, typer.Option(help="The site's time zone, such as Europe/Berlin.")
    ] = "UTC",
) -> None:
    """Register a site; a running server knows it within a second."""
    with errors_told(), open_control(context) as (config, control):
        site = control.add_site(domain, timezone, datetime.now(UTC))
        typer.echo(f"{site.domain} is registered ({site.timezone}). Put this on its pages:\n")
        typer.echo("  " + snippet(config.public_url, site.domain, config.port))
        if not (config.public_url or is_of_this_machine(site.domain)):
            typer.echo(
                f"\npublic_url is not set, so the web server of {site.domain} has to hand on"
                " what comes for /count/: deploy/README.md says how."
            )


@site_cli.command("list")
def site_list(context: typer.Context) -> None:
    """List the registered sites."""
    with errors_told(), open_control(context) as (_, control):
        sites = control.sites()
        if not sites:
            typer.echo("No site yet. Add one: gatecount site add example.com")
            return
        rows = [
            (s.domain, s.timezone, s.created_at.date().isoformat(), in_months(s.retention_months))
            for s in sites
        ]
        print_table(("site", "time zone", "since", "kept for"), rows)


@site_cli.command("remove")
def site_remove(
    context: typer.Context,
    domain: Annotated[str, typer.Argument(help="The site's host name.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Stop counting a site and delete its numbers."""
    with errors_told(), open_control(context) as (_, control):
        site = control.known_site(domain)
        if not yes:
            typer.confirm(f"Delete all numbers of {site.domain}, for good?", abort=True)
        site = control.remove_site(domain, datetime.now(UTC))
        typer.echo(
            f"{site.domain} is not counted any more. Its numbers are deleted by the running server"
            " within a minute, or at its next start."
        )


@site_cli.command("retention")
def site_retention(
    context: typer.Context,
    domain: Annotated[str, typer.Argument(help="The site's host name.")],
    months: Annotated[int, typer.Argument(help="For how many months its numbers are kept.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Say for how long a site's numbers are kept; visitors are told, and when it was changed."""
    with errors_told(), open_control(context) as (_, control):
        check_retention(months)
        site, kept = control.known_site(domain), in_months(months)
        if not yes:
            asked = f"Delete the numbers of {site.domain} that are older than {kept}, for good?"
            typer.confirm(asked, abort=True)
        now = datetime.now(UTC)
        site = control.set_retention(domain, months, now)
        about = f"numbers are kept for {kept}"
        Trail(control).note(now, OPERATOR, Act.CHANGED_SETTING, site.id, about)
        typer.echo(
            f"Numbers of {site.domain} are kept for {kept}. Older ones"
            " are deleted by the running server within a minute, or at its next start."
        )


@user_cli.command("list")
def user_list(context: typer.Context) -> None:
    """List the accounts, with their roles by site."""
    with errors_told(), open_control(context) as (_, control):
        accounts = Accounts(control)
        domains = {site.id: site.domain for site in control.sites()} | {ALL_SITES: "all sites"}
        rows = [
            (
                user.email,
                user.created_at.date().isoformat(),
                ", ".join(
                    f"{role} of {domains[site]}"
                    for site, role in accounts.roles(user).items()
                    if site in domains
                ),
            )
            for user in accounts.all()
        ]
        if not rows:
            typer.echo("No account yet. Make the first one: gatecount user link")
            return
        print_table(("account", "since", "roles"), rows)


@user_cli.command("link")
def user_link(context: typer.Context) -> None:
    """Print a link that makes an account which decides about all sites."""
    with errors_told(), open_control(context) as (config, control):
        _show_link(config, Links(control).set_up(datetime.now(UTC)), "makes an account; for a day")


@user_cli.command("reset")
def user_reset(
    context: typer.Context,
    email: _Email,
    without_codes: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--without-codes", help="Ask for codes no more, and forget passkeys.")
    ] = False,
) -> None:
    """Print a link by which somebody chooses a new password."""
    with errors_told(), open_control(context) as (config, control):
        now = datetime.now(UTC)
        token = Links(control).reset(email, now)
        if without_codes:
            user = _account(control, email)
            Codes(control).turn_off(user)
            for passkey in Passkeys(control).of(user):
                Passkeys(control).remove(user, passkey.id)
            Trail(control).note(now, OPERATOR, Act.TURNED_CODES_OFF, ALL_SITES, user.email)
        Trail(control).note(now, OPERATOR, Act.MADE_RESET, ALL_SITES, email)
        _show_link(config, token, "chooses a new password; for four hours")


@user_cli.command("logout")
def user_logout(context: typer.Context, email: _Email) -> None:
    """End all logins of an account."""
    with errors_told(), open_control(context) as (_, control):
        user = _account(control, email)
        Logins(control).end_others(user)
        typer.echo(f"{user.email} has to log in again, everywhere.")


@user_cli.command("remove")
def user_remove(
    context: typer.Context,
    email: _Email,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Remove an account with its roles, logins and API keys."""
    with errors_told(), open_control(context) as (_, control):
        user = _account(control, email)
        if not yes:
            typer.confirm(f"Remove the account {user.email}?", abort=True)
        Accounts(control).remove(user)
        Trail(control).note(datetime.now(UTC), OPERATOR, Act.REMOVED_ACCOUNT, ALL_SITES, user.email)
        typer.echo(f"The account {user.email} is gone, and with it its API keys.")


def _account(control: Control, email: str) -> User:
    user = Accounts(control).named(email)
    if user is None:
        raise ControlError(f"there is no account {email}")
    return user


def _show_link(config: Config, token: str, what: str) -> None:
    home = dashboard_url(config.public_url) or f"http://{config.host}:{config.port}/"
    typer.echo(f"{home}links/{token}   (good once: {what})")
