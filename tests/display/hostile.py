"""Texts that mean to run, hide, reorder, overflow or break out, and how to tell that none did."""

from __future__ import annotations

import unicodedata
from html.parser import HTMLParser

from typing_extensions import override

__all__ = ["HOSTILE", "Page", "check_html", "check_text"]

ASK = "http://192.0.2.1"
"""An address that nobody has: a browser that asks for it was made to."""

HOSTILE = {
    "script": "<script>window.ag_ran=1</script>",
    "closed script": "</script><script>window.ag_ran=1</script>",
    "handler": f'<img src="{ASK}/x.png" onerror="window.ag_ran=1">',
    "attribute": '" onmouseover="window.ag_ran=1" x="',
    "single quotes": "' autofocus onfocus='window.ag_ran=1' x='",
    "style": f"</style><style>*{{background:url({ASK}/a.png)}}</style>",
    "style in style": f"}} * {{ background: url({ASK}/b.png) !important }}",
    "link": f"<a href='javascript:window.ag_ran=1'>x</a> <a href='{ASK}'>y</a>",
    "comment": "<!-- --!> <img src=x onerror=window.ag_ran=1>",
    "iframe": '<iframe srcdoc="<script>parent.ag_ran=1</script>"></iframe>',
    "table break": "</td></tr></table></details></div><b>out</b>",
    "entities": "&lt;b&gt; &#60;b&#62; &amp;amp;",
    "svg": '</text></svg><svg onload="window.ag_ran=1"><script>window.ag_ran=1</script>',
    "foreign object": "<foreignObject><body onload='window.ag_ran=1'></body></foreignObject>",
    "cdata": "]]><script>window.ag_ran=1</script><![CDATA[",
    "mermaid": '"] --> x click x href "javascript:window.ag_ran=1"',
    "mermaid directive": '%%{init: {"securityLevel": "loose"}}%%',
    "fence": "```\n<script>window.ag_ran=1</script>\n```mermaid\ngraph TD",
    "markdown": f"[x](javascript:window.ag_ran=1) ![y]({ASK}/c.png) **b** | a | b |",
    "mathjax": r"$$\href{javascript:window.ag_ran=1}{x}$$ \(x\)",
    "right to left": "run\u202egnp.exe",
    "isolates": "\u2066a\u2069\u2067b",
    "no width": "lo\u200bss lo\u200css lo\u200dss \u2060\ufeff\u00ad",
    "fillers": "a\u3164b\u115fc\u2800d",
    "tags": "x\U000e0061\U000e0062\U000e0100",
    "ANSI": "\x1b[31mred\x1b]8;;http://192.0.2.1\x07link\x1b]8;;\x07\x1b[2J\x9b31m",
    "NUL": "a\x00b",
    "lines": "one\ntwo\r\nthree\u2028four\u2029five\x0bsix\x85",
    "tab and back": "a\tb\x08\x08c",
    "surrogate": "\ud800\udfff",
    "no character": "\uffff\ufdd0",
    "combining": "a" + "\u0301" * 300,
    "wide": "木" * 300,
    "long": "x" * 10_000_000,
    "braces": "{0} %s ${x} {{x}} {% x %}",
    "empty": "",
}
"""By name; ``window.ag_ran`` says that a script ran."""

TAGS = {
    *(
        "b",
        "br",
        "code",
        "details",
        "div",
        "img",
        "li",
        "pre",
        "span",
        "strong",
        "style",
        "summary",
    ),
    *("table", "tbody", "td", "th", "thead", "tr", "ul"),
}
ATTRIBUTES = {"class", "align", "alt", "colspan", "height", "open", "scope", "src", "width"}
_VOID = {"br", "img"}


class Page(HTMLParser):
    """HTML as a browser reads it: its elements, and its text without that of the style.

    Args:
        html: What to read.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.unclosed: list[str] = []
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        """All of its text."""
        return "".join(self.texts)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.unclosed.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed, f"</{tag}> closes nothing"
        assert self.unclosed.pop() == tag

    @override
    def handle_data(self, data: str) -> None:
        if "style" not in self.unclosed:
            self.texts.append(data)

    @override
    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data[:80]!r}")

    @override
    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl[:80]!r}")


def check_html(html: str) -> Page:
    """See that some HTML is whole, runs nothing, asks for nothing and hides nothing."""
    page = Page(html)
    assert page.unclosed == []
    for tag, attributes in page.tags:
        assert tag in TAGS
        assert attributes.keys() <= ATTRIBUTES
        assert (attributes.get("src") or "data:image/png;base64,").startswith(
            "data:image/png;base64,"
        )
    assert sum(tag == "style" for tag, _ in page.tags) <= 1
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    check_text(page.text)
    return page


def check_text(text: str) -> None:
    """See that every character of a text can be seen, and that it can be written to a file."""
    text.encode()
    hidden = {
        c
        for c in text
        if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
    }
    # Joiners are a part of words and emoji; the corpus has them between Latin letters only.
    assert hidden == set(), [f"{ord(c):x}" for c in hidden]
