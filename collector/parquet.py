"""An answer as a Parquet file, made in memory."""

import json
import os
import threading
from collections.abc import Iterable, Sequence

import duckdb

from collector.session import Session

_PARQUET_TYPES = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE"}
PARQUET_MIB = 256  # 10,000 rows of long texts take half of it
_PARQUET_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "temp_directory": "",  # nothing is spilled
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_PARQUET_TURN = threading.Lock()  # so that the memory is that of one


def as_parquet(
    columns: Sequence[tuple[str, type]],
    rows: Iterable[Sequence[object]],
    about: str,
    memory_limit_mib: int = PARQUET_MIB,
) -> bytes:
    """Return a Parquet file. Blocks.

    Made by an instance of DuckDB that has nothing else, in memory: nothing is written to a disk.

    Args:
        columns: names, and whether their values are `str`, `int` or `float`; None may be in all.
        rows: a value for each column.
        about: the file's metadata `gatecount`.
        memory_limit_mib: what may be used to make it.

    Raises:
        StoreMemoryError: it takes more than that.
    """
    names = [name for name, _ in columns]
    file = os.memfd_create("parquet", os.MFD_CLOEXEC)
    with (
        os.fdopen(file, "rb") as made,
        _PARQUET_TURN,
        duckdb.connect(config=_PARQUET_CONFIG | {"memory_limit": f"{memory_limit_mib}MiB"}) as own,
    ):
        Session(own).run(
            "parquet",
            lines=json.dumps([dict(zip(names, row, strict=True)) for row in rows]),
            form=json.dumps([{name: _PARQUET_TYPES[kind] for name, kind in columns}]),
            file=f"/proc/self/fd/{file}",
            about=about,
        )
        return made.read()
