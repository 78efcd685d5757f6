"""Country databases in the format of MaxMind, made for a test."""

import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime

BUILT = datetime(2026, 3, 14, 15, 9, tzinfo=UTC)
Record = str | int | list[str] | Mapping[str, "Record"]
_Node = list["_Node | bytes | None"]
_INTEGERS = {"node_count": 6, "build_epoch": 9, "geoname_id": 6}  # 32 and 64 bit; others 16


def _control(kind: int, size: int) -> bytes:
    """Encode type and size of a field: https://maxmind.github.io/MaxMind-DB/."""
    extended = b"" if kind < 8 else bytes([kind - 7])
    longer = b"" if size < 29 else bytes([size - 29])
    return bytes([(kind if kind < 8 else 0) << 5 | min(size, 29)]) + extended + longer


def _field(value: Record, integer: int = 6) -> bytes:
    """Encode a value of the data section; `integer` is the type of a number."""
    if isinstance(value, str):
        return _control(2, len(value)) + value.encode()
    if isinstance(value, int):
        packed = value.to_bytes((value.bit_length() + 7) // 8)
        return _control(integer, len(packed)) + packed
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(_field, value))
    pairs = [_field(key) + _field(each, _INTEGERS.get(key, 5)) for key, each in value.items()]
    return _control(7, len(value)) + b"".join(pairs)


def _tree(networks: Mapping[str, bytes]) -> list[_Node]:
    """Return the nodes of a binary tree over IPv6, IPv4 lying in ::/96, the root first."""
    root: _Node = [None, None]
    nodes = [root]
    for text, data in networks.items():
        network = ipaddress.ip_network(text)
        length = network.prefixlen + (96 if network.version == 4 else 0)
        bits = f"{int(network.network_address):0128b}"[:length]
        node = root
        for bit in bits[:-1]:
            child = node[int(bit)]
            if not isinstance(child, list):
                child = node[int(bit)] = [None, None]
                nodes.append(child)
            node = child
        node[int(bits[-1])] = data
    return nodes


def mmdb(networks: Mapping[str, Record], kind: str = "Test-Country") -> bytes:
    """Return a database of 24-bit records for IPv4 and IPv6."""
    data = b""
    offsets = {}
    for network, record in networks.items():
        offsets[network] = len(data).to_bytes(3)
        data += _field(record)
    nodes = _tree(offsets)
    numbers = {id(node): number for number, node in enumerate(nodes)}

    def pointer(child: _Node | bytes | None) -> bytes:
        if isinstance(child, list):
            return numbers[id(child)].to_bytes(3)
        found = len(nodes) if child is None else len(nodes) + 16 + int.from_bytes(child)
        return found.to_bytes(3)

    metadata: dict[str, Record] = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": int(BUILT.timestamp()),
        "database_type": kind,
        "description": {"en": "A test"},
        "ip_version": 6,
        "languages": ["en"],
        "node_count": len(nodes),
        "record_size": 24,
    }
    search = b"".join(pointer(left) + pointer(right) for left, right in nodes)
    return search + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _field(metadata)
