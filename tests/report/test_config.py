from pathlib import Path

import pytest
from siyu.report.config import Config, find_config, narrow, read_config
from siyu.report.problems import ConfigurationError
from siyu.report.senders import Recipient

from tests.report.project import parameters, write_config, write_notebook

MINIMAL = "title: Weekly\nsource: data\nnotebooks:\n  - notebook: funnel\n"
COMMON = 'source: str = ""\nas_of: str = ""\noutput_dir: str = ""\n'
TIERS = COMMON + 'n_tiers: int = 4  # [2, 9] tiers\nlanguage: str = "en"  # {en, zh} of the text'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("")
    write_notebook(tmp_path / "notebooks" / "funnel.ipynb", [parameters()])
    write_notebook(tmp_path / "notebooks" / "tiers.ipynb", [parameters(TIERS)])
    return tmp_path


def problems_of(root: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_config(write_config(root, text))
    return caught.value.problems


def both(root: Path) -> Config:
    return read_config(write_config(root, MINIMAL + "  - notebook: tiers\n"))


def test_a_minimal_configuration_has_defaults(root: Path) -> None:
    config = read_config(write_config(root, MINIMAL))
    assert (config.name, config.title) == ("weekly", "Weekly")
    assert config.source == str(root / "data")
    assert (config.as_of, config.language) == ("", "en")
    assert config.root == root
    assert [study.name for study in config.studies] == ["funnel"]
    assert config.studies[0].given == {}
    assert config.studies[0].parameters["window_days"] == 14.0


def test_parameter_sets_of_one_notebook_get_a_suffix(root: Path) -> None:
    text = MINIMAL + "  - {notebook: funnel, suffix: first, parameters: {entry: first}}\n"
    first, second = read_config(write_config(root, text)).studies
    assert (first.name, first.parameters["entry"]) == ("funnel", "best")
    assert (second.name, second.parameters["entry"]) == ("funnel_first", "first")


def test_a_matrix_runs_a_notebook_once_per_combination(root: Path) -> None:
    text = MINIMAL + (
        "  - notebook: funnel\n    suffix: all\n    parameters: {window_days: 7}\n"
        "    matrix: {entry: [best, first]}\n"
    )
    _, best, first = read_config(write_config(root, text)).studies
    assert (best.name, first.name) == ("funnel_all_entry-best", "funnel_all_entry-first")
    assert first.label == "all, entry = first"
    assert first.given == {"window_days": 7, "entry": "first"}


@pytest.mark.parametrize(
    ("matrix", "rule"),
    [
        ("{entry: best}", "matrix: entry = 'best' must list the values it takes"),
        ("{entry: []}", "matrix: entry = [] must list the values it takes"),
        ("{entry: [best, last]}", "funnel_entry-last: entry = 'last' must be one of best, first"),
        ("{entry: [best, best]}", "funnel_entry-best: is listed twice"),
        ("{as_of: ['2026-03-31']}", "as_of is set by the run"),
    ],
)
def test_a_matrix_of_what_cannot_be_run_is_refused(root: Path, matrix: str, rule: str) -> None:
    text = f"title: Weekly\nsource: data\nnotebooks: [{{notebook: funnel, matrix: {matrix}}}]\n"
    (problem,) = problems_of(root, text)
    assert rule in problem


@pytest.mark.parametrize(
    ("gate", "rule"),
    [
        ("{max_age: 3}", "unknown key 'max_age'; did you mean max_age_days?"),
        ("{max_age_days: 0}", "max_age_days = 0 must be above 0"),
        ("{max_age_days: 1.5}", "max_age_days = 1.5 has the wrong type"),
        ("{fewest_rows: 1.5}", "fewest_rows = 1.5 must be in (0, 1]"),
    ],
)
def test_a_gate_that_cannot_be_kept_is_refused(root: Path, gate: str, rule: str) -> None:
    assert f"gate: {rule}" in problems_of(root, f"{MINIMAL}gate: {gate}\n")[0]


def test_a_notebook_listed_twice_without_a_suffix_is_refused(root: Path) -> None:
    text = MINIMAL + "  - notebook: funnel\n"
    assert problems_of(root, text) == ["funnel: is listed twice; give one of them a suffix"]


def test_a_notebook_that_the_run_cannot_tell_where_and_when_is_refused(root: Path) -> None:
    write_notebook(root / "notebooks" / "funnel.ipynb", [parameters('source: str = ""')])
    assert problems_of(root, MINIMAL) == [
        "funnel: the parameters cell must declare as_of, output_dir"
    ]


def test_shared_parameters_reach_the_notebooks_that_have_them(root: Path) -> None:
    text = MINIMAL + "  - notebook: tiers\nparameters: {n_tiers: 5}\nlanguage: zh\n"
    funnel, tiers = read_config(write_config(root, text)).studies
    assert funnel.given == {}
    assert tiers.given == {"n_tiers": 5, "language": "zh"}


def test_a_notebooks_own_parameter_wins_over_the_shared_one(root: Path) -> None:
    text = (
        "title: Weekly\nsource: data\nparameters: {n_tiers: 5}\n"
        "notebooks: [{notebook: tiers, parameters: {n_tiers: 6}}]\n"
    )
    assert read_config(write_config(root, text)).studies[0].given == {"n_tiers": 6}


def test_dates_clock_times_and_leading_zeros_arrive_as_typed(root: Path) -> None:
    cell = parameters(COMMON + 'staff: str = ""\nopens: str = ""\nday: str = ""\nsaid: str = ""')
    write_notebook(root / "notebooks" / "funnel.ipynb", [cell])
    given = "{staff: 00123, opens: 12:30:00, day: 2026-03-31, said: no}"
    text = f"title: Weekly\nsource: data\nnotebooks: [{{notebook: funnel, parameters: {given}}}]\n"
    assert read_config(write_config(root, text)).studies[0].given == {
        "staff": "00123",
        "opens": "12:30:00",
        "day": "2026-03-31",
        "said": "no",
    }


def test_every_wrong_key_is_named_with_the_nearest_one(root: Path) -> None:
    text = "titel: Weekly\nsource: 7\nlanguage: fr\nnotebooks:\n  - {notebok: funnel}\n  - funnel\n"
    assert problems_of(root, text) == [
        "weekly.yaml: unknown key 'titel'; did you mean title?",
        "weekly.yaml: source = 7 has the wrong type",
        "weekly.yaml: 'title' is missing",
        "weekly.yaml: language = 'fr' must be one of en, zh",
        "weekly.yaml: notebooks, entry 1: unknown key 'notebok'; did you mean notebook?",
        "weekly.yaml: notebooks, entry 1: 'notebook' is missing",
        "weekly.yaml: notebooks, entry 2: must be a mapping such as {notebook: NAME}",
    ]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("name: ../weekly", "it names a folder"),
        ("as_of: 31.3.2026", "must be an ISO date"),
        ("cell_timeout_seconds: 0", "cell_timeout_seconds = 0 must be above 0"),
        ("run_timeout_seconds: soon", "run_timeout_seconds = 'soon' has the wrong type"),
        ("run_timeout_seconds: true", "run_timeout_seconds = True has the wrong type"),
    ],
)
def test_a_setting_out_of_range_is_refused(root: Path, line: str, rule: str) -> None:
    (problem,) = problems_of(root, f"{MINIMAL}{line}\n")
    assert rule in problem


@pytest.mark.parametrize("suffix", ["../../x", "a/b", "''", "first week"])
def test_a_suffix_that_is_no_plain_name_of_a_folder_is_refused(root: Path, suffix: str) -> None:
    text = MINIMAL + f"  - {{notebook: funnel, suffix: {suffix}}}\n"
    (problem,) = problems_of(root, text)
    assert problem.startswith("weekly.yaml: notebooks, entry 2: suffix = ")
    assert problem.endswith("must be letters, digits, _ and -: it names a folder")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("title: [", "cannot be read"),
        ("title: a\ntitle: b\n", "'title' is given twice"),
        ("just text", "must be a mapping"),
        ("title: Weekly\nsource: data\nnotebooks: []\n", "at least one notebook"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_in_one_line(
    root: Path, text: str, rule: str
) -> None:
    (problem,) = problems_of(root, text)
    assert rule in problem
    assert "\n" not in problem


def test_problems_of_all_notebooks_are_told_at_once(root: Path) -> None:
    text = (
        "title: Weekly\nsource: data\nnotebooks:\n"
        "  - {notebook: funnel, parameters: {windw_days: 7, window_days: 0, as_of: 2026-03-31}}\n"
        "  - {notebook: tiers, parameters: {n_tiers: many}}\n"
        "  - notebook: missing\n"
    )
    found = problems_of(root, text)
    assert found[:4] == [
        "funnel: as_of is set by the run; use --source, --as-of or --out",
        "funnel: unknown parameter 'windw_days'; did you mean window_days?",
        "funnel: window_days = 0 must be in (0, 3650]",
        "tiers: n_tiers = 'many' must be of type int",
    ]
    assert found[4].startswith("missing.ipynb: is no readable notebook")


def test_a_shared_parameter_that_no_notebook_has_is_refused(root: Path) -> None:
    assert problems_of(root, MINIMAL + "parameters: {n_tier: 5}\n") == [
        "weekly.yaml: parameters: unknown parameter 'n_tier'; "
        "known: as_of, entry, output_dir, source, window_days"
    ]


def test_a_configuration_outside_any_project_is_its_own_root(tmp_path: Path) -> None:
    write_notebook(tmp_path / "notebooks" / "funnel.ipynb", [parameters()])
    config = read_config(write_config(tmp_path, MINIMAL))
    assert config.root == tmp_path / "notebooks"


def test_the_default_configuration_is_found_from_a_folder_below(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_config(root, MINIMAL)
    below = root / "data" / "sample"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert find_config() == path


def test_no_default_configuration_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"no notebooks/weekly\.yaml in .* or above"):
        find_config()


def test_a_parameter_from_the_command_line_reaches_only_those_that_have_it(root: Path) -> None:
    funnel, tiers = narrow(both(root), assignments=["n_tiers=5", "entry=first"]).studies
    assert funnel.given == {"entry": "first"}
    assert tiers.given == {"n_tiers": 5}


@pytest.mark.parametrize(
    ("assignment", "problem"),
    [
        ("n_tiers", "-p 'n_tiers' must be of the form name=value"),
        ("n_tier=5", "-p: unknown parameter 'n_tier'; did you mean n_tiers?"),
        ("n_tiers=many", "tiers: n_tiers = 'many' is not of type int"),
        ("n_tiers=10", "tiers: n_tiers = 10 must be in [2, 9]"),
        ("as_of=2026-03-31", "-p: as_of is set by the run; use --source, --as-of or --out"),
    ],
)
def test_a_wrong_parameter_on_the_command_line_is_refused(
    root: Path, assignment: str, problem: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        narrow(both(root), assignments=[assignment])
    assert caught.value.problems == [problem]


def test_all_problems_of_the_command_line_are_told_at_once(root: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        narrow(
            both(root),
            source="postgresql://me:secret@host/shop",
            as_of="yesterday",
            only="funel",
            assignments=["x=1"],
        )
    unknown, day, assignment, password = caught.value.problems
    assert unknown == "unknown notebook 'funel'; did you mean funnel?"
    assert day == "--as-of = 'yesterday' must be an ISO date such as 2026-03-31"
    assert assignment.startswith("-p: unknown parameter 'x'")
    assert password.startswith("source must not hold a password")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("secret", ["?password=hunter2", "?sslmode=on&api_token=hunter2"])
def test_a_password_in_the_query_of_an_address_is_refused(root: Path, secret: str) -> None:
    with pytest.raises(ConfigurationError, match="must not hold a password") as caught:
        narrow(both(root), source=f"postgres://me@host/shop{secret}")
    assert "hunter2" not in str(caught.value)


def test_only_names_a_notebook_or_one_of_its_parameter_sets(root: Path) -> None:
    text = MINIMAL + "  - {notebook: funnel, suffix: first}\n  - notebook: tiers\n"
    config = read_config(write_config(root, text))
    names = {
        only: [study.name for study in narrow(config, only=only).studies]
        for only in ("funnel", "funnel_first", "tiers")
    }
    assert names == {
        "funnel": ["funnel", "funnel_first"],
        "funnel_first": ["funnel_first"],
        "tiers": ["tiers"],
    }


def test_a_source_is_looked_up_from_where_it_was_typed_wherever_the_command_runs(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = both(root)
    monkeypatch.chdir(root / "notebooks")
    assert narrow(config, source="shop").source == str(root / "notebooks/shop")
    assert narrow(config, source=str(root / "shop")).source == str(root / "shop")
    address = narrow(config, source="sqlite://shop.db").source
    assert address == f"sqlite://{root}/notebooks/shop.db"
    configured = read_config(write_config(root, MINIMAL.replace("data", "duckdb://shop.duckdb")))
    assert configured.source == f"duckdb://{root}/shop.duckdb"
    assert narrow(config, as_of="2026-03-01").as_of == "2026-03-01"


def test_a_title_may_be_given_in_each_language(root: Path) -> None:
    text = MINIMAL.replace("title: Weekly", "title: {en: Weekly, zh: 周报}")
    assert read_config(write_config(root, text)).title == "Weekly"
    assert read_config(write_config(root, text + "language: zh\n")).title == "周报"


@pytest.mark.parametrize("title", ["{en: Weekly}", "{en: Weekly, zh: 7}", "{en: W, zh: 周, fr: H}"])
def test_a_title_in_some_languages_only_is_refused(root: Path, title: str) -> None:
    (problem,) = problems_of(root, MINIMAL.replace("title: Weekly", f"title: {title}"))
    assert problem.endswith("must be a text, or one for each of en, zh")


def test_a_language_from_the_command_line_is_that_of_the_index_too(root: Path) -> None:
    only_tiers = MINIMAL.replace("funnel", "tiers")
    config = read_config(write_config(root, only_tiers))
    assert narrow(config, assignments=["language=zh"]).language == "zh"
    two = read_config(write_config(root, only_tiers + "  - {notebook: tiers, suffix: b}\n"))
    assert narrow(two, assignments=["language=zh"]).language == "zh"
    mixed = only_tiers + "  - {notebook: tiers, suffix: b, parameters: {language: zh}}\n"
    assert narrow(read_config(write_config(root, mixed))).language == "en"


def test_who_is_told_of_alerts_is_named_with_the_variable_of_the_address(root: Path) -> None:
    notify = "notify:\n  - {to: wecom, address: SIYU_WECOM}\n"
    config = read_config(write_config(root, MINIMAL + notify))
    assert config.recipients == [Recipient(sender="wecom", variable="SIYU_WECOM")]


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        ("{to: wecon, address: X}", "did you mean wecom?"),
        ("{to: wecom}", "'address' is missing"),
        ("{to: wecom, address: X, key: y}", "unknown key 'key'"),
        ("wecom", "must be a mapping such as {to: wecom, address: SIYU_WECOM}"),
        ("{to: wecom, address: 'https://x/?key=s3cret'}", "address must name an environment"),
    ],
)
def test_a_recipient_that_cannot_be_reached_is_refused_without_its_address(
    root: Path, entry: str, rule: str
) -> None:
    problems = "\n".join(problems_of(root, MINIMAL + f"notify:\n  - {entry}\n"))
    assert rule in problems
    assert "s3cret" not in problems
