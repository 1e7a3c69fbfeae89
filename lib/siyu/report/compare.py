"""What changed since the last successful run: each finding against its own former self."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

from siyu.formats import quantity
from siyu.phrases import phrase

Kind = Literal["raised", "settled", "moved", "refused", "new", "gone"]
KINDS: tuple[Kind, ...] = ("raised", "settled", "moved", "refused", "new", "gone")
"""The most urgent first: now an alert; none any more; beyond its noise; refused by now; …"""
_FALSE_SHARE = 0.05


@dataclass(frozen=True, kw_only=True)
class Change:
    """A finding of a study, as it is `now` and was `before`; None where it was not there.

    `worse` is whether the number moved beyond its noise to the bad side of its threshold.
    """

    kind: Kind
    study: str
    now: Mapping[str, Any] | None
    before: Mapping[str, Any] | None
    worse: bool = False

    @property
    def id(self) -> str:
        """The finding's id, with the study's name before it."""
        return f"{self.study}/{(self.now or self.before or {})['id']}"


@dataclass(frozen=True, kw_only=True)
class Told:
    """A change in a reader's words: what kind, what is found, what it was before (or "")."""

    kind: Kind
    label: str
    text: str
    before: str


def tell(change: Change) -> Told:
    """Say a change in the language spoken now."""
    now, before = change.now, change.before
    text = str((now or before or {})["message"])
    was = ""
    if now is not None and before is not None and before["value"] is not None:
        was = _written(before)
    return Told(kind=change.kind, label=phrase(f"changes.{change.kind}"), text=text, before=was)


def _written(finding: Mapping[str, Any]) -> str:
    values = {
        name: quantity(finding[name], finding["unit"])
        for name in ("value", "ci_lower", "ci_upper")
        if finding.get(name) is not None
    }
    return phrase("changes.was" if len(values) == 3 else "changes.was_alone", **values)


def compare(
    now: Mapping[str, Any], before: Mapping[str, Any], *, alike: Collection[str]
) -> list[Change]:
    """Compare the findings of two runs.

    A number has moved where it and its former self differ by more than the noise of both, by their
    own intervals: two-sided, and so that of those told to have moved a twentieth at most is
    expected to be noise. Runs a week apart share most of their people, so their noise is the same
    in good part, and fewer are told than could be: the test errs on the quiet side. A number
    without an interval is not compared.

    Args:
        now: the findings of a run, `studies` by name, as in its `findings.json`.
        before: those of an earlier one.
        alike: the studies that were asked for as before; the others are left out.

    Returns:
        The changes, the most urgent kind first, in the order of the studies and their findings.

    Source: Benjamini and Hochberg (1995), J. R. Stat. Soc. B 57, 289-300.
    """
    pairs = list(_pairs(now, before, alike))
    moved = _moved(pairs)
    changes = [
        Change(
            kind=kind, study=study, now=new, before=old, worse=index in moved and _worse(new, old)
        )
        for index, (study, new, old) in enumerate(pairs)
        if (kind := _kind(new, old, moved=index in moved))
    ]
    return sorted(changes, key=lambda change: KINDS.index(change.kind))


_Pair = tuple[str, Mapping[str, Any] | None, Mapping[str, Any] | None]


def _pairs(
    now: Mapping[str, Any], before: Mapping[str, Any], alike: Collection[str]
) -> Iterator[_Pair]:
    for study, document in now["studies"].items():
        former = before["studies"].get(study)
        if former is None or study not in alike:
            continue
        new = {one["id"]: one for one in document["findings"]}
        old = {one["id"]: one for one in former["findings"]}
        for name in dict.fromkeys((*new, *old)):
            yield study, new.get(name), old.get(name)


def _moved(pairs: list[_Pair]) -> set[int]:
    """Find the pairs whose numbers differ by more than their noise."""
    tested = {}
    for index, (_, new, old) in enumerate(pairs):
        errors = [_error(one) for one in (new, old) if one is not None]
        if len(errors) == 2 and new and old and all(errors):
            z = (new["value"] - old["value"]) / math.hypot(*errors)
            tested[index] = 2 * NormalDist().cdf(-abs(z))
    if not tested:
        return set()
    from scipy.stats import false_discovery_control  # takes a third of the time to start a report

    adjusted = false_discovery_control(list(tested.values()))
    return {index for index, p in zip(tested, adjusted, strict=True) if p <= _FALSE_SHARE}


def _error(finding: Mapping[str, Any]) -> float:
    """The standard error that an interval stands for; 0 where it has none."""
    lower, upper = finding.get("ci_lower"), finding.get("ci_upper")
    if finding["value"] is None or lower is None or upper is None:
        return 0.0
    return float((upper - lower) / (2 * NormalDist().inv_cdf((1 + finding["level"]) / 2)))


def _kind(
    new: Mapping[str, Any] | None, old: Mapping[str, Any] | None, *, moved: bool
) -> Kind | None:
    is_alert, was_alert = ((one or {}).get("status") == "alert" for one in (new, old))
    if is_alert and not was_alert:
        return "raised"
    if new is None or old is None:
        return "gone" if new is None else "new"
    refused = new["status"] == "insufficient"
    if refused and old["status"] != "insufficient":
        return "refused"
    if was_alert and not is_alert:
        return "settled"
    return "moved" if moved else None


def _worse(new: Mapping[str, Any] | None, old: Mapping[str, Any] | None) -> bool:
    if new is None or old is None or not new.get("direction"):
        return False
    rises = bool(new["value"] > old["value"])
    return rises if new["direction"] == "below" else not rises
