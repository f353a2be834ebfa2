"""Which addresses are called, and which settings are refused at the start."""

from __future__ import annotations

import json

import pytest

from pos_notif.config import Config
from pos_notif.errors import ConfigurationError
from pos_notif.push.addresses import endpoint_problem
from pos_notif.push.webpush_codec import Signer, new_keys
from pos_notif.push_settings import PUSH_HOSTS
from tests.support.push_service import unb64


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://web.push.apple.com/QAbc",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
        "https://wns2-by3p.notify.windows.com/w/?token=abc%3d",
        "https://FCM.googleapis.com/fcm/send/abc",
        "https://fcm.googleapis.com:443/fcm/send/abc",
    ],
)
def test_the_browsers_push_services_may_be_called(endpoint):
    assert endpoint_problem(endpoint, PUSH_HOSTS) is None


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/fcm/send/abc",
        "https://fcm.googleapis.com.evil.com/",
        "https://evil.com/fcm.googleapis.com",
        "https://push.apple.com/",  # the host itself is below nothing
        "https://evilpush.apple.com/",
        "https://fcm.googleapis.com@evil.com/",
        "https://evil.com\\@fcm.googleapis.com/",
        "https://fcm.googleapis.com:99999/",
        "https://fcm.googleapis.com:22/",
        "https://fcm.googleapis.com:8443/",
        "https://fcm.googleapis.com:0/",
        "https://fcm.googleapis.com./",
        "https://.push.apple.com/",
        "https://a..push.apple.com/",
        f"https://{'a' * 64}.push.apple.com/",
        f"https://{'a.' * 121}push.apple.com/",
        "https://-.push.apple.com/",
        "https://%66cm.googleapis.com/",
        "https://fcm.googleapis.com/ path",
        "https://fcm.googleapis.com/#x",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::1",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://localhost/",
        "https://169.254.169.254/latest",
        "file:///etc/passwd",
        "ftp://fcm.googleapis.com/",
        "//fcm.googleapis.com/",
        "https://fcm.googleapis.com/" + "a" * 1000,
        "https://ﬁcm.googleapis.com/",
    ],
)
def test_nothing_else_is(endpoint):
    assert endpoint_problem(endpoint, PUSH_HOSTS) is not None


def test_a_service_at_another_port_is_called_there_alone():
    hosts = Config(push_hosts=("push.pupuseria.com.sv:8443", "*.x.io:8443")).push_hosts
    assert endpoint_problem("https://push.pupuseria.com.sv:8443/wpush/1", hosts) is None
    assert endpoint_problem("https://a.x.io:8443/wpush/1", hosts) is None
    for endpoint in ("https://push.pupuseria.com.sv/", "https://push.pupuseria.com.sv:443/", "https://a.x.io:8444/"):
        assert endpoint_problem(endpoint, hosts) == "no es de un servicio de avisos permitido"
    for wrong in ("push.x.io:", "push.x.io:0", "push.x.io:65536", "push.x.io:https", "a..x.io", "PUSH.x.io"):
        with pytest.raises(ConfigurationError, match=r"^POS_NOTIF_PUSH_HOSTS: "):
            Config(push_hosts=(wrong,))


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        ("https://FCM.googleapis.com:443/fcm/send/Abc", "https://fcm.googleapis.com"),
        ("https://web.push.apple.com/QAbc?x=1", "https://web.push.apple.com"),
        ("https://push.pupuseria.com.sv:8443/wpush", "https://push.pupuseria.com.sv:8443"),
    ],
)
def test_the_signature_names_the_push_services_origin_as_it_knows_itself(endpoint, origin):
    private, _ = new_keys()
    signed = Signer(private, "mailto:ana@pupuseria.com.sv").authorization(endpoint, 1_764_000_000)
    claims = json.loads(unb64(signed.partition("t=")[2].split(".")[1]))
    assert claims["aud"] == origin


def test_an_ip_address_is_refused_even_where_somebody_has_named_it():
    with pytest.raises(ConfigurationError, match="POS_NOTIF_PUSH_HOSTS"):
        Config(push_hosts=("10.0.0.1",))
    assert endpoint_problem("https://10.0.0.1/", ("10.0.0.1",)) is not None


GOOD = {"push": ("webpush",), "push_contact": "mailto:ana@pupuseria.com.sv"}


@pytest.mark.parametrize("contact", [GOOD["push_contact"], "https://pupuseria.com.sv/contacto", "mailto:a.b+c@x.io"])
def test_a_contact_that_apple_takes(contact):
    assert Config(push=("webpush",), push_contact=contact).push_contact == contact


@pytest.mark.parametrize(
    "contact",
    [
        "ana@pupuseria.com.sv", "mailto:ana@localhost", "mailto:ana@pos.local", "mailto:ana@pos.invalid",
        "mailto:ana@10.0.0.1", "mailto:@pupuseria.com.sv", "http://pupuseria.com.sv", "https://localhost", "https://[::1",
        "https://ana@pupuseria.com.sv", "mailto:ana b@pupuseria.com.sv",
    ],
)  # fmt: skip
def test_a_contact_that_it_refuses_is_one_line_at_the_start(contact):
    with pytest.raises(ConfigurationError, match=r"^POS_NOTIF_PUSH_CONTACT: .* at a public domain$"):
        Config(push=("webpush",), push_contact=contact)


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        ({"push": ("webpush",)}, "POS_NOTIF_PUSH_CONTACT"),
        ({"push": ("ntfy",)}, "POS_NOTIF_NTFY_URL"),
        ({"push": ("sms",)}, "POS_NOTIF_PUSH"),
        (GOOD | {"push_detail": "todo"}, "POS_NOTIF_PUSH_DETAIL"),
        ({"push": ("ntfy",), "ntfy_url": "http://ana:secret@192.168.1.10"}, "POS_NOTIF_NTFY_URL"),
        ({"push": ("ntfy",), "ntfy_url": "192.168.1.10:8080"}, "POS_NOTIF_NTFY_URL"),
        ({"push": ("ntfy",), "ntfy_url": "http://192.168.1.10/tema"}, "POS_NOTIF_NTFY_URL"),
    ],
)
def test_settings_that_make_no_sense(settings, variable):
    with pytest.raises(ConfigurationError, match=f"^{variable}: "):
        Config(**settings)


def test_the_servers_token_is_not_shown_with_the_configuration():
    config = Config(push=("ntfy",), ntfy_url="http://192.168.1.10:8080", ntfy_token="tk_secreto")
    assert "tk_secreto" not in repr(config)
    with pytest.raises(ConfigurationError) as refused:
        Config(push=("ntfy",), ntfy_url="http://192.168.1.10:8080", ntfy_token="tk secreto")
    assert "secreto" not in str(refused.value)
