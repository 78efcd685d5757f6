"""Answers as tables: as CSV, for spreadsheets, and as columns with types."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collector.question import COUNTS, Metric

Number = int | float | None
# A spreadsheet takes a text that begins so for a formula, and a visitor may have chosen it.
# Source: OWASP, CSV Injection.
_FORMULAS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # the last four are of full width
# Where commas are decimal, spreadsheets part cells at semicolons, in the middle of a text too:
# quotes are none to them that do not stand at a cell's beginning.
_FORMULA_WITHIN = re.compile('([;\t\r\n][\\s"]*)(?=[-=+@\uff1d\uff0b\uff0d\uff20])')


@dataclass(frozen=True, slots=True)
class Line:
    """A row of an answer: values of its dimensions as they are shown, and its numbers.

    `before` is the row of the period compared with, None where that has no such place, and `change`
    how the numbers have changed.
    """

    dimensions: Sequence[str]
    metrics: Sequence[Number]
    is_hidden: bool
    before: "Line | None" = None
    change: Sequence[Number] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """An answer, with the names of its columns."""

    dimensions: Sequence[str]
    metrics: Sequence[Metric]
    is_compared: bool
    lines: Sequence[Line]

    def columns(self) -> list[tuple[str, type]]:
        """Return names and types: text, whole numbers for counts, else numbers."""
        numbers = [(metric.value, int if metric in COUNTS else float) for metric in self.metrics]
        columns: list[tuple[str, type]] = [(name, str) for name in self.dimensions]
        columns += numbers
        if self.is_compared:
            columns += [(f"{name} before", kind) for name, kind in numbers]
            columns += [(f"{name} change", float) for name, _ in numbers]
        return columns

    def rows(self) -> Iterator[list[str | Number]]:
        """Yield a value for each column; what is hidden is None, as what does not exist."""
        for line in self.lines:
            yield [*line.dimensions, *line.metrics, *self._compared(line)]

    def _compared(self, line: Line) -> Sequence[Number]:
        if self.is_compared and line.before is None:
            return [None] * (2 * len(self.metrics))
        return [*(line.before.metrics if line.before else ()), *line.change]


def as_csv(table: Table, least_visitors: int) -> str:
    """Return an answer, one row a line, with the names of the columns on top.

    A hidden number is written as "<5"; one that does not exist is empty.

    Args:
        table: the answer.
        least_visitors: the least number of visitors that is not hidden.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_safe(name) for name, _ in table.columns()])
    for line in table.lines:
        numbers = _numbers(line, least_visitors)
        if line.before:
            numbers += [*_numbers(line.before, least_visitors), *line.change]
        elif table.is_compared:
            numbers += [None] * (2 * len(table.metrics))
        writer.writerow([*map(_safe, line.dimensions), *numbers])
    return text.getvalue()


def _numbers(line: Line, least_visitors: int) -> list[str | Number]:
    if line.is_hidden:
        return [f"<{least_visitors}"] * len(line.metrics)
    return list(line.metrics)


def _safe(text: str) -> str:
    text = _FORMULA_WITHIN.sub(r"\1'", text)
    return f"'{text}" if text.startswith(_FORMULAS) else text
