"""Which country an address lies in, from a database in a file; nothing else is asked or kept."""

import contextlib
import hashlib
import lzma
import os
import secrets
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

import maxminddb

_ARCHIVE = Path(__file__).with_name("lists") / "dbip-country-lite.mmdb.xz"
_STEM = "dbip-country-lite"
_PART_SUFFIX = ".part"
_MAPPED_IPV4 = "::ffff:"  # RFC 4291, 2.5.5.2
_NO_COUNTRY = frozenset({"XX", "ZZ"})  # user-assigned in ISO 3166-1: "unknown" by custom


class Countries:
    """A country database, or the absence of one: then every country is unknown.

    Attributes:
        date: the day the data was built (UTC), None if unknown.
        notice: a sentence for the operator when there is no usable database, else None.
        attribution_needed: pages that show countries must link https://db-ip.com.
    """

    __slots__ = ("_reader", "attribution_needed", "date", "notice")

    def __init__(
        self,
        reader: maxminddb.Reader | None,
        built: date | None = None,
        notice: str | None = None,
        *,
        attribution_needed: bool = False,
    ) -> None:
        self._reader = reader
        self.date = built
        self.notice = notice
        self.attribution_needed = attribution_needed

    @classmethod
    def open(cls, path: Path | None) -> "Countries":
        """Map a database file into memory; a missing or broken one gives a notice, never an error.

        A file in use is to be replaced by renaming another over it: cutting off a mapped file would
        end the process.
        """
        if path is None:
            return cls(None, notice="There is no country database: every country is unknown.")
        try:
            return cls._opened(path)
        except FileNotFoundError:
            why = "is not there"
        except OSError as error:
            why = f"cannot be read ({error.strerror or error})"
        except (maxminddb.InvalidDatabaseError, ValueError):
            why = "is broken or no MMDB file"
        return cls(None, notice=f"The country database {path} {why}: every country is unknown.")

    @classmethod
    def bundled(cls, directory: Path) -> "Countries":
        """Open the database that ships with the program, unpacked into a data directory."""
        try:
            path = unpack(directory)
        except (OSError, lzma.LZMAError) as error:
            notice = f"The country database cannot be unpacked into {directory} ({error}):"
            return cls(None, notice=f"{notice} every country is unknown.")
        return cls.open(path)

    @classmethod
    def _opened(cls, path: Path) -> "Countries":
        if not path.is_file():
            path.stat()  # says what is missing
            raise ValueError("a directory or a device")
        reader = maxminddb.open_database(path)  # memory-mapped, by the C extension if there is one
        metadata = reader.metadata()
        made_by = f"{path.name} {metadata.database_type}".lower().replace("-", "")
        return cls(reader, _day(metadata.build_epoch), attribution_needed="dbip" in made_by)

    def country(self, address: str) -> str:
        """Return the country of an IP address: ISO 3166-1 alpha-2, upper case, "" if unknown."""
        if self._reader is None:
            return ""
        if address.startswith(_MAPPED_IPV4) and "." in address:
            address = address[len(_MAPPED_IPV4) :]
        try:
            record = self._reader.get(address)
        except (TypeError, ValueError):
            return ""  # no address, or one of a kind the database does not hold
        except maxminddb.InvalidDatabaseError:
            # The error's own text names the address: it goes nowhere.
            self.notice = "The country database is damaged: some countries are unknown."
            return ""
        return _code(record)

    def close(self) -> None:
        """Give the file back; every country is unknown from now on."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()


def unpack(directory: Path) -> Path:
    """Unpack the bundled database into a directory, once a version, and remove older ones.

    Any number of processes may do so at the same time.

    Raises:
        OSError: the directory cannot be written, or is full.
    """
    packed = _ARCHIVE.read_bytes()
    target = directory / f"{_STEM}.{hashlib.sha256(packed).hexdigest()[:12]}.mmdb"
    if not target.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(target, lzma.decompress(packed))
    _remove_all_but(target)
    return target


def _write(target: Path, content: bytes) -> None:
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}{_PART_SUFFIX}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # Gone already only if another process has finished the same file and tidied up.
        with contextlib.suppress(FileNotFoundError):
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    target.stat()


def _remove_all_but(kept: Path) -> None:
    for pattern in (f"{_STEM}.*.mmdb", f"{_STEM}.*{_PART_SUFFIX}"):
        for path in kept.parent.glob(pattern):
            if path != kept:
                path.unlink(missing_ok=True)


def _day(build_epoch: object) -> date | None:
    try:
        return datetime.fromtimestamp(float(str(build_epoch)), tz=UTC).date()
    except (ValueError, OverflowError, OSError):
        return None


def _code(record: object) -> str:
    """Read both layouts: `country_code` (ip-location-db), `country.iso_code` (MaxMind, DB-IP)."""
    if not isinstance(record, dict):
        return ""
    code = record.get("country_code")
    if code is None and isinstance(country := record.get("country"), dict):
        code = country.get("iso_code")
    return _alpha_2(code) if isinstance(code, str) else ""


@lru_cache(maxsize=1024)
def _alpha_2(code: str) -> str:
    if len(code) != 2 or not (code.isascii() and code.isalpha()):  # noqa: PLR2004 - alpha-2
        return ""
    return "" if code.upper() in _NO_COUNTRY else code.upper()
