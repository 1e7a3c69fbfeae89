"""What is said, found and drawn of moves: grows, shrinks, more go down, unclear, too little."""

from __future__ import annotations

import numpy as np
import pytest
from siyu.findings import to_json
from siyu.formats import paragraph
from siyu.language import LANGUAGES, speaking
from siyu.studies.tiers import moves
from siyu.studies.tiers.moves import falls, sentences

from tests.studies.tiers.moves.builders import HOUR, MONTHS, members_of, midnight, monthly

LEVEL, HIGH = 0.95, ["silver", "gold"]
ABOUT = {"notebook": "x", "as_of": "2026-07-20", "source": "shop", "parameters": {}}
pytestmark = pytest.mark.filterwarnings("ignore::siyu.figures.GlyphWarning")


def told(folder, people, *, high=HIGH, min_users=10, move_reviews=1, language="en", draws=False):
    """What figures are titled and what is said below, the findings, and the pictures if drawn."""
    measured = moves.measure(
        members_of(folder, people, min_users=min_users), move_reviews=move_reviews
    )
    closed = moves.accounts(measured)
    moved, found = moves.migration(measured, level=LEVEL), moves.chain(measured, level=LEVEL)
    rated = moves.rates(measured, level=LEVEL)
    compared = moves.changes(measured, high_tiers=high, level=LEVEL)
    with speaking(language):
        said = {
            "accounts": moves.say_accounts(measured, closed),
            "migration": moves.say_migration(measured, moved, level=LEVEL),
            "chain": moves.say_chain(measured, found, level=LEVEL),
            "rates": moves.say_rates(measured, compared, high_tiers=high, level=LEVEL),
        }
        if len(measured.reviews) > 1:
            titles = {
                "accounts": sentences.title_accounts(measured, closed),
                "chain": sentences.title_chain(measured, found, level=LEVEL),
                "rates": falls.title_rates(measured, compared, high_tiers=high),
            }
            for name, title in titles.items():
                said[name] = said[name] if title in said[name] else paragraph(title, said[name])
        findings = moves.conclude(
            measured,
            closed=closed,
            moved=moved,
            found=found,
            compared=compared,
            high_tiers=high,
            level=LEVEL,
        )
        pictures = draws and (
            moves.draw_accounts(measured, closed),
            moves.draw_migration(measured, moved, level=LEVEL),
            moves.draw_chain(measured, found, level=LEVEL),
            moves.draw_rates(measured, rated, compared, high_tiers=high, level=LEVEL),
        )
    assert len(to_json(findings, **ABOUT)["findings"]) == len(findings)
    return said, {one.id: one for one in findings}, {one.name: one for one in pictures or ()}


def shop(last="gggggggooooo", *, each=20):
    """Four months of gold members; in the last review, one letter each, some stay."""
    people = [monthly("ggg" + tier) for tier in last for _ in range(each)]
    people += [monthly("sgsg") for _ in range(each)] + [monthly("gsgs") for _ in range(each)]
    return people + [monthly("oooo") for _ in range(5 * each)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_more_downgrades_of_a_high_tier_are_an_alert_with_an_action(tmp_path, language):
    said, found, _ = told(tmp_path, shop(), language=language)
    alert = found["tiers.moves.down.gold"]
    # 120 of 260 went down now, 40 of 520 reviews before.
    assert alert.value == pytest.approx(120 / 260 - 40 / 520)
    assert (alert.status, alert.threshold, alert.direction) == ("alert", 0, "below")
    assert alert.action
    if language == "en":
        assert said["rates"].startswith("“gold”: more members went down at the review of 1 Apr")
        assert "gold: more went down. 46.2% of 260 members" in said["rates"]
        assert "against 7.7%" in said["rates"]


def test_no_more_downgrades_than_before_are_no_alert(tmp_path):
    said, found, _ = told(tmp_path, shop("gggggggggggg"))
    assert said["rates"].startswith("No clear rise of downgrades of “silver”, “gold”")
    for tier in HIGH:
        one = found[f"tiers.moves.down.{tier}"]
        assert (one.status, one.action) == ("watch", "")
    assert found["tiers.moves.up.ordinary"].status == "info"


def test_an_interval_without_0_that_is_not_clear_among_all_says_why(tmp_path):
    """The tier alone would be clear; Holm over the high tiers says no."""
    measured = moves.measure(members_of(tmp_path, shop(), min_users=10), move_reviews=1)
    compared = moves.changes(measured, high_tiers=HIGH, level=LEVEL)
    said = moves.say_rates(measured, compared, high_tiers=HIGH, level=LEVEL)
    assert "leaves out 0" not in said
    gold = (compared["tier"] == "gold") & (compared["way"] == "down")
    assert compared.loc[gold, "change_lower"].item() > 0
    doubtful = compared.assign(verdict=compared["verdict"].mask(gold, "unclear"))
    said = moves.say_rates(measured, doubtful, high_tiers=HIGH, level=LEVEL)
    assert "gold: no clear change of who goes down" in said
    assert said.count("Its own interval leaves out 0") == 1


def test_fewer_downgrades_are_fine(tmp_path):
    people = [monthly("gggsgg"[i % 3 :][:3] + "g") for i in range(240)]
    people += [monthly("ooso") for _ in range(40)]
    said, found, _ = told(tmp_path, people)
    assert found["tiers.moves.down.gold"].status == "ok"
    assert "gold: fewer went down." in said["rates"]


def test_high_tiers_that_cannot_be_compared_are_named(tmp_path):
    said, found, _ = told(tmp_path, shop(), high=["gold", "platinum"])
    missing = found["tiers.moves.down.platinum"]
    assert missing.status == "insufficient"
    assert "“platinum” cannot be compared" in missing.message
    (tmp_path / "few").mkdir()
    said, *_ = told(tmp_path / "few", shop(each=1), high=["gold"], min_users=30)
    assert said["rates"].startswith("None of the high tiers “gold” can be compared")


@pytest.mark.parametrize(
    ("last", "way"),
    [
        ("ggo", "“gold” shrank from 60 to 40 members at the review of 1 Apr 2026: 0 came in, 20"),
        ("ggg", "“gold” kept its 60 members"),
    ],
)
def test_the_account_of_the_highest_tier_is_said(tmp_path, last, way):
    people = [monthly("ggg" + tier) for tier in last for _ in range(20)]
    people += [monthly("oooo") for _ in range(50)]
    said, found, _ = told(tmp_path, people)
    assert said["accounts"].startswith(way)
    assert found["tiers.moves.accounts"].message.startswith(way)


def test_a_tier_that_grew_and_members_not_reviewed_are_said(tmp_path):
    people = [monthly("ggg-") for _ in range(20)] + [monthly("ooog") for _ in range(15)]
    people += [monthly("oooo") for _ in range(50)]
    said, found, _ = told(tmp_path, people)
    assert said["accounts"].startswith("“gold” grew from 20 to 35 members")
    assert "20 of the 85 were not reviewed in the last round" in said["accounts"]
    assert found["tiers.moves.not_reviewed"].value == 20
    assert found["tiers.moves.not_reviewed"].action


def test_the_matrix_says_both_who_was_still_there_and_all(tmp_path):
    gone = midnight(MONTHS[3]) - HOUR
    people = [monthly("gggg") for _ in range(30)] + [monthly("gggs") for _ in range(10)]
    people += [monthly("ggg", left=gone) for _ in range(20)]
    people += [monthly("ssss") for _ in range(20)] + [monthly("oooo") for _ in range(50)]
    said, found, pictures = told(tmp_path, people, draws=True)
    assert "75.0% of “gold” kept their tier over 1 reviews" in pictures["tier_migration"].alt
    assert "“gold” 25.0% of 40 and 33.3% of 60" in said["migration"]
    assert found["tiers.moves.migration.gold.gold"].n == 40
    assert found["tiers.moves.migration.gold.left"].value == pytest.approx(1 / 3)
    table = pictures["tier_migration"].table
    assert table.groupby("origin")["share_of_all"].sum().tolist() == pytest.approx([1, 1, 1])


def test_rows_of_few_are_hatched_and_have_no_number(tmp_path):
    people = [monthly("gggg") for _ in range(9)] + [monthly("ssss") for _ in range(20)]
    people += [monthly("oooo") for _ in range(50)]
    said, found, pictures = told(tmp_path, people, draws=True)
    own = pictures["tier_migration"].table.set_index("origin").loc["gold"]
    assert own[["n", "n_there", "n_all", "share", "share_of_all"]].isna().all(axis=None)
    assert (
        "Too few to be told (under 10 still there, or hidden with such a tier): “silver”, “gold”."
        in said["migration"]
    )
    assert found["tiers.moves.migration.gold"].status == "insufficient"
    assert found["tiers.moves.settled"].status == "insufficient"
    assert "A tier has fewer than 10 members" in said["chain"]


def flowing(joined="ggggssoooo", *, each=12):
    """Members stay, rise, fall, leave and join in each month."""
    gone = midnight(MONTHS[3]) - HOUR
    paths = ("gggg", "ggsg", "gsgs", "ssss", "ssog", "osos", "oooo", "oooo", "oogo", "sggg")
    people = [monthly(path) for path in paths for _ in range(each)]
    people += [monthly(path, left=gone) for path in ("ggg", "sss", "ooo") for _ in range(each)]
    return people + [monthly("---" + tier) for tier in joined for _ in range(each)]


@pytest.mark.parametrize(
    ("joined", "way"),
    [("oooooooooo", "would grow to"), ("gggggggggg", "would shrink to"), ("ggso", "settle at")],
)
def test_where_the_tiers_would_settle_is_said_beside_today(tmp_path, joined, way):
    said, found, _ = told(tmp_path, flowing(joined, each=25))
    assert way in said["chain"].split(".")[0]
    assert "Were nobody to leave or join" in said["chain"]
    assert "All of it assumes that moves stay as in the last step" in said["chain"]
    one = found["tiers.moves.settled.gold"]
    assert one.ci_lower < one.value < one.ci_upper


def test_a_pool_without_joining_does_not_settle_as_an_open_one(tmp_path):
    said, found, pictures = told(tmp_path, flowing(""), draws=True)
    assert said["chain"].startswith("Too few joined or left in the step")
    assert found["tiers.moves.settled"].status == "insufficient"
    assert np.isfinite(pictures["tier_settled"].table["closed"]).all()


def test_it_is_said_when_a_chain_may_not_be_assumed(tmp_path):
    """Those of gold who came from ordinary go back, those who came from silver stay."""
    people = [monthly(path) for path in ("ogog", "sggg", "gsgg", "gogo") for _ in range(40)]
    people += [monthly(path) for path in ("oooo", "ssss") for _ in range(40)]
    said, *_ = told(tmp_path, people)
    assert "The tier a step before still tells where members go (χ² = " in said["chain"]
    assert "p < 0.001" in said["chain"]
    (tmp_path / "changed").mkdir()
    people = [monthly("oss" + tier) for tier in "sssssooooo" for _ in range(20)]
    people += [monthly("sooo") for _ in range(20)] + [monthly("gggg") for _ in range(20)]
    said, *_ = told(tmp_path / "changed", people)
    assert "did not go the same ways in all 3 steps" in said["chain"]


def test_a_steady_chain_is_not_doubted(tmp_path):
    people = [monthly(a + b + c) for a in "og" for b in "og" for c in "og" for _ in range(20)]
    people += [monthly("sss") for _ in range(20)]
    said, *_ = told(tmp_path, people)
    assert "went the same ways in all 2 steps as far as can be told" in said["chain"]
    assert "tells no more than the present one" in said["chain"]


def test_a_trend_is_said_where_it_is_clear(tmp_path):
    """Of 120 in gold 60, 50, 40, 30, 20 and 10 go down, and as many join; who is left stays."""
    people = []
    for i in range(1, 7):
        people += [monthly("g" * i + "o" * (7 - i)) for _ in range(10 * (7 - i))]
        people += [monthly("-" * i + "g" * (7 - i)) for _ in range(10 * (7 - i))]
    said, *_ = told(tmp_path, people, high=["gold"])
    assert "Over all reviews that share falls by" in said["rates"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("people", "said_of"),
    [
        ([], "No review of a tier is on record"),
        ([monthly("o")], "There are fewer than two rounds of reviews"),
        ([monthly("oo")], "No tier has 10 members"),
        ([monthly("oo") for _ in range(20)], "“ordinary” kept its 20 members"),
    ],
)
def test_next_to_nothing_is_told_with_its_reason(tmp_path, people, said_of, language):
    said, found, pictures = told(tmp_path, people, language=language, draws=True)
    assert all(said.values())
    assert found
    assert all(one.png for one in pictures.values())
    if language == "en":
        assert said["accounts"].startswith(said_of)


def test_where_no_tier_is_high_no_fall_is_watched(tmp_path):
    said, found, _ = told(tmp_path, shop(), high=[])
    assert said["rates"].startswith("No tier is called high")
    assert {one.status for name, one in found.items() if ".down." in name} <= {"info"}


def test_steps_longer_than_the_log_are_told(tmp_path):
    said, found, _ = told(tmp_path, shop(), move_reviews=4)
    assert said["migration"] == said["chain"]
    assert said["chain"].startswith("No two rounds are 4 reviews apart")
    assert found["tiers.moves.migration"].status == "insufficient"


def test_everything_is_drawn_in_both_languages(tmp_path):
    _, _, english = told(tmp_path, flowing(), draws=True)
    _, _, chinese = told(tmp_path, flowing(), draws=True, language="zh")
    for name, picture in english.items():
        assert picture.alt != chinese[name].alt
        assert len(picture.table) == len(chinese[name].table) > 0
