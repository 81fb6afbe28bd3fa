"""Notes that people write in Markdown, as HTML that is safe to show."""

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def to_html(text: str) -> Markup:
    """Raw HTML in the text is shown as text; the result is cleaned all the same, so that two locks must fail at once."""
    cleaned = nh3.clean(
        MARKDOWN.render(text),
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https"},
        link_rel="noopener nofollow",
    )
    return Markup(cleaned)
