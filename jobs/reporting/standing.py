"""The page of the standing judgement: every release with both tests, and links to the pages of those judged."""

from collections.abc import Collection
from typing import Final

from antifraud.killswitch.judgement import Judgement
from jobs.reporting.page import PAGE_FILE, template

STANDING_FILE: Final = "standing.html"
TEMPLATE: Final = "standing.html.jinja"


def render_standing(judgement: Judgement, pages: Collection[str]) -> str:
    """Return the HTML of a judgement; `pages` names the releases that have a page of their own."""
    good = [each.release for each in judgement.releases if each.passes]
    return template(TEMPLATE).render(j=judgement, good=good, meaning=say(good), pages=pages, page=PAGE_FILE)


def say(good: Collection[str]) -> str:
    """Return what a trip of the guard would do.

    >>> say([])
    'No release passes both tests, so a trip of the guard suspends the service.'
    >>> say(["r2", "r1"])
    'A trip of the guard may leave or put into service: r2, r1.'
    """
    if not good:
        return "No release passes both tests, so a trip of the guard suspends the service."
    return f"A trip of the guard may leave or put into service: {', '.join(good)}."
