"""The one configuration: from the environment, checked, and named where it is wrong."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest

from pos_notif.config import Config, env_name, from_environment, parse_setting, unknown_settings
from pos_notif.errors import ConfigurationError

NUMBERS = [setting.name for setting in fields(Config) if type(setting.default) in (int, float)]
DURATIONS = [setting.name for setting in fields(Config) if type(setting.default) is float]
# Section 14 of docs/protocol.md: 0 is off or no limit.
MAY_BE_0 = {
    "push_wait_seconds",
    "heartbeat_seconds",
    "stream_seconds",
    "max_backlog",
    "max_connections",
    "session_hours",
    "view_hours",
    "ack_seconds",
    "screen_seconds",
    "keep_days",
    "poll_rate",
    "publish_rate",
}


def refused(name: str, text: str) -> str:
    """The message; it names the variable, in one line, and every way to the setting refuses alike."""
    with pytest.raises(ConfigurationError) as caught:
        from_environment({env_name(name): text})
    message = str(caught.value)
    assert message.startswith(f"POS_NOTIF_{name.upper()}: ")
    assert "\n" not in message
    assert len(message) < 200
    return message


def test_the_defaults_are_those_of_the_contract():
    config = from_environment({})
    assert config == Config()
    assert (config.host, config.port) == ("127.0.0.1", 5000)
    assert (config.heartbeat_seconds, config.stream_seconds) == (15, 600)
    assert (config.max_backlog, config.session_hours, config.view_hours) == (5000, 12, 24)
    assert (config.timezone, config.tax_rate, config.origins) == ("America/El_Salvador", 0.13, ())


def test_it_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Config().port = 1  # type: ignore[misc]


def test_every_setting_has_a_help_text_with_its_reason():
    for setting in fields(Config):
        assert setting.metadata["help"].endswith(".")


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize(
    "text",
    ["", "abc", "nan", "-nan", "inf", "-inf", "-1", "-0.001", "1e308", "9" * 30, "9" * 5000, "0x10", "5,5", "1;"],
)
def test_numbers_that_make_no_sense_are_refused(name, text):
    refused(name, text)


@pytest.mark.parametrize("name", NUMBERS)
def test_0_is_off_where_the_contract_says_so_and_refused_elsewhere(name):
    if name in MAY_BE_0 or name in ("port", "tax_rate"):
        assert getattr(from_environment({env_name(name): "0"}), name) == 0
    else:
        assert "is not within" in refused(name, "0")


@pytest.mark.parametrize("name", NUMBERS)
def test_both_ends_of_what_is_allowed_are_allowed(name):
    low, high = next(setting.metadata["limits"] for setting in fields(Config) if setting.name == name)
    for value in (low, high):
        assert getattr(from_environment({env_name(name): f" {value} "}), name) == value
    refused(name, str(low - 1))
    refused(name, str(high + 1))


@pytest.mark.parametrize("name", DURATIONS)
def test_python_callers_are_checked_too(name):
    for value in (float("nan"), float("inf"), -1.0):
        with pytest.raises(ConfigurationError, match=env_name(name)):
            Config(**{name: value})


@pytest.mark.parametrize("name", ["port", "max_backlog", "max_connections", "tail_events"])
def test_whole_numbers_are_whole(name):
    assert "is not a whole number" in refused(name, "10.5")


@pytest.mark.parametrize("text", ["80", "65535", "0"])
def test_ports(text):
    assert from_environment({"POS_NOTIF_PORT": text}).port == int(text)


@pytest.mark.parametrize("text", ["65536", "-1", "http"])
def test_no_ports(text):
    refused("port", text)


@pytest.mark.parametrize("text", ["1", "1.0", "13", "1.13"])
def test_a_tax_rate_is_below_1(text):
    refused("tax_rate", text)


@pytest.mark.parametrize("text", ["Marte/Olympus", "America", "../../etc/passwd", "/etc/localtime", "", "UTC\n", "ñ"])
def test_unknown_zones(text):
    assert "unknown zone" in refused("timezone", text)


@pytest.mark.parametrize("text", ["America/El_Salvador", "UTC", "Asia/Kathmandu"])
def test_known_zones(text):
    assert from_environment({"POS_NOTIF_TIMEZONE": text}).zone.key == text


@pytest.mark.parametrize("name", ["database", "host", "restaurant_name"])
@pytest.mark.parametrize("text", ["", "  "])
def test_names_are_not_empty(name, text):
    assert "must not be empty" in refused(name, text)


def test_origins_are_a_list():
    text = " https://pos.example ,http://192.168.1.5:8080,, http://[fd00::1]:81,capacitor://localhost, app://pos:81 "
    assert from_environment({"POS_NOTIF_ORIGINS": text}).origins == (
        "https://pos.example", "http://192.168.1.5:8080", "http://[fd00::1]:81", "capacitor://localhost",
        "app://pos:81",
    )  # fmt: skip
    assert from_environment({"POS_NOTIF_ORIGINS": ""}).origins == ()


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "pos.example", "https://", "https://pos.example/", "https://pos.example/a", "https://*.pos.example",
     "https://u@pos.example", "https://pos.example:x", "https://pos.example:99999", "ftp://pos.example", "https://[::1",
     "https://pos.example?a", "https://pos.example#a", "https://ñandú.example", "javascript:alert(1)", "//pos.example",
     "file:///android_asset", "capacitor://", "capacitor:localhost", "capacitor://localhost/", "ws://pos.example",
     "data://x", "capacitor://u@localhost", "capacitor://*", "capacitor://local host"],
)  # fmt: skip
def test_what_is_no_origin_is_refused(origin):
    refused("origins", f"https://good.example,{origin}")


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("https://POS.example", "https://pos.example"),
        ("HTTPS://pos.example", "https://pos.example"),
        ("https://pos.example:443", "https://pos.example"),
        ("http://pos.example:80", "http://pos.example"),
        ("Capacitor://localhost", "capacitor://localhost"),
        ("app://Pos", "app://pos"),
    ],
)
def test_an_origin_that_no_browser_would_send_is_refused_with_the_one_it_would(written, sent):
    assert refused("origins", written).endswith(f"browsers send: {sent}")


def test_names_that_the_kitchens_copy_hides():
    hides = from_environment({"POS_NOTIF_KITCHEN_HIDES": "costo, margen*"}).kitchen_hides
    assert hides == ("costo", "margen*")
    for text in ("*", "a*b", "*a", "a**"):
        refused("kitchen_hides", text)


@pytest.mark.parametrize(("text", "value"), [("1", True), ("TRUE", True), ("yes", True), ("0", False), ("off", False)])
def test_switches(text, value):
    assert from_environment({"POS_NOTIF_ACCESS_LOG": text}).access_log is value


@pytest.mark.parametrize("text", ["", "2", "ja", "nope"])
def test_what_is_no_switch(text):
    assert "neither true nor false" in refused("access_log", text)


def test_what_is_given_wins_over_the_environment_even_over_nonsense():
    assert from_environment({"POS_NOTIF_PORT": "8000"}, port=9000).port == 9000
    assert from_environment({"POS_NOTIF_PORT": "nonsense"}, port=9000).port == 9000
    assert from_environment({"POS_NOTIF_PORT": "8000"}, port=None).port == 8000


def test_variables_of_no_setting_are_found():
    environ = {"POS_NOTIF_HEARTBEAT": "1", "POS_NOTIF_PORT": "1", "PATH": "x", "POS_NOTIF_": "", "pos_notif_port": ""}
    assert unknown_settings(environ) == ["POS_NOTIF_", "POS_NOTIF_HEARTBEAT"]


def test_a_setting_is_read_by_its_type():
    assert parse_setting("heartbeat_seconds", "0.5") == 0.5
    assert isinstance(parse_setting("max_backlog", "7"), int)
