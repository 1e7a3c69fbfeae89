"""How long people stay when their hazard of leaving changes at set moments, drawn exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from siyu.data.world.draws import DAY, NEVER, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Spell:
    """A factor on the hazards of all people, from `begins` until before `ends`.

    Seconds since the start of each life; `factor` has one element per person, 1 where the spell
    does not concern the person.
    """

    begins: Ints
    ends: Ints
    factor: Floats


@dataclass(frozen=True, kw_only=True)
class Lives:
    """Piecewise constant hazards; row i of each array is person i."""

    edges: Ints
    """Seconds since the start of the life at which the hazard may change; the first is 0."""
    rates: Floats
    """Hazard per second from each edge to the next; the last holds forever."""
    risks: Floats
    """Cumulative hazard up to each edge."""

    def survive(self, at: Ints | int) -> Floats:
        """Give the probability of a life longer than `at` seconds."""
        when = np.broadcast_to(np.asarray(at), len(self.edges))[:, None]
        piece = (self.edges <= when).sum(axis=1) - 1
        edge, rate, risk = self._take(piece)
        return np.asarray(np.exp(-(risk + rate * (when[:, 0] - edge))))

    def end(self, exponential: Floats) -> Ints:
        """Turn standard exponential draws into lengths in seconds, at least 1; NEVER if none ends.

        The cumulative hazard of a life is exponential, so its inverse at the draw is the length.
        """
        piece = (self.risks <= exponential[:, None]).sum(axis=1) - 1
        edge, rate, risk = self._take(piece)
        rest = np.full(len(edge), float(NEVER))
        np.divide(exponential - risk, rate, out=rest, where=rate > 0)
        seconds = np.ceil(np.minimum(edge + rest, float(NEVER)))
        return np.asarray(np.maximum(seconds, 1).astype(np.int64))

    def _take(self, piece: Ints) -> tuple[Ints, Floats, Floats]:
        row = np.arange(len(piece))
        return self.edges[row, piece], self.rates[row, piece], self.risks[row, piece]


def build_lives(hazard_per_day: Floats, spells: Sequence[Spell]) -> Lives:
    """Put spells upon constant hazards; where spells overlap, their factors multiply.

    Args:
        hazard_per_day: outside all spells, one element per person; 0 or more.
        spells: seconds since the start of each life.

    Returns:
        One row per person.
    """
    people = len(hazard_per_day)
    bounds = [bound for spell in spells for bound in (spell.begins, spell.ends)]
    edges = np.stack([np.zeros(people, dtype=np.int64), *bounds], axis=1)
    edges.sort(axis=1)
    rates = np.repeat(hazard_per_day[:, None] / DAY, edges.shape[1], axis=1)
    for spell in spells:
        inside = (edges >= spell.begins[:, None]) & (edges < spell.ends[:, None])
        rates *= np.where(inside, spell.factor[:, None], 1)
    risks = np.zeros_like(rates)
    np.cumsum(rates[:, :-1] * np.diff(edges, axis=1), axis=1, out=risks[:, 1:])
    return Lives(edges=edges, rates=rates, risks=risks)
