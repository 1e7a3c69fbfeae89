"""The catalogue: the same phrases in every language, all of them used, none missing."""

import ast
import json
import re
import string
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from siyu import phrases
from siyu.data.contract import TABLES
from siyu.language import LANGUAGES, join_folds, join_lines, speaking, spoken, use_language
from siyu.phrases import FORMATS, cell, heading, phrase, section, term, wording

ROOT = Path(__file__).parents[1]
WORDING = ROOT / "lib" / "siyu" / "wording"
ONE_SIDED = ("terms.", "values.", "columns.")
"""The code's own names are English: other languages have words for them, English for a few."""
EXAMPLES = {
    **dict.fromkeys(("percent", "points", "apart", "signed", "level", "span", "length"), 0.5),
    **dict.fromkeys(("number", "decimal", "ratio", "yuan"), 12_345),
    **{spec: ["scan", "order"] for spec in ("names", "items", "clauses", "columns")},
    **dict.fromkeys(("term", "label", "name", ""), "scan"),
    "day": date(2026, 2, 4),
}
HAN = re.compile(r"[\u4e00-\u9fff]")


def catalogue(language: str) -> dict[str, object]:
    """All phrases of a language, by key."""
    parts = sorted(file.stem for file in (WORDING / language).glob("*.yaml"))
    return {f"{part}.{k}": v for part in parts for k, v in wording(language, part).items()}


def shared(language: str) -> dict[str, object]:
    return {k: v for k, v in catalogue(language).items() if not k.startswith(ONE_SIDED)}


def forms(text: object) -> list[str]:
    """The texts of a phrase, one per plural."""
    return [text] if isinstance(text, str) else [t for name, t in text.items() if name != "by"]


def fields(text: object) -> dict[str, str]:
    """The placeholders of a phrase and how each is written."""
    found = {} if isinstance(text, str) else {text["by"]: ""}
    for form in forms(text):
        found |= {name: spec for _, name, spec, _ in string.Formatter().parse(form) if name}
    return found


def words(text: object) -> str:
    """What a phrase says itself, without what is filled in."""
    return " ".join(
        literal for form in forms(text) for literal, *_ in string.Formatter().parse(form)
    )


def test_every_language_has_the_same_phrases():
    for language in LANGUAGES:
        assert set(shared(language)) == set(shared("en"))


@pytest.mark.parametrize("key", shared("en"))
def test_a_phrase_fills_in_the_same_in_every_language(key):
    english, chinese = (fields(shared(language)[key]) for language in ("en", "zh"))
    plural = shared("en")[key]
    counted = set() if isinstance(plural, str) else {plural["by"]}
    assert set(chinese) | counted == set(english)
    assert {*english.values(), *chinese.values()} - {""} <= set(FORMATS)


def test_no_phrase_is_left_in_english():
    left = [
        key
        for key, text in catalogue("zh").items()
        if re.search(r"[A-Za-z]", words(text)) and not HAN.search(words(text))
    ]
    assert left == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_can_be_said(language):
    with speaking(language):
        for key, text in shared(language).items():
            given = {name: EXAMPLES[spec] for name, spec in fields(text).items()}
            counted = given if isinstance(text, str) else given | {text["by"]: 12_345}
            said = phrase(key, **counted)
            assert said.strip(), key
            assert not re.search(r"[{}]", said), key


def test_a_plural_has_a_form_for_one():
    assert phrase("problem.rows", what="empty", rows=1) == "empty, 1 row"
    assert phrase("problem.rows", what="empty", rows=1200) == "empty, 1,200 rows"
    with speaking("zh"):
        assert phrase("problem.rows", what="空列", rows=1) == "空列，1 行"


class Asked(ast.NodeVisitor):
    """The phrases that a piece of code asks for: a pattern, and the values given, per call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, set[str] | None]] = []

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in ("phrase", "by_window", "section") and node.args:
            pattern = self.pattern(node.args[0]) + {"by_window": r"\.\w+", "section": r"\..+"}.get(
                name, ""
            )
            given = {keyword.arg for keyword in node.keywords}
            whole = (
                isinstance(node.args[0], ast.Constant) and name == "phrase" and None not in given
            )
            self.calls.append((pattern, given if whole else None))
        self.generic_visit(node)

    def pattern(self, node: ast.expr) -> str:
        if isinstance(node, ast.Constant):
            return re.escape(str(node.value))
        if isinstance(node, ast.JoinedStr):
            return "".join(
                re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"\w*"
                for part in node.values
            )
        return ""


def asked() -> Iterator[tuple[str, set[str] | None]]:
    sources = [path.read_text("utf-8") for path in ROOT.glob("lib/siyu/**/*.py")]
    for notebook in ROOT.glob("notebooks/*.ipynb"):
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        sources += ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    for source in sources:
        visitor = Asked()
        visitor.visit(ast.parse(source))
        # A call with a key of its own parameter is asked for where that parameter is given.
        yield from (call for call in visitor.calls if re.match(r"\w+(\\\.|$)", call[0]))


def test_every_phrase_asked_for_is_there_and_gets_what_it_fills_in():
    keys = shared("en")
    exact = {re.escape(key): key for key in keys}
    for pattern, given in asked():
        one = exact.get(pattern)
        found = [one] if one else [key for key in keys if re.fullmatch(pattern, key)]
        assert found, pattern
        for key in found if given is not None else []:
            assert set(fields(keys[key])) <= given, key


def test_every_phrase_there_is_asked_for():
    patterns = {pattern for pattern, _ in asked()}
    # Most are asked for by their very name; only the rest need patterns, which are slow.
    rest = [key for key in shared("en") if re.escape(key) not in patterns]
    wild = [re.compile(one) for one in patterns if r"\w" in one or r"\..+" in one]
    assert [key for key in rest if not any(one.fullmatch(key) for one in wild)] == []


def test_the_contracts_own_names_have_a_word_in_every_language():
    values = {
        value
        for table in TABLES.values()
        for column in table.columns.values()
        for value in column.values or ()
    }
    columns = {column for table in TABLES.values() for column in table.columns}
    with speaking("zh"):
        assert [value for value in sorted(values) if term(value) == value] == []
        assert [column for column in sorted(columns) if heading(column) == column] == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("order", "下单"),
        ("门店海报", "门店海报"),
        ("my own step", "my own step"),
        ("social × coupon", "社交 × 优惠券"),
        ("social × 门店", "社交 × 门店"),
        ("(unknown) × qr_01", "（未知） × qr_01"),
        ("greet or recommend", "打招呼或推荐商品"),
        ("add or 小程序", "加粉或小程序"),
        ("black or white", "black or white"),
        ("scan (2)", "扫码（2）"),
        ("A (2)", "A (2)"),
        ("3 of 4 steps", "4 步中的 3 步"),
    ],
)
def test_a_name_is_translated_where_it_is_standard_and_else_left_alone(name, said):
    with speaking("zh"):
        assert term(name) == said
    assert term(name) == name


def test_media_have_the_readers_name_in_english_too():
    media = TABLES["pushes"].columns["medium"].values
    assert [term(one) for one in media] == [
        *("one-to-one", "Moments", "group chat", "service notice", "SMS")
    ]


def test_a_word_that_means_something_in_one_column_only_is_left_alone_elsewhere():
    with speaking("zh"):
        assert (cell("entry", "first"), cell("city_tier", "first")) == ("首次进入", "一线")
        assert cell("own_column", "first") == "first"
        assert (cell("unit", "users"), cell("table", "users")) == ("用户", "users")
        assert cell("segment", "social") == "社交"
    assert cell("entry", "first") == "first"


def test_a_column_without_a_word_keeps_its_name():
    with speaking("zh"):
        assert (heading("entered"), heading("own_column")) == ("进入人数", "own_column")
    assert heading("entered") == "entered"


def test_the_language_is_spoken_for_a_while_and_must_be_one_of_ours():
    with speaking("zh"):
        assert spoken() == "zh"
        assert section("page")["alert"] == "预警"
    assert spoken() == "en"
    assert section("page")["alert"] == "Alert"
    with pytest.raises(ValueError, match="language = 'fr' must be one of en, zh"):
        use_language("fr")


def test_a_value_called_other_is_no_plural(monkeypatch):
    terms = {"a": "甲", "other": "乙"}
    monkeypatch.setattr(phrases.yaml, "load", lambda *_, **__: {"label": terms})
    assert wording.__wrapped__("zh", "terms") == {"label.a": "甲", "label.other": "乙"}


def test_a_plural_follows_the_number_as_it_is_written():
    given = {"what": "odd", "rows": 1.2}
    assert phrase("problem.rows", **given) == "odd, 1 row"


def test_an_unknown_phrase_and_a_missing_value_are_errors():
    with pytest.raises(KeyError, match="no such"):
        phrase("no such")
    with pytest.raises(KeyError, match="share"):
        phrase("funnel.ties")


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("转化率\n下降", "转化率下降"),
        ("共 5 位\n用户", "共 5 位用户"),
        ("Kitagawa 分解", "Kitagawa 分解"),
        ("第一段。\n\n第二段。", "第一段。\n\n第二段。"),
        ("- 一；\n- 二。", "- 一；\n- 二。"),
        ("# 标题？\n\n正文", "# 标题？\n\n正文"),
        ("broken\nlines", "broken\nlines"),
        ("1. 甲。\n2. 乙。", "1. 甲。\n2. 乙。"),
        ("第一段。\n\n（第二段）", "第一段。\n\n（第二段）"),
        ("引用。\n> 引用", "引用。\n> 引用"),
        ("表。\n| 甲 |\n| 乙 |", "表。\n| 甲 |\n| 乙 |"),
        ("## 标题\n正文", "## 标题\n正文"),
        ("```\n代码\n代码\n```\n正文\n正文", "```\n代码\n代码\n```\n正文正文"),
        ("如下\n**加粗**", "如下\n**加粗**"),
    ],
)
def test_lines_of_a_chinese_paragraph_are_joined_and_its_structure_is_kept(text, joined):
    assert join_lines(text) == joined


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("转化率 下降", "转化率下降"),
        ("转化率， 下降", "转化率，下降"),
        ("（{own}）， {days}内", "（{own}），{days}内"),
        ("共 5 位 Kitagawa 分解", "共 5 位 Kitagawa 分解"),
    ],
)
def test_spaces_that_fold_a_chinese_sentence_are_taken_out(text, joined):
    assert join_folds(text) == joined
