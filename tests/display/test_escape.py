"""Text that says what it holds."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from artigraph.display.escape import cut, html_text, visible, width_of
from tests.display.hostile import HOSTILE, Page, check_text


@given(st.text(max_size=60))
def test_every_character_can_be_seen(text: str) -> None:
    """What is shown holds no control, no mark of direction and nothing without a width."""
    shown = visible(text)
    check_text(shown.replace("\u200c", "").replace("\u200d", ""))
    assert Page(html_text(text)).text == shown


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_written_out(name: str) -> None:
    """Nothing of the corpus stays hidden, and none of it takes long."""
    shown = visible(HOSTILE[name], 300)
    check_text(shown)
    assert len(shown) <= 3000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("größer 木 ✓", "größer 木 ✓"),
        ("a\u202eb", r"a\u202eb"),
        ("a\nb\x1b[0m\x00", r"a\nb\x1b[0m\x00"),
        ("lo\u200dss", r"lo\u200dss"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # noqa: RUF001  # Persian is spelt so
        ("👩\u200d💻", "👩\u200d💻"),
        ("a\U000e0100", r"a\U000e0100"),
        ("\ud800", r"\ud800"),
        ("a\u3164b", r"a\u3164b"),
    ],
)
def test_words_stay_as_they_are(text: str, shown: str) -> None:
    """Letters and emoji stay, with joiners where they are spelt with them."""
    assert visible(text) == shown


def test_a_cut_text_ends_in_dots() -> None:
    """It has as many characters as asked for; one that fits is the same."""
    assert cut("abcdef", 4) == "abc…"
    assert cut("abcd", 4) == "abcd"
    assert visible("x" * 1_000_000, 10) == "xxxxxxxxx…"


def test_width_counts_columns_of_a_terminal() -> None:
    """Wide characters take two, combining ones none."""
    assert [width_of(t) for t in ("abc", "木", "a\u0301", "é")] == [3, 2, 1, 1]
    # A family joined to one sign, and a vowel below a Thai letter.
    assert [width_of(t) for t in ("\U0001f469\u200d\U0001f467", "ก\u0e38")] == [2, 1]


@given(st.text())
def test_every_text_has_a_width(text: str) -> None:
    """What is visible takes some columns, but for what stands alone and is no letter."""
    assert width_of(visible(text)) >= 0
