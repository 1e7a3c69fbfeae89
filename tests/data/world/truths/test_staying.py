"""The truths about staying against closed forms, people reckoned by hand, and drawn members."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
from siyu.data.contract import LURES
from siyu.data.world.draws import DAY, HOUR, NEVER, Bools, Floats, Ints, open_stream
from siyu.data.world.people import STAFF
from siyu.data.world.pool import Core, draw_core
from siyu.data.world.settings import Settings
from siyu.data.world.staying import Staying
from siyu.data.world.truths import staying as stated
from siyu.data.world.truths.facts import Truth
from siyu.data.world.welcome import FOLLOW_UPS

ONE_HAZARD, LEAVE_AT_ONCE = 0.02, 0.1
EQUAL = Staying(
    leave_per_day=dict.fromkeys(LURES, ONE_HAZARD),
    leave_at_once=dict.fromkeys(LURES, LEAVE_AT_ONCE),
    activity_power=0.0,
    slow_factor=1.0,
    night_factor=1.0,
    settled_factor=1.0,
    booklet_factor=1.0,
    greeting_factor=0.5,
    recommendation_factor=1.0,
    follow_up_factor=1.0,
)
"""All members alike, and nothing but the greeting does anything."""


def state(settings: Settings) -> dict[str, Truth]:
    return {truth.id: truth for truth in stated.state_staying(settings)}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough people where all are alike."""
    monkeypatch.setattr(stated, "BATCHES", 2)
    monkeypatch.setattr(stated, "BATCH_USERS", 3000)


@pytest.mark.usefixtures("few")
def test_where_all_members_are_alike_every_effect_of_greeting_has_a_closed_form() -> None:
    truths = state(Settings(staying=replace(EQUAL, greet_share=0.8)))
    effect = math.exp(-0.5 * ONE_HAZARD * 30) - math.exp(-ONE_HAZARD * 30)
    for name in ("effect.greeting", "effect.greeting.usual", "effect.greeting.test"):
        assert truths[f"staying.{name}"].value == pytest.approx(effect, abs=1e-6)
    # Nobody differs but by the greeting, so that the comparison at the landmark is not confounded.
    assert truths["staying.crude.greeting"].value == pytest.approx(effect, abs=1e-6)
    there_at_one_hour = (1 - LEAVE_AT_ONCE) * math.exp(-ONE_HAZARD / 24)
    assert truths["staying.itt.greeting"].value == pytest.approx(
        0.92 * there_at_one_hour * effect, abs=1e-6
    )
    for care in ("recommendation", "follow_up", "booklet"):
        assert truths[f"staying.effect.{care}"].value == 0
    assert truths["staying.everyone.greeting"].value > effect + 0.01
    assert truths["staying.everyone.follow_up"].value > 0.05


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("care", "days"),
    [("greeting", 30), ("recommendation", 30), ("follow_up", 7), ("booklet", 30)],
)
def test_each_kind_of_care_acts_for_its_days(care: str, days: int) -> None:
    alone = replace(
        EQUAL,
        greeting_factor=1.0,
        leave_at_once=dict.fromkeys(LURES, 0.0),
        follow_up_share=dict.fromkeys(FOLLOW_UPS, 0.0) | {"day_2": 0.6},
    )
    truths = state(Settings(staying=replace(alone, **{f"{care}_factor": 0.5})))
    effect = math.exp(-ONE_HAZARD * (30 - days / 2)) - math.exp(-ONE_HAZARD * 30)
    assert truths[f"staying.effect.{care}"].value == pytest.approx(effect, abs=1e-6)


@pytest.mark.usefixtures("few")
def test_survival_has_a_closed_form_where_nothing_is_done() -> None:
    left_alone = replace(EQUAL, greeting_factor=1.0)
    truths = state(Settings(staying=left_alone))
    for group in ("all", *LURES):
        for day in (1, 7, 30, 90):
            there = (1 - LEAVE_AT_ONCE) * math.exp(-ONE_HAZARD * day)
            assert truths[f"staying.survival.{group}.24h.{day}"].value == pytest.approx(
                there, abs=1e-6
            )
            calendar = truths[f"staying.survival.{group}.calendar.{day}"].value
            # A calendar day k ends between k and k + 1 times 24 hours after the addition.
            assert there * math.exp(-ONE_HAZARD) < calendar < there


@pytest.mark.usefixtures("few")
def test_what_holds_for_nobody_is_not_stated() -> None:
    short = state(Settings(days=90))
    assert "staying.itt.greeting" not in short
    assert "staying.effect.greeting.test" not in short
    assert "staying.survival.all.24h.90" not in short
    assert "staying.effect.greeting.usual" in short
    ungreeted = state(Settings(staying=Staying(greet_share=0.0)))
    assert "staying.crude.greeting" not in ungreeted
    assert "staying.everyone.greeting" not in ungreeted
    assert "staying.effect.greeting" in ungreeted


@pytest.mark.usefixtures("few")
def test_the_settings_are_stated_as_they_are() -> None:
    truths = state(Settings())
    for lure in LURES:
        assert truths[f"staying.hazard_per_day.{lure}"].value == Staying().leave_per_day[lure]
        assert truths[f"staying.at_once.{lure}"].value == Staying().leave_at_once[lure]
    assert truths["staying.hazard_ratio.greeting"].value == Staying().greeting_factor
    assert truths["staying.hazard_ratio.follow_up"].value == Staying().follow_up_factor


@pytest.mark.usefixtures("few")
def test_each_truth_says_for_whom_and_when_it_holds() -> None:
    truths = state(Settings())
    assert truths["staying.survival.coupon.24h.7"].estimand == (
        "share of the members added by a scan, with the lure coupon still there 7 x 24 hours after "
        "the addition"
    )
    assert "who are sent no campaign pushes" in truths["staying.survival.all.24h.90"].estimand
    assert truths["staying.effect.follow_up"].settings == {
        "population": "members added by a scan",
        "landmark": "at the beginning of calendar day 3",
        "horizon_days": 30,
        "added_from": "2025-04-01",
        "added_to": "2026-02-26",
    }
    assert (
        truths["staying.itt.greeting"].settings["added"] == "in the test, 2025-11-01 to 2025-11-30"
    )
    assert truths["staying.crude.greeting"].settings["added"].startswith("outside the test")


@dataclass(frozen=True, kw_only=True)
class Read:
    """Drawn members and what an observer sees of them; element i of each array is a member."""

    added_at: Ints
    left_at: Ints
    arm: Ints
    end: int
    stratum: Ints
    """Lure, slow staff, addition at night: all that care goes with."""
    care: Mapping[str, tuple[Bools, Ints]]
    """Who got the care, and the second of the landmark."""

    def compare(self, care: str, those: Bools, *, by: Ints | None = None) -> tuple[float, float]:
        """Difference in being there 30 days after the landmark, standardised; standard error."""
        has, landmark = self.care[care]
        those = those & (landmark + 30 * DAY <= self.end)
        stays = self.left_at > landmark + 30 * DAY
        strata = np.zeros(len(has), dtype=np.int64) if by is None else by
        difference = variance = 0.0
        for stratum in np.unique(strata[those]):
            inside = those & (strata == stratum)
            weight = inside.sum() / those.sum()
            means = [
                (stays[inside & (has == x)].mean(), (inside & (has == x)).sum()) for x in (1, 0)
            ]
            difference += weight * (means[0][0] - means[1][0])
            variance += weight**2 * sum(p * (1 - p) / n for p, n in means)
        return difference, math.sqrt(variance)

    def there(self, care: str) -> Bools:
        """Who is still there at the landmark."""
        return self.left_at > self.care[care][1]


def read(settings: Settings, core: Core) -> Read:
    stay, end = core.stay, settings.frame.end
    member = stay.added_at < end
    arm = np.full(len(member), -1)
    arm[stay.assignments.person] = stay.assignments.arm
    added_at = stay.added_at[member]
    hour = added_at % DAY // HOUR
    slow = np.isin(stay.staff[member], [STAFF.index(s) for s in settings.staying.slow_staff])
    within = (stay.greeted_at[member] - added_at, stay.recommended_at[member] - added_at)
    return Read(
        added_at=added_at,
        left_at=stay.left_at[member],
        arm=arm[member],
        end=end,
        stratum=stay.lure[member] * 4 + slow * 2 + ((hour >= 22) | (hour < 8)),
        care={
            "greeting": (within[0] <= HOUR, added_at + HOUR),
            "recommendation": (within[1] <= DAY, added_at + DAY),
            "follow_up": (
                stay.followed_at[member, 0] < NEVER,
                (added_at // DAY + 3) * DAY - 1,
            ),
            "booklet": (stay.booklet[member], added_at),
        },
    )


@pytest.fixture(scope="module")
def truths() -> dict[str, Truth]:
    return state(Settings())


@pytest.fixture(scope="module")
def drawn() -> Read:
    settings = Settings()
    return read(settings, draw_core(settings, users=150_000, stream=partial(open_stream, 7, 0)))


def is_near(found: tuple[float, float], truth: Truth) -> bool:
    """Within four standard errors, of both sides."""
    return abs(found[0] - truth.value) <= 4 * math.hypot(found[1], truth.standard_error)


@pytest.mark.parametrize("care", ["greeting", "recommendation", "follow_up"])
def test_members_at_the_landmark_recover_the_effect_and_others_do_not(
    truths: dict[str, Truth], drawn: Read, care: str
) -> None:
    usual = drawn.arm < 0
    there = drawn.there(care) & usual
    name = "effect.greeting.usual" if care == "greeting" else f"effect.{care}"
    adjusted = drawn.compare(care, there, by=drawn.stratum)
    assert is_near(adjusted, truths[f"staying.{name}"])
    for naive, those in (("crude", there), ("everyone", usual)):
        found = drawn.compare(care, those)
        assert is_near(found, truths[f"staying.{naive}.{care}"])
        assert not is_near(found, truths[f"staying.{name}"])


def test_the_test_recovers_what_its_arms_do(truths: dict[str, Truth], drawn: Read) -> None:
    tested = drawn.arm >= 0
    by_arm = replace(drawn, care={"greeting": (drawn.arm == 0, drawn.care["greeting"][1])})
    assert is_near(by_arm.compare("greeting", tested), truths["staying.itt.greeting"])
    landmark = drawn.compare("greeting", tested & drawn.there("greeting"), by=drawn.stratum // 2)
    assert is_near(landmark, truths["staying.effect.greeting.test"])


def test_the_booklet_drawn_by_lot_needs_no_adjustment(
    truths: dict[str, Truth], drawn: Read
) -> None:
    found = drawn.compare("booklet", np.ones(len(drawn.arm), dtype=bool))
    assert is_near(found, truths["staying.effect.booklet"])


@pytest.mark.parametrize("day", [1, 7, 30, 90])
def test_members_survive_as_often_as_stated(
    truths: dict[str, Truth], drawn: Read, day: int
) -> None:
    ends: dict[str, Ints] = {
        "24h": drawn.added_at + day * DAY,
        "calendar": (drawn.added_at // DAY + day + 1) * DAY - 1,
    }
    lure = drawn.stratum // 4
    groups = {"all": lure >= 0} | {name: lure == index for index, name in enumerate(LURES)}
    for clock, at in ends.items():
        for group, those in groups.items():
            followed = those & (at <= drawn.end)
            stays: Floats = (drawn.left_at > at)[followed]
            share = float(stays.mean())
            found = share, math.sqrt(share * (1 - share) / len(stays))
            assert is_near(found, truths[f"staying.survival.{group}.{clock}.{day}"])
