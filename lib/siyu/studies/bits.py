"""Whole numbers as sets, a bit for each member: small where many rows name few things."""

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir


# Ibis has it too, but not on every engine that has it.
@ibis.udf.agg.builtin(name="bit_or")  # type: ignore[untyped-decorator]
def either(bits: dt.int64) -> dt.int64:
    """Unite sets: a bit is set where any of them has it."""


def only(place: ir.IntegerValue) -> ir.IntegerValue:
    """Make the set of one thing, by its place: 0 to 61."""
    # Ibis writes a 1 without its type, and of a small one the engine shifts no more than 31 places.
    return ibis.literal(1, "int8").cast("int64") << place


def gather(place: ir.IntegerValue, n_sets: int, *, size: int) -> list[ir.IntegerScalar]:
    """Gather places from 0 on into one set per `size` places, at most 62; others are left out."""
    sets = []
    for first in range(0, n_sets * size, size):
        inside = place.between(first, first + size - 1)
        sets.append(either(ibis.ifelse(inside, only(place - first), 0)))
    return sets
