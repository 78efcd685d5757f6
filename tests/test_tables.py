"""Answers as CSV: what a visitor has chosen is text in every spreadsheet."""

import csv

import pytest

from collector.question import Metric
from dashboard.question.tables import Line, Table, as_csv


def written(*values: str) -> str:
    """Return a table with one row, of these values and a number, as CSV."""
    names = [f"name {number}" for number, _ in enumerate(values)]
    table = Table(names, [Metric.VISITORS], False, [Line(values, [7], is_hidden=False)])  # noqa: FBT003
    return as_csv(table, 5)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("parting", [",", ";", "\t", "\n", "\r\n", '";', '"\t'])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_cell_is_a_formula(sign: str, parting: str, separator: str) -> None:
    """Whichever separator the spreadsheet goes by, and wherever in a text one stands."""
    for text in (f"{sign}1+1", f"{parting}{sign}1+1", f"/a{parting}{sign}1+1{parting}"):
        for values in ((text, "b"), ("b", text)):
            lines = written(*values).splitlines(keepends=True)
            cells = [cell for row in csv.reader(lines, delimiter=separator) for cell in row]
            assert [cell for cell in cells if cell.lstrip(' "').startswith(sign)] == []


@pytest.mark.parametrize("text", ["/a", "", "a,b", "a;b", 'say "a"', "two\nlines", " blank "])
def test_a_value_is_read_back_as_it_was(text: str) -> None:
    """By whoever reads CSV as RFC 4180 has it."""
    rows = list(csv.reader(written(text).splitlines(keepends=True)))
    assert rows == [["name 0", "visitors"], [text, "7"]]
