"""What a person who was drawn brings: the worth of who stays, less what the lure cost."""

from __future__ import annotations

import pandas as pd

from siyu.studies.lures.definition import LureError
from siyu.studies.lures.experiment import Experiment


def value_people(experiment: Experiment, *, value_per_retained_cny: float) -> pd.DataFrame:
    """Give the people who can be valued, each with `net_cny`.

    That is the value of a person who is retained on the last of the retention days (where nobody
    knows who stays: who converts), less what the lure cost at once and on redemption. Everybody
    drawn counts, who did not convert included, of those followed for all of that and `worth_days`.

    Args:
        experiment: from `find_experiment`.
        value_per_retained_cny: what a person is worth who stays, above 0.

    Returns:
        Rows of `Experiment.people`, and `net_cny`.

    Raises:
        LureError: a value that is not above 0.
    """
    if not value_per_retained_cny > 0:
        raise LureError(f"value_per_retained_cny = {value_per_retained_cny} must be above 0")
    asked = experiment.definition
    last = max(experiment.retention_days, default=0)
    people = experiment.followed(max(last or asked.conversion_days, asked.worth_days))
    stays = people[f"retained_{last}" if last else "converted"]
    spent = people["cost_cny"] + people["redeemed_cny"]
    return people.assign(net_cny=value_per_retained_cny * stays - spent)
