import shutil

import pandas as pd
import pytest
from siyu.data import open_source, sorted_log
from siyu.data.prepare import prepare

from tests.engines.compare import assert_same, count_rows
from tests.engines.questions import QUESTIONS

pytest.importorskip("numba")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both(simulated):
    plain = open_source(simulated)
    layout = prepare(simulated)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_log, "FEWEST_ROWS", 0)
        laid_out = open_source(simulated)
    assert laid_out.sorted_log is not None
    yield laid_out, plain
    shutil.rmtree(layout)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_source_that_was_laid_out_answers_as_it_lies(name, both):
    found, expected = map(QUESTIONS[name], both)
    assert count_rows(expected)
    assert_same(with_ids(found, both[0]), expected)


def with_ids(answer, pool):
    """Where an answer is of tables that tell persons apart, give their ids for the codes."""
    if isinstance(answer, list):
        return [with_ids(one, pool) for one in answer]
    if isinstance(answer, pd.DataFrame) and "user_id" in answer:
        return answer.assign(user_id=pool.name_persons(answer["user_id"]))
    return answer
