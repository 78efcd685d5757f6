"""What editors write down about a site."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from collector.control import Control
from collector.settings.notebook import Annotation, Notebook, NotebookError, Segment

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DAY = date(2026, 11, 23)


@pytest.fixture(name="control")
def open_control(tmp_path: Path) -> Iterator[Control]:
    """Open a file with two sites."""
    with closing(Control.open(tmp_path / "control.sqlite")) as control:
        control.add_site("example.com", "UTC", NOW)
        control.add_site("example.org", "UTC", NOW)
        yield control


def test_days_are_annotated_in_order_and_struck_out(control: Control) -> None:
    """Each site has its own; blanks are tidied up."""
    notebook = Notebook(control)
    notebook.annotate(1, DAY, "  Relaunch\n of the site ")
    notebook.annotate(1, date(2026, 11, 1), "Campaign")
    notebook.annotate(2, DAY, "Elsewhere")
    campaign, relaunch = notebook.annotations(1)
    assert (campaign.text, relaunch) == ("Campaign", Annotation(1, DAY, "Relaunch of the site"))
    notebook.strike(2, Annotation, campaign.id)
    assert len(notebook.annotations(1)) == 2
    notebook.strike(1, Annotation, campaign.id)
    assert notebook.annotations(1) == (relaunch,)


def test_filters_are_kept_under_a_name(control: Control) -> None:
    """The same name again takes the place of the first."""
    notebook = Notebook(control)
    notebook.keep(1, "Readers", "f=is,source,Google")
    notebook.keep(1, "Readers", "f=is,source,Bing")
    notebook.keep(1, "by phone", "f=is,device,mobile")
    assert [each.name for each in notebook.segments(1)] == ["by phone", "Readers"]
    readers = notebook.segments(1)[1]
    assert readers.filters == "f=is,source,Bing"
    notebook.strike(1, Segment, readers.id)
    assert len(notebook.segments(1)) == 1
    assert notebook.segments(2) == ()


@pytest.mark.parametrize("text", ["", " \n", "x" * 201])
def test_a_text_has_bounds(control: Control, text: str) -> None:
    """Something, and not too much of it."""
    notebook = Notebook(control)
    with pytest.raises(NotebookError):
        notebook.annotate(1, DAY, text)
    with pytest.raises(NotebookError):
        notebook.keep(1, text, "f=is,source,Google")
    with pytest.raises(NotebookError):
        notebook.keep(1, "name", text.strip() * 20)


def test_a_site_has_only_so_many(control: Control) -> None:
    """Nobody writes more than 500 by hand."""
    with control.writing() as connection:
        rows = [(1, "2026-11-23", str(number)) for number in range(500)]
        connection.executemany("INSERT INTO annotations (site, date, text) VALUES (?, ?, ?)", rows)
    with pytest.raises(NotebookError):
        Notebook(control).annotate(1, DAY, "one more")
    Notebook(control).annotate(2, DAY, "one")


def test_what_is_written_about_a_site_goes_with_it(control: Control) -> None:
    """Once its numbers are gone."""
    notebook = Notebook(control)
    notebook.annotate(1, DAY, "Relaunch")
    notebook.keep(1, "Readers", "f=is,source,Google")
    notebook.annotate(2, DAY, "Elsewhere")
    control.remove_site("example.com", NOW)
    control.forget(1)
    assert notebook.annotations(1) == ()
    assert notebook.segments(1) == ()
    assert len(notebook.annotations(2)) == 1
