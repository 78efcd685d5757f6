"""Passkeys: what browsers are asked for, and what they answer. In JSON, for passkeys.js."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from collector.people.accounts import ALL_SITES, AccountError, User
from collector.people.factors import Passkey, Passkeys
from collector.people.logins import Way
from collector.people.trail import Act, Trail
from dashboard.access.checking import Checking, TooManyError
from dashboard.access.seals import Seals
from dashboard.asker import who_asks
from dashboard.parts import Parts
from dashboard.web import BodyTooLargeError, bounded_body, cookie_prefix, is_address, local_path
from dashboard.words.languages import say
from dashboard.words.problems import told

_BODY_BYTES = 16_384
_LIFETIME = timedelta(minutes=5)  # of a challenge
Opens = Callable[[Request, User, Way, str], Response]


class PasskeyError(Exception):
    """A passkey is not taken; the message says why, in the language of the page."""


class PasskeyDesk:
    """Makes passkeys, and lets in who has one.

    A passkey is asked for with the person's PIN, finger or face, and so stands for two factors.
    """

    def __init__(self, parts: Parts, checking: Checking, opens: Opens) -> None:
        self._clock = parts.clock
        self._passkeys = Passkeys(parts.control)
        self._trail = Trail(parts.control)
        self._checking = checking
        self._opens = opens
        self._challenges = Seals(_LIFETIME)

    async def start_adding(self, request: Request) -> Response:
        """Return what a browser needs to make a passkey, to who knows their password."""
        return await _answered(request, self._start_adding)

    async def add(self, request: Request) -> Response:
        """Keep the passkey that a browser has made."""
        return await _answered(request, self._add)

    async def start_login(self, request: Request) -> Response:
        """Return what a browser needs to show a passkey."""
        return await _answered(request, self._start_login)

    async def login(self, request: Request) -> Response:
        """Open a login for who shows a passkey; the answer says where to go on."""
        return await _answered(request, self._login)

    def _start_adding(self, request: Request, body: dict[str, Any]) -> Response:
        import webauthn  # noqa: PLC0415 - 20 MB that few processes ever need
        from webauthn.helpers import structs  # noqa: PLC0415

        user, now = _user(), self._clock()
        try:
            if not self._checking.confirms(user, str(body.get("password", "")), now):
                raise PasskeyError(say("That is not your password."))
        except TooManyError:
            raise PasskeyError(say("Too many tries. Wait some seconds.")) from None
        options = webauthn.generate_registration_options(
            rp_id=place(request)[0],
            rp_name="gatecount",
            user_id=user.handle,
            user_name=user.email,
            challenge=self._challenges.make(user.id, now),
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                structs.PublicKeyCredentialDescriptor(id=each.credential)
                for each in self._passkeys.of(user)
            ],
        )
        return _json(webauthn.options_to_json(options))

    def _add(self, request: Request, body: dict[str, Any]) -> Response:
        import webauthn  # noqa: PLC0415 - as above

        user, now = _user(), self._clock()
        credential = body.get("credential")
        challenge = _challenge(credential)
        if self._challenges.use(challenge, now) != user.id:
            raise PasskeyError(_too_late())
        rp_id, origin = place(request)
        made = _verified(
            partial(
                webauthn.verify_registration_response,
                credential=credential or {},
                expected_challenge=challenge,
                expected_rp_id=rp_id,
                expected_origin=origin,
                require_user_verification=True,
            )
        )
        name = str(body.get("name", "")).strip() or say("Passkey")
        try:
            key = (made.credential_id, made.credential_public_key, made.sign_count)
            self._passkeys.add(user, name, *key, now)
        except AccountError as error:
            raise PasskeyError(told(error)) from None
        self._trail.note(now, user.email, Act.ADDED_PASSKEY, ALL_SITES, name)
        return JSONResponse({"goes_to": "/account#passkeys"})

    def _start_login(self, request: Request, _body: dict[str, Any]) -> Response:
        import webauthn  # noqa: PLC0415 - as above
        from webauthn.helpers.structs import UserVerificationRequirement  # noqa: PLC0415

        options = webauthn.generate_authentication_options(
            rp_id=place(request)[0],
            challenge=self._challenges.make(0, self._clock()),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return _json(webauthn.options_to_json(options))

    def _login(self, request: Request, body: dict[str, Any]) -> Response:
        import webauthn  # noqa: PLC0415 - as above

        now = self._clock()
        credential = body.get("credential")
        challenge = _challenge(credential)
        if self._challenges.use(challenge, now) != 0:
            raise PasskeyError(_too_late())
        passkey = self._named(credential)
        rp_id, origin = place(request)
        shown = _verified(
            partial(
                webauthn.verify_authentication_response,
                credential=credential or {},
                expected_challenge=challenge,
                expected_rp_id=rp_id,
                expected_origin=origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        )
        self._passkeys.used(passkey, shown.new_sign_count, now)
        where = local_path(str(body.get("next", "/")))
        opened = self._opens(request, passkey.user, Way.PASSKEY, where)
        response = JSONResponse({"goes_to": where})
        for cookie in opened.headers.getlist("set-cookie"):
            response.headers.append("set-cookie", cookie)
        return response

    def _named(self, credential: Any) -> Passkey:  # noqa: ANN401 - JSON
        from webauthn.helpers import base64url_to_bytes  # noqa: PLC0415 - as above

        try:
            passkey = self._passkeys.find(base64url_to_bytes(credential["rawId"]))
        except (KeyError, TypeError, ValueError):
            passkey = None
        if passkey is None:
            raise PasskeyError(say("This passkey is not known here."))
        return passkey


def place(request: Request) -> tuple[str, str]:
    """Return what passkeys are bound to: the host, and the origin of its pages.

    Raises:
        PasskeyError: there can be none here.
    """
    if not has_place(request):
        raise PasskeyError(say("Passkeys need a host name and https."))
    return request.url.hostname or "", f"{request.url.scheme}://{request.url.netloc}"


def has_place(request: Request) -> bool:
    """Tell whether there can be passkeys here: not by an address, nor where no cookies are set."""
    return cookie_prefix(request) is not None and not is_address(request.url.hostname or "")


async def _answered(
    request: Request, answer: Callable[[Request, dict[str, Any]], Response]
) -> Response:
    try:
        body = json.loads(await bounded_body(request, _BODY_BYTES))
    except (BodyTooLargeError, ValueError, RecursionError):  # the last: nested too deeply
        body = None
    if not isinstance(body, dict):
        return JSONResponse({"problem": say("The form could not be read.")}, 400)
    try:
        return await run_in_threadpool(answer, request, body)
    except PasskeyError as error:
        return JSONResponse({"problem": str(error)}, 400)


def _user() -> User:
    user = who_asks().user
    assert user is not None  # noqa: S101 - rules.py lets nobody else in
    return user


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")


def _challenge(credential: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return the challenge that a browser says it has answered; what it signed is checked later."""
    from webauthn.helpers import base64url_to_bytes  # noqa: PLC0415 - as above

    try:
        client = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        return base64url_to_bytes(client["challenge"])
    except (KeyError, TypeError, ValueError, RecursionError):
        raise PasskeyError(say("The form could not be read.")) from None


def _verified(verify: Callable[[], Any]) -> Any:  # noqa: ANN401 - of a library
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415 - as above

    try:
        return verify()
    except WebAuthnException:
        raise PasskeyError(say("This passkey was not shown as it has to be.")) from None


def _too_late() -> str:
    return say("That took too long, or was done already. Try again.")
