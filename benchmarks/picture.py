"""Draw what the results say: siyu against the peers, study by study.

    python -m benchmarks.picture

It reads the tables of RESULTS.md and takes the largest log, without a bot, on which every study was
measured. Drawn is who read the files as they lie: who asks again of what is prepared or in memory
answers another question. The fastest peer is another one for each study, and is 1.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter
from siyu.figures import ACCENT, BLACK, GREY, PALE, Picture, canvas, finish

from benchmarks import funnel, push_timing, retention, rfm
from benchmarks.harness import RESULTS, Study, title_of

PICTURE = RESULTS.with_suffix(".png")
STUDIES = {
    "Funnel": funnel.STUDY,
    "Retention": retention.STUDY,
    "Push timing": push_timing.STUDY,
    "RFM": rfm.STUDY,
}
_OURS = "siyu"
_READERS = (_OURS, "clickhouse", "duckdb", "polars", "pandas")
_TICKS = (0.5, 1, 2, 4, 8, 16, 32)


def read_costs(sections: Mapping[str, str], study: Study, n_events: int) -> pd.DataFrame:
    """Read who answered a study's question and how long each took.

    Args:
        sections: text of the results, by title.
        study: whose contenders are read; those who do not read the files are left out.
        n_events: size of the log.

    Returns:
        One row per contender, the fastest first: `contender`, `wall_s`, and `ratio`, the wall time
        as a multiple of the fastest peer's.
    """
    names = {study.label(one) for one in _READERS}
    lines = sections[title_of(study, n_events)].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    found = [(plain(row[0]), float(row[1])) for row in cells if row[0] in names]
    costs = pd.DataFrame(found, columns=["contender", "wall_s"]).sort_values("wall_s")
    peers = costs[~costs["contender"].str.contains(_OURS)]
    return costs.assign(ratio=costs["wall_s"] / peers["wall_s"].min()).reset_index(drop=True)


def plain(label: str) -> str:
    """Take the marks of Markdown out of a label."""
    return label.replace("*", "").replace("`", "")


def largest_log(sections: Mapping[str, str]) -> int:
    """Find the number of events of the largest log on which every study was measured; 0: none."""
    sizes = {int(title.split()[1].replace(",", "")) for title in sections if "events" in title}
    whole = [n for n in sizes if all(title_of(one, n) in sections for one in STUDIES.values())]
    return max(whole, default=0)


def say(ratios: Sequence[float]) -> str:
    """Say in one sentence how siyu does: its time as a multiple of the fastest peer's, by study."""
    low, high = min(ratios), max(ratios)
    if high <= 1:
        return f"siyu is as fast as every peer, or faster, in each of {len(ratios)} studies"
    if low > 1:
        return f"siyu takes {low:.1f} to {high:.1f} times as long as the fastest peer of each study"
    won = f"siyu is the fastest in {sum(ratio <= 1 for ratio in ratios)} of {len(ratios)} studies"
    return f"{won}, and takes up to {high:.1f} times as long as the fastest peer in the others"


def draw(sections: Mapping[str, str]) -> Picture:
    """Draw each contender's time as a multiple of the fastest peer's, a panel per study.

    Raises:
        ValueError: no log was measured in every study.
    """
    n_events = largest_log(sections)
    if not n_events:
        raise ValueError("no log was measured in every study: run make bench")
    costs = {name: read_costs(sections, study, n_events) for name, study in STUDIES.items()}
    ours = [table[table["contender"].str.startswith(_OURS)] for table in costs.values()]
    title = say([float(table["ratio"].max()) for table in ours])
    lines = [sections[title_of(one, n_events)].strip().splitlines()[0] for one in STUDIES.values()]
    measured = {line.partition("; ")[2] for line in lines}
    rows = max(map(len, costs.values()))
    figure, panels = canvas(
        title,
        f"Seconds on the clock as a multiple of the fastest peer's (1), of files of {n_events:,} "
        "rows; all give the same answer; medians",
        f"benchmarks/{RESULTS.name}; {' '.join(sorted(measured))}",
        height=1.6 + 0.56 * rows,
        columns=2,
        heights=(1, 1),
    )
    ends = [f(table["ratio"]) for f in (min, max) for table in costs.values()]
    for axes, (name, table) in zip(panels, costs.items(), strict=True):
        _panel(axes, name, table)
        axes.set_xlim(0.8 * min(1, *ends), 2.5 * max(ends))
    table = pd.concat([one.assign(study=name) for name, one in costs.items()], ignore_index=True)
    return finish(figure, name="results", alt=title, table=table)


def _panel(axes: Axes, name: str, costs: pd.DataFrame) -> None:
    axes.set_xscale("log")
    axes.axvline(1, color=PALE, linewidth=1)
    for place, row in enumerate(costs.itertuples()):
        colour = ACCENT if _OURS in row.contender else GREY
        axes.plot(row.ratio, place, "o", color=colour, markersize=7)
        axes.annotate(
            f"{row.ratio:.2f}",
            (row.ratio, place),
            (8, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            size=9,
        )
    axes.set_yticks(range(len(costs)), list(costs["contender"]))
    for label in axes.get_yticklabels():
        ours = _OURS in label.get_text()
        label.set(color=ACCENT if ours else BLACK, fontsize=9)
    axes.set_ylim(len(costs) - 0.5, -0.5)
    axes.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_title(name, loc="left", size=10, color=BLACK)
    axes.grid(axis="y")


def main() -> None:
    """Draw the results beside their text."""
    text = RESULTS.read_text(encoding="utf-8")
    sections = dict(section.split("\n", 1) for section in text.split("\n## ")[1:])
    try:
        PICTURE.write_bytes(draw(sections).png)
    except ValueError as error:
        sys.exit(str(error))
    print(f"drawn: benchmarks/{PICTURE.name}")


if __name__ == "__main__":
    main()
