"""What the sender makes of each answer. Behind it stands the real service, or what answers in its place."""

from __future__ import annotations

import logging
import time
from email.utils import formatdate
from itertools import pairwise

import pytest
import trustme

import pos_notif_client
from tests.client.between import HALF, LOST, Between, refusal, said
from tests.soak.check import read_log
from tests.support.waiting import eventually


def all_taken(body: bytes) -> tuple[int, dict[str, str], bytes]:
    events = body.count(b'"tipo"')
    return 201, {}, b'{"ids": [%b]}' % b",".join([b"1"] * events) if events > 1 else b'{"id": 1}'


@pytest.mark.parametrize("cut", [LOST, HALF])
def test_an_answer_that_is_lost_or_cut_is_asked_for_again_under_the_same_key(server, make_outbox, cut):
    with Between(server.port, said(cut), said(cut), lambda _: None) as between:
        outbox = make_outbox(server, url=between.url)
        key = outbox.notificar_nuevo_pedido({"id": 1})
        assert outbox.vaciar(60)
        assert len(between.requests) == 3
        assert len({body for _, body in between.requests}) == 1  # the same bytes
    assert [event["operacion_id"] for event in read_log(server.database)] == [key]


@pytest.mark.parametrize(
    "answer",
    [
        said(200, b"<html>Bienvenido al WiFi</html>", Content_Type="text/html"),
        said(200, {"estado": "ok"}),
        said(422, b"<html>no</html>"),
        said(409, {"message": "conflict"}),
        refusal(408), refusal(425), refusal(429), refusal(500), refusal(503),
    ],
    ids=["hotspot", "another service", "a proxy's 422", "a proxy's 409", "408", "425", "429", "500", "503"],
)  # fmt: skip
def test_what_is_no_answer_of_the_services_deletes_and_refuses_nothing(make_outbox, answer):
    with Between(0, answer, answer, all_taken) as between:
        outbox = make_outbox(url=between.url, token="pn_x")
        outbox.notificar_nuevo_pedido({"id": 1})
        assert outbox.vaciar(60)
        assert outbox.rechazados() == []
        assert len(between.requests) == 3


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
def test_what_the_service_refuses_is_kept_with_its_answer_and_the_next_goes_on(make_outbox, status):
    def answer(body: bytes) -> tuple[int, dict[str, str], bytes]:
        return refusal(status, "no_se_puede")(body) if b'"a"' in body else all_taken(body)

    with Between(0, answer) as between:
        outbox = make_outbox(url=between.url, token="pn_x", al_rechazar=lambda event, error: 1 / 0)  # the POS's fault
        outbox.notificar_nuevo_pedido({"id": 1}, operacion_id="a")
        outbox.notificar_nuevo_pedido({"id": 2}, operacion_id="b")
        assert outbox.vaciar(60)
        [refused] = outbox.rechazados()
        assert refused["error"] == {"status": status, "codigo": "no_se_puede", "mensaje": "No."}


def test_a_batch_that_a_proxy_finds_too_large_goes_one_by_one(make_outbox):
    with Between(0, said(413, b"<html>413</html>"), all_taken) as between:
        stored = make_outbox()
        sent = [stored.notificar_nuevo_pedido({"id": number}) for number in (1, 2, 3)]
        outbox = make_outbox(url=between.url, token="pn_x")
        assert outbox.vaciar(60)
        assert [between.keys(request) for request in range(4)] == [sent, *([key] for key in sent)]
        assert between.connections == 1  # kept as long as something waits
        assert outbox.rechazados() == []


def test_no_connection_is_kept_while_nothing_waits_which_the_service_could_close_unseen(make_outbox, caplog):
    with Between(0, all_taken) as between:
        outbox = make_outbox(url=between.url, token="pn_x")
        for number in (1, 2, 3):
            outbox.notificar_nuevo_pedido({"id": number})
            assert outbox.vaciar(60)
            eventually(lambda: not between.open)
        assert between.connections == len(between.requests) == 3
        assert caplog.records == []


def test_a_batch_has_a_hundred_events_and_less_than_a_mebibyte(make_outbox):
    with Between(0, all_taken) as between:
        stored = make_outbox()
        small = [stored.notificar_nuevo_pedido({"id": number}) for number in range(1, 151)]
        large = [stored.notificar_nuevo_pedido({"id": number, "notas": "x" * 250_000}) for number in (1, 2, 3, 4)]
        outbox = make_outbox(url=between.url, token="pn_x")
        assert outbox.vaciar(60)
        assert [between.keys(request) for request in range(3)] == [small[:100], small[100:] + large[:3], large[3:]]
        assert all(len(body) < 2**20 for _, body in between.requests)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 302])
def test_a_wrong_setup_keeps_all_says_so_once_and_lets_the_turn_go(make_outbox, caplog, status):
    with Between(0, refusal(status, "no"), all_taken) as between:
        outbox = make_outbox(url=between.url, token="pn_wrong")
        outbox.notificar_nuevo_pedido({"id": 1})
        eventually(lambda: outbox.estado()["ultimo_error"])
        outbox.notificar_nuevo_pedido({"id": 2})
        state = outbox.estado()
        assert (state["pendientes"], state["rechazados"]) == (2, 0)
        assert state["ultimo_error"].startswith(f"mal configurado: {status}")
        assert len(between.requests) == 1
        assert [record.levelno for record in caplog.records] == [logging.ERROR]
        # Another process, which was told the right one, takes over and sends what there is.
        eventually(lambda: not outbox.estado()["enviando"])
        between.plans = [all_taken]
        other = make_outbox(url=between.url, token="pn_right")
        assert other.vaciar(60)


def test_a_token_that_is_set_right_is_used_without_a_restart(server, make_outbox):
    outbox = make_outbox(server, token="pn_wrong")
    key = outbox.notificar_nuevo_pedido({"id": 1})
    eventually(lambda: outbox.estado()["ultimo_error"])
    assert "401 no_autenticado" in outbox.estado()["ultimo_error"]
    outbox.token = server.token
    assert outbox.vaciar(25)  # and not after the 30 s of a wrong setup
    assert [event["operacion_id"] for event in read_log(server.database)] == [key]
    assert outbox.estado()["ultimo_error"] is None


def test_it_waits_as_long_as_it_is_told_whatever_comes_meanwhile(make_outbox, monkeypatch):
    monkeypatch.setattr(pos_notif_client, "NEWS_SECONDS", 0.1)
    with Between(0, said(503, {"error": {"codigo": "x"}}, Retry_After="2"), all_taken) as between:
        outbox = make_outbox(url=between.url, token="pn_x")
        outbox.notificar_nuevo_pedido({"id": 1})
        eventually(lambda: between.requests)
        outbox.notificar_nuevo_pedido({"id": 2})
        assert outbox.vaciar(60)
        (first, _), (second, _), *_ = between.requests
        assert second - first >= 2


def date(seconds: float) -> str:
    """As HTTP writes the time that is so long from now."""
    return formatdate(time.time() + seconds, usegmt=True)


OWN = {"error": {"codigo": "registro_no_disponible", "mensaje": "No."}}


@pytest.mark.parametrize(
    ("told", "body", "least", "most"),
    [
        ("7", OWN, 7, 7), ("3600", OWN, 60, 60), (lambda: date(3600), OWN, 60, 60), (lambda: date(30), OWN, 0, 30),
        ("3600", b"<html>503</html>", 0, 3), ("3600", {"error": "no"}, 0, 3), ("7", None, 0, 3),
        ("0", OWN, 0, 3), ("-5", OWN, 0, 3), (lambda: date(-3600), OWN, 0, 3), ("luego", OWN, 0, 3),
    ],
)  # fmt: skip
def test_it_waits_a_minute_at_most_and_only_where_the_service_itself_says_how_long(
    make_outbox, monkeypatch, told, body, least, most
):
    """Anybody between may name an hour. What is no time, or is over, is as if nothing was told."""
    pauses = []
    step = pos_notif_client.Salida._step

    def stepped(outbox, service):
        pauses.append(step(outbox, service)[0])
        return 0.0, 0.0  # the pause itself is none of the test's

    monkeypatch.setattr(pos_notif_client.Salida, "_step", stepped)
    header = told if isinstance(told, str) else told()
    with Between(0, said(503, body, Retry_After=header), all_taken) as between:
        outbox = make_outbox(url=between.url, token="pn_x")
        outbox.notificar_nuevo_pedido({"id": 1})
        assert outbox.vaciar(60)
    [pause] = [pause for pause in pauses if 0 < pause < pos_notif_client.TIDY_SECONDS]
    assert least <= pause <= most


def test_one_event_that_a_proxy_finds_too_large_is_kept_and_told_and_sent_when_the_proxy_is_set_right(
    make_outbox, caplog
):
    with Between(0, said(413, b"<html>413</html>")) as between:
        outbox = make_outbox(url=between.url, token="pn_x")
        outbox.notificar_nuevo_pedido({"id": 1})
        eventually(lambda: outbox.estado()["ultimo_error"] == "mal configurado: 413")
        assert (outbox.pendientes(), outbox.rechazados()) == (1, [])
        assert [record.levelno for record in caplog.records] == [logging.ERROR]
        between.plans = [all_taken]
        outbox.token = "pn_y"  # is tried at once
        assert outbox.vaciar(60)
        assert outbox.rechazados() == []


def test_something_new_ends_the_pause_of_a_service_that_is_away_also_from_another_process(make_outbox, monkeypatch):
    monkeypatch.setattr(pos_notif_client, "BACKOFF_SECONDS", 3600.0)
    monkeypatch.setattr(pos_notif_client, "NEWS_SECONDS", 1.0)
    monkeypatch.setattr(pos_notif_client, "DISK_SECONDS", 60.0)  # a busy machine's disk
    # As after many tries: the next is a long time off. How long a thread waits for another's transaction stays.
    monkeypatch.setattr(pos_notif_client.random, "uniform", lambda low, high: 18_000.0 if high > 1 else low)
    with Between(0, said(500, b"")) as between:
        outbox = make_outbox(url=between.url, token="pn_x")
        outbox.notificar_nuevo_pedido({"id": 1})
        eventually(lambda: between.requests)
        between.plans = [all_taken]
        make_outbox().notificar_nuevo_pedido({"id": 2})
        assert outbox.vaciar(60)
        (first, _), (second, _) = between.requests
        assert second - first >= 1  # not before: a flood of news would be a flood of tries


def test_tries_become_rarer(make_outbox, monkeypatch):
    monkeypatch.setattr(pos_notif_client.random, "uniform", lambda low, high: 1.0)
    with Between(0, said(500, b"")) as between:
        outbox = make_outbox(url=between.url, token="pn_x")
        outbox.notificar_nuevo_pedido({"id": 1})
        eventually(lambda: len(between.requests) >= 5)
        times = [at for at, _ in between.requests.copy()]
        for number, (before, after) in enumerate(pairwise(times)):
            assert after - before >= 0.2 * 2**number
        assert outbox.estado()["ultimo_error"] == "sin servicio: 500"


def test_https_with_a_certificate_of_ones_own_and_with_one_that_nobody_vouches_for(make_outbox, make_server, tmp_path):
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certfile, keyfile, cafile = (str(tmp_path / name) for name in ("cert.pem", "key.pem", "ca.pem"))
    issued.cert_chain_pems[0].write_to_path(certfile)
    issued.private_key_pem.write_to_path(keyfile)
    authority.cert_pem.write_to_path(cafile)
    server = make_server(certfile=certfile, keyfile=keyfile)
    url = f"https://127.0.0.1:{server.port}"
    outbox = make_outbox(server, url=url)
    key = outbox.notificar_nuevo_pedido({"id": 1})
    eventually(lambda: "CERTIFICATE_VERIFY_FAILED" in str(outbox.estado()["ultimo_error"]))
    outbox.cerrar()
    assert make_outbox(server, url=url, cafile=cafile).vaciar(60)
    assert [event["operacion_id"] for event in read_log(server.database)] == [key]


def test_no_proxy_is_asked_and_the_address_may_have_a_path(make_outbox, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with Between(0, all_taken) as between:
        outbox = make_outbox(url=f"{between.url}/cocina/", token="pn_x")
        outbox.notificar_nuevo_pedido({"id": 1})
        assert outbox.vaciar(60)
        assert between.paths == {"/cocina/api/notificaciones/eventos"}


@pytest.mark.parametrize("url", ["192.168.1.20:5000", "ftp://pos", "http://", ""])
def test_a_wrong_address_is_told_where_the_outbox_is_made(make_outbox, url):
    with pytest.raises(ValueError, match="http"):
        make_outbox(url=url, token="pn_x")


def test_a_token_that_is_none_is_told_where_the_outbox_is_made(make_outbox):
    with pytest.raises(ValueError, match="token"):
        make_outbox(url="http://127.0.0.1:1", token="pn_x\nX-Other: 1")
