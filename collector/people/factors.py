"""What people log in with beside a password: codes of an authenticator, and passkeys."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from collector.control_file import Connection, ControlFile, microseconds, moment
from collector.people.accounts import AccountError, User, one_user
from collector.people.tokens import digest

STEP_S: Final = 30  # RFC 6238, 5.2
_STEPS_OFF: Final = 1  # how far a clock may be off: RFC 6238, 5.2
RECOVERY_CODES: Final = 10
# No 0, o, 1, i, l: they are written down by hand. 24 of 31 symbols are 118 bits, so that a fast
# hash will do: OWASP ASVS 5.0, 6.5.2.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_CHARACTERS, _GROUP = 24, 6
_MOST_PASSKEYS = 20
NAME_MAX_CHARACTERS: Final = 100


def new_secret() -> str:
    """Return the secret that an authenticator makes codes from: 160 bits, as RFC 4226 wants."""
    import pyotp  # noqa: PLC0415 - only when somebody turns codes on

    return str(pyotp.random_base32())


def address_of(secret: str, email: str) -> str:
    """Return the address that authenticators read from a QR code."""
    import pyotp  # noqa: PLC0415 - as above

    return str(pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="gatecount"))


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step that a code of a secret is of; None when it is none of about now.

    Source: RFC 6238, with HMAC-SHA-1, six digits and steps of 30 seconds, as authenticators take.
    """
    import pyotp  # noqa: PLC0415 - as above

    typed = "".join(code.split())
    if not (typed.isascii() and typed.isdigit()):
        return None
    present = int(now.timestamp()) // STEP_S
    try:
        made = pyotp.TOTP(secret)
        near = range(present - _STEPS_OFF, present + _STEPS_OFF + 1)
        codes = {made.at(datetime.fromtimestamp(step * STEP_S, UTC)): step for step in near}
    except ValueError:  # the secret is none: a form was tampered with
        return None
    return next((step for each, step in codes.items() if hmac.compare_digest(each, typed)), None)


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey of somebody; its public key is no secret."""

    id: int
    user: User
    credential: bytes
    public_key: bytes
    sign_count: int
    name: str
    created_at: datetime
    used_at: datetime | None


class Codes:
    """Codes of authenticators; every method may be called from any thread, and blocks."""

    def __init__(self, file: ControlFile) -> None:
        self._file = file

    def turn_on(self, user: User, secret: str, code: str, now: datetime) -> tuple[str, ...] | None:
        """Ask for codes from now on; return recovery codes, which are not kept.

        None when the code is not of the secret: the authenticator has to have it.
        """
        step = step_of(secret, code, now)
        if step is None:
            return None
        made = tuple(_recovery_code() for _ in range(RECOVERY_CODES))
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE users SET totp_secret = ?, totp_step = ? WHERE id = ?",
                (secret, step, user.id),
            )
            connection.execute("DELETE FROM recovery_codes WHERE user = ?", (user.id,))
            rows = [(digest(_bare(code)), user.id) for code in made]
            connection.executemany("INSERT INTO recovery_codes VALUES (?, ?)", rows)
        return made

    def turn_off(self, user: User) -> None:
        """Ask for codes no more."""
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE users SET totp_secret = NULL, totp_step = 0 WHERE id = ?", (user.id,)
            )
            connection.execute("DELETE FROM recovery_codes WHERE user = ?", (user.id,))

    def take(self, user: User, code: str, now: datetime) -> bool:
        """Use a code up; no code is taken twice."""
        with self._file.writing() as connection:
            row = connection.execute(
                "SELECT totp_secret, totp_step FROM users WHERE id = ?", (user.id,)
            ).fetchone()
            step = step_of(row[0], code, now) if row and row[0] else None
            if step is None or step <= row[1]:
                return False
            connection.execute("UPDATE users SET totp_step = ? WHERE id = ?", (step, user.id))
        return True

    def take_recovery(self, user: User, code: str) -> bool:
        """Use a recovery code up."""
        with self._file.writing() as connection:
            gone = connection.execute(
                "DELETE FROM recovery_codes WHERE user = ? AND digest = ?",
                (user.id, digest(_bare(code))),
            )
            return gone.rowcount == 1

    def left(self, user: User) -> int:
        """Return how many recovery codes are left."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT count(*) FROM recovery_codes WHERE user = ?", (user.id,)
            )
            return int(rows.fetchone()[0])


class Passkeys:
    """Passkeys of people; every method may be called from any thread, and blocks."""

    def __init__(self, file: ControlFile) -> None:
        self._file = file

    def add(
        self,
        user: User,
        name: str,
        credential: bytes,
        public_key: bytes,
        sign_count: int,
        now: datetime,
    ) -> None:
        """Keep a passkey that an authenticator has just made.

        Raises:
            AccountError: it is kept already, or there are too many.
        """
        with self._file.writing() as connection:
            if _passkeys(connection, "credential = ?", credential):
                raise AccountError("this passkey is there already")
            if len(_passkeys(connection, "user = ?", user.id)) >= _MOST_PASSKEYS:
                raise AccountError("nobody needs so many passkeys: remove some")
            connection.execute(
                "INSERT INTO passkeys (user, credential, public_key, sign_count, name, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    *(user.id, credential, public_key, sign_count),
                    *(" ".join(name.split())[:NAME_MAX_CHARACTERS], microseconds(now)),
                ),
            )

    def of(self, user: User) -> Sequence[Passkey]:
        """Return somebody's passkeys, oldest first."""
        with self._file.reading() as connection:
            return _passkeys(connection, "user = ?", user.id)

    def find(self, credential: bytes) -> Passkey | None:
        """Return the passkey that an authenticator names."""
        with self._file.reading() as connection:
            found = _passkeys(connection, "credential = ?", credential)
        return found[0] if found else None

    def used(self, passkey: Passkey, sign_count: int, now: datetime) -> None:
        """Note that a passkey opened a login."""
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE passkeys SET sign_count = ?, used_at = ? WHERE id = ?",
                (sign_count, microseconds(now), passkey.id),
            )

    def remove(self, user: User, passkey_id: int) -> Passkey | None:
        """Forget one of somebody's passkeys and return it; one that is not theirs stays."""
        with self._file.writing() as connection:
            found = _passkeys(connection, "user = ? AND id = ?", user.id, passkey_id)
            connection.execute(
                "DELETE FROM passkeys WHERE user = ? AND id = ?", (user.id, passkey_id)
            )
        return found[0] if found else None


def _recovery_code() -> str:
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_CHARACTERS))
    return "-".join(code[at : at + _GROUP] for at in range(0, _CHARACTERS, _GROUP))


def _bare(code: str) -> str:
    return "".join(code.replace("-", " ").split()).lower()


def _passkeys(connection: Connection, where: str, *values: object) -> tuple[Passkey, ...]:
    rows = connection.execute(
        "SELECT id, user, credential, public_key, sign_count, name, created_at, used_at"
        f" FROM passkeys WHERE {where} ORDER BY id",
        values,
    ).fetchall()
    return tuple(
        Passkey(
            number,
            user,
            bytes(credential),
            bytes(public_key),
            sign_count,
            name,
            moment(created_at),
            None if used_at is None else moment(used_at),
        )
        for number, owner, credential, public_key, sign_count, name, created_at, used_at in rows
        if (user := one_user(connection, "WHERE id = ?", owner))
    )
