"""Say what of a source the study of tiers can use."""

from __future__ import annotations

from siyu.formats import paragraph, quote
from siyu.phrases import phrase, term
from siyu.studies.tiers.members import Members


def say_counted(members: Members) -> str:
    """Say which tiers there are, which orders count, and what stands for margins not known."""
    said = [
        phrase("tiers.counted.tiers", tiers=[quote(term(tier)) for tier in members.tiers])
        if members.tiers
        else phrase("tiers.counted.no_tiers")
    ]
    counts = members.counts
    left_out = [
        phrase(f"tiers.counted.left_out.{name}", n=counts[name])
        for name in ("refunded", "negative", "strangers")
        if counts[name]
    ]
    if counts["orders"]:
        numbers = {"n": counts["n"], "orders": counts["orders"], "left_out": left_out}
        said.append(phrase(f"tiers.counted.{'some' if left_out else 'all'}", **numbers))
    if not members.has_orders:
        return paragraph(*said, phrase("tiers.counted.no_orders"))
    if not members.has_margin:
        said.append(phrase("tiers.counted.no_margin"))
    return paragraph(*said)


def say_alone(verdict: str, lower: float, upper: float) -> str:
    """Say why something is unclear whose own interval leaves out 0; "" where it does not."""
    return phrase("tiers.alone") if verdict == "unclear" and (lower > 0 or upper < 0) else ""
