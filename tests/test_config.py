"""The configuration: one table of options, four places to set them, and errors that help."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from collector.anonymise import TrustedProxies
from collector.config import OPTIONS, Bind, Config, ConfigError, Option, Setting, Settings, load
from collector.hosts import Mount

NAMES = [option.name for option in OPTIONS]
SECRET = "a-key-of-twenty-four-chars"  # noqa: S105 - of nothing


class Example(NamedTuple):
    """Three values of an option, as TOML, as the environment and as flags have them."""

    toml: object
    environment: str
    flag: object
    values: tuple[object, object, object]


def urls(*written: str) -> tuple[Mount, ...]:
    """Return public URLs as the configuration holds them."""
    return tuple(map(Mount.parse, written))


EXAMPLES = {
    "data": Example("/a", "/b", "/c", (Path("/a"), Path("/b"), Path("/c"))),
    "host": Example("::1", "0.0.0.0", "localhost", ("::1", "0.0.0.0", "localhost")),
    "port": Example(1, "2", "3", (1, 2, 3)),
    "public_url": Example(
        ["https://a.example/", "https://b.example/count"],
        "https://c.example, https://d.example/",
        ["https://e.example/"],
        (
            urls("https://a.example/", "https://b.example/count/"),
            urls("https://c.example/", "https://d.example/"),
            urls("https://e.example/"),
        ),
    ),
    "key_dir": Example("/a", "/b", "/c", (Path("/a"), Path("/b"), Path("/c"))),
    "trusted_proxies": Example(
        ["10.0.0.0/8"],
        "192.0.2.1 2001:db8::/32",
        ["192.0.2.0/24,198.51.100.1"],
        (
            ("10.0.0.0/8",),
            ("192.0.2.1/32", "2001:db8::/32"),
            ("192.0.2.0/24", "198.51.100.1/32"),
        ),
    ),
    "geo_database": Example("/a", "/b", "/c", (Path("/a"), Path("/b"), Path("/c"))),
    "allow_third_party": Example("1", "no", "yes", (True, False, True)),
    "visitor_counts": Example("1", "no", "yes", (True, False, True)),
    "flood_limit": Example(1, "2", "3", (1, 2, 3)),
    "daily_limit": Example(1, "2", "3", (1, 2, 3)),
    "small_cells": Example(1, "2", "3", (1, 2, 3)),
    "query_limit": Example(1, "2", "3", (1, 2, 3)),
    "memory_limit": Example(128, "129", "130", (128, 129, 130)),
    "threads": Example(1, "2", "3", (1, 2, 3)),
    "metrics_bind": Example(
        "127.0.0.1:1",
        "[::1]:2",
        "localhost:0",
        (Bind("127.0.0.1", 1), Bind("::1", 2), Bind("localhost", 0)),
    ),
    "log_level": Example("debug", "warning", "error", ("debug", "warning", "error")),
    "dashboard_url": Example(
        "https://a.example",
        "http://b.example:81/",
        "https://c.example/",
        ("https://a.example/", "http://b.example:81/", "https://c.example/"),
    ),
    "smtp_host": Example("a", "b", "c", ("a", "b", "c")),
    "smtp_port": Example(1, "2", "3", (1, 2, 3)),
    "smtp_tls": Example("tls", "none", "tls", ("tls", "none", "tls")),
    "smtp_user": Example("a", "b", "c", ("a", "b", "c")),
    "smtp_password_file": Example("/a", "/b", "/c", (Path("/a"), Path("/b"), Path("/c"))),
    "mail_from": Example("a@b.example", "c@d", "E <f@g>", ("a@b.example", "c@d", "E <f@g>")),
}


def toml_file(folder: Path, **values: object) -> Path:
    """Write a TOML file; JSON's texts, numbers, truth and lists are TOML's too."""
    path = folder / "gatecount.toml"
    lines = (f"{name} = {json.dumps(value)}\n" for name, value in values.items())
    path.write_text("".join(lines), encoding="utf-8")
    return path


def value_and_origin(settings: Settings, name: str) -> tuple[object, str]:
    """Return an option's value and where it came from."""
    (found,) = [setting for setting in settings.table if setting.option.name == name]
    assert getattr(settings.config, name) == found.value
    return found.value, found.origin


def test_every_option_is_a_field_of_the_configuration() -> None:
    """In the table's order, and each has an example here."""
    assert NAMES == [field.name for field in dataclasses.fields(Config)] == list(EXAMPLES)


@pytest.mark.parametrize("name", NAMES)
def test_the_later_place_wins(tmp_path: Path, name: str) -> None:
    """Default, then file, then environment, then flag; and each value knows its origin."""
    toml, environment, flag, values = EXAMPLES[name]
    file = toml_file(tmp_path, **{name: toml})
    variables = {f"GATECOUNT_{name.upper()}": environment}
    flags = {name: flag}
    default, origin = value_and_origin(load(None, {}, {}), name)
    assert origin == "default"
    assert default not in values or default in (False, 2)
    for place, given in (
        ((values[0], str(file)), (file, {}, {})),
        ((values[1], "environment"), (file, variables, {})),
        ((values[2], "flag"), (file, variables, flags)),
        ((values[2], "flag"), (None, {}, flags)),
        ((values[1], "environment"), (None, variables, {name: None})),
    ):
        found = load(*given)
        assert value_and_origin(found, name) == place
        others = {s.option.name for s in found.table if s.origin != "default"}
        assert others == {name}


def test_the_defaults_are_the_documented_ones() -> None:
    """Nothing is secret, open to others, or elsewhere by default."""
    config = load(None, {}, {}).config
    assert dataclasses.asdict(config) == {
        "data": Path("data"),
        "host": "127.0.0.1",
        "port": 8000,
        "public_url": (),
        "key_dir": None,
        "trusted_proxies": ("127.0.0.0/8", "::1/128"),
        "geo_database": None,
        "allow_third_party": False,
        "visitor_counts": False,
        "flood_limit": 600,
        "daily_limit": 10_000_000,
        "small_cells": 5,
        "query_limit": 30,
        "memory_limit": 512,
        "threads": 2,
        "metrics_bind": None,
        "log_level": "info",
        "dashboard_url": "",
        "smtp_host": "",
        "smtp_port": 0,
        "smtp_tls": "starttls",
        "smtp_user": "",
        "smtp_password_file": None,
        "mail_from": "",
    }


BAD: dict[str, list[object]] = {
    "data": ["", "  ", 1, ["/a"]],
    "host": ["", " ", 1, ["::1"]],
    "port": [-1, 65536, "x", "", 1.5, "1.5", True, [1]],
    "public_url": [
        "stats.example.com", "ftp://example.com/", ["https://example.com/?a=b"], 1, [1],
        ["https://example.com/", "http://example.com"], "http://[::1/",
    ],
    "key_dir": ["  ", 1],
    "trusted_proxies": [
        "*", ["*"], ["10.0.0.0/8", "*"], "everybody", "10.0.0.1/8", "10.0.0.0/33", 1, [1],
        "0.0.0.0/0", "::/0", ["::/64", "::ffff:0.0.0.0/96"],
    ],
    "geo_database": ["  ", 1],
    "allow_third_party": ["", "maybe", "2", 1, 0, ["yes"]],
    "visitor_counts": ["", "maybe", "2", 1, 0, ["yes"]],
    "flood_limit": [0, 1_000_001, "", "many", 0.5, False],
    "daily_limit": [0, 1_000_000_001, "", "many", 0.5, False],
    "small_cells": [0, 1_001, "", "few", 0.5, True],
    "query_limit": [0, 3_601, "", "long", 0.5, True],
    "memory_limit": [0, 127, 1_048_577, "512MB", True],
    "threads": [0, 257, "two", True],
    "metrics_bind": ["9400", ":9400", "127.0.0.1", "a:", "a:x", "a:65001", 1, ["a:1"]],
    "log_level": ["", "INFO", "verbose", 1],
    "dashboard_url": ["a.example", "https://a.example/b", "https://a.example/?b", 1],
    "smtp_host": [1, ["a"]],
    "smtp_port": [-1, 65536, "x"],
    "smtp_tls": ["", "ssl", True],
    "smtp_user": [1],
    "smtp_password_file": [1],
    "mail_from": ["nobody", "a@b c", "a@b, c@d", "A\n <a@b>", "ä@b.example", 1],
}  # fmt: skip
ALLOWED = {
    "data": "a path|a text in quotes",
    "host": "an address such as 127.0.0.1|a text in quotes",
    "port": "a whole number from 0 to 65535",
    "public_url": "one or more addresses|a list of texts|each address once",
    "key_dir": "a path|a text in quotes",
    "trusted_proxies": "IP addresses or networks such as 127.0.0.1 or 10.0.0.0/8|a list of texts",
    "geo_database": "a path|a text in quotes",
    "allow_third_party": "true or false",
    "visitor_counts": "true or false",
    "flood_limit": "a whole number from 1 to 1000000",
    "daily_limit": "a whole number from 1 to 1000000000",
    "small_cells": "a whole number from 1 to 1000",
    "query_limit": "a whole number from 1 to 3600",
    "memory_limit": "a whole number from 128 to 1048576",
    "threads": "a whole number from 1 to 256",
    "metrics_bind": "an address and a port such as 127.0.0.1:9400|a text in quotes",
    "log_level": "one of debug, info, warning, error",
    "dashboard_url": "an address|the address of a host|a text in quotes",
    "smtp_host": "a text in quotes",
    "smtp_port": "a whole number from 0 to 65535",
    "smtp_tls": "one of starttls, tls, none",
    "smtp_user": "a text in quotes",
    "smtp_password_file": "a text in quotes",
    "mail_from": "an e-mail address|a text in quotes",
}
BAD_VALUES = [(name, value) for name, values in BAD.items() for value in values]


def refusal(file: Path | None, environment: Mapping[str, str], flags: Mapping[str, object]) -> str:
    """Return what the start stops with."""
    with pytest.raises(ConfigError) as caught:
        load(file, environment, flags)
    return str(caught.value)


@pytest.mark.parametrize(("name", "value"), BAD_VALUES)
def test_a_bad_value_says_which_option_where_and_what_is_allowed(
    tmp_path: Path, name: str, value: object
) -> None:
    """Wherever it stands."""
    file = toml_file(tmp_path, **{name: value})
    places: list[tuple[str, tuple[Any, ...]]] = [
        (str(file), (file, {}, {})),
        ("flag", (None, {}, {name: value})),
    ]
    if isinstance(value, str):
        variables = {f"GATECOUNT_{name.upper()}": value}
        places.append(("environment", (None, variables, {})))
    for where, given in places:
        told = refusal(*given)
        assert told.startswith(f"{name} ({where}) must be ")
        assert any(allowed in told for allowed in ALLOWED[name].split("|"))


def test_a_bad_value_stops_even_where_a_later_one_would_win(tmp_path: Path) -> None:
    """It was meant to do something."""
    file = toml_file(tmp_path, port="x")
    assert refusal(file, {}, {"port": 1}).startswith(f"port ({file})")


@pytest.mark.parametrize("everybody", ["*", "0.0.0.0/0", "::/0", "::ffff:0:0/96"])
def test_nobody_can_trust_everybody(everybody: str) -> None:
    """Anyone could then forge a visitor's address; the message says so."""
    told = refusal(None, {"GATECOUNT_TRUSTED_PROXIES": f"10.0.0.0/8, {everybody}"}, {})
    assert told.endswith(f"; {everybody} would let anyone forge a visitor's address")


@pytest.mark.parametrize("written", ["10.0.0.0/8", "2001:db8::/32", "::ffff:10.0.0.0/104", "::1"])
def test_what_the_configuration_takes_the_endpoint_takes(written: str) -> None:
    """A start does not fail on it later on."""
    config = load(None, {}, {"trusted_proxies": written}).config
    TrustedProxies.parse(config.trusted_proxies)


def test_an_unknown_key_of_the_file_is_named_with_all_there_are(tmp_path: Path) -> None:
    """A misspelt option would otherwise do nothing, silently."""
    file = toml_file(tmp_path, prot=8000)
    told = refusal(file, {}, {})
    assert told == f"prot ({file}) is no option; there are: {', '.join(NAMES)}"
    file.write_text("[gatecount]\nport = 8000\n", encoding="utf-8")
    assert refusal(file, {}, {}).startswith(f"gatecount ({file}) is no option")


def test_an_unknown_variable_is_named_as_it_was_written() -> None:
    """All that begin with our name are ours, but for the one that names the file."""
    told = refusal(None, {"GATECOUNT_PROT": "8000"}, {})
    assert told.startswith("GATECOUNT_PROT (the environment) is no option; there are: data, ")
    config = load(None, {"GATECOUNT_CONFIG": "x", "PORT": "1", "XGATECOUNT_PROT": "1"}, {}).config
    assert config == load(None, {}, {}).config


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"port = ", "is no TOML file"),
        (b"port = 1\nport = 2\n", "is no TOML file"),
        (b"host = '\xff'\n", "is no TOML file"),
    ],
)
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    """With where in it the fault lies, as far as one can tell."""
    file = tmp_path / "gatecount.toml"
    file.write_bytes(content)
    assert refusal(file, {}, {}).startswith(f"{file} {told}: ")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """It was named, so it is meant; a directory is none."""
    missing = tmp_path / "missing.toml"
    assert refusal(missing, {}, {}) == f"{missing} cannot be read: No such file or directory"
    assert refusal(tmp_path, {}, {}) == f"{tmp_path} cannot be read: Is a directory"


@pytest.mark.parametrize(
    ("written", "items"),
    [
        ("10.0.0.1,10.0.0.2", 2),
        ("10.0.0.1 10.0.0.2", 2),
        (" 10.0.0.1 , 10.0.0.2, ", 2),
        (["10.0.0.1", "10.0.0.2"], 2),
        (["10.0.0.1,10.0.0.2", "10.0.0.3"], 3),
        (("10.0.0.1",), 1),
        ("", 0),
        ([], 0),
        (",", 0),
    ],
)
def test_a_list_is_separated_by_commas_or_blanks(written: object, items: int) -> None:
    """In TOML it may be a list; a flag may be given several times. An empty one is a value."""
    config = load(None, {}, {"trusted_proxies": written}).config
    assert config.trusted_proxies == tuple(f"10.0.0.{n}/32" for n in range(1, items + 1))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("true", True), ("yes", True), ("1", True), ("True", True), (" YES ", True), (True, True),
        ("false", False), ("no", False), ("0", False), ("No", False), (False, False),
    ],
)  # fmt: skip
def test_truth_is_written_in_several_ways(written: object, *, meant: bool) -> None:
    """As people write it in the environment."""
    config = load(None, {}, {"allow_third_party": written}).config
    assert config.allow_third_party is meant


@pytest.mark.parametrize("name", ["key_dir", "geo_database"])
def test_what_may_be_empty_is_none_then(name: str) -> None:
    """So that a variable can be set to nothing."""
    settings = load(None, {f"GATECOUNT_{name.upper()}": ""}, {})
    assert value_and_origin(settings, name) == (None, "environment")


def test_a_home_directory_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no shell did it."""
    monkeypatch.setenv("HOME", "/home/me")
    assert load(None, {}, {"data": "~/counts"}).config.data == Path("/home/me/counts")


def test_a_secret_is_never_shown() -> None:
    """Only that there is one."""
    option = Option("password", "", str, "text", "Opens something.", secret=True)
    assert Setting(option, SECRET, "environment").shown() == "(hidden)"
    assert Setting(option, "", "default").shown() == ""


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_can_be_written_again(name: str) -> None:
    """It reads as the same value, in the environment too."""
    for given in EXAMPLES[name][:3]:
        settings = load(None, {}, {name: given})
        value, _ = value_and_origin(settings, name)
        shown = settings.table[NAMES.index(name)].shown()
        assert shown
        again = load(None, {f"GATECOUNT_{name.upper()}": shown}, {})
        assert value_and_origin(again, name)[0] == value


@pytest.mark.parametrize("option", OPTIONS, ids=NAMES)
def test_an_option_says_what_it_is_for(option: Option) -> None:
    """In a sentence, with its unit."""
    assert option.help[0].isupper()
    assert option.help.endswith(".")
    assert option.unit
    assert option.environment == f"GATECOUNT_{option.name.upper()}"
