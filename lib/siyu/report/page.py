"""The pages of a report: one per study and the index, script-free and self-contained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from siyu.formats import day, without_turns, yuan
from siyu.language import spoken
from siyu.phrases import phrase, section
from siyu.report.compare import Told
from siyu.report.view import View

_TAGS = {"en": "en", "zh": "zh-Hans"}
"""What a page declares itself to be written in, by which browsers choose fonts and line breaks."""
_TEMPLATES = Environment(
    loader=PackageLoader("siyu.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {"yuan": yuan, "day": day}


@dataclass(frozen=True, kw_only=True)
class Stale:
    """Where the last page of a study lies that failed now, and what is said of it."""

    said: str
    href: str


def render_study(view: View, *, run: Mapping[str, Any]) -> str:
    """Render the page of one study, in the language spoken now.

    Args:
        view: the study.
        run: the manifest of the run.
    """
    return render("page.html.j2", view=view, run=run)


def render_index(
    views: Sequence[View],
    *,
    run: Mapping[str, Any],
    warnings: Iterable[str],
    stale: Mapping[str, Stale],
    since: str | None,
    changes: Sequence[Told],
) -> str:
    """Render the index of a run, in the language spoken now: per study status, headline, alerts.

    Args:
        views: the studies, in the order of the configuration.
        run: the manifest of the run.
        warnings: what the data-quality check warns of, one line each.
        stale: of studies that failed, by name, their last page.
        since: the day of the run with which this one is compared, ISO; None: with none.
        changes: what changed since.
    """
    heading = since and phrase("changes.heading", day=date.fromisoformat(since))
    return render(
        "index.html.j2",
        views=views,
        run=run,
        warnings=list(warnings),
        stale=stale,
        changes=changes,
        changed=heading,
        no_change=phrase("changes.none"),
    )


def render(template: str, **content: object) -> str:
    """Render a template of the pages with what it shows, in the language spoken now."""
    page = _TEMPLATES.get_template(template)
    rendered = page.render(**content, t=section("page"), language=_TAGS[spoken()])
    return without_turns(rendered)
