"""Commands that look and tell: doctor, audit, mail-test, config; and copies that cannot be made."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from collector import config
from tests.commands.terminal import Command, told
from tests.mailserver import Inbox, mail_server
from tests.serving import SITE, START_DEADLINE_S, installation, own_port


def test_a_test_mail_says_what_came_of_it(gatecount: Command) -> None:
    """Taken, refused, nobody there, or switched off."""
    inbox, port, reader = Inbox(), own_port(), "editor@example.com"
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


def test_backup_restore_and_export_say_what_is_in_the_way(
    gatecount: Command, tmp_path: Path
) -> None:
    """A sentence and exit code 1, no traceback."""
    target = str(tmp_path / "target")
    assert told(gatecount("backup", target)).endswith("it has no control.sqlite")
    assert told(gatecount("restore", target)).endswith("it has no backup.json")
    assert told(gatecount("export", target)).endswith("no server ever ran on it")
    assert told(gatecount("export", target, "--site", "a.example")).startswith("a.example is no")


def test_the_version_is_told_by_itself(gatecount: Command) -> None:
    """As it stands in pyproject.toml, without a data directory."""
    project = tomllib.loads(
        (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    )["project"]
    assert gatecount("--version").stdout == f"gatecount {project['version']}\n"


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
