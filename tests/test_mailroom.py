"""Mails go out once, come what may, to a real mail server; and to nobody when none is named."""

import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector import config
from collector.config import ConfigError
from collector.control import Control
from collector.mail.mailroom import Mailroom
from collector.mail.outbox import Draft, Outbox
from collector.mail.postman import MailError, NotNowError, Postman, Relay, trial
from collector.mail.subscriptions import Kind, Subscriptions
from tests.application import application
from tests.mailserver import PASSWORD, USER, Inbox, certificate, mail_server
from tests.serving import own_port, wait_until

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SENDER = "gatecount@example.com"
EDITOR = "editor@example.com"
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@dataclass
class Post:
    """A mailroom that is turned by hand, and the mail server it knows."""

    control: Control
    port: int
    inbox: Inbox = field(default_factory=Inbox)
    is_ready: bool = True
    written: list[datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the mailroom."""
        self.outbox = Outbox(self.control)
        relay = Relay("127.0.0.1", self.port, "none", "", None, SENDER)
        self.room = Mailroom(
            self.outbox, Postman(relay), self.written.append, lambda: self.is_ready, NOW.timestamp
        )

    @contextmanager
    def serving(self) -> Iterator[Inbox]:
        """Let the mail server run."""
        with mail_server(self.inbox, self.port):
            yield self.inbox

    def order(self, *recipients: str, worth: timedelta = DAY) -> None:
        """Queue a mail for each."""
        site = self.control.site("example.com") or self.control.add_site("example.com", "UTC", NOW)
        wishes = Subscriptions(self.control)
        for number, recipient in enumerate(recipients, 1):
            wishes.begin(number, site.id, Kind.WEEKLY)
            wish = wishes.of(number, site.id)[Kind.WEEKLY]
            draft = Draft(recipient, trial(SENDER, recipient, NOW), NOW + worth)
            wishes.settle(wish, f"{wish.done}x", NOW, draft)


@pytest.fixture(name="post")
def open_mailroom(ram: Path) -> Iterator[Post]:
    """Open a mailroom without a mail server running."""
    with closing(Control.open(ram / "control.sqlite")) as control:
        yield Post(control, own_port())


def test_each_mail_goes_out_once(post: Post) -> None:
    """All that is due on one connection; then the queue is empty."""
    post.order("one@example.com", "two@example.com")
    with post.serving() as inbox:
        for minutes in range(3):
            post.room.turn(NOW + minutes * MINUTE)
    assert inbox.recipients == ["one@example.com", "two@example.com"]
    assert [mail["From"] for mail in inbox.mails] == [SENDER, SENDER]
    assert post.outbox.waiting() == 0
    assert post.room.trouble() == ""


def test_a_server_that_is_down_is_tried_again_ever_later(post: Post) -> None:
    """After 1, 2, 4 minutes and so on; the mail goes out once it is up again."""
    post.order(EDITOR)
    post.room.turn(NOW)
    assert "Cannot connect to 127.0.0.1" in post.room.trouble()
    with post.serving() as inbox:
        post.room.turn(NOW + 0.9 * MINUTE)
        assert inbox.mails == []
    post.room.turn(NOW + 1 * MINUTE)
    with post.serving() as inbox:
        post.room.turn(NOW + 2.9 * MINUTE)
        assert inbox.mails == []
        post.room.turn(NOW + 3 * MINUTE)
    assert inbox.recipients == [EDITOR]
    assert post.room.trouble() == ""


def test_what_was_put_off_by_a_clock_that_was_wrong_goes_out_all_the_same(post: Post) -> None:
    """Nothing waits for longer than four hours."""
    post.order(EDITOR, worth=1000 * DAY)
    post.room.turn(NOW + 365 * DAY)
    with post.serving() as inbox:
        post.room.turn(NOW)
    assert inbox.recipients == [EDITOR]


def test_what_comes_too_late_is_given_up(post: Post) -> None:
    """Nobody needs an alert of last week."""
    post.order(EDITOR, worth=timedelta(hours=6))
    post.room.turn(NOW)
    with post.serving() as inbox:
        post.room.turn(NOW + timedelta(hours=6))
    assert inbox.mails == []
    assert post.outbox.waiting() == 0


def test_a_recipient_that_is_refused_holds_nobody_up(post: Post) -> None:
    """It is not tried again; the others get theirs."""
    post.order("gone@example.com", EDITOR)
    post.inbox.refuses["gone@example.com"] = "550 5.1.1 no such mailbox"
    with post.serving() as inbox:
        post.room.turn(NOW)
    assert inbox.recipients == [EDITOR]
    assert post.outbox.waiting() == 0


@pytest.mark.parametrize("answer", ["450 4.2.0 greylisted", "451 4.3.0 try again later"])
def test_a_recipient_that_is_put_off_is_tried_again(post: Post, answer: str) -> None:
    """As grey-listing servers ask for."""
    post.order(EDITOR)
    post.inbox.refuses[EDITOR] = answer
    with post.serving() as inbox:
        post.room.turn(NOW)
        assert answer in post.room.trouble()
        inbox.refuses.clear()
        post.room.turn(NOW + MINUTE)
    assert inbox.recipients == [EDITOR]


def test_a_mail_that_is_refused_is_not_tried_again_and_one_put_off_is(post: Post) -> None:
    """A server may look at it before it decides."""
    post.order("one@example.com")
    with post.serving() as inbox:
        inbox.answer = "452 4.3.1 full"
        post.room.turn(NOW)
        assert post.outbox.waiting() == 1
        inbox.answer = "554 5.7.1 spam"
        post.room.turn(NOW + MINUTE)
        assert post.outbox.waiting() == 0
    assert inbox.mails == []


def test_a_mail_whose_answer_is_lost_goes_out_twice_at_most(post: Post) -> None:
    """By the same Message-ID, so that mail programs show it once."""
    post.order("one@example.com", "two@example.com")
    post.inbox.hangs_up = True
    with post.serving() as inbox:
        for hours in range(8):
            post.room.turn(NOW + timedelta(hours=hours))
    assert sorted(inbox.recipients) == sorted(["one@example.com", "two@example.com"] * 2)
    assert len({mail["Message-ID"] for mail in inbox.mails}) == 2
    assert post.outbox.waiting() == 0


@pytest.mark.parametrize("killed", ["before it was taken", "after it was taken"])
def test_a_mail_survives_a_kill_while_it_is_sent(ram: Path, killed: str) -> None:
    """It is sent by the next process, and at most once more than that."""
    inbox, port, taken = Inbox(), own_port(), killed == "after it was taken"
    with closing(Control.open(ram / "control.sqlite")) as control:
        post = Post(control, port, inbox)
        post.order(EDITOR)
        (letter,) = post.outbox.due(NOW)
        assert post.outbox.begin(letter)
        if taken:
            inbox.recipients.append(EDITOR)
    with closing(Control.open(ram / "control.sqlite")) as control, mail_server(inbox, port):
        post = Post(control, port, inbox)
        post.room.turn(NOW + MINUTE)
        post.room.turn(NOW + 2 * MINUTE)
        assert post.outbox.waiting() == 0
    assert inbox.recipients == [EDITOR] * (1 + taken)


def test_a_mail_that_kills_is_not_sent_a_third_time(post: Post) -> None:
    """Two processes that died over it are enough."""
    post.order(EDITOR)
    (letter,) = post.outbox.due(NOW)
    assert all(post.outbox.begin(letter) for _ in range(2))
    with post.serving() as inbox:
        post.room.turn(NOW)
    assert inbox.mails == []


def test_a_mail_of_what_was_ended_is_not_sent(post: Post) -> None:
    """Neither when its subscription ends, nor when its site is removed."""
    post.order("one@example.com", "two@example.com")
    site = post.control.site("example.com")
    assert site is not None
    wishes = Subscriptions(post.control)
    wishes.end(wishes.of(1, site.id)[Kind.WEEKLY].token)
    assert [letter.recipient for letter in post.outbox.due(NOW)] == ["two@example.com"]
    post.control.remove_site("example.com", NOW)
    assert post.outbox.waiting() == 0
    assert wishes.everybody() == ()


def test_a_mail_is_queued_with_the_note_that_it_was(post: Post) -> None:
    """Two that write at once queue one."""
    site = post.control.add_site("example.com", "UTC", NOW)
    wishes = Subscriptions(post.control)
    wishes.begin(1, site.id, Kind.WEEKLY, done="2026-11-15")
    wish = wishes.of(1, site.id)[Kind.WEEKLY]
    draft = Draft(EDITOR, b"x", NOW + DAY)
    for _ in range(2):
        wishes.settle(wish, "2026-11-22", NOW, draft)
    assert post.outbox.waiting() == 1
    assert wishes.of(1, site.id)[Kind.WEEKLY].done == "2026-11-22"


def test_nothing_is_written_before_the_numbers_are_complete(post: Post) -> None:
    """After a start the journal is loaded first; what waits is sent meanwhile."""
    post.is_ready = False
    post.order(EDITOR)
    with post.serving() as inbox:
        post.room.turn(NOW)
        assert post.written == []
        post.is_ready = True
        post.room.turn(NOW + MINUTE)
    assert post.written == [NOW + MINUTE]
    assert inbox.recipients == [EDITOR]


def test_logs_say_no_address(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    """Only how many, and at which step it failed."""
    caplog.set_level(logging.INFO, "gatecount")
    post.order("gone@example.com", EDITOR)
    post.inbox.refuses["gone@example.com"] = "550 5.1.1 no such mailbox"
    with post.serving():
        post.room.turn(NOW)
    assert [r.getMessage() for r in caplog.records] == ["mail_not_sent", "mails_sent"]
    assert caplog.records[0].__dict__["reason"] == "recipient"
    assert not [r for r in caplog.records if "@" in str(r.__dict__)]


@dataclass(frozen=True)
class Locked:
    """A mail server that wants STARTTLS and a login."""

    port: int
    inbox: Inbox
    password_file: Path

    def send(self, **changes: object) -> None:
        """Send one mail, by a relay that knows all it must but for the changes."""
        known: dict[str, object] = {
            "host": "localhost",
            "port": self.port,
            "tls": "starttls",
            "user": USER,
            "password_file": self.password_file,
            "sender": SENDER,
        }
        with Postman(Relay(**(known | changes))).round() as way:  # type: ignore[arg-type]
            way.deliver(EDITOR, trial(SENDER, EDITOR, NOW))


@pytest.fixture(name="locked", scope="module")
def open_locked_server(ram_of_module: Path) -> Iterator[Locked]:
    """Let a mail server run with a certificate that the system trusts."""
    pem = certificate(ram_of_module)
    inbox, port = Inbox(), own_port()
    password = ram_of_module / "password"
    password.write_text(PASSWORD + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(ram_of_module / "mail.crt"))
        with mail_server(inbox, port, pem):
            yield Locked(port, inbox, password)


def test_mails_go_by_starttls_and_a_login(locked: Locked) -> None:
    """The certificate is looked at, and the password comes from its file."""
    locked.send()
    assert locked.inbox.recipients == [EDITOR]


def test_what_fails_is_said(
    locked: Locked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By step: certificate, password file, login, no STARTTLS, nobody there."""
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    odd = tmp_path / "odd"
    odd.write_text("pässword")
    faults: list[tuple[str, str, dict[str, object]]] = [
        ("password", "No such file", {"password_file": tmp_path / "none"}),
        ("password", "other characters than ASCII", {"password_file": odd}),
        ("login", "535", {"password_file": wrong}),
        ("connection", "Cannot connect to localhost", {"port": own_port()}),
        ("connection", "Cannot connect", {"tls": "tls"}),
        ("sender", "530", {"tls": "none", "user": ""}),
    ]
    for step, words, changes in faults:
        with pytest.raises(NotNowError, match=words) as caught:
            locked.send(**changes)
        assert caught.value.step == step
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(MailError, match="certificate verify failed"):
        locked.send()


def flags_of(port: int, **more: object) -> dict[str, object]:
    """Return the options that name a mail server on this machine."""
    return {
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_tls": "none",
        "mail_from": SENDER,
        "dashboard_url": "https://stats.example.com/",
        **more,
    }


def test_the_server_sends_what_waits(ram: Path) -> None:
    """As it is put together by `serve`, and at its start."""
    inbox, port = Inbox(), own_port()
    (ram / "data").mkdir()
    with closing(Control.open(ram / "data" / "control.sqlite")) as control:
        Post(control, port).order(EDITOR, worth=timedelta(days=36_500))
    with (
        mail_server(inbox, port),
        application(ram, flags_of(port), sites={"example.org": "UTC"}, with_dashboard=True),
    ):
        wait_until(lambda: bool(inbox.mails), "a mail")
    assert inbox.recipients == [EDITOR]


def test_the_server_writes_to_nobody_when_no_mail_server_is_named(ram: Path) -> None:
    """There is no thread that could."""
    before = {thread.name for thread in threading.enumerate()}
    with application(ram, {}, with_dashboard=True):
        running = {thread.name for thread in threading.enumerate()} - before
    assert "keeper" in running
    assert "mailroom" not in running


MAIL = {"smtp_host": "mail.example.com", "mail_from": SENDER}
URL = {"dashboard_url": "https://stats.example.com/"}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"smtp_host": "mail.example.com"} | URL, "mail_from must say"),
        (MAIL, "dashboard_url must say"),
        (MAIL | {"public_url": ["https://example.com/count/"]}, "dashboard_url must say"),
        (MAIL | URL | {"smtp_user": "x"}, "go together"),
        (MAIL | URL | {"smtp_password_file": "/x"}, "go together"),
        (
            MAIL | URL | {"smtp_user": "x", "smtp_password_file": "/x", "smtp_tls": "none"},
            "readable on its way",
        ),
        ({"mail_from": "nobody"}, "an e-mail address"),
        ({"dashboard_url": "https://example.com/count/"}, "without a path"),
        ({"dashboard_url": "example.com"}, "an address"),
    ],
)
def test_mails_that_could_not_work_stop_the_start(flags: dict[str, object], said: str) -> None:
    """With the option that is missing or wrong."""
    with pytest.raises(ConfigError, match=said):
        Relay.of(config.load(None, {}, flags).config)


@pytest.mark.parametrize(
    "flags",
    [
        MAIL | URL,
        MAIL | {"public_url": ["https://example.com/count/", "https://stats.example.com/"]},
        MAIL
        | URL
        | {"smtp_host": "::1", "smtp_user": "x", "smtp_password_file": "/x", "smtp_tls": "none"},
    ],
)
def test_mails_that_could_work_are_taken(flags: dict[str, object]) -> None:
    """Links lead to the dashboard's address; a password may go to this very machine as it is."""
    found = config.load(None, {}, flags).config
    assert Relay.of(found).port == (25 if found.smtp_tls == "none" else 587)
    assert config.dashboard_url(found) == "https://stats.example.com/"
