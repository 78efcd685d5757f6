"""What is shipped for running gatecount suits the program, and keeps its promises."""

import re
from pathlib import Path

import pytest

from collector import config
from collector.anonymise import TrustedProxies
from collector.config import OPTIONS
from collector.hosts import Mount

DEPLOY = Path(__file__).parents[1] / "deploy"
SNIPPETS = ("Caddyfile.path", "Caddyfile.host", "nginx-path.conf", "nginx-host.conf")
_SET = re.compile(r"GATECOUNT_\w+=\S+")


def text(name: str) -> str:
    """Return a file of deploy/."""
    return (DEPLOY / name).read_text(encoding="utf-8")


def directives(name: str) -> str:
    """Return a file of deploy/ without its comments."""
    return re.sub(r"#.*", "", text(name))


def test_the_example_has_every_option() -> None:
    """`gatecount config example >deploy/gatecount.toml` was run after the last change."""
    assert text("gatecount.toml") == config.example()
    assert re.findall(r"^#(\w+) = ", text("gatecount.toml"), re.MULTILINE) == [
        option.name for option in OPTIONS
    ]


def test_the_example_sets_nothing_and_shows_the_defaults(tmp_path: Path) -> None:
    """Also with every line in force."""
    file = tmp_path / "gatecount.toml"
    for example in (config.example(), re.sub(r"(?m)^#(\w+ = )", r"\1", config.example())):
        file.write_text(example, encoding="utf-8")
        assert config.load(file, {}, {}).config == config.load(None, {}, {}).config


@pytest.mark.parametrize("name", ["gatecount.service", "Containerfile"])
def test_what_is_set_in_the_environment_is_an_option(name: str) -> None:
    """And may be set so: data on a disk, keys below a directory of their own in RAM."""
    variables = dict(found.split("=", 1) for found in _SET.findall(directives(name)))
    loaded = config.load(None, variables, {}).config
    assert str(loaded.data) in {"/var/lib/gatecount", "/data"}
    assert str(loaded.key_dir) == "/run/gatecount"


def test_the_unit_keeps_keys_in_ram_and_memory_off_the_disk() -> None:
    """Neither swap nor core dumps; keys go with a stop, but not with a restart."""
    lines = directives("gatecount.service").split("\n")
    assert set(lines) >= {
        "StateDirectory=gatecount", "StateDirectoryMode=0700", "RuntimeDirectory=gatecount",
        "RuntimeDirectoryMode=0700", "RuntimeDirectoryPreserve=restart", "UMask=0077",
        "LimitCORE=0", "LimitMEMLOCK=64M", "MemorySwapMax=0", "LimitNOFILE=65536",
        "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict",
        "MemoryDenyWriteExecute=yes",
        "TimeoutStartSec=60", "TimeoutStopSec=120", "User=gatecount",
    }  # fmt: skip


def test_the_container_is_not_root_and_its_keys_are_in_ram() -> None:
    """Its root is read-only; only data is a volume."""
    said = directives("Containerfile")
    assert re.findall(r"(?m)^(?:USER|VOLUME) .+", said) == ["USER 10001:10001", "VOLUME /data"]
    command = text("Containerfile").partition("\nFROM ")[0]
    assert "--read-only" in command
    assert "--tmpfs /run/gatecount:mode=0700,uid=10001" in command
    assert "--ulimit core=0" in command


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_goes_with_its_public_url(name: str) -> None:
    """Host and path are those of its `public_url`; ports are the default and the one beside it."""
    (written,) = re.findall(r'public_url = \["(.+?)"\]', text(name))
    mount = Mount.parse(written)
    said = directives(name)
    assert bool(mount.prefix) == ("path" in name)
    if mount.prefix:
        assert f"{mount.prefix}/" in said
        assert "/.well-known/gpc.json" in said
    else:
        assert mount.host in said
    behind = directives("nginx-upstreams.conf") if "nginx" in name else said
    assert set(re.findall(r"127\.0\.0\.1:\d+", behind)) == {"127.0.0.1:8000", "127.0.0.1:8001"}
    trusted = TrustedProxies.parse(config.load(None, {}, {}).config.trusted_proxies)
    assert trusted.trusts("127.0.0.1")


@pytest.mark.parametrize("name", ["nginx-path.conf", "nginx-host.conf"])
def test_nginx_believes_and_writes_down_nobodys_address(name: str) -> None:
    """The forwarded address is the connection's; neither log gets a line."""
    said = directives(name)
    assert re.findall(r"X-Forwarded-For (\S+);", said) == ["$remote_addr"]
    assert "access_log off;" in said
    assert "error_log /dev/null;" in said
