import io

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
    ],
)
def test_a_label_is_cut_to_its_width_where_chinese_counts_double(name, label):
    assert figures.shorten(name) == label


def test_where_there_is_nothing_to_draw_the_reason_is_drawn():
    picture = figures.nothing("nobody started", name="steps", title="No funnel")
    assert picture.alt == "No funnel: nobody started"
    assert pixels(picture).min() < 130
    assert picture.table.empty


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
    monkeypatch.setattr("IPython.display.display", shown.append)
    figures.say("“<b>*x*</b>” _y_ $1$ [a](b)")
    assert shown[0].data == r"“\<b\>\*x\*\</b\>” \_y\_ \$1\$ \[a\](b)"
