"""Does it spread? Campaigns in which members invite friends."""

from siyu.studies.referral.definition import Definition, ReferralError
from siyu.studies.referral.invites import Invites, find_invites
from siyu.studies.referral.sentences import say_counted

__all__ = ["Definition", "Invites", "ReferralError", "find_invites", "say_counted"]
