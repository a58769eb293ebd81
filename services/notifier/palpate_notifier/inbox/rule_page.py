"""A rule's page: what it checks, why it matters, how to mend it, and its limits.

The notifier knows no rules; whoever starts it hands over a way to look a page up.  It says what the rule book of this
installation says, and the case what the one said that judged the claim: nearly always the same.
"""

from collections.abc import Callable

from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.responses import Response

from palpate_notifier.inbox.web import Asked, NotThere

RulePage = Callable[[str], str | None]
"""A rule's page as Markdown, by the rule's id; None where there is no such rule."""

# No HTML of its own: what is not Markdown is shown as it is written.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


async def rule_page(asked: Asked) -> Response:
    """The page.  Pages link to each other by file name."""
    rule = asked.request.path_params["rule"].removesuffix(".md")
    text = asked.inbox.rule_page(rule) if asked.inbox.rule_page is not None else None
    if text is None:
        raise NotThere
    # The first line is the rule's id, which the frame shows.
    _, _, body = text.partition("\n")
    return asked.page("rule.html", rule=rule, body=Markup(_MARKDOWN.render(body)))  # noqa: S704 - rendered without HTML
