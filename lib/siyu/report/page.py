"""The pages of a report: one per study and the index, script-free and self-contained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from siyu.report.view import View
from siyu.report.wording import words

_TEMPLATES = Environment(
    loader=PackageLoader("siyu.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_study(view: View, *, run: Mapping[str, Any], language: str) -> str:
    """Render the page of one study.

    Args:
        view: the study.
        run: the manifest of the run.
        language: of the fixed words, and of the page as it declares itself.
    """
    template = _TEMPLATES.get_template("page.html.j2")
    return template.render(view=view, run=run, t=words(language), language=language)


def render_index(
    views: Sequence[View], *, run: Mapping[str, Any], warnings: Iterable[str], language: str
) -> str:
    """Render the index of a run: per study its status, headline and alerts.

    Args:
        views: the studies, in the order of the configuration.
        run: the manifest of the run.
        warnings: what the data-quality check warns of, one line each.
        language: of the fixed words, and of the page as it declares itself.
    """
    template = _TEMPLATES.get_template("index.html.j2")
    return template.render(
        views=views, run=run, warnings=list(warnings), t=words(language), language=language
    )
