"""Filters as editors choose them: how they are written in addresses, and what they mean."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import reduce

from collector.question import (
    MAX_CONDITIONS,
    All,
    Condition,
    Done,
    Either,
    Field,
    Filter,
    Not,
    Operator,
    QueryError,
    conditions,
)
from dashboard.words.fields import address, field_at, label, value_name, value_named, values_called
from dashboard.words.languages import isolated, say, to_say

_PARTS = re.compile(r"((?:[^\\,]|\\.)*)(?:,|$)", re.DOTALL)
_ANY_OF, _NONE_OF = "or", "nor"  # before filters of which one is enough, in addresses
_LEAST_PARTS = 3  # how it compares, what, and with which value


class Comparing(StrEnum):
    """How a filter compares; its value is its name in addresses."""

    IS = "is"
    IS_NOT = "is_not"
    CONTAINS = "contains"
    CONTAINS_NOT = "contains_not"
    MATCHES = "matches"
    MATCHES_NOT = "matches_not"
    DONE = "done"
    DONE_NOT = "done_not"

    @property
    def words(self) -> str:
        """What stands between a field and its value."""
        return say(_WORDS[self])

    @property
    def opposite(self) -> "Comparing":
        """What lets through what this one does not."""
        return _OPPOSITES[self]

    @property
    def is_negative(self) -> bool:
        """Whether it tells what may not be."""
        return self.value.endswith("_not")


_WORDS = {
    Comparing.IS: to_say("is"),
    Comparing.IS_NOT: to_say("is not"),
    Comparing.CONTAINS: to_say("contains"),
    Comparing.CONTAINS_NOT: to_say("does not contain"),
    Comparing.MATCHES: to_say("matches pattern"),
    Comparing.MATCHES_NOT: to_say("does not match pattern"),
    Comparing.DONE: to_say("anywhere in the visit is"),
    Comparing.DONE_NOT: to_say("nowhere in the visit is"),
}
_OPERATORS = {
    Comparing.IS: Operator.IS,
    Comparing.CONTAINS: Operator.CONTAINS,
    Comparing.MATCHES: Operator.MATCHES,
    Comparing.DONE: Operator.IS,
}
_OPPOSITES = {one: Comparing(f"{one}_not") for one in _OPERATORS}
_OPPOSITES |= {negative: one for one, negative in _OPPOSITES.items()}
# Of values with names: those whose names contain something are those values.
_OF_NAMES = {Comparing.CONTAINS: Comparing.IS, Comparing.CONTAINS_NOT: Comparing.IS_NOT}
# Two of these about the same field are one with more values: Google, and then also Bing.
_GROWING = frozenset({Comparing.IS, Comparing.IS_NOT})


@dataclass(frozen=True, slots=True)
class Chosen:
    """One filter: a field compares to one of the values, or to none of them."""

    comparing: Comparing
    field: Field
    values: tuple[str, ...]

    @property
    def address(self) -> str:
        """How it is written in an address: `is,source,Google,Bing`."""
        return ",".join(map(_escaped, (self.comparing, address(self.field), *self.values)))

    @property
    def filter(self) -> Filter:
        """What the stats engine is asked for.

        Raises:
            QueryError: it cannot be compared so.
        """
        positive = self.comparing.opposite if self.comparing.is_negative else self.comparing
        # What people type a part of is found however it is written; what they clicked is exact.
        exact = positive is not Comparing.CONTAINS
        found: Filter = Condition(_OPERATORS[positive], self.field, self.values, exact)
        if positive is Comparing.DONE:
            found = Done(found)
        return Not(found) if self.comparing.is_negative else found

    @property
    def label(self) -> str:
        """What it is about."""
        return label(self.field)

    @property
    def value_names(self) -> str:
        """Its values as people read them."""
        if self.comparing in {Comparing.IS, Comparing.IS_NOT, Comparing.DONE, Comparing.DONE_NOT}:
            return _either([isolated(value_name(self.field, value)) for value in self.values])
        return _either([isolated(value) for value in self.values])

    @property
    def words(self) -> str:
        """The whole of it in words: `Source is Google or Bing`."""
        return f"{self.label} {self.comparing.words} {self.value_names}"

    def negated(self) -> "Chosen":
        """Return the filter that lets through what this one does not."""
        return replace(self, comparing=self.comparing.opposite)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Filters of which one is enough; turned round, none of them may let through."""

    choices: tuple[Chosen, ...]
    is_negative: bool = False

    @property
    def address(self) -> str:
        r"""How it is written in an address: `or,is\,source\,Google,contains\,page\,/blog`."""
        name = _NONE_OF if self.is_negative else _ANY_OF
        return ",".join(map(_escaped, (name, *(each.address for each in self.choices))))

    @property
    def filter(self) -> Filter:
        """What the stats engine is asked for."""
        found = Either(tuple(each.filter for each in self.choices))
        return Not(found) if self.is_negative else found

    @property
    def words(self) -> str:
        """The whole of it in words: `Source is Google or Page contains /blog`."""
        said = _either([each.words for each in self.choices])
        return say("none of: {filters}", filters=said) if self.is_negative else said

    def negated(self) -> "AnyOf":
        """Return the filter that lets through what this one does not."""
        return replace(self, is_negative=not self.is_negative)

    def without(self, choice: Chosen) -> "Each":
        """Return what is left when one is taken out; of two that is the other alone."""
        left = tuple(each for each in self.choices if each != choice)
        if len(left) > 1:
            return replace(self, choices=left)
        return left[0].negated() if self.is_negative else left[0]


Each = Chosen | AnyOf


def _either(names: Sequence[str]) -> str:
    return reduce(lambda one, other: say("{one} or {other}", one=one, other=other), names)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,")


def chosen_at(text: str) -> Each:
    r"""Read a filter out of an address; a comma in a value is written as `\,`.

    Raises:
        QueryError: it is none.
    """
    parts = _parts_of(text)
    if parts[0] in {_ANY_OF, _NONE_OF} and len(parts) >= _LEAST_PARTS:
        choices = tuple(dict.fromkeys(map(_single_at, parts[1:])))
        if len(choices) > 1:
            return AnyOf(choices, parts[0] == _NONE_OF)
    return _single_at(text)


def _parts_of(text: str) -> list[str]:
    return [re.sub(r"\\(.)", r"\1", part) for part in _PARTS.findall(text + ",")[:-1]]


def _single_at(text: str) -> Chosen:
    parts = _parts_of(text)
    if len(parts) < _LEAST_PARTS or parts[0] not in list(Comparing):
        raise QueryError("filters", say("“{text}” is no filter", text=text))
    found = Chosen(Comparing(parts[0]), field_at(parts[1]), tuple(parts[2:]))
    _ = found.filter  # refuses what cannot be compared
    return found


def typed(comparing: str, field: str, name: str, value: str) -> Chosen:
    """Read a filter out of the fields of a form; `name` is that of a property.

    Raises:
        QueryError: it is none; the message is for people.
    """
    about = field_at(f"props:{name.strip()}" if field == "props" else field)
    if comparing not in list(Comparing):
        raise QueryError("filters", say("there is no comparison “{name}”", name=comparing))
    how = Comparing(comparing)
    is_exact = how in {Comparing.IS, Comparing.IS_NOT, Comparing.DONE, Comparing.DONE_NOT}
    if not value.strip():
        raise QueryError(
            "filters", say("write which value of “{field}” is meant", field=label(about))
        )
    if not is_exact and (named := values_called(about, value)) is not None:
        # What is kept has short names that nobody reads, such as DE: those that fit are meant.
        return Chosen(_of_names(how, about), about, _some(named, about, value))
    found = Chosen(how, about, (value_named(about, value) if is_exact else value.strip(),))
    _ = found.filter
    return found


def _of_names(comparing: Comparing, about: Field) -> Comparing:
    if comparing not in _OF_NAMES:
        message = say("“{field}” has names: ask what they contain", field=label(about))
        raise QueryError("filters", message)
    return _OF_NAMES[comparing]


def _some(values: tuple[str, ...], about: Field, text: str) -> tuple[str, ...]:
    if not values:
        message = say("nothing under “{field}” is called “{text}”", field=label(about), text=text)
        raise QueryError("filters", message)
    return values


def or_else(chosen: Sequence[Each], index: int, more: Chosen) -> tuple[Each, ...]:
    """Return filters, one of which lets through what one more does, too.

    Raises:
        QueryError: there is no filter at that place.
    """
    if not 0 <= index < len(chosen):
        raise QueryError("filters", say("there is no filter of that number"))
    one = chosen[index]
    before = one if isinstance(one, AnyOf) else AnyOf((one,))
    choices = tuple(dict.fromkeys((*before.choices, more)))
    joint: Each = replace(before, choices=choices) if len(choices) > 1 else one
    return (*chosen[:index], joint, *chosen[index + 1 :])


def joined(chosen: Sequence[Each], more: Each) -> tuple[Each, ...]:
    """Return filters with one more; where one of its kind is there, that one gets its values."""
    for index, one in enumerate(chosen):
        if isinstance(one, AnyOf) or isinstance(more, AnyOf):
            continue
        is_alike = (one.comparing, one.field) == (more.comparing, more.field)
        if is_alike and (more.comparing in _GROWING or one.values == more.values):
            values = tuple(dict.fromkeys((*one.values, *more.values)))
            return (*chosen[:index], replace(one, values=values), *chosen[index + 1 :])
    return (*chosen, more)


def narrowed(chosen: Sequence[Each], field: Field, value: str) -> tuple[Each, ...]:
    """Return filters of which the one about a field, if there is one, is this value alone."""
    others = [
        each
        for each in chosen
        if isinstance(each, AnyOf) or (each.comparing, each.field) != (Comparing.IS, field)
    ]
    return (*others, Chosen(Comparing.IS, field, (value,)))


def together(chosen: Iterable[Each]) -> Filter:
    """Return what lets through what all of them do.

    Raises:
        QueryError: there are too many.
    """
    filters = tuple(each.filter for each in chosen)
    if len(conditions(All(filters))) > MAX_CONDITIONS:
        raise QueryError("filters", say("at most {n} filters", n=MAX_CONDITIONS))
    return All(filters)
