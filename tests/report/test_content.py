import base64
import struct

import pytest
from siyu.report.content import Content, Heading, clean_html


def output(data: dict[str, str], metadata: dict[str, object] | None = None) -> dict[str, object]:
    return {"output_type": "display_data", "data": data, "metadata": metadata or {}}


def png(width: int, height: int) -> str:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)
    return base64.b64encode(head + b"\x08\x06\x00\x00\x00").decode()


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "## <script>alert(1)</script>",
        "|a|\n|-|\n|<script>alert(1)</script>|",
        "![<script>](https://evil.example/a.png)",
        "[x](javascript:alert(1))",
        "<div onclick='alert(1)'>\n\nx\n\n</div>",
        "`<script>`",
    ],
)
def test_nothing_in_markdown_runs_or_loads(text: str) -> None:
    html = Content().markdown(text)
    for forbidden in ("<script", "<img", "<div", "javascript:", "evil.example"):
        assert forbidden not in html


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("<table><tr><td>扫码<script>alert(1)</script></td></tr></table>", "扫码"),
        ("<style>td {color: red}</style><p>text</p>", "<p>text</p>"),
        ("<td onclick='x()'>7</td>", "7"),
        ("<p style='position:fixed'>7</p>", "<p>7</p>"),
        ("<iframe src='https://evil.example'></iframe>after", "after"),
        ("<svg onload='x()'></svg>after", "after"),
        ("</main></body>after", "after"),
        ("<a href='javascript:x()'>link</a>", "link"),
        ("<img src=x onerror=x()>after", "after"),
    ],
)
def test_html_keeps_its_text_and_loses_what_could_run(text: str, kept: str) -> None:
    html = clean_html(text)
    assert kept in html
    for forbidden in ("script", "style", "onclick", "iframe", "svg", "<img", "</main", "onerror"):
        assert forbidden not in html


def test_a_table_keeps_its_structure() -> None:
    table = (
        '<table class="numbers"><caption>Steps</caption><thead><tr><th scope="col">step</th>'
        '</tr></thead><tbody><tr><td colspan="2">scan</td></tr></tbody></table>'
    )
    assert clean_html(table) == table


def test_headings_are_anchored_and_only_the_page_has_level_one() -> None:
    content = Content()
    html = content.markdown("# Again\n\n## Which *step* loses < 3?\n\n### 哪一步?")
    assert "<h1" not in html
    assert content.headings == [
        Heading(level=2, text="Again", anchor="s1-again"),
        Heading(level=2, text="Which step loses < 3?", anchor="s2-which-step-loses-3"),
        Heading(level=3, text="哪一步?", anchor="s3-哪一步"),
    ]
    assert all(f'id="{heading.anchor}"' in html for heading in content.headings)


def test_a_figure_is_a_data_url_with_its_description_and_half_its_pixels() -> None:
    alt = 'Rate falls from "A" to <B>'
    html = Content().output(output({"image/png": png(1600, 900)}, {"image/png": {"alt": alt}}))
    assert 'src="data:image/png;base64,' in html
    assert 'alt="Rate falls from &quot;A&quot; to &lt;B&gt;"' in html
    assert 'width="800" height="450"' in html


def test_the_richest_safe_form_of_an_output_is_shown() -> None:
    content = Content()
    plain = {"text/plain": "<object>"}
    assert content.output(output(plain)) == "<pre>&lt;object&gt;</pre>"
    assert (
        content.output(output({"text/markdown": "**7**", **plain})) == "<p><strong>7</strong></p>\n"
    )
    assert content.output(output({"text/html": "<b>7</b>", **plain})) == (
        '<div class="scroll"><b>7</b></div>'
    )


def test_standard_output_is_shown_as_text_and_warnings_are_left_to_the_notebook() -> None:
    content = Content()
    said = {"output_type": "stream", "name": "stdout", "text": ["1 < 2\n"]}
    warned = {"output_type": "stream", "name": "stderr", "text": "FutureWarning: ..."}
    failed = {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}
    assert content.output(said) == "<pre>1 &lt; 2\n</pre>"
    assert content.output(warned) == content.output(failed) == ""
