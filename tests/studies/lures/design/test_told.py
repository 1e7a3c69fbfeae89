"""What is said of the size of a test, each outcome in both languages, and the findings."""

from __future__ import annotations

import pandas as pd
import pytest
from siyu.findings import to_json
from siyu.language import speaking
from siyu.studies.lures import design

from tests.studies.lures.design.builders import SHARES, measures, worth

ASKED = {"arms": 3, "has_control": False, "lift_wanted": 0.25, "power": 0.8, "level": 0.95,
         "value_per_retained_cny": 50.0}  # fmt: skip
RARE = SHARES.assign(count=[5, 5, 3, 3, 3])
SURE = SHARES.assign(count=[480, 480, 380, 380, 190])


def told(given, **other):
    return given, design.size(given, **(ASKED | other))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        # (1.916 x .34875 ** .5 + .8416 x .3475 ** .5) ** 2 / .05 ** 2 is 1,060 in each arm.
        (measures(weeks=(500, 500)), "needs 3,180 people to find a lift of 25% in conversion, 6"),
        (measures(shares=RARE), "which is too long"),
        (measures(shares=SURE), "nobody converts, everybody does, or there is no room"),
        (measures(shares=SHARES.iloc[:0]), "nobody was exposed who could still be won"),
        (measures(refused="added"), "no user has a time of addition"),
        (measures(refused="events"), "without events"),
        (measures(), "A list of those who wait is no substitute"),
        (measures(waiting=50_000), "A list of those who wait would do"),
        (measures(shares=SURE), "there is no room for a lift of 25%"),
        (measures(worth=worth().iloc[:0]), "cost and net worth are not sized"),
        (measures(), "stratifies by channel, 6.3% fewer"),
        (measures(staff=pd.DataFrame({"n": [], "count": []})), "is not known: there are fewer"),
        (measures(), "Draw persons, not staff accounts"),
        (
            measures(staff=pd.DataFrame({"n": [50] * 300, "count": [25, 26] * 150})),
            "Whole staff accounts can be drawn",
        ),
    ],
)
def test_the_size_of_a_test_is_said(given, words):
    assert words in design.say_sizes(*told(given))


def test_planned_looks_are_said_where_there_are_any():
    assert "weekly ones by O'Brien and Fleming" in design.say_looks(told(measures(weeks=(500,)))[1])
    assert "Read the test once" in design.say_looks(told(measures(shares=RARE))[1])


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "given", [measures(), measures(shares=SURE), measures(refused="events"), measures(shares=RARE)]
)
def test_findings_are_valid_in_both_languages(given, language):
    with speaking(language):
        found = design.conclude(*told(given))
        to_json(found, notebook="x", as_of="2026-03-31", source="shop", parameters={})
        picture = design.draw_sizes(*told(given))
    assert picture.undrawn == ""


def test_ids_are_stable_and_who_draws_is_told_how_many():
    found = {one.id: one for one in design.conclude(*told(measures()))}
    assert set(found) == {
        "lures.design.exposure.conversion", "lures.design.exposure.retention",
        "lures.design.list.conversion", "lures.design.exposure.cost", "lures.design.exposure.net",
        "lures.design.clusters",
    }  # fmt: skip
    first = found["lures.design.exposure.conversion"]
    assert first.ci_lower < first.value < first.ci_upper
    assert first.action.startswith("Draw 3,180 fresh people")
