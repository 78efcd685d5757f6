"""What is shipped for running gatecount suits the program, and keeps its promises."""

import re
import shutil
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml

from collector import config
from collector.anonymise import TrustedProxies
from collector.config import OPTIONS
from collector.hosts import Mount

DEPLOY = Path(__file__).parents[1] / "deploy"
SNIPPETS = ("Caddyfile.path", "Caddyfile.host", "nginx-path.conf", "nginx-host.conf")
UNITS = ("gatecount.service", "gatecount-ingest.service")
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


@pytest.mark.parametrize("name", [*UNITS, "Containerfile"])
def test_what_is_set_in_the_environment_is_an_option(name: str) -> None:
    """And may be set so: data on a disk, keys below a directory of their own in RAM."""
    variables = dict(found.split("=", 1) for found in _SET.findall(directives(name)))
    loaded = config.load(None, variables, {}).config
    assert str(loaded.data) in {"/var/lib/gatecount", "/data"}
    assert str(loaded.key_dir) in {"/run/gatecount", "/dev/shm/gatecount"}  # noqa: S108


def settings(name: str) -> set[str]:
    """Return what a unit's [Service] sets, a line each."""
    return {line for line in directives(name).split("[Service]")[1].split("\n") if "=" in line}


def test_the_unit_keeps_keys_in_ram_and_memory_off_the_disk() -> None:
    """Neither swap nor core dumps; keys go with a stop, but not with a restart."""
    assert settings("gatecount.service") >= {
        "StateDirectory=gatecount", "StateDirectoryMode=0700", "RuntimeDirectory=gatecount",
        "RuntimeDirectoryMode=0700", "RuntimeDirectoryPreserve=restart", "UMask=0077",
        "LimitCORE=0", "LimitMEMLOCK=64M", "MemorySwapMax=0", "LimitNOFILE=65536",
        "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict",
        "MemoryDenyWriteExecute=yes",
        "TimeoutStartSec=60", "TimeoutStopSec=120", "User=gatecount",
    }  # fmt: skip


def test_commands_run_as_the_server_of_the_unit_does(tmp_path: Path) -> None:
    """Its user, directories and configuration, with whatever arguments."""
    switch = tmp_path / "runuser"
    switch.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    switch.chmod(0o755)
    command = (DEPLOY / "gatecount", "site", "add", "a b")
    run = subprocess.run(
        command, env={"PATH": f"{tmp_path}:/bin"}, capture_output=True, text=True, check=True
    )
    unit = dict(
        line.split("=", 1) for line in text("gatecount.service").splitlines() if "=" in line
    )
    assert run.stdout.splitlines() == [
        *("-u", unit["User"], "--", "env", *unit["Environment"].split()),
        *(*unit["ExecStart"].removesuffix(" serve").split(), "site", "add", "a b"),
    ]


def test_the_unit_of_ingest_differs_by_what_it_does() -> None:
    """It is as shut as the other one, and has no directory of keys that it would take away."""
    serve, ingest = settings("gatecount.service"), settings("gatecount-ingest.service")
    names = {line.partition("=")[0] for line in serve ^ ingest}
    assert names == {
        "ExecStart", "KillMode", "ReadWritePaths", "RuntimeDirectory", "RuntimeDirectoryMode",
        "RuntimeDirectoryPreserve", "TimeoutStopSec",
    }  # fmt: skip
    assert "ReadWritePaths=/run/gatecount" in ingest
    assert "Requires=gatecount.service" in directives("gatecount-ingest.service").split("\n")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_has_nothing_to_object(name: str, tmp_path: Path) -> None:
    """It knows all that is set, and finds little that a service could still do (2.0 of 10)."""
    for unit in UNITS:
        written = re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", text(unit))
        (tmp_path / unit).write_text(written, encoding="utf-8")
    for command in (["verify"], ["security", "--offline=yes", "--threshold=20"]):
        said = subprocess.run(
            ["systemd-analyze", "--no-pager", *command, str(tmp_path / name)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        assert [line for line in said.stderr.splitlines() if "gatecount" in line] == []


def test_the_container_is_not_root_and_its_keys_are_in_ram() -> None:
    """Its root is read-only; only data is a volume. Every container has a tmpfs at /dev/shm."""
    said = directives("Containerfile")
    assert "GATECOUNT_KEY_DIR=/dev/shm/gatecount" in said
    assert re.findall(r"(?m)^(?:USER|VOLUME) .+", said) == ["USER 10001:10001", "VOLUME /data"]
    command = text("Containerfile").partition("\nFROM ")[0]
    assert "--read-only" in command
    assert "--ulimit core=0" in command
    assert re.findall(r"--memory(?:-swap)? (\S+)", command) == ["2g", "2g"]


def test_the_command_for_a_container_has_what_podman_and_docker_know() -> None:
    """Of podman, --tmpfs takes no owner, of docker no noswap; cgroups v2 have no swappiness."""
    command = text("Containerfile").partition("\nFROM ")[0]
    assert re.findall(r"--tmpfs (\S+)", command) == ["/tmp"]  # noqa: S108 - in the container
    assert "swappiness" not in command + text("compose.yaml")
    assert "noswap" not in command + text("compose.yaml")
    assert "podman build --format docker" in command  # else there is no health check
    assert (DEPLOY.parent / ".dockerignore").exists()  # which podman reads, too


def test_the_containers_of_compose_are_as_shut() -> None:
    """Both of ours; their keys are on a tmpfs that they share, and only Caddy is believed."""
    composed = yaml.safe_load(text("compose.yaml"))
    for name in ("serve", "ingest"):
        ours = composed["services"][name]
        assert ours["read_only"]
        assert ours["cap_drop"] == ["ALL"]
        assert ours["security_opt"] == ["no-new-privileges:true"]
        assert ours["ulimits"] == {"core": 0, "memlock": 64 << 20, "nofile": 65_536}
        assert ours["volumes"] == ["data:/data", "keys:/run/gatecount"]
        assert ours["mem_limit"] == ours["memswap_limit"] == "2g"
        assert "ports" not in ours
        loaded = config.load(None, ours["environment"], {}).config
        (proxy,) = loaded.trusted_proxies
        caddy = composed["services"]["caddy"]["networks"]["default"]["ipv4_address"]
        assert str(proxy) == f"{caddy}/32"
        assert [mount.url for mount in loaded.public_url] == ["https://stats.example.com/"]
    (addresses,) = composed["networks"]["default"]["ipam"]["config"]
    # Else the first container that starts has the address which is Caddy's.
    assert ip_address(caddy) in ip_network(addresses["subnet"])
    assert ip_address(caddy) not in ip_network(addresses["ip_range"])
    options = composed["volumes"]["keys"]["driver_opts"]
    assert options["type"] == "tmpfs"
    assert options["o"] == "mode=0700,uid=10001,gid=10001,size=1m"


def test_the_caddyfile_of_compose_is_that_of_a_host() -> None:
    """But for the names of the containers."""
    names = {"127.0.0.1:8001": "ingest:8001", "127.0.0.1:8000": "serve:8000"}
    expected = directives("Caddyfile.host")
    for usual, name in names.items():
        expected = expected.replace(usual, name)
    assert directives("Caddyfile.compose").split() == expected.split()


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
