"""Say which campaigns are studied, and what of the log does not count."""

from __future__ import annotations

from siyu.formats import paragraph
from siyu.phrases import phrase
from siyu.studies.referral.invites import LEFT_OUT, Invites


def say_refused(refused: str) -> str:
    """Say why nothing can be told of any campaign, or "" where something can."""
    return phrase(f"referral.refused.{refused}") if refused else ""


def say_counted(invites: Invites) -> str:
    """Say how many invitations there are, who came of them, and what was left out."""
    if invites.refused:
        return say_refused(invites.refused)
    left = [
        phrase(f"referral.left_out.{kind}", n=invites.left_out[kind])
        for kind in LEFT_OUT
        if invites.left_out[kind]
    ]
    cut = invites.campaigns.loc[~invites.campaigns["is_whole"], "campaign"].tolist()
    return paragraph(
        phrase(
            "referral.counted",
            n=len(invites.campaigns),
            sent=len(invites.sent),
            friends=len(invites.friends),
        ),
        phrase("referral.left", kinds=left) if left else "",
        phrase("referral.cut", campaigns=cut) if cut else "",
    )
