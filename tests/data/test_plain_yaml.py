import pytest
import yaml
from siyu.data import plain_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12:30:00", "12:30:00"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("00123", "00123"),
        ("2026-03-31", "2026-03-31"),
        ("'7'", "7"),
        ("7", 7),
        ("-7", -7),
        ("0", 0),
        ("+7", "+7"),
        ("-0", "-0"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("null", None),
        ("", None),
        ("[scan, [add, reply]]", ["scan", ["add", "reply"]]),
        ("{7: 0.3}", {7: 0.3}),
    ],
)
def test_what_is_typed_is_what_arrives(text: str, value: object) -> None:
    read = plain_yaml.load(f"x: {text}")["x"]
    assert read == value
    assert type(read) is type(value)


def test_a_key_given_twice_is_an_error_and_no_silent_override() -> None:
    with pytest.raises(yaml.YAMLError, match="'days' is given twice"):
        plain_yaml.load("days: 7\ndays: 30\n")


def test_python_objects_are_not_made() -> None:
    with pytest.raises(yaml.YAMLError):
        plain_yaml.load("!!python/object/apply:os.getcwd []")
