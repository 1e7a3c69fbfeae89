import io
import re
import warnings
from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from siyu import figures


def pixels(picture: figures.Picture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB"))


def a_picture(title="A finding") -> figures.Picture:
    figure, (axes,) = figures.canvas(title, "what is shown", "where it is from", height=3)
    axes.plot([0, 1], [0, 1])
    return figures.finish(
        figure,
        name="line",
        alt="A line.",
        table=pd.DataFrame({"x": [0.5, None], "y": ["<b>", None]}),
    )


def test_a_picture_is_1800_pixels_wide_small_and_of_few_colours():
    picture = a_picture()
    image = Image.open(io.BytesIO(picture.png))
    assert image.size == (1800, 600)
    assert image.mode == "P"
    assert len(picture.png) < 100_000


def test_a_picture_says_what_it_shows_to_those_who_cannot_see_it():
    data, metadata = a_picture()._repr_mimebundle_()
    assert metadata == {"image/png": {"alt": "A line."}}
    assert data["text/plain"] == "A line."


def test_panels_stand_below_each_other_and_are_as_large_as_asked():
    figure, panels = figures.canvas("", "", "", columns=2, widths=(3, 1), heights=(2, 1))
    figure.draw_without_rendering()
    boxes = [axes.get_window_extent() for axes in panels]
    assert boxes[0].width / boxes[1].width == pytest.approx(3)
    assert boxes[0].height / boxes[2].height == pytest.approx(2)
    assert boxes[2].y1 < boxes[0].y0


@pytest.mark.parametrize("title", ["W" * 300, "a long finding " * 14, "很长的标题" * 20])
def test_no_text_is_cut_off_at_the_edge(title):
    drawn = pixels(a_picture(title))
    for edge in (drawn[:6], drawn[-6:], drawn[:, :6], drawn[:, -6:]):
        assert edge.min() > 250


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("poster", "poster"),
        ("a" * 31, "a" * 30 + "…"),
        ("门" * 16, "门" * 15 + "…"),
        ("门" * 15, "门" * 15),
        ("a\u202eexe.b\u2069\n\n- c", "aexe.b - c"),
    ],
)
def test_a_label_is_one_line_cut_to_its_width_where_chinese_counts_double(name, label):
    assert figures.shorten(name) == label


@pytest.mark.filterwarnings("error")
def test_a_long_reason_gets_the_room_that_it_needs():
    one, many = (figures.nothing("why not? " * n, name="x", title="None") for n in (9, 250))
    heights = [Image.open(io.BytesIO(picture.png)).height for picture in (one, many)]
    assert heights[1] > 2 * heights[0]


def test_where_there_is_nothing_to_draw_the_reason_is_drawn():
    picture = figures.nothing("nobody started", name="steps", title="No funnel")
    assert picture.alt == "No funnel. nobody started."
    assert pixels(picture).min() < 130
    assert picture.table.empty


def test_a_table_does_not_pretend_to_know_how_small_a_p_value_is():
    text = figures.to_html(pd.DataFrame({"p": [3e-66, 0.0123], "share": [3e-66, 0.0123]}))
    assert "<td>&lt;0.0001</td><td>3e-66</td>" in text
    assert "<td>0.0123</td><td>0.0123</td>" in text


def test_nothing_in_a_table_acts_as_markup():
    text = figures.to_html(pd.DataFrame({"<i>": ["<script>alert(1)</script>", None, 0.123456789]}))
    assert "<script>" not in text
    assert "<th>&lt;i&gt;</th>" in text
    assert "<td></td>" in text
    assert "<td>0.123457</td>" in text


def test_a_table_is_folded_below_its_caption():
    text = figures.Table(table=pd.DataFrame({"a": [1]}), caption="A & B")._repr_html_()
    assert text.startswith("<details><summary>A &amp; B</summary><table>")


def test_a_notebook_shows_the_picture_then_its_numbers(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    picture = a_picture()
    figures.show(picture)
    figures.show(figures.nothing("r", name="n", title="t"))
    assert shown[0] is picture
    assert shown[1].table is picture.table
    assert len(shown) == 3


def test_a_sentence_is_shown_without_any_name_in_it_acting_as_markup(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    figures.say("“<b>*x*</b>” _y_ $1$ [a](b) &lt;")
    figures.say("+1: more\n\n- 1: less\n\n12. of them")
    assert [one["text/markdown"] for one in shown] == [
        r"“\<b\>\*x\*\</b\>” \_y\_ \$1\$ \[a\](b) \&lt;.",
        "\\+1: more\n\n\\- 1: less\n\n12\\. of them.",
    ]


def test_an_empty_sentence_shows_nothing_and_one_that_names_a_file_is_no_file(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    figures.say("")
    figures.say("README.md")
    assert [one["text/plain"] for one in shown] == ["README.md"]


needs_chinese = pytest.mark.skipif(
    not figures.chinese_font(), reason="needs a Chinese font (Debian package fonts-wqy-microhei)"
)


def drawn(text: str, **style) -> np.ndarray:
    """The pixels of a text, drawn large, as a picture shows them: True where there is ink."""
    figure, (axes,) = figures.canvas("", "", "")
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, size=60, ha="center", va="center", **style)
    picture = figures.finish(figure, name="text", alt="", table=pd.DataFrame())
    assert picture.undrawn == ""
    return pixels(picture).min(axis=2) < 128


@needs_chinese
def test_chinese_is_drawn_as_characters_and_not_as_boxes():
    """A box is the same for every character; these differ, and have the strokes of writing."""
    characters = [drawn(character) for character in "私域加粉漏斗"]
    for place, one in enumerate(characters):
        ink = one[one.any(axis=1)]
        strokes = np.abs(np.diff(ink.astype(int), axis=1)).sum(axis=1).max() / 2
        assert strokes >= 3
        assert all((one ^ other).sum() > 0.2 * one.sum() for other in characters[:place])


@needs_chinese
def test_minus_signs_and_digits_stay_beside_chinese():
    beside, alone, characters = (drawn(text).sum() for text in ("−8.5%转化", "−8.5%", "转化"))
    assert beside == pytest.approx(alone + characters, rel=0.02)
    assert 0 < drawn("−").sum() < drawn("+").sum()


@needs_chinese
def test_a_chinese_title_is_bold_throughout():
    """No half a line in bold: digits and characters gain ink alike, though the font has no bold."""
    title, plain = (
        pixels(figures.nothing("", name="x", title=text)) < 128 for text in ("转化率 8.5", "")
    )
    assert title.sum() > plain.sum()
    figure, _ = figures.canvas("转化率 8.5%", "", "")
    (text,) = [one for one in figure.texts if one.get_text() == "转化率 8.5%"]
    assert text.get_fontproperties().get_weight() == "normal"
    assert text.get_path_effects()
    figure, _ = figures.canvas("Conversion 8.5%", "", "")
    (text,) = [one for one in figure.texts if one.get_text() == "Conversion 8.5%"]
    assert text.get_fontproperties().get_weight() == "bold"
    assert not text.get_path_effects()


def test_only_the_font_that_has_a_bold_is_asked_for_one():
    figure, _ = figures.canvas("A finding", "Of whom", "Source")
    figures.finish(figure, name="x", alt="x", table=pd.DataFrame())
    bold = [text for text in figure.texts if text.get_fontweight() == "bold"]
    assert [text.get_text() for text in bold] == ["A finding"]
    assert bold[0].get_fontfamily() == ["DejaVu Sans"]
    figure, _ = figures.canvas("Among （未知） or wide signs～", "", "")
    assert {text.get_fontweight() for text in figure.texts} == {"normal"}


def test_a_character_that_no_font_has_is_told_with_the_remedy(monkeypatch):
    figure, (axes,) = figures.canvas("Title", "", "")
    axes.set_xlabel("\ue001\ue002\ue001")
    with pytest.warns(figures.GlyphWarning, match="fonts-wqy-microhei"):
        picture = figures.finish(figure, name="x", alt="", table=pd.DataFrame())
    assert picture.undrawn == "\ue001\ue002"
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: shown.append(data))
    figures.show(picture)
    assert shown[0] is picture
    assert "could not be drawn" in shown[1]["text/plain"]


def test_what_else_drawing_warns_of_is_passed_on():
    figure, (axes,) = figures.canvas("Title", "", "")
    axes.plot([0, 1], [0, 1])
    axes.draw = lambda *_: warnings.warn("odd", UserWarning, stacklevel=1)
    with pytest.warns(UserWarning, match="odd"):
        assert figures.finish(figure, name="x", alt="", table=pd.DataFrame()).undrawn == ""


@pytest.fixture
def fonts(monkeypatch):
    """A machine whose fonts matplotlib knows by name, and others that it has yet to find."""
    figures.chinese_font.cache_clear()
    manager = SimpleNamespace(ttflist=[], names=["DejaVu Sans"])
    manager.get_font_names = lambda: manager.names
    manager.addfont = lambda path: manager.names.append(Path(path).stem)
    monkeypatch.setattr(figures.font_manager, "fontManager", manager)
    monkeypatch.setattr(figures.font_manager, "findSystemFonts", list)
    monkeypatch.delenv("SIYU_FONT", raising=False)
    yield manager
    figures.chinese_font.cache_clear()


def test_without_a_chinese_font_there_is_none(fonts):
    assert figures.chinese_font() == ""


def test_a_font_installed_since_matplotlib_first_ran_is_found(fonts, monkeypatch):
    found = ["/fonts/Other.ttf", "/fonts/WenQuanYi Micro Hei.ttc"]
    monkeypatch.setattr(figures.font_manager, "findSystemFonts", lambda: found)
    assert figures.chinese_font() == "WenQuanYi Micro Hei"


def test_a_file_that_is_no_font_is_passed_over(fonts, monkeypatch, tmp_path):
    (tmp_path / "font.ttf").write_text("no font")
    monkeypatch.setenv("SIYU_FONT", str(tmp_path / "font.ttf"))
    fonts.addfont = figures.font_manager.get_font
    fonts.names.append("PingFang SC")
    assert figures.chinese_font() == "PingFang SC"


def test_a_family_or_a_file_may_be_asked_for(fonts, monkeypatch):
    fonts.names += ["PingFang SC", "My Font"]
    monkeypatch.setenv("SIYU_FONT", "My Font")
    assert figures.chinese_font() == "My Font"
    figures.chinese_font.cache_clear()
    file = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSerif.ttf"
    monkeypatch.setenv("SIYU_FONT", str(file))
    assert figures.chinese_font() == "DejaVu Serif"


@pytest.mark.parametrize(
    "text",
    [
        "其他分组的水平（39.3%，现在是 19.2%），168 天可多转化 124 位（95% 置信区间 81～167）" * 2,
        "Of 5,430 users (95% CI 7.8% to 9.3%) “order” was reached by so many. " * 3,
    ],
)
def test_lines_break_where_a_reader_would(text):
    prop = figures.FontProperties(family=figures._families(), size=13)
    lines = figures._wrap(text.strip(), prop, 3.0)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert len(lines) > 2
    for line in lines:
        assert line[0] not in "，。）～%.,)”"
        assert line[-1] not in "（“("
    assert not [line for line in lines if re.search(r"\d[.,]$", line)]
