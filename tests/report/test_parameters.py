import json
from pathlib import Path

import pytest
from siyu.report.parameters import Parameter, check_values, read_parameters
from siyu.report.problems import ConfigurationError

from tests.report.project import PARAMETERS, code, markdown, parameters, write_notebook

STEPS = "list[str | list[str]]"


def parameter(annotation: str, *, comment: str = "", name: str = "x") -> Parameter:
    return Parameter(name=name, annotation=annotation, default=None, comment=comment)


def test_the_cell_is_read_with_types_defaults_and_comments(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "n.ipynb", [markdown("# Why?"), parameters()])
    found = read_parameters(notebook)
    assert list(found) == ["source", "as_of", "window_days", "entry", "output_dir"]
    assert found["window_days"] == Parameter(
        name="window_days",
        annotation="float | None",
        default=14.0,
        comment="(0, 3650] days from the start; null = no window",
        line=3,
    )


def test_every_type_of_the_house_can_be_declared(tmp_path: Path) -> None:
    cell = parameters(
        "a: str | None = None\nb: bool = True\nc: list[str | list[str]] = [['x'], 'y']\n"
        "d: dict[str, float] = {'7': 0.3}  # [0, 1] by day"
    )
    found = read_parameters(write_notebook(tmp_path / "n.ipynb", [cell]))
    assert {name: one.default for name, one in found.items()} == {
        "a": None,
        "b": True,
        "c": [["x"], "y"],
        "d": {"7": 0.3},
    }


def test_a_hash_inside_a_default_is_no_comment(tmp_path: Path) -> None:
    cell = parameters('colour: str = "#0072B2"  # of the accent')
    found = read_parameters(write_notebook(tmp_path / "n.ipynb", [cell]))
    assert found["colour"].default == "#0072B2"
    assert found["colour"].comment == "of the accent"


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        ("days = 7", "'days = 7' must be an annotated literal"),
        ("import os", "'import os' must be an annotated literal"),
        ("days: int", "'days: int' must be an annotated literal"),
        ("days: int = 7 * window", "malformed node"),
        ("days: int = (", "parameters cell"),
        ("days: set[int] = []", "type set[int] is not known"),
        ("days: int = 0  # [1, 365] days", "default days = 0 must be in [1, 365]"),
        ("days: str = 7", "default days = 7 must be of type str"),
    ],
)
def test_a_cell_that_is_no_list_of_typed_literals_is_refused(
    tmp_path: Path, cell: str, rule: str
) -> None:
    notebook = write_notebook(tmp_path / "n.ipynb", [parameters(cell)])
    with pytest.raises(ConfigurationError) as caught:
        read_parameters(notebook)
    assert "n.ipynb" in caught.value.problems[0]
    assert rule in caught.value.problems[0]


def test_a_first_code_cell_without_the_tag_is_refused(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "n.ipynb", [code("import os"), parameters()])
    with pytest.raises(ConfigurationError, match="first code cell must be tagged 'parameters'"):
        read_parameters(notebook)


def test_a_missing_or_empty_notebook_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.ipynb"
    empty.touch()
    for path in (empty, tmp_path / "missing.ipynb"):
        with pytest.raises(ConfigurationError, match="is no readable notebook"):
            read_parameters(path)


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        ("str", "00123", "00123"),
        ("str", "no", "no"),
        ("str", "2026-03-31", "2026-03-31"),
        ("str", "12:30:00", "12:30:00"),
        ("str", "null", "null"),
        ("str | None", "null", None),
        ("int", "7", 7),
        ("float", "7", 7.0),
        ("float | None", "null", None),
        ("float | None", "1.5", 1.5),
        ("bool", "true", True),
        ("bool", "false", False),
        ("list[str]", "", []),
        ("list[str]", "channel, lure", ["channel", "lure"]),
        ("list[int]", "1,7,30", [1, 7, 30]),
        ("list[str]", "007", ["007"]),
        (STEPS, "scan,add,order", ["scan", "add", "order"]),
        (STEPS, '["scan", ["add", "reply"]]', ["scan", ["add", "reply"]]),
        ("dict[str, float]", '{"7": 0.3}', {"7": 0.3}),
    ],
)
def test_text_from_the_command_line_is_read_by_the_type_of_the_parameter(
    annotation: str, text: str, value: object
) -> None:
    read = parameter(annotation).parse(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        ("int", "7.0"),
        ("int", "seven"),
        ("float", "null"),
        ("bool", "yes"),
        ("bool", "1"),
        ("list[int]", "1,two"),
        ("list[str]", "[1]"),
        ("list[str]", "[broken"),
        ("dict[str, float]", "7=0.3"),
        ("dict[str, float]", '{"7": "high"}'),
    ],
)
def test_text_of_another_type_is_refused(annotation: str, text: str) -> None:
    with pytest.raises(ValueError, match="is not of type"):
        parameter(annotation).parse(text)


@pytest.mark.parametrize(
    ("annotation", "comment", "value", "fits"),
    [
        ("int", "[7, 3650] days", 7, True),
        ("int", "[7, 3650] days", 3650, True),
        ("int", "[7, 3650] days", 6, False),
        ("int", "[7, 3650] days", 3651, False),
        ("float", "(0, 1) share", 0.0, False),
        ("float", "(0, 1) share", 1.0, False),
        ("float", "(0, 1) share", 0.5, True),
        ("float", "(0, 3650] days", 3650, True),
        ("float | None", "(0, 3650] days", None, True),
        ("float", "[-1e3, 2.5] points", -1000.0, True),
        ("list[int]", "[1, 365] days", [1, 366], False),
        ("dict[str, float]", "[0, 1] by day", {"7": 0.3}, True),
        ("dict[str, float]", "[0, 1] by day", {"7": 30.0}, False),
        ("str", "{best, first} start", "first", True),
        ("str", "{best, first} start", "last", False),
        ("str | None", "{best, first} start", None, True),
        ("list[str]", "{a, b}", ["a", "c"], False),
        ("str", "2 to 12 steps [not a range]", "anything", True),
        (STEPS, "[2, 3] steps; a list within: any of it", ["a", ["b", "c", "d", "e"]], True),
        (STEPS, "[2, 3] steps; a list within: any of it", ["a"], False),
        (STEPS, "[2, 3] steps; a list within: any of it", [], False),
        (STEPS, "[2, 3] steps; a list within: any of it", ["a", "b", "c", "d"], False),
        ("list[str] | None", "[1, 3] columns; null = none", None, True),
        ("list[int]", "[5, 365] days", [7], True),
    ],
)
def test_a_range_that_opens_the_comment_is_kept(
    annotation: str, comment: str, value: object, fits: bool
) -> None:
    assert (parameter(annotation, comment=comment).problem_with(value) is None) is fits


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("str", 123),
        ("str", None),
        ("int", True),
        ("int", 7.0),
        ("float", float("nan")),
        ("float", float("inf")),
        ("float", "7"),
        ("bool", 1),
        ("list[str]", "scan"),
        ("list[str]", ["scan", 1]),
        (STEPS, ["scan", ["add", 2]]),
        ("dict[str, float]", {7: 0.3}),
        ("dict[str, float]", [0.3]),
    ],
)
def test_a_value_of_another_type_is_refused(annotation: str, value: object) -> None:
    problem = parameter(annotation).problem_with(value)
    assert problem is not None
    assert f"must be of type {annotation}" in problem


def test_a_list_of_the_wrong_length_is_told_its_length() -> None:
    steps = parameter(STEPS, comment="[2, 12] steps; a list within: any of it", name="steps")
    assert steps.problem_with(steps.parse("")) == "steps = []: its length 0 must be in [2, 12]"


def test_a_truth_value_in_another_spelling_is_told_the_right_one() -> None:
    with pytest.raises(ValueError, match=r"x = 'False' is not of type bool; write true or false"):
        parameter("bool").parse("False")


def test_a_number_for_a_text_is_told_to_be_quoted() -> None:
    problem = parameter("str", name="staff").problem_with(123)
    assert problem == "staff = 123 must be of type str; quote it"


@pytest.mark.parametrize("day", ["2026-3-1", "2026-02-30", "20260301", "yesterday"])
def test_as_of_must_be_an_iso_date(day: str) -> None:
    as_of = parameter("str", name="as_of")
    assert "must be an ISO date" in str(as_of.problem_with(day))
    assert as_of.problem_with("2026-03-01") is None
    assert as_of.problem_with("") is None


def test_every_wrong_value_is_named_and_the_nearest_name_is_offered(tmp_path: Path) -> None:
    declared = read_parameters(write_notebook(tmp_path / "n.ipynb", [parameters()]))
    given = {"windw_days": 7, "window_days": 0, "entry": "last", "as_of": "2026-03-31"}
    assert list(check_values(given, declared, where="01_funnel")) == [
        "01_funnel: unknown parameter 'windw_days'; did you mean window_days?",
        "01_funnel: window_days = 0 must be in (0, 3650]",
        "01_funnel: entry = 'last' must be one of best, first",
    ]


def test_a_source_stored_line_by_line_is_read_the_same(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "n.ipynb", [parameters()])
    whole = read_parameters(path)
    document = json.loads(path.read_text())
    document["cells"][0]["source"] = PARAMETERS.splitlines(keepends=True)
    path.write_text(json.dumps(document))
    assert read_parameters(path) == whole
