"""From drawn arrays to columns in the shape of the contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu.data.world.draws import NEVER, Bools, Ints
from siyu.data.world.frame import TIMEZONE, Frame

MOST_PER_BLOCK = 10**6
"""People of one block, friends included: the ids of two blocks never meet."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Writes the columns of one block of people."""

    frame: Frame
    block: int = 0

    def users(self, index: Ints, *, known: Bools | None = None) -> pa.Array:
        """Ids of people, as text with leading zeros: 000001, in the second block 1000001."""
        return _padded(self.block * MOST_PER_BLOCK + index + 1, width=6, known=known)

    def numbered(self, prefix: str, index: Ints) -> pa.Array:
        """Ids of other things, as text: prefix, block, number."""
        return pc.binary_join_element_wise(
            f"{prefix}{self.block:03d}", _padded(index + 1, width=7), ""
        )

    def instants(self, seconds: Ints, *, known: Bools | None = None) -> pa.Array:
        """Seconds since the first midnight as instants; null after the observation, or unknown."""
        shown = seconds < self.frame.end if known is None else known & (seconds < self.frame.end)
        midnight = datetime.combine(self.frame.first_day, time(), tzinfo=ZoneInfo(TIMEZONE))
        micros = np.where(shown, (int(midnight.timestamp()) + seconds) * 1_000_000, 0)
        hidden = None if shown.all() else ~shown
        return pa.array(micros, type=pa.int64(), mask=hidden).cast(pa.timestamp("us", tz="UTC"))


def texts(labels: Sequence[str], index: Ints, *, known: Bools | None = None) -> pa.Array:
    """Labels by index; null where not known."""
    codes = pa.array(index, type=pa.int32(), mask=None if known is None else ~known)
    return pa.DictionaryArray.from_arrays(codes, pa.array(labels)).cast(pa.string())


def yuan(fen: Ints, *, known: Bools | None = None) -> pa.Array:
    """Amounts in fen as yuan, exact; null where not known."""
    whole = pa.array(fen, mask=None if known is None else ~known).cast(pa.decimal128(19, 0))
    return pc.multiply(whole, pa.scalar(Decimal("0.01"))).cast(pa.decimal128(18, 2))


def happened(frame: Frame, at: Ints) -> Bools:
    """Whether something lies within the observation."""
    return np.asarray((at < NEVER) & (at < frame.end) & (at >= 0))


def _padded(number: Ints, *, width: int, known: Bools | None = None) -> pa.Array:
    digits = pa.array(number, mask=None if known is None else ~known).cast(pa.string())
    return pc.utf8_lpad(digits, width=width, padding="0")
