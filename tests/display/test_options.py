"""``artigraph.options``: what may be set, what may not, and what it says of itself."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

import artigraph
from artigraph import OptionError, options
from artigraph.display.options import Limits, meaning_of
from tests.display.hostile import Page

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "reprs.md"


@pytest.fixture(autouse=True)
def _reset() -> Iterator[None]:
    yield
    options.reset()


def test_a_setting_is_set_read_and_put_back() -> None:
    """Assigning sets one, ``del`` puts its default back, and ``reset`` all of them."""
    assert options.max_items == 10
    options.max_items = 5
    options.max_rows = 0
    assert (options.max_items, options.limits.max_items, options.max_rows) == (5, 5, 0)
    del options.max_items
    assert (options.max_items, options.max_rows) == (10, 0)
    options.reset()
    assert options.limits == Limits()


def test_a_block_sets_several_for_as_long_as_it_lasts() -> None:
    """``with options.set(…)`` puts back those that it has set, also when it raises."""
    options.max_text = 50
    with contextlib.suppress(ZeroDivisionError), options.set(max_items=3, max_text=20):
        assert (options.max_items, options.max_text) == (3, 20)
        options.max_rows = 9
        _ = 1 / 0
    assert (options.max_items, options.max_text, options.max_rows) == (10, 50, 9)


def test_set_without_a_block_stays() -> None:
    """``options.set(…)`` by itself sets for good."""
    options.set(max_items=3)
    assert options.max_items == 3


@pytest.mark.parametrize("value", [-1, 0, 1.5, "5", None, True, [5]], ids=repr)
def test_an_impossible_value_is_refused(value: object) -> None:
    """The error names the setting, what it takes and what it means; nothing is set."""
    message = r"options\.max_items is a whole number from 1 on, not .*items of a collection"
    with pytest.raises(OptionError, match=message):
        options.max_items = value
    with pytest.raises(OptionError, match=message):
        options.set(max_rows=1, max_items=value)  # type: ignore[arg-type]  # that is the test
    assert (options.max_items, options.max_rows) == (10, 5)


def test_an_unknown_name_is_refused() -> None:
    """The error names the nearest; it is an ``AttributeError`` to whoever asks for one."""
    with pytest.raises(OptionError, match=r"no 'max_item'\. Did you mean 'max_items'"):
        options.max_item = 5
    with pytest.raises(AttributeError, match="Did you mean 'max_bytes'"):
        _ = options.max_byte
    with pytest.raises(OptionError, match=r"no 'colour'.*Known are: 'max_bytes'"):
        options.set(colour=1)
    with pytest.raises(OptionError):
        del options.colour


def test_it_lists_all_settings() -> None:
    """Text and HTML have each with its value, its default and its meaning."""
    options.max_items = 7
    text, html = repr(options), Page(options._repr_html_()).text
    for field in fields(Limits):
        meaning, default, _ = meaning_of(field.name)
        for shown in (field.name, f"{default:,}", meaning):
            assert shown in text
            assert shown in html
        assert field.name in dir(options)
    assert re.search(r"max_items +7 +10 ", text)


def test_it_is_one_object() -> None:
    """``artigraph.options`` is the object that every representation asks."""
    assert artigraph.options is options


def test_the_guide_lists_the_same() -> None:
    """The table in the guide has every setting with its default and its meaning."""
    guide = GUIDE.read_text(encoding="utf-8")
    for field in fields(Limits):
        meaning, default, _ = meaning_of(field.name)
        assert re.search(rf"\| `{field.name}` +\| +{default:,} \| {re.escape(meaning)} +\|", guide)
