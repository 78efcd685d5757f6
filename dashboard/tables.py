"""Answers as CSV, for spreadsheets."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

# A spreadsheet takes a text that begins so for a formula, and a visitor may have chosen it.
# Source: OWASP, CSV Injection.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def as_csv(answer: Mapping[str, Any], least_visitors: int) -> str:
    """Return the results of an answer, one row a line, with the names of the columns on top.

    A hidden number is written as "<5"; one that does not exist is empty.

    Args:
        answer: as `dashboard.api.answer` makes it.
        least_visitors: the least number of visitors that is not hidden.
    """
    query = answer["query"]
    metrics: Sequence[str] = query["metrics"]
    is_compared = "comparisons" in query["include"]
    head = [*query["dimensions"], *metrics]
    if is_compared:
        head += [f"{metric} before" for metric in metrics]
        head += [f"{metric} change" for metric in metrics]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(map(_safe, head))
    for result in answer["results"]:
        numbers = [*_numbers(result, least_visitors)]
        if is_compared:
            numbers += _numbers(result["comparison"], least_visitors)
            numbers += result["comparison"]["change"]
        writer.writerow([*map(_safe, result["dimensions"]), *numbers])
    return text.getvalue()


def _numbers(result: Mapping[str, Any], least_visitors: int) -> list[object]:
    if result.get("is_hidden"):
        return [f"<{least_visitors}"] * len(result["metrics"])
    return ["" if number is None else number for number in result["metrics"]]


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULAS) else text
