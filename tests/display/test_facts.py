"""The two drawings of facts tell the same, whatever the facts are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings, strategies as st

from artigraph.display.escape import visible, width_of
from artigraph.display.facts import Badge, Facts, Field, Role, Table
from artigraph.display.html import render_html
from artigraph.display.text import render_text
from tests.display.hostile import HOSTILE, check_html, check_text

FIT = Facts(
    "Fit",
    "fit",
    (Badge("v2", "version"), Badge("database", "place")),
    (("id", "12"), ("path", "wine / run 1")),
    fields=(
        Field("loss", "float", "0.12"),
        Field(
            "frame",
            "DataFrame",
            "3 rows",
            (Badge("S3", "place"), Badge("12.0 kB", "size")),
            Facts(
                "DataFrame",
                table=Table(
                    ("", "x"),
                    (("0", "1"), ("1", "20")),
                    ("", "int64"),
                    gap=2,
                    more=1,
                    numbers=frozenset({1}),
                ),
            ),
        ),
    ),
    more_fields=3,
)


def test_text_is_a_card() -> None:
    """Name, label and badges, then notes, then fields in columns, with what is inside below."""
    assert render_text(FIT) == "\n".join(
        [
            "Fit 'fit'  [v2]  [database]",
            "id 12 · path wine / run 1",
            "  loss   float      0.12",
            "  frame  DataFrame  3 rows  [S3]  [12.0 kB]",
            "             x",
            "         int64",
            "      0      1",
            "      1     20",
            "      … +1 more",
            "  … +3 more",
        ]
    )


def test_html_is_a_card() -> None:
    """Fields are rows of a table; what is inside folds; without its style it reads as well."""
    page = check_html(render_html(FIT))
    tags = [tag for tag, _ in page.tags]
    assert tags.count("details") == 1
    assert tags.count("table") == 2
    words = " ".join(page.text.split())
    assert words.startswith("Fit fit · v2 · database id 12 · path wine / run 1 loss")
    assert "3 rows · S3 · 12.0 kB" in words


names = st.text(max_size=20) | st.sampled_from([text[:300] for text in HOSTILE.values()])
badges = st.lists(st.builds(Badge, names, st.sampled_from(get_args(Role))), max_size=2).map(tuple)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    width = draw(st.integers(1, 4))
    row = st.tuples(*[names] * width)
    rows = draw(st.lists(row, max_size=4))
    return Table(
        draw(row),
        tuple(rows),
        draw(st.just(()) | row),
        draw(st.integers(0, len(rows))),
        draw(st.integers(0, 2000)),
        draw(st.integers(0, 3)),
        frozenset(draw(st.sets(st.integers(0, width - 1)))),
    )


def facts(inner: st.SearchStrategy[Facts | None]) -> st.SearchStrategy[Facts]:
    field = st.builds(Field, names, names, names, badges, inner)
    return st.builds(
        Facts,
        names,
        names,
        badges,
        st.lists(st.tuples(names, names), max_size=2).map(tuple),
        st.lists(names, max_size=2).map(tuple),
        st.lists(field, max_size=3).map(tuple),
        st.integers(0, 3),
        st.none() | tables(),
        st.none(),
        names,
        st.lists(names, max_size=1).map(tuple),
    )


any_facts = facts(st.none() | facts(st.none()))


def squeezed(text: str) -> str:
    """A text without spaces, since lines are broken and columns filled up."""
    return re.sub(r"\s", "", text)


def texts_of(facts: Facts) -> Iterator[str]:
    """Every text in some facts, in no order, with all that is inside."""
    yield from (facts.name, facts.label)
    yield from (badge.text for badge in facts.badges)
    yield from texts_inside(facts)


def texts_inside(facts: Facts) -> Iterator[str]:
    """Those below the head."""
    for note in facts.notes:
        yield from note
    yield from (*facts.lines, *facts.code.split("\n"), *facts.warnings)
    counts = [facts.more_fields]
    for one in facts.fields:
        yield from (one.name, one.type, one.value)
        yield from (badge.text for badge in one.badges)
        if one.inside is not None:
            yield from texts_inside(one.inside)
    if facts.table is not None:
        for texts in (facts.table.columns, facts.table.types, *facts.table.rows):
            yield from texts
        counts += [facts.table.more, facts.table.more_columns]
    yield from (f"+{count:,} more" for count in counts if count)


@settings(deadline=None, max_examples=60)
@given(any_facts)
def test_text_and_html_tell_the_same(one: Facts) -> None:
    """Whatever is in the facts stands in both drawings."""
    text, html = render_text(one, 10_000), check_html(render_html(one)).text
    check_text(text)
    for said in texts_of(one):
        assert squeezed(visible(said)) in squeezed(text)
        assert squeezed(visible(said)) in squeezed(html)


@settings(deadline=None, max_examples=60)
@given(any_facts, st.integers(24, 100))
def test_lines_fit_the_terminal(one: Facts, width: int) -> None:
    """No line is longer than the terminal is wide, but for a table's cell that is."""
    drawn = replace(one, table=None, fields=tuple(replace(f, inside=None) for f in one.fields))
    text = render_text(drawn, width)
    assert max(width_of(line) for line in text.split("\n")) <= width
    # A dot between two notes is not needed where a line ends.
    narrow, wide = (squeezed(t).replace("·", "") for t in (text, render_text(drawn, 10_000)))
    assert sorted(narrow) == sorted(wide)


def test_a_wide_table_is_drawn_in_blocks() -> None:
    """Columns that do not fit follow below, each block beginning with the first column."""
    columns = tuple(f"column {n}" for n in range(6))
    rows = tuple(tuple(f"{row}.{n}" for n in range(6)) for row in range(2))
    text = render_text(Facts("t", table=Table(columns, rows)), 40)
    assert max(map(len, text.split("\n"))) <= 40
    assert text.count("column 0") == text.count("0.0") == 2
    for cell in [*columns[1:], "0.5", "1.5"]:
        assert text.count(cell) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_stays_text(name: str) -> None:
    """In every place of the facts the corpus is text, and its HTML is whole."""
    evil = HOSTILE[name][:5000]
    table = Table((evil, "x"), ((evil, evil),), (evil, evil), 1, 2)
    inside = Facts(evil, evil, (Badge(evil),), ((evil, evil),), (evil,), table=table)
    one = Facts(
        evil,
        evil,
        (Badge(evil),),
        ((evil, evil),),
        (evil,),
        (Field(evil, evil, evil, (Badge(evil),), inside), Field(evil, evil, "", (), inside)),
        table=table,
        code=evil,
        warnings=(evil,),
    )
    page = check_html(render_html(one))
    assert squeezed(page.text).count(squeezed(visible(evil))) >= 15 or not evil
    check_text(render_text(one))
