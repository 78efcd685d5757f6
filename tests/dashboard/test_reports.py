"""Reports and alerts by e-mail: when they are written, to whom, and what they say."""

import email
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from collector.control import Site
from collector.mail.outbox import Letter, Outbox
from collector.mail.subscriptions import Kind, Subscriptions
from collector.people.accounts import Accounts, Role
from collector.question import Period
from dashboard.mail.letters import Content, letter
from dashboard.mail.reports import Desk, Reports, questions
from dashboard.mail.schedule import BOUNDS, DROP_HOURS, last_due
from tests.dashboard.reading import DAY, HOUR, MINUTE, XSS, Markup
from tests.editors import NOW, Newsroom, newsroom, pageview

EDITOR, OTHER = 1, 2
MONDAY = datetime(2026, 11, 30, 7, 5, tzinfo=UTC)  # 8:05 in Berlin
FIRST = datetime(2026, 12, 1, 7, 5, tzinfo=UTC)
BASE = "https://stats.example.com/"


@dataclass
class Press:
    """Who writes reports, and what lies in the queue."""

    room: Newsroom
    addresses: dict[int, str] = field(
        default_factory=lambda: {EDITOR: "editor@example.com", OTHER: "other@example.com"}
    )

    def __post_init__(self) -> None:
        """Open the desk."""
        desk = Desk("gatecount@example.com", BASE, lambda user, _site: self.addresses.get(user))
        self.reports = Reports(self.room.all_parts(), desk)
        self.wishes = Subscriptions(self.room.control)
        self.outbox = Outbox(self.room.control)

    def write(self, now: datetime) -> list[EmailMessage]:
        """Let what is due be written; return the mails that are new in the queue."""
        known = {letter.id for letter in self._waiting()}
        self.room.now = now
        self.reports.write(now)
        return [_read(letter) for letter in self._waiting() if letter.id not in known]

    def _waiting(self) -> tuple[Letter, ...]:
        return self.outbox.due(datetime(2100, 1, 1, tzinfo=UTC))


def _read(letter: Letter) -> EmailMessage:
    mail = email.message_from_bytes(letter.message, policy=default)
    assert isinstance(mail, EmailMessage)
    assert mail["To"] == letter.recipient
    return mail


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.fixture(name="press")
def open_press(ram: Path) -> Iterator[Press]:
    """Open an empty data directory."""
    with newsroom(ram) as room:
        yield Press(room)


@pytest.fixture(name="site")
def count_a_week(press: Press) -> Site:
    """Count from Monday 16 to Tuesday 24 November: a visitor more each day, and a campaign."""
    site = press.room.site()
    press.room.count(
        *(
            pageview(site, number, days * DAY, f"/page-{number % 3}", source="Google", country="DE")
            for days in range(9)
            for number in range(1, 10 - days)
        ),
        pageview(site, 1, MINUTE, "/sold", name="Purchase"),
    )
    return site


@pytest.mark.parametrize(
    ("kind", "local", "first", "last"),
    [
        (Kind.WEEKLY, datetime(2026, 11, 30, 7, 59, tzinfo=UTC), (11, 16), (11, 22)),
        (Kind.WEEKLY, datetime(2026, 11, 30, 8, 0, tzinfo=UTC), (11, 23), (11, 29)),
        (Kind.WEEKLY, datetime(2026, 12, 6, 23, 59, tzinfo=UTC), (11, 23), (11, 29)),
        (Kind.MONTHLY, datetime(2026, 12, 1, 7, 59, tzinfo=UTC), (10, 1), (10, 31)),
        (Kind.MONTHLY, datetime(2026, 12, 1, 8, 0, tzinfo=UTC), (11, 1), (11, 30)),
        (Kind.MONTHLY, datetime(2026, 12, 31, 23, 0, tzinfo=UTC), (11, 1), (11, 30)),
    ],
)
def test_a_report_is_of_the_last_week_or_month(
    kind: Kind, local: datetime, first: tuple[int, int], last: tuple[int, int]
) -> None:
    """From eight in the morning after it."""
    assert last_due(kind, local) == Period(date(2026, *first), date(2026, *last))


def test_a_report_comes_once_on_the_morning_after(press: Press, site: Site) -> None:
    """By the site's clock; not before, and not again."""
    press.wishes.begin(EDITOR, site.id, Kind.WEEKLY, done="2026-11-22")
    assert press.write(MONDAY - 10 * MINUTE) == []
    (mail,) = press.write(MONDAY)
    assert mail["To"] == "editor@example.com"
    assert press.write(MONDAY + MINUTE) == []
    assert press.write(MONDAY + 2 * DAY) == []
    assert len(press.write(MONDAY + 7 * DAY)) == 1


def test_a_report_that_could_not_be_written_in_time_comes_later_or_not_at_all(
    press: Press, site: Site
) -> None:
    """Two days late it is still read; a week late it is left out."""
    press.wishes.begin(EDITOR, site.id, Kind.WEEKLY, done="2026-11-15")
    assert press.write(MONDAY - 3 * DAY) == []  # Friday: of the week before
    assert len(press.write(MONDAY + 2 * DAY)) == 1


def test_a_report_says_in_both_forms_what_the_dashboard_does(press: Press, site: Site) -> None:
    """Six numbers and how they changed, days, pages, sources, countries and events."""
    press.wishes.begin(EDITOR, site.id, Kind.WEEKLY, done="2026-11-15")
    (mail,) = press.write(MONDAY - 6 * DAY)  # Tuesday the 24th, of 16 to 22 November
    assert mail["Subject"] == "example.com: 28 visitors, 16\N{EN DASH}22 November 2026"
    plain, html = _part(mail, "plain"), _part(mail, "html")
    for said in ("28", "Visit duration", "Google", "Germany", "/page-1", "Sun 22 Nov"):
        assert said in plain
        assert said in html
    assert "       7  Sun 22 Nov" in plain
    assert f"{BASE}sites/example.com?period=custom&from=2026-11-16&to=2026-11-22" in plain
    tags = Markup(html).tags
    assert [tag for tag, _ in tags if tag in {"script", "img", "link", "form", "svg"}] == []
    assert {value.split("/")[2] for _, a in tags if (value := a.get("href"))} == {
        "stats.example.com"
    }


def test_a_report_compares_with_the_week_before(press: Press, site: Site) -> None:
    """Only when that was counted from its first day on."""
    press.wishes.begin(EDITOR, site.id, Kind.WEEKLY, done="2026-11-22")
    (mail,) = press.write(MONDAY)  # 23 and 24 November: 8 and 9 visitors, before: 28
    assert "17  (\N{MINUS SIGN}39%)" in _part(mail, "plain")
    press.wishes.begin(OTHER, site.id, Kind.WEEKLY, done="2026-11-15")
    press.wishes.begin(EDITOR, site.id, Kind.MONTHLY, done="2026-10-31")
    (monthly, *_) = press.write(FIRST)
    assert "(" not in _part(monthly, "plain").partition("Visitors are counted")[0]


def test_a_monthly_report_has_weeks(press: Press, site: Site) -> None:
    """The first and the last may be cut by the month's ends."""
    press.wishes.begin(EDITOR, site.id, Kind.MONTHLY, done="2026-10-31")
    (mail,) = press.write(FIRST)
    plain = _part(mail, "plain")
    assert "45 visitors" in mail["Subject"]
    assert "Sun 1 Nov" in plain
    assert "28  16\N{EN DASH}22 Nov" in plain
    assert "0  Mon 30 Nov" in plain


def test_no_question_of_a_report_narrows_down() -> None:
    """P18: one dimension, no filters, so that there is nothing to hide."""
    site = Site(1, "example.com", "UTC", NOW)
    asked = questions(site, Kind.MONTHLY, Period(date(2026, 11, 1), date(2026, 11, 30)))
    assert len(asked) > 6
    assert {query.conditions for query in asked.values()} == {0, 1}


def test_a_long_link_stays_in_one_piece() -> None:
    """Mail programs do not put it together again."""
    stop = "https://" + "a-long-name." * 20 + "example.com/unsubscribe/" + "t" * 32
    content = Content("k", "s", "h", "a", (), (), (), "w", "m", "e", "l", stop)
    mail = letter(content, "gatecount@example.com", "editor@example.com", NOW)
    assert f"\r\nList-Unsubscribe: <{stop}>\r\n".encode() in mail
    assert max(map(len, mail.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76


def test_each_mail_ends_by_one_click(press: Press, site: Site) -> None:
    """RFC 8058: by the button of the mail program, or by the link; without logging in."""
    for user in (EDITOR, OTHER):
        press.wishes.begin(user, site.id, Kind.WEEKLY, done="2026-11-22")
    mail, others = press.write(MONDAY)
    link = mail["List-Unsubscribe"].strip("<>")
    assert link != others["List-Unsubscribe"].strip("<>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in _part(mail, "plain")
    assert link in _part(mail, "html")
    client, path = press.room.client(), "/" + link.removeprefix(BASE)
    page = client.get(path)
    assert "example.com: Weekly report" in page.text
    assert '<form method="post"' in page.text
    assert len(press.wishes.everybody()) == 2  # looking at it ends nothing
    clicked, elsewhere = b"List-Unsubscribe=One-Click", {"Origin": "https://mail.example"}
    for _ in range(2):
        assert client.post(path, content=clicked, headers=elsewhere).status_code == 200
    assert [wish.user for wish in press.wishes.everybody()] == [OTHER]
    assert "has ended" in client.get(path).text
    assert len(press.write(MONDAY + 7 * DAY)) == 1


def test_whoever_may_not_see_a_site_any_more_gets_no_mail(press: Press, site: Site) -> None:
    """Nor somebody without an address."""
    press.wishes.begin(EDITOR, site.id, Kind.WEEKLY, done="2026-11-22")
    press.wishes.begin(OTHER, site.id, Kind.WEEKLY, done="2026-11-22")
    del press.addresses[OTHER]
    (mail,) = press.write(MONDAY)
    assert mail["To"] == "editor@example.com"


def test_a_site_without_numbers_has_no_report(press: Press) -> None:
    """Nor one whose numbers began after the week."""
    site = press.room.site()
    press.wishes.begin(EDITOR, site.id, Kind.WEEKLY, done="2026-11-22")
    assert press.write(MONDAY) == []
    press.room.count(pageview(site, 1, -7 * DAY))  # Tuesday, 1 December
    assert press.write(MONDAY + DAY) == []
    assert len(press.write(MONDAY + 7 * DAY)) == 1


def test_names_that_visitors_send_are_no_markup(press: Press) -> None:
    """And no header."""
    site = press.room.site()
    press.room.count(
        *(pageview(site, n, n * MINUTE, "/" + text, source=text) for n, text in enumerate(XSS, 1))
    )
    press.wishes.begin(EDITOR, site.id, Kind.WEEKLY, done="2026-11-22")
    (mail,) = press.write(MONDAY)
    tags = Markup(_part(mail, "html")).tags
    assert {tag for tag, _ in tags}.isdisjoint({"script", "img", "svg"})
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]


def test_a_spike_is_told_once_and_again_after_a_pause(press: Press) -> None:
    """Many in five minutes; when it goes on, or comes back at once, nobody is told again."""
    site = press.room.site()
    press.room.count(
        *(pageview(site, n, 2 * MINUTE, "/viral", source="Hacker News") for n in range(12))
    )
    press.wishes.begin(EDITOR, site.id, Kind.SPIKE, least=12)
    press.wishes.begin(OTHER, site.id, Kind.SPIKE, least=13)
    (mail,) = press.write(NOW)
    assert mail["Subject"] == "example.com: 12 visitors at once"
    for said in ("/viral", "Hacker News", "12 visitors or more", "/sites/example.com/now"):
        assert said in _part(mail, "plain")
    assert mail["List-Unsubscribe"].startswith(f"<{BASE}unsubscribe/")
    assert press.write(NOW + MINUTE) == []
    assert press.write(NOW + HOUR) == []  # over, but only for an hour
    press.room.count(*(pageview(site, n, -61 * MINUTE) for n in range(12)))
    assert press.write(NOW + 62 * MINUTE) == []
    assert press.write(NOW + 7 * HOUR) == []
    press.room.count(*(pageview(site, n, -8 * HOUR) for n in range(12)))
    assert len(press.write(NOW + 8 * HOUR + MINUTE)) == 1


def test_a_drop_is_told_once_until_all_is_well_again(press: Press, site: Site) -> None:
    """Twelve hours with fewer than somebody named, night and days of the past included."""
    press.wishes.begin(EDITOR, site.id, Kind.DROP, least=5)
    assert press.write(NOW) == []
    assert press.write(NOW + 11 * HOUR) == []
    (mail,) = press.write(NOW + 12 * HOUR)
    assert mail["Subject"] == "example.com: 0 visitors in 12 hours"
    assert "fewer visitors than 5" in _part(mail, "plain")
    assert press.write(NOW + 20 * HOUR) == []
    press.room.count(*(pageview(site, n, -21 * HOUR) for n in range(5)))
    assert press.write(NOW + 22 * HOUR) == []
    assert len(press.write(NOW + 34 * HOUR)) == 1


def test_mails_are_in_the_language_in_which_they_were_ordered(press: Press, site: Site) -> None:
    """One of a language that is no more comes in English."""
    for user, language in ((EDITOR, "de"), (OTHER, "tlh")):
        press.wishes.begin(user, site.id, Kind.WEEKLY, language, done="2026-11-22")
        press.wishes.begin(user, site.id, Kind.DROP, language, least=5)
    drop, _, german, english = press.write(MONDAY)
    assert drop["Subject"] == "example.com: 0 Besucher in 12 Stunden"
    assert german["Subject"] == "example.com: 17 Besucher, 23.\N{EN DASH}29. November 2026"
    assert "Tag für Tag" in _part(german, "html")
    assert '<html lang="de" dir="ltr">' in _part(german, "html")
    assert english["Subject"] == "example.com: 17 visitors, 23\N{EN DASH}29 November 2026"


def test_a_new_site_has_no_drop(press: Press) -> None:
    """Before it was counted for a whole day."""
    site = press.room.site()
    press.wishes.begin(EDITOR, site.id, Kind.DROP, least=5)
    assert press.write(NOW) == []
    press.room.count(pageview(site, 1, 20 * HOUR))
    assert press.write(NOW) == []
    assert len(press.write(NOW + DAY)) == 1


def test_a_clock_that_was_wrong_for_a_while_silences_nothing(press: Press, site: Site) -> None:
    """What it noted for next year does not count this year."""
    press.wishes.begin(EDITOR, site.id, Kind.WEEKLY, done="2027-11-28")
    press.wishes.begin(EDITOR, site.id, Kind.SPIKE, least=5)
    (spike,) = (each for each in press.wishes.everybody() if each.kind is Kind.SPIKE)
    press.wishes.settle(spike, (NOW + 365 * DAY).isoformat(), NOW)
    assert len(press.write(MONDAY)) == 1
    assert {each.done for each in press.wishes.everybody()} == {"2026-11-29", ""}
    assert press.write(MONDAY + MINUTE) == []


def test_another_threshold_begins_anew(press: Press) -> None:
    """What was told of the old one says nothing about the new one."""
    site = press.room.site()
    press.room.count(*(pageview(site, n, 2 * MINUTE) for n in range(12)))
    press.wishes.begin(EDITOR, site.id, Kind.SPIKE, least=12)
    assert len(press.write(NOW)) == 1
    press.wishes.begin(EDITOR, site.id, Kind.SPIKE, least=12)
    assert press.write(NOW) == []
    press.wishes.begin(EDITOR, site.id, Kind.SPIKE, least=10)
    assert len(press.write(NOW)) == 1


def test_a_question_that_takes_too_long_is_asked_again(
    press: Press, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail that is late is better than one without numbers."""
    press.wishes.begin(EDITOR, site.id, Kind.WEEKLY, done="2026-11-22")
    press.wishes.begin(EDITOR, site.id, Kind.DROP, least=5)
    with monkeypatch.context() as patch:
        patch.setattr(press.reports._parts.stats, "_limit_s", 0.0)  # noqa: SLF001 - a busy moment
        assert press.write(MONDAY) == []
    assert len(press.write(MONDAY + MINUTE)) == 2


def test_alerts_have_sensible_bounds() -> None:
    """A spike of four would be told of people one by one: P18."""
    assert BOUNDS[Kind.SPIKE][0] == 5
    assert timedelta(hours=DROP_HOURS) < DAY


FORM = {"weekly": "1", "spike": "1", "spike-least": "250", "drop-least": "1"}


def test_each_person_orders_mails_of_their_own(press: Press, site: Site) -> None:
    """A viewer may; reports begin with the next one, in the language of the page."""
    owner = press.room.editor()
    viewer = press.room.editor("viewer@example.com", Role.VIEWER, site.id)
    page = viewer.get("/sites/example.com/mails")
    assert "viewer@example.com" in page.text
    assert "No mail server is named" in page.text
    assert " checked" not in page.text
    saved = viewer.post("/sites/example.com/mails", FORM, headers={"Accept-Language": "de"})
    assert saved.headers["location"] == "/sites/example.com/mails?done=saved"
    assert viewer.get("/sites/example.com/mails?done=saved").text.count(" checked") == 2
    assert " checked" not in owner.get("/sites/example.com/mails").text
    weekly, spike = sorted(press.wishes.everybody(), key=lambda wish: wish.kind, reverse=True)
    assert (weekly.kind, weekly.done, weekly.language) == (Kind.WEEKLY, "2026-11-22", "de")
    assert (spike.kind, spike.least, spike.done) == (Kind.SPIKE, 250, "")
    viewer.post("/sites/example.com/mails", {"spike": "1", "spike-least": "300"})
    (changed,) = press.wishes.everybody()
    assert (changed.token, changed.least) == (spike.token, 300)


def test_an_alert_needs_a_number_within_bounds(press: Press, site: Site) -> None:
    """What was written stays in the form, and nothing is changed."""
    owner = press.room.editor()
    for least in ("4", "1000001", "", "-5", "x", "\N{SUPERSCRIPT TWO}5", "9" * 30):
        refused = owner.post("/sites/example.com/mails", FORM | {"spike-least": least})
        assert refused.status_code == 400, least
        assert 'aria-invalid="true"' in refused.text
        assert "within its bounds" in refused.text
    assert press.wishes.everybody() == ()


def test_who_leaves_gets_no_mails_any_more(press: Press, site: Site) -> None:
    """With the account go its mails; a page tells when the mail server has trouble."""
    press.room.parts["mail_trouble"] = lambda: "Cannot connect to mail.example.com"
    press.room.editor()
    viewer = press.room.editor("viewer@example.com", Role.VIEWER, site.id)
    viewer.post("/sites/example.com/mails", FORM)
    page = viewer.get("/sites/example.com/mails").text
    assert "did not take a mail the last time" in page
    assert "mail.example.com" not in page
    accounts = Accounts(press.room.control)
    (user,) = [each for each in accounts.all() if each.email == "viewer@example.com"]
    accounts.remove(user)
    assert press.wishes.everybody() == ()
