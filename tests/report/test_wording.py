from siyu.report.wording import _WORDS, LANGUAGES, words


def test_every_word_of_the_pages_is_there_in_every_language() -> None:
    for translations in _WORDS.values():
        assert len(translations) == len(LANGUAGES)
        assert all(translations)
    assert words("en")["alert"] == "Alert"
    assert words("zh")["alert"] == "警报"
