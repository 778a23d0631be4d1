"""Facts drawn as HTML that reads well with its style and without.

* every text is escaped, and nothing in it can hide
* no script, no identifier, no input and nothing from the network
* colours come from the notebook's theme where it has any, and else suit light
  and dark pages
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from html import escape

from artigraph.display.curve import Curve, curve_svg
from artigraph.display.escape import counted, cut, html_text
from artigraph.display.facts import Badge, BadgeCell, Facts, Field, Picture, Table

__all__ = ["STYLE", "page", "render_html"]

PREVIEW = 80
"""Characters of a folded thing's first line."""

STYLE = """<style>
.ag-repr { font-family: var(--jp-content-font-family, system-ui, sans-serif);
 font-size: var(--jp-content-font-size1, 14px); line-height: 1.5; overflow-x: auto;
 padding: 2px 0 6px }
.ag-repr .ag-sep, .ag-repr svg + .ag-blocks { display: none }
.ag-repr .ag-head { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 8px }
.ag-repr .ag-name { font-weight: 600 }
.ag-repr .ag-notes { display: flex; flex-wrap: wrap; gap: 0 16px; font-size: 90% }
.ag-repr .ag-key, .ag-repr .ag-type, .ag-repr .ag-more, .ag-repr .ag-warning { opacity: .65 }
.ag-repr .ag-type, .ag-repr .ag-more { font-size: 90% }
.ag-repr .ag-badge { display: inline-block; white-space: nowrap; padding: 0 7px;
 border-radius: 9px; font-size: 80%; line-height: 1.6; vertical-align: 1px; margin: 0 6px 0 0;
 background: rgba(128, 128, 128, .16) }
.ag-repr .ag-version { background: rgba(124, 99, 214, .2) }
.ag-repr .ag-place { background: rgba(33, 132, 210, .2) }
.ag-repr .ag-tag { background: rgba(38, 153, 92, .2) }
.ag-repr .ag-failed { background: rgba(214, 57, 57, .25) }
.ag-repr .ag-label, .ag-repr .ag-value, .ag-repr .ag-code, .ag-repr table.ag-table td {
 font-family: var(--jp-code-font-family, ui-monospace, Menlo, Consolas, monospace);
 font-size: var(--jp-code-font-size, 13px) }
.ag-repr table.ag-fields, .ag-repr table.ag-table { border-collapse: collapse; border: none;
 margin: 6px 0 2px; font-size: inherit; table-layout: auto; width: auto }
.ag-repr table.ag-fields tr, .ag-repr table.ag-table tr { background: none; border: none }
.ag-repr table.ag-fields > tbody > tr > *, .ag-repr table.ag-table > * > tr > * {
 border: none; text-align: left; vertical-align: top; padding: 3px 20px 3px 0;
 max-width: none; white-space: normal; background: none }
.ag-repr table.ag-fields > tbody > tr + tr > *, .ag-repr table.ag-table > tbody > tr > * {
 border-top: 1px solid var(--jp-border-color2, rgba(128, 128, 128, .28)) }
.ag-repr table.ag-fields > tbody > tr > th { font-weight: 600; white-space: nowrap }
.ag-repr table.ag-fields > tbody > tr > td.ag-type { white-space: nowrap }
.ag-repr table.ag-table > * > tr > * { white-space: nowrap; padding: 2px 16px 2px 0 }
.ag-repr table.ag-table > * > tr > .ag-number { text-align: right }
.ag-repr table.ag-table > thead > tr > th { font-weight: 600; vertical-align: bottom }
.ag-repr table.ag-table > thead > tr > th .ag-type { font-weight: 400 }
.ag-repr .ag-value { overflow-wrap: anywhere; white-space: pre-wrap }
.ag-repr details > summary { cursor: pointer; display: list-item }
.ag-repr details > .ag-inside { margin: 0 0 4px 14px }
.ag-repr ul.ag-branch { list-style: none; margin: 0; padding: 0 }
.ag-repr ul.ag-branch ul.ag-branch { margin-left: 5px; padding-left: 15px;
 border-left: 1px solid var(--jp-border-color2, rgba(128, 128, 128, .28)) }
.ag-repr ul.ag-branch li { margin: 1px 0; line-height: 1.7 }
.ag-repr li.ag-leaf, .ag-repr li.ag-more { padding-left: 15px }
.ag-repr .ag-box { padding: 0 8px; border: 1px solid; white-space: nowrap }
.ag-repr .ag-node { border-radius: 11px; border-color: #8a7bd0;
 background: rgba(138, 123, 208, .18) }
.ag-repr .ag-model { border-radius: 2px; border-color: #c29a2e;
 background: rgba(194, 154, 46, .16) }
.ag-repr .ag-artifact { border-radius: 2px 8px 2px 2px; border-color: #5b9c75;
 background: rgba(91, 156, 117, .16) }
.ag-repr .ag-edge { opacity: .8 }
.ag-repr pre.ag-code { margin: 6px 0; padding: 0; border: none; background: none; line-height: 1.35;
 white-space: pre-wrap; overflow-wrap: anywhere }
.ag-repr img { max-width: 100%; height: auto; margin: 4px 0; background: #fff }
</style>"""


def render_html(facts: Facts) -> str:
    """Draw facts as HTML.

    Returns:
        One ``div`` with a style of its own.
    """
    return page(_whole(facts))


def page(content: str) -> str:
    """What is drawn, inside of the one element that the style speaks of.

    Args:
        content: HTML whose texts are escaped.
    """
    return f'<div class="ag-repr">{STYLE}\n{content}</div>'


def _whole(facts: Facts) -> str:
    return f"{_head(facts)}{_inside(facts)}"


def _head(facts: Facts) -> str:
    label = f" {_span('label', facts.label)}" if facts.label else ""
    return (
        f'<div class="ag-head"><strong class="ag-name">{_text(facts.name)}</strong>{label}'
        f"{_badges(facts.badges)}</div>\n"
    )


def _inside(facts: Facts) -> str:
    return "".join(_blocks(facts))


def _blocks(facts: Facts) -> Iterator[str]:
    if facts.notes:
        notes = (f"<span>{_span('key', name)} {_text(value)}</span>" for name, value in facts.notes)
        yield f'<div class="ag-notes">{_SEPARATOR.join(notes)}</div>\n'
    for line in facts.lines:
        yield f"<div>{_text(line)}</div>\n"
    if facts.picture is not None:
        yield _picture(facts.picture)
    if facts.fields:
        rows = "\n".join(_field(one) for one in facts.fields)
        yield f'<table class="ag-fields"><tbody>\n{rows}\n</tbody></table>\n'
    if facts.more_fields:
        yield f'<div class="ag-more">… +{facts.more_fields:,} more</div>\n'
    if facts.table is not None:
        yield _table(facts.table)
    # Behind what is said in fewer lines.
    if facts.code:
        lines = "\n".join(map(_text, facts.code.split("\n")))
        # pre keeps the lines where the style is stripped.
        if "\n" in lines:
            yield f'<pre class="ag-code">{lines}</pre>\n'
        else:
            yield f'<div><code class="ag-code">{lines}</code></div>\n'
    for warning in facts.warnings:
        yield f'<div class="ag-warning">({_text(warning)})</div>\n'


_SEPARATOR = '<span class="ag-sep"> · </span>'
"""For where the style is stripped."""


def _span(role: str, text: str) -> str:
    return f'<span class="ag-{role}">{_text(text)}</span>'


def _badges(badges: Iterable[Badge]) -> str:
    return "".join(
        f'{_SEPARATOR}<span class="ag-badge ag-{badge.role}">{_text(badge.text)}</span>'
        for badge in badges
    )


def _field(one: Field) -> str:
    badges = _badges(one.badges)
    value = _span("value", one.value) if one.value else ""
    if one.inside is not None:
        first = value or _span("value", _preview(one.inside))
        value = (
            f"<details><summary>{first} {badges}</summary>\n"
            f'<div class="ag-inside">{_inside(one.inside)}</div></details>'
        )
    elif badges:
        value = f"{value} {badges}"
    return (
        f'<tr><th scope="row" align="left">{_text(one.name)}</th>'
        f'<td class="ag-type">{_text(one.type)}</td><td>{value}</td></tr>'
    )


def _preview(facts: Facts) -> str:
    """What a fold tells while it is closed; all of it stands inside as well."""
    return cut(", ".join(f"{one.name}={one.value or '…'}" for one in facts.fields[:8]), PREVIEW)


def _table(table: Table) -> str:
    types: Iterable[str] = table.types or [""] * len(table.columns)
    head = "".join(
        f'<th scope="col" {_aligned(table, at)}>{_text(name)}'
        + (f"<br>{_span('type', type_)}" if type_ else "")
        + "</th>"
        for at, (name, type_) in enumerate(zip(table.columns, types, strict=True))
    )
    rows = []
    gap = (
        f'<tr><td class="ag-more" colspan="{max(1, len(table.columns))}">… +{table.more:,} more'
        "</td></tr>"
    )
    for at, row in enumerate(table.rows):
        if table.more and at == table.gap:
            rows.append(gap)
        cells = "".join(
            f"<td {_aligned(table, n)}>{_cell(cell)}</td>" for n, cell in enumerate(row)
        )
        rows.append(f"<tr>{cells}</tr>")
    if table.more and table.gap is not None and table.gap >= len(table.rows):
        rows.append(gap)
    body = "\n".join(rows)
    drawn = (
        f'<table class="ag-table"><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>\n'
    )
    if table.more_columns:
        drawn += f'<div class="ag-more">+{counted(table.more_columns, "more column")}</div>\n'
    return drawn


def _cell(text: str) -> str:
    if isinstance(text, BadgeCell):
        return f'<span class="ag-badge ag-{text.role}">{_text(text)}</span>' if text else ""
    if not isinstance(text, Curve):
        return _text(text)
    # The text is for where drawings are stripped, and the style with them.
    drawn = f"{curve_svg(text.buckets)}{_span('blocks', text)}"
    return f'<span style="white-space:nowrap">{drawn}</span>'


def _aligned(table: Table, at: int) -> str:
    # The attribute is for where the style is stripped.
    return 'class="ag-number" align="right"' if at in table.numbers else 'align="left"'


def _picture(picture: Picture) -> str:
    data = b64encode(picture.png).decode()
    return (
        f'<img alt="picture" width="{picture.width:d}" height="{picture.height:d}" '
        f'src="data:image/{escape(picture.type)};base64,{data}">\n'
    )


def _text(text: str) -> str:
    # Most texts are these, and a page has thousands.
    return escape(text) if text.isascii() and text.isprintable() else html_text(text)
