"""The picture of the results says what their tables say."""

import pytest

from benchmarks import picture
from benchmarks.harness import title_of

WALLS = {"siyu": 3.0, "clickhouse": 4.0, "duckdb": 2.0, "polars": 6.0, "pandas": 20.0, "scan": 0.5}


AGAIN = {"prepared_first": 0.7, "prepared_again": 0.1}


def sections(*sizes: int) -> dict[str, str]:
    found = {}
    for study in picture.STUDIES.values():
        walls = WALLS | {one: wall for one, wall in AGAIN.items() if one in study.contenders}
        rows = [f"| {study.label(one)} | {wall} | 9.9 | 100 | |" for one, wall in walls.items()]
        text = "\n".join(
            ["Medians of 5; 2 cores.", "", "| | wall s | CPU s |", "|---|--:|--:|", *rows]
        )
        found |= {title_of(study, n): text for n in sizes}
    return found


def test_each_time_is_a_multiple_of_the_fastest_peers_that_reads_the_files():
    costs = picture.read_costs(sections(1_000), picture.STUDIES["Funnel"], 1_000)
    assert costs["ratio"].tolist() == [1.0, 1.5, 2.0, 3.0, 10.0]
    assert costs["contender"].tolist()[:2] == ["DuckDB, SQL by hand", "siyu (Ibis on DuckDB)"]


def test_the_largest_log_of_all_studies_is_drawn_and_without_one_it_is_said():
    known = sections(1_000, 2_000)
    del known[title_of(picture.STUDIES["RFM"], 2_000)]
    drawn = picture.draw(known | {"Funnel, 3,000 events, and a bot of 30,000 more": ""})
    assert drawn.undrawn == ""
    assert len(drawn.table) == 5 * len(picture.STUDIES)
    assert drawn.alt == "siyu takes 1.5 to 1.5 times as long as the fastest peer of each study"
    with pytest.raises(ValueError, match="make bench"):
        picture.draw({})


@pytest.mark.parametrize(
    ("ratios", "said"),
    [
        ([0.5, 1.0], "as fast as every peer, or faster, in each of 2 studies"),
        ([1.2, 2.64], "takes 1.2 to 2.6 times as long"),
        ([0.9, 1.4, 3.0], "fastest in 1 of 3 studies, and takes up to 3.0 times as long"),
    ],
)
def test_the_title_is_computed(ratios, said):
    assert said in picture.say(ratios)
