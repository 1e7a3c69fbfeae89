"""Who invites whom, generation after generation, and who comes of it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import reduce

import numpy as np
import pyarrow as pa

from siyu.data.contract import LURES
from siyu.data.world.columns import Columns, happened, texts, yuan
from siyu.data.world.draws import DAY, HOUR, NEVER, Bools, Floats, Ints, Stream, draw_seconds
from siyu.data.world.frame import Frame
from siyu.data.world.people import PLACES, Arrivals, People, draw_traits
from siyu.data.world.referral import Campaign, Referral
from siyu.data.world.staying import Stay, Staying, draw_stay

REFERRAL = PLACES.index(("social", "referral"))
"""The place of people who were invited."""
JOINING_DAYS = 3
"""Days within which the members of the first midnight begin to invite."""
NOBODY = -1


@dataclass(frozen=True, kw_only=True)
class Invites:
    """Invitations; element i of each array is one invitation."""

    inviter: Ints
    invited_at: Ints
    invitee: Ints
    """Who accepted; NOBODY where nobody did."""
    accepted_at: Ints
    new: Bools
    """Whether the invitee became a member by it."""
    campaign: Ints
    """Index into the campaigns."""
    generation: Ints
    """Of the inviter: 0 for a member of the first midnight, 1 for a friend, and so on."""


@dataclass(frozen=True, kw_only=True)
class Friends:
    """Who came of the invitations, numbered behind the people who were exposed."""

    people: People
    stay: Stay
    referrer: Ints
    """Who invited each."""
    invites: Invites


@dataclass(frozen=True, kw_only=True)
class Inviters:
    """Who may invite in one generation of a campaign."""

    person: Ints
    since: Ints
    """When each may begin."""
    until: Ints
    willing: Bools
    """The others invite nobody."""


def draw_friends(
    referral: Referral,
    frame: Frame,
    people: People,
    stay: Stay,
    *,
    arrivals: Arrivals,
    staying: Staying,
    stream: Stream,
) -> Friends:
    """Draw invitations and the friends who accept them: a branching process per campaign.

    Whoever comes of a campaign may invite in turn, for as long as being a member. Friends are
    added as they accept; an invitation that reaches a member brings nobody.

    Args:
        referral: the truths about inviting.
        frame: the observed days.
        people: who was exposed.
        stay: how long they stay.
        arrivals: the truths about traits, for the friends.
        staying: the truths about staying, for the friends.
        stream: opens the random stream of a name.

    Returns:
        The friends who are added within the observation, and the invitations within it.
    """
    came: list[tuple[People, Stay]] = []
    sent: list[Invites] = []
    added_at, left_at = stay.added_at, stay.left_at
    for number, (name, campaign) in enumerate(referral.campaigns.items()):
        named = _within(stream, f"referral {name}")
        inviters = find_seeds(campaign, frame, added_at, left_at, named)
        generation = 0
        while True:
            named = _within(stream, f"referral {name} {generation}")
            invites = draw_invites(referral, number, generation, frame, inviters, named)
            person = len(added_at) + np.arange(invites.new.sum())
            invites.invitee[invites.new] = person
            friends, theirs, rewarded = draw_newcomers(
                campaign,
                frame,
                invites.accepted_at[invites.new],
                arrivals=arrivals,
                staying=staying,
                stream=named,
            )
            sent.append(invites)
            came.append((friends, theirs))
            added_at = np.concatenate([added_at, theirs.added_at])
            left_at = np.concatenate([left_at, theirs.left_at])
            if not len(person):
                break
            generation += 1
            inviters = Inviters(
                person=person, since=theirs.added_at, until=theirs.left_at, willing=~rewarded
            )
    columns = [each.name for each in fields(Invites)]
    invites = Invites(
        **{each: np.concatenate([getattr(part, each) for part in sent]) for each in columns}
    )
    return Friends(
        people=reduce(People.join, (friends for friends, _ in came)),
        stay=reduce(Stay.join, (theirs for _, theirs in came)),
        referrer=invites.inviter[invites.new],
        invites=invites,
    )


def find_seeds(
    campaign: Campaign, frame: Frame, added_at: Ints, left_at: Ints, stream: Stream
) -> Inviters:
    """Find the members of the campaign's first midnight, and draw who takes part and from when."""
    opens = frame.second(campaign.first_day)
    uniform = stream("seeds").random((len(added_at), 2))
    day = (uniform[:, 1] * JOINING_DAYS).astype(np.int64)
    since = opens + day * DAY + draw_seconds(stream("seeds at"), len(added_at))
    person = np.flatnonzero((added_at < opens) & (left_at >= opens))
    return Inviters(
        person=person,
        since=since[person],
        until=left_at[person],
        willing=uniform[person, 0] < campaign.seed_share,
    )


def draw_invites(
    referral: Referral,
    number: int,
    generation: int,
    frame: Frame,
    inviters: Inviters,
    stream: Stream,
) -> Invites:
    """Draw the invitations of one generation of the campaign `number`, and what comes of them.

    Returns:
        The invitations within the observation; the invitee of a new member is not known yet.
    """
    campaign = list(referral.campaigns.values())[number]
    below = campaign.weigh_invitations()
    many = np.searchsorted(below, stream("invitations").random(len(inviters.person)), side="right")
    index = np.repeat(np.arange(len(many)), np.where(inviters.willing, many, 0))
    spread = referral.delay_sigma * stream("delays").standard_normal((len(index), 2))
    invited_at = postpone(
        inviters.since[index], campaign.invite_hours * np.exp(spread[:, 0]), stream("invite at")
    )
    accepted_at = postpone(
        invited_at, campaign.accept_hours * np.exp(spread[:, 1]), stream("accept at")
    )
    uniform = stream("answers").random((len(index), 2))
    in_time = accepted_at < frame.end
    new = in_time & (uniform[:, 0] < campaign.acceptance)
    # Who is a member already was there when the generation began, and has not left since.
    other = (uniform[:, 1] * len(many)).astype(np.int64)
    known = in_time & (uniform[:, 0] >= 1 - campaign.known) & (other != index)
    known &= (inviters.since[other] < invited_at) & (inviters.until[other] > accepted_at)
    kept = (invited_at < inviters.until[index]) & (invited_at < frame.end)
    size = int(kept.sum())
    return Invites(
        inviter=inviters.person[index[kept]],
        invited_at=invited_at[kept],
        invitee=np.where(known, inviters.person[other], NOBODY)[kept],
        accepted_at=np.where(new | known, accepted_at, NEVER)[kept],
        new=new[kept],
        campaign=np.full(size, number),
        generation=np.full(size, generation),
    )


def withdraw(friends: Friends, left_at: Ints) -> Friends:
    """Take back what those who turn out to have left before could not do.

    Args:
        friends: who came, and all invitations.
        left_at: per person, friends included, when the stay ends in the end.

    Returns:
        The same friends; whose invitation is taken back came without one.
    """
    invites = friends.invites
    sent = invites.invited_at <= left_at[invites.inviter]
    back = ~invites.new & (invites.accepted_at > left_at[invites.invitee])
    answered = replace(
        invites,
        invitee=np.where(back, NOBODY, invites.invitee),
        accepted_at=np.where(back, NEVER, invites.accepted_at),
    )
    kept = {each.name: getattr(answered, each.name)[sent] for each in fields(Invites)}
    referrer = np.where(sent[invites.new], friends.referrer, NOBODY)
    return replace(friends, invites=Invites(**kept), referrer=referrer)


def postpone(at: Ints, hours: Floats, rng: np.random.Generator) -> Ints:
    """Move instants by delays; what falls on a later day falls on it in the rhythm of HOURS."""
    due = at + np.maximum(np.rint(hours * HOUR), 1).astype(np.int64)
    seconds = draw_seconds(rng, len(at))
    return np.where(due // DAY > at // DAY, due // DAY * DAY + seconds, due)


def draw_newcomers(
    campaign: Campaign,
    frame: Frame,
    added_at: Ints,
    *,
    arrivals: Arrivals,
    staying: Staying,
    stream: Stream,
) -> tuple[People, Stay, Bools]:
    """Draw friends who come by a campaign.

    Returns:
        Who they are, how long they stay, and who leaves within a day with the reward in hand.
    """
    size = len(added_at)
    people = People(
        arrived_at=added_at,
        place=np.full(size, REFERRAL),
        after=added_at >= frame.second(frame.change_day),
        lure=np.full(size, LURES.index(campaign.lure)),
        boosted=np.zeros(size, dtype=bool),
        **draw_traits(arrivals, size, stream),
    )
    stay = draw_stay(staying, frame, people, lure=people.lure, added_at=added_at, stream=stream)
    uniform = stream("rewarded").random((size, 2))
    rewarded = uniform[:, 0] < campaign.leave_at_once
    # Most who came for the reward leave within hours.
    soon = added_at + np.ceil(uniform[:, 1] ** 2 * (DAY - 1)).astype(np.int64)
    return people, _cut(stay, np.where(rewarded, soon, NEVER)), rewarded


def tabulate_invites(columns: Columns, referral: Referral, invites: Invites) -> pa.Table:
    """Write the table `invites`: a row per invitation within the observation.

    The inviter gets the reward for each new member; an invitee who was a member already brings
    none.
    """
    reward = np.array(
        [round(100 * campaign.reward_cny) for campaign in referral.campaigns.values()]
    )
    accepted = happened(columns.frame, invites.accepted_at)
    return pa.table(
        {
            "inviter_id": columns.users(invites.inviter),
            "invited_at": columns.instants(invites.invited_at),
            "invitee_id": columns.users(invites.invitee, known=accepted),
            "accepted_at": columns.instants(invites.accepted_at),
            "campaign": texts(tuple(referral.campaigns), invites.campaign),
            "reward_cny": yuan(np.where(invites.new, reward[invites.campaign], 0)),
        }
    )


def _cut(stay: Stay, soon: Ints) -> Stay:
    """End stays early; nothing happens after it."""
    left_at = np.minimum(stay.left_at, soon)

    def stop(at: Ints) -> Ints:
        latest = left_at if at.ndim == 1 else left_at[:, None]
        return np.where(at <= latest, at, NEVER)

    return replace(
        stay,
        left_at=left_at,
        greeted_at=stop(stay.greeted_at),
        recommended_at=stop(stay.recommended_at),
        followed_at=stop(stay.followed_at),
    )


def _within(stream: Stream, label: str) -> Stream:
    return lambda name: stream(f"{label} {name}")
