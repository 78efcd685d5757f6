"""One table of options, and where each value came from.

Defaults, then a TOML file, then `GATECOUNT_*` environment variables, then flags: the later wins.
"""

import ipaddress
import json
import re
import textwrap
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.hosts import Mount, MountError

ENVIRONMENT_PREFIX = "GATECOUNT_"
LOG_LEVELS = ("debug", "info", "warning", "error")
TLS_MODES = ("starttls", "tls", "none")
# What an address looks like that a mail server takes without extensions: RFC 5321, 4.1.2.
_ADDRESS = r"[!#-'*+\-./0-9=?A-Z^-~]{1,64}@[A-Za-z0-9.-]{1,253}"
_SENDER = re.compile(rf'{_ADDRESS}|[^<>@,;:"\\]+<{_ADDRESS}>')
_LAST_METRICS_PORT = 65_000  # leaves room for workers, which take the ports that follow
# The last is all of IPv4 as IPv6 writes it: RFC 4291, 2.5.5.2.
_EVERYBODY = frozenset(map(ipaddress.ip_network, ("0.0.0.0/0", "::/0", "::ffff:0:0/96")))


class StartError(Exception):
    """The program cannot start; the message says why and what to do."""


class ConfigError(StartError):
    """The configuration cannot be used: which option, where, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Bind:
    """An address and a port to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return it as one would write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Config:
    """Every option's value. Field names are option names; OPTIONS documents them."""

    data: Path
    host: str
    port: int
    public_url: tuple[Mount, ...]
    key_dir: Path | None
    trusted_proxies: tuple[str, ...]
    geo_database: Path | None
    allow_third_party: bool
    visitor_counts: bool
    flood_limit: int
    daily_limit: int
    small_cells: int
    query_limit: int
    memory_limit: int
    threads: int
    metrics_bind: Bind | None
    log_level: str
    dashboard_url: str
    smtp_host: str
    smtp_port: int
    smtp_tls: str
    smtp_user: str
    smtp_password_file: Path | None
    mail_from: str


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table. `parse` takes a TOML value or a string and raises ValueError."""

    name: str
    default: object
    parse: Callable[[Any], object]
    unit: str
    help: str
    secret: bool = False

    @property
    def environment(self) -> str:
        """The environment variable that sets this option."""
        return ENVIRONMENT_PREFIX + self.name.upper()


@dataclass(frozen=True, slots=True)
class Setting:
    """An option with its value and where the value came from, for people to read."""

    option: Option
    value: object
    origin: str

    def shown(self) -> str:
        """Return the value as one would write it; a secret only as set or not."""
        if self.option.secret:
            return "(hidden)" if self.value else ""
        if isinstance(self.value, tuple):
            return ", ".join(v.url if isinstance(v, Mount) else str(v) for v in self.value)
        if isinstance(self.value, bool):
            return str(self.value).lower()
        return "" if self.value is None else str(self.value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text in quotes")
    return value.strip()


def _address(value: object) -> str:
    text = _text(value)
    if not text:  # the system would take it for every address there is
        raise ValueError("an address such as 127.0.0.1 or ::1")
    return text


def _path(value: object) -> Path:
    text = _text(value)
    if not text:
        raise ValueError("a path")
    return Path(text).expanduser()


def _optional_path(value: object) -> Path | None:
    return None if value is None or value == "" else _path(value)


def _whole(low: int, high: int) -> Callable[[object], int]:
    allowed = f"a whole number from {low} to {high}"

    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError(allowed)
        try:
            number = int(value)
        except ValueError:
            raise ValueError(allowed) from None
        if not low <= number <= high:
            raise ValueError(allowed)
        return number

    return parse


def _optional_bind(value: object) -> Bind | None:
    if value is None or value == "":
        return None
    host, _, port = _text(value).rpartition(":")
    try:
        return Bind(
            _address(host.removeprefix("[").removesuffix("]")), _whole(0, _LAST_METRICS_PORT)(port)
        )
    except ValueError:
        raise ValueError("an address and a port such as 127.0.0.1:9400 or [::1]:9400") from None


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if not isinstance(value, str) or value.strip().lower() not in words:
        raise ValueError("true or false")
    return words[value.strip().lower()]


def _one_of(*allowed: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if value not in allowed:
            raise ValueError("one of " + ", ".join(allowed))
        return str(value)

    return parse


def _items(value: object) -> list[str]:
    if isinstance(value, str):
        return value.replace(",", " ").split()
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return [word for item in value for word in _items(item)]
    raise ValueError("a list of texts (in the environment: separated by commas)")


def _mounts(value: object) -> tuple[Mount, ...]:
    try:
        mounts = tuple(Mount.parse(item) for item in _items(value))
    except MountError as error:
        raise ValueError(f"one or more addresses ({error})") from None
    if len({(mount.host, mount.prefix) for mount in mounts}) < len(mounts):
        raise ValueError("each address once")
    return mounts


def _networks(value: object) -> tuple[str, ...]:
    allowed = "IP addresses or networks such as 127.0.0.1 or 10.0.0.0/8"
    networks = []
    for item in _items(value):
        try:
            network = ipaddress.ip_network("::/0" if item == "*" else item)
        except ValueError as error:
            raise ValueError(f"{allowed} ({error})") from None
        if network in _EVERYBODY:
            raise ValueError(f"{allowed}; {item} would let anyone forge a visitor's address")
        networks.append(str(network))
    return tuple(networks)


def _optional_url(value: object) -> str:
    text = _text(value)
    if not text:
        return ""
    try:
        mount = Mount.parse(text)
    except MountError as error:
        raise ValueError(f"an address ({error})") from None
    if mount.prefix:
        raise ValueError("the address of a host, without a path")
    return mount.url


def _sender(value: object) -> str:
    text = _text(value)
    if text and not (_SENDER.fullmatch(text) and text.isprintable()):
        raise ValueError("an e-mail address, such as gatecount@example.com")
    return text


OPTIONS = (
    Option("data", "data", _path, "directory", "Where everything but the day keys is kept."),
    Option("host", "127.0.0.1", _address, "address", "The address to listen on."),
    Option("port", 8000, _whole(0, 65535), "port", "The port to listen on; 0 takes a free one."),
    Option(
        "public_url",
        (),
        _mounts,
        "addresses",
        "Where visitors' browsers reach the collector: https://example.com/count/ (a path of the"
        " site) or https://stats.example.com/ (a host beside it). Empty: any host.",
    ),
    Option(
        "key_dir",
        None,
        _optional_path,
        "directory",
        "Where the day keys live; must be in RAM (tmpfs). Empty: a directory of our own in"
        " XDG_RUNTIME_DIR or /dev/shm.",
    ),
    Option(
        "trusted_proxies",
        ("127.0.0.0/8", "::1/128"),
        _networks,
        "networks",
        "Proxies whose X-Forwarded-* headers are believed.",
    ),
    Option(
        "geo_database",
        None,
        _optional_path,
        "file",
        "A country database of your own (MMDB). Empty: the bundled DB-IP Lite.",
    ),
    Option(
        "allow_third_party",
        False,  # noqa: FBT003 - a row of a table
        _flag,
        "true/false",
        "Count sites of other registrable domains than the collector's; their visitors' opt-out"
        " cookies cannot be seen here.",
    ),
    Option(
        "visitor_counts",
        False,  # noqa: FBT003 - a row of a table
        _flag,
        "true/false",
        "Show visitors how much was counted today from their address and browser; whoever shares"
        " both can see it, too.",
    ),
    Option(
        "flood_limit",
        600,
        _whole(1, 1_000_000),
        "events a minute",
        "What one network may send before the rest is dropped.",
    ),
    Option(
        "daily_limit",
        10_000_000,
        _whole(1, 1_000_000_000),
        "events a day",
        "What a process counts of one site before the rest of the day is dropped.",
    ),
    Option(
        "small_cells",
        5,
        _whole(1, 1_000),
        "visitors",
        "Numbers about fewer are hidden where two or more filters and dimensions narrow them down;"
        " 1 hides none.",
    ),
    Option("query_limit", 30, _whole(1, 3_600), "seconds", "How long one answer may take."),
    Option("memory_limit", 512, _whole(128, 1_048_576), "MiB", "What DuckDB may use."),
    Option(
        "threads",
        2,
        _whole(1, 256),
        "threads",
        "How many threads DuckDB may use, at most one for each processor.",
    ),
    Option(
        "metrics_bind",
        None,
        _optional_bind,
        "address and port",
        "Where Prometheus may read metrics, such as 127.0.0.1:9400; ingest workers take the ports"
        " that follow. Empty: nowhere.",
    ),
    Option("log_level", "info", _one_of(*LOG_LEVELS), "level", "The least urgent line logged."),
    Option(
        "dashboard_url",
        "",
        _optional_url,
        "address",
        "Where the dashboard is, for links in mails. Empty: the first public_url without a path.",
    ),
    Option(
        "smtp_host",
        "",
        _text,
        "host",
        "The mail server that sends reports and alerts. Empty: none are sent, and no connection"
        " is made to anywhere.",
    ),
    Option("smtp_port", 0, _whole(0, 65535), "port", "Its port; 0 takes 587, 465 or 25."),
    Option(
        "smtp_tls",
        "starttls",
        _one_of(*TLS_MODES),
        "mode",
        "How mails go to it: starttls, tls from the start, or none.",
    ),
    Option("smtp_user", "", _text, "name", "Who logs in there. Empty: nobody."),
    Option(
        "smtp_password_file",
        None,
        _optional_path,
        "file",
        "A file with the password, and nothing else, to log in with.",
    ),
    Option("mail_from", "", _sender, "address", "Whom mails come from."),
)
_EXAMPLE_HEAD = """\
# The options of gatecount, each at its default: take away the # and write your own.
#
#   gatecount --config gatecount.toml serve
#
# A variable of the environment, such as GATECOUNT_PORT, goes before this file, and a flag before
# both. What holds, and where it came from, shows: gatecount config show
"""
_COMMENT_CHARACTERS = 98
_BY_NAME = {option.name: option for option in OPTIONS}


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration together with each value's origin."""

    config: Config
    table: tuple[Setting, ...]


def example() -> str:
    """Return a configuration file with every option commented out."""
    parts = [_EXAMPLE_HEAD]
    for option in OPTIONS:
        about = textwrap.wrap(f"{option.help} [{option.unit}]", _COMMENT_CHARACTERS)
        default = "" if option.default is None else option.default
        # Numbers, texts, lists and true are written in TOML as in JSON.
        written = f"#{option.name} = {json.dumps(default)}"
        parts.append("\n".join([*(f"# {line}" for line in about), written, ""]))
    return "\n".join(parts)


def _parsed(option: Option, raw: object, where: str) -> object:
    try:
        return option.parse(raw)
    except ValueError as error:
        raise ConfigError(f"{option.name} ({where}) must be {error}") from None


def _file_values(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML file: {error}") from None
    _refuse_unknown(values, str(path))
    return values


def _environment_values(environment: Mapping[str, str]) -> dict[str, str]:
    values = {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX) and name != ENVIRONMENT_PREFIX + "CONFIG"
    }
    _refuse_unknown(values, "the environment", ENVIRONMENT_PREFIX)
    return values


def _refuse_unknown(values: Mapping[str, object], where: str, prefix: str = "") -> None:
    for name in values:
        if name not in _BY_NAME:
            wrong = prefix + name.upper() if prefix else name
            known = ", ".join(_BY_NAME)
            raise ConfigError(f"{wrong} ({where}) is no option; there are: {known}")


def load(
    file: Path | None, environment: Mapping[str, str], flags: Mapping[str, object]
) -> Settings:
    """Put the configuration together; flags that are None were not given.

    Raises:
        ConfigError: an unknown key or a bad value.
    """
    layers: list[tuple[str, Mapping[str, object]]] = []
    if file is not None:
        layers.append((str(file), _file_values(file)))
    layers.append(("environment", _environment_values(environment)))
    layers.append(("flag", {name: value for name, value in flags.items() if value is not None}))
    table = []
    for option in OPTIONS:
        setting = Setting(option, _parsed(option, option.default, "default"), "default")
        for where, values in layers:
            if option.name in values:
                setting = Setting(option, _parsed(option, values[option.name], where), where)
        table.append(setting)
    config = Config(**{setting.option.name: setting.value for setting in table})  # type: ignore[arg-type]
    return Settings(config, tuple(table))


def check_mail(config: Config) -> None:
    """Make sure that what the options about mails say fits together.

    Raises:
        ConfigError: mails could not work.
    """
    if not config.mail_from:
        raise ConfigError("mail_from must say whom mails come from, since smtp_host is set")
    if not dashboard_url(config):
        raise ConfigError("dashboard_url must say where links lead, since smtp_host is set")
    if bool(config.smtp_user) != bool(config.smtp_password_file):
        raise ConfigError("smtp_user and smtp_password_file go together")
    if config.smtp_user and config.smtp_tls == "none" and not _is_this_machine(config.smtp_host):
        raise ConfigError("smtp_tls must not be none: the password would be readable on its way")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def dashboard_url(config: Config) -> str:
    """Return where the dashboard is, ending with a slash; "" when nobody said."""
    hosts = [mount.url for mount in config.public_url if not mount.prefix]
    return config.dashboard_url or next(iter(hosts), "")
