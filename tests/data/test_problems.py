from siyu.data import Problem, Report, SourceError, render
from siyu.data.problems import suggest

ERROR = Problem(
    table="orders",
    column="amount_cny",
    rule="wrong type",
    rows=1_200,
    examples=("¥12", "abc"),
    remedy="correct these values",
)
WARNING = Problem(table="events", rule="empty table", severity="warning")


def test_a_problem_is_one_line_with_place_rule_rows_examples_and_remedy():
    assert str(ERROR) == (
        "orders.amount_cny: wrong type, 1,200 rows, such as '¥12', 'abc'; correct these values"
    )
    assert str(WARNING) == "events: empty table"
    assert str(Problem(rule="no time", remedy="add one")) == "no time; add one"


def test_an_error_says_the_first_problem_and_how_many_more_there_are():
    assert str(SourceError(ERROR)) == str(ERROR)
    assert str(SourceError(ERROR, WARNING)).endswith("(and 1 more: see `siyu check`)")
    assert SourceError(ERROR, WARNING).problems == (ERROR, WARNING)


def test_a_report_lists_tables_then_errors_then_warnings():
    report = Report(
        name="shop", problems=(WARNING, ERROR), counts={"users": 1, "group_members": 32_283}
    )
    assert render(report).splitlines() == [
        "source shop",
        "  users                     1 row",
        "  group_members       32,283 rows",
        "errors: 1",
        f"  {ERROR}",
        "warnings: 1",
        "  events: empty table",
    ]


def test_a_report_without_problems_says_so():
    assert render(Report(name="shop", problems=(), counts={})).splitlines() == [
        "source shop",
        "errors: none",
        "warnings: none",
    ]


def test_the_nearest_name_is_suggested_whatever_its_case_or_else_all_names():
    assert suggest("Userid", ["user_id", "event"]) == "did you mean 'user_id'?"
    assert suggest("EVENT", ["user_id", "event"]) == "did you mean 'event'?"
    assert suggest("gmv", ["user_id", "event"]) == "there are: event, user_id"
    assert suggest("gmv", []) == "there are none"
