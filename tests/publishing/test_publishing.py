"""`POST /api/notificaciones/eventos`: what is accepted, once, and what is refused, with nothing left behind."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.in_process import in_process
from tests.support.logs import opened
from tests.support.pos import PUBLISH, START, stored_orders

EVENT = {"tipo": "cambio_estado", "pedido_id": 1, "estado": "en_cocina"}


def event(number, **fields):
    return {"tipo": "alerta_stock", "producto_id": number, "nombre": "Queso", **fields}


# Accepted


async def test_an_event_is_answered_with_its_id_and_cursor(pos):
    answer = await pos.post(EVENT)
    epoch = answer.json["cursor"].split("-")[0]
    assert (answer.status, answer.json) == (201, {"id": 1, "duplicado": False, "cursor": f"{epoch}-1"})
    answer = await pos.post({"eventos": [EVENT, event(1), event(2)]})
    assert (answer.status, answer.json) == (
        201,
        {"ids": [2, 3, 4], "duplicados": [False, False, False], "cursor": f"{epoch}-4"},
    )


async def test_unknown_fields_are_kept_and_a_sent_time_is_its_origin(pos):
    sent = {**EVENT, "zona": {"a": [1, None, 1.50, "ñ"]}, "timestamp": "2026-11-24 19:00", "ñandú": "☕"}
    stored = await pos.publish(sent.pop("tipo"), **sent)
    assert (stored["zona"], stored["ñandú"]) == ({"a": [1, None, 1.5, "ñ"]}, "☕")
    assert (stored["timestamp"], stored["timestamp_origen"]) == (START, "2026-11-24 19:00")
    stored = await pos.publish("alerta_stock", producto_id=1, nombre="Queso", timestamp_origen="x", pedido_id=7)
    assert (stored["timestamp_origen"], stored["pedido_id"], stored["salas"]) == ("x", 7, ["managers"])
    stored = await pos.publish("alerta_stock", producto_id=1, nombre="Queso", timestamp=5, timestamp_origen="x")
    assert stored["timestamp_origen"] == 5


async def test_versions_count_an_orders_own_events(pos):
    for number, order_id in enumerate((1, 2, 1, 1, 2), start=1):
        stored = await pos.set_state(order_id, "en_cocina")
        assert (stored["id"], stored["version"]) == (number, {1: 1, 2: 1, 3: 2, 4: 3, 5: 2}[number])
    assert "version" not in await pos.publish("alerta_stock", producto_id=1, nombre="Queso")


async def test_ids_in_a_batch_increase_over_what_the_batch_itself_released(pos):
    unpaid = {"tipo": "nuevo_pedido", "pedido": {"id": 5, "tipo": "llevar"}}
    paid = {"tipo": "cambio_estado", "pedido_id": 5, "estado": "pagado"}
    answer = await pos.post({"eventos": [event(1), unpaid, paid, event(2)]})
    assert answer.json["ids"] == [1, 2, 3, 5]


async def test_500_events_in_one_batch(pos):
    answer = await pos.post({"eventos": [event(number) for number in range(1, 501)]})
    assert (answer.status, answer.json["ids"]) == (201, list(range(1, 501)))


@pytest.mark.parametrize("count", [1, 15, 16, 17, 33, 48])
async def test_of_a_batch_of_any_length_everything_is_kept_in_its_order(pos, count):
    """Rows are written several at a time."""
    numbers = range(1, count + 1)
    batch = [
        {"tipo": "nuevo_pedido", "operacion_id": f"k{number}", "pedido": {"id": number, "mesa_numero": number}}
        for number in numbers
    ]
    assert (await pos.post({"eventos": batch})).json["ids"] == [*numbers]
    stored = pos.stored_events()
    assert [each["id"] for each in stored] == [each["pedido_id"] for each in stored] == [*numbers]
    assert {order_id: order.pedido["mesa_numero"] for order_id, order in stored_orders(pos.path).items()} == {
        number: number for number in numbers
    }
    assert await pos.view("cocina") == {*numbers}
    again = await pos.post({"eventos": batch})
    assert (again.status, again.json["ids"], again.json["duplicados"]) == (200, [*numbers], [True] * count)
    # What its publisher has said of each order is known: the same again moves back nobody whom another one has moved.
    for number in numbers:
        moved = {"tipo": "cambio_mesa", "pedido_id": number, "mesa_numero": 900}
        assert (await pos.post(moved, token=await pos.token_of("manager"))).status == 201
        await pos.set_state(number, "en_cocina", mesa_numero=number)
    assert {order.pedido["mesa_numero"] for order in stored_orders(pos.path).values()} == {900}


async def test_a_batch_is_refused_for_an_order_that_is_in_the_log_whatever_stands_before_it(pos):
    await pos.new_order(1)
    await pos.set_state(2, "en_cocina")  # a stub, which its order may still follow
    new = [{"tipo": "nuevo_pedido", "pedido": {"id": number}} for number in (3, 2, 4, 1)]
    answer = await pos.post({"eventos": new})
    assert (answer.status, answer.code, list(answer.fields)) == (409, "pedido_existente", ["eventos.3.pedido.id"])
    assert (await pos.post({"eventos": new[:3]})).json["ids"] == [3, 4, 5]
    assert pos.stored(4)["version"] == 2


async def test_of_two_batches_at_once_with_one_order_one_is_taken(pos):
    batches = [[event(1), {"tipo": "nuevo_pedido", "pedido": {"id": 7, "mesa_numero": mesa}}] for mesa in (1, 2)]
    first, second = await asyncio.gather(*(pos.post({"eventos": batch}) for batch in batches))
    assert (first.status, second.status, second.code) == (201, 409, "pedido_existente")
    assert (await pos.order(7))["mesa_numero"] == 1


# Who acted


async def test_a_sessions_events_are_the_users_whatever_the_body_says(pos):
    cookie = await pos.service.sign_in("Marta", "manager")
    answer = await pos.post({**EVENT, "actor": {"usuario_id": 99, "username": "otro"}}, cookie=cookie)
    assert answer.status == 201
    assert pos.last()["actor"] == {"usuario_id": 1, "username": "Marta", "rol": "manager"}


async def test_a_tokens_events_are_whose_the_body_says_or_the_tokens(pos):
    own = {"usuario_id": None, "username": "caja-pos", "rol": "manager"}
    for sent, actor in (
        ({"actor": {"username": "Ana", "turno": 2}}, {"username": "Ana", "turno": 2}),
        ({"actor": None}, own),
        ({"actor": {}}, own),
        ({}, own),
    ):
        await pos.post({**EVENT, **sent})
        assert pos.last()["actor"] == actor


# Once


async def test_the_same_key_again_is_the_first_event(pos):
    first = await pos.post(EVENT, headers={"Idempotency-Key": "k1"})
    again = await pos.post(EVENT, headers={"Idempotency-Key": "k1"})
    assert (first.status, again.status) == (201, 200)
    assert again.json == {**first.json, "duplicado": True}
    assert pos.head == 1
    assert pos.last()["operacion_id"] == "k1"


async def test_the_key_may_stand_in_the_header_or_in_the_body(pos):
    keyed = {**EVENT, "operacion_id": "k1"}
    assert (await pos.post(keyed)).status == 201
    for body, headers in ((keyed, {}), (EVENT, {"Idempotency-Key": "k1"}), (keyed, {"Idempotency-Key": "k1"})):
        answer = await pos.post(body, headers=headers)
        assert (answer.status, answer.json["id"], answer.json["duplicado"]) == (200, 1, True)
    answer = await pos.post(keyed, headers={"Idempotency-Key": "k2"})
    assert (answer.status, answer.fields) == (422, {"operacion_id": "no es igual a Idempotency-Key"})
    assert pos.head == 1


async def test_order_of_members_and_white_space_are_no_other_content(pos):
    headers = {"Idempotency-Key": "k1"}
    assert (await pos.post({**EVENT, "extra": {"a": 1, "b": 2}}, headers=headers)).status == 201
    body = b'\n{ "extra":{"b":2 ,"a":1},\t"estado": "en\\u005fcocina", "pedido_id": 1, "tipo": "cambio_estado"}\n'
    answer = await pos.post(body, headers={**headers, "Content-Type": "application/json"})
    assert (answer.status, answer.json["id"]) == (200, 1)


async def test_a_key_with_other_content_is_refused(pos):
    await pos.post({**EVENT, "operacion_id": "k1"})
    answer = await pos.post({**EVENT, "estado": "listo", "operacion_id": "k1"})
    assert (answer.status, answer.code) == (422, "clave_reutilizada")
    assert answer.fields == {"operacion_id": "ya se usó con otro contenido"}
    answer = await pos.post({**EVENT, "estado": "listo"}, headers={"Idempotency-Key": "k1"})
    assert (answer.status, answer.code) == (422, "clave_reutilizada")
    assert answer.fields == {"Idempotency-Key": "ya se usó con otro contenido"}
    assert pos.head == 1


async def test_a_repetition_is_no_transition_and_no_second_release(pos):
    """It is recognised before anything is checked against the order's present state."""
    await pos.new_order(5, tipo="llevar")
    paid = {"tipo": "cambio_estado", "pedido_id": 5, "estado": "pagado", "operacion_id": "cobro"}
    first = await pos.post(paid)
    await pos.set_state(5, "cerrado")
    again = await pos.post(paid)
    assert (first.json["id"], again.status, again.json["id"]) == (2, 200, 2)
    assert pos.head == 4
    order = {"tipo": "nuevo_pedido", "pedido": {"id": 6}, "operacion_id": "alta"}
    assert [(await pos.post(order)).status for _ in range(2)] == [201, 200]


async def test_a_key_belongs_to_its_publisher(pos):
    other = await pos.token_of("manager")
    cookie = await pos.service.sign_in("Marta", "manager")
    answers = [
        await pos.post(EVENT, headers={"Idempotency-Key": "k"}, **who)
        for who in ({}, {"token": other}, {"cookie": cookie}) * 2
    ]
    assert [answer.status for answer in answers] == [201, 201, 201, 200, 200, 200]
    assert [answer.json["id"] for answer in answers] == [1, 2, 3, 1, 2, 3]


async def test_a_refused_event_does_not_use_up_its_key(pos):
    headers = {"Idempotency-Key": "k"}
    await pos.set_state(1, "cerrado")
    assert (await pos.post(EVENT, headers=headers)).status == 409
    assert (await pos.post({**EVENT, "pedido_id": 0}, headers=headers)).status == 422
    assert (await pos.post({**EVENT, "pedido_id": 2}, headers=headers)).status == 201


async def test_the_header_keys_a_whole_batch(pos):
    headers = {"Idempotency-Key": "lote"}
    batch = {"eventos": [event(1), event(2)]}
    first, again = await pos.post(batch, headers=headers), await pos.post(batch, headers=headers)
    assert (first.status, again.status) == (201, 200)
    assert again.json == {"ids": [1, 2], "duplicados": [True, True], "cursor": first.json["cursor"]}
    answer = await pos.post({"eventos": [event(1), event(3)]}, headers=headers)
    assert (answer.status, answer.code) == (422, "clave_reutilizada")
    answer = await pos.post(event(1), headers=headers)
    assert (answer.status, answer.code) == (422, "clave_reutilizada")
    assert pos.head == 2
    assert "operacion_id" not in pos.last()


async def test_each_event_of_a_batch_has_its_own_key(pos):
    a, b, c = (event(number, operacion_id=name) for number, name in enumerate("abc", start=1))
    assert (await pos.post(a)).json["id"] == 1
    answer = await pos.post({"eventos": [b, a, event(9), c]})
    assert (answer.status, answer.json["ids"], answer.json["duplicados"]) == (
        201, [2, 1, 3, 4], [False, True, False, False],
    )  # fmt: skip
    answer = await pos.post({"eventos": [c, b]})
    assert (answer.status, answer.json["ids"], answer.json["duplicados"]) == (200, [4, 2], [True, True])
    assert (await pos.post(c)).json["duplicado"] is True
    assert pos.head == 4


async def test_one_key_twice_in_a_batch(pos):
    a = event(1, operacion_id="a")
    answer = await pos.post({"eventos": [a, dict(reversed(a.items())), event(2)]})
    assert (answer.status, answer.json["ids"], answer.json["duplicados"]) == (201, [1, 1, 2], [False, True, False])
    answer = await pos.post({"eventos": [event(3, operacion_id="b"), event(4, operacion_id="b")]})
    assert (answer.status, answer.code) == (422, "clave_reutilizada")
    assert answer.fields == {"eventos.1.operacion_id": "ya se usó con otro contenido"}
    assert pos.head == 2


async def test_a_batchs_key_cannot_be_one_of_its_events_too(pos):
    batch = {"eventos": [event(1), event(2, operacion_id="k")]}
    answer = await pos.post(batch, headers={"Idempotency-Key": "k"})
    assert (answer.status, answer.code) == (422, "clave_reutilizada")
    assert answer.fields == {"eventos.1.operacion_id": "es la clave del lote entero"}
    assert pos.head == 0


def test_twenty_at_once_with_one_key_are_one_event(server):
    def post(_):
        return server.request("POST", PUBLISH, EVENT, token=token, headers={"Idempotency-Key": "k"})

    token = server.token
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(post, range(20), timeout=30))
    assert sorted(status for status, _, _ in answers) == [200] * 19 + [201]
    assert {answer["id"] for _, _, answer in answers} == {1}
    assert sum(answer["duplicado"] for _, _, answer in answers) == 19
    with opened(server.database) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (1,)


def test_a_key_holds_over_a_restart(server):
    headers = {"Idempotency-Key": "k"}
    assert server.request("POST", PUBLISH, EVENT, headers=headers)[0] == 201
    server.restart()
    assert server.request("POST", PUBLISH, EVENT, headers=headers)[0] == 200


# Refused, and nothing is left behind


@pytest.fixture
async def refused(pos):
    """Posts a body that must be refused, and checks that the log, the orders and the keys are as they were."""
    await pos.set_state(1, "en_mesa", operacion_id="before")

    async def check(body, status, code, **rest):
        before = pos.contents()
        answer = await pos.post(body, **rest)
        assert (answer.status, answer.code) == (status, code), answer.body
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json["error"]["mensaje"]
        assert pos.contents() == before
        return answer

    return check


JSON_TYPE = {"Content-Type": "application/json"}
SOUND = json.dumps(EVENT).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b'{"a":}', b"{'a': 1}", b'{"a": 1,}', b"nul", b'{"a": 01}', b'{"a": 1} x', b'{"a": "\n"}',
        b'{"tipo": "cambio_estado", "pedido_id": 1, "estado": "lis', b"\x00", b"[1, 2",
        b'{"a": NaN}', b'{"a": Infinity}', b'{"a": [-Infinity]}', b"NaN",
        b"\xef\xbb\xbf\xef\xbb\xbf" + SOUND, SOUND.decode().encode("utf-16"), SOUND.decode().encode("utf-32-le"),
        b'{"a": "\xe9"}', b'{"a": "\xed\xa0\x80"}', b'{"a": "\xc0\xaf"}',
    ],
)  # fmt: skip
async def test_what_is_no_json_is_400(refused, body):
    await refused(body, 400, "json_invalido", headers=JSON_TYPE)


async def test_invalid_utf8_inside_a_sound_event_is_400(refused):
    body = SOUND.replace(b"en_cocina", b"en_\xffcocina")
    await refused(body, 400, "json_invalido", headers=JSON_TYPE)


@pytest.mark.parametrize("body", [5, "x", None, True, [], [EVENT], 1.5])
async def test_a_body_that_is_no_object_is_422(refused, body):
    answer = await refused(json.dumps(body).encode(), 422, "datos_invalidos", headers=JSON_TYPE)
    assert answer.fields == {"cuerpo": "debe ser un objeto"}


async def test_an_overflowing_number_is_422(refused):
    body = b'{"tipo": "alerta_stock", "producto_id": 1, "nombre": "x", "zona": [1e400]}'
    answer = await refused(body, 422, "datos_invalidos", headers=JSON_TYPE)
    assert answer.fields == {"zona.0": "debe ser un número finito"}
    answer = await refused(body.replace(b"1e400", b"-1e400"), 422, "datos_invalidos", headers=JSON_TYPE)


@pytest.mark.parametrize("digits", [17, 100, 4300, 5000])
async def test_an_integer_beyond_2_to_the_53_is_422(refused, digits):
    for body in (
        b'{"tipo": "cambio_estado", "pedido_id": %b, "estado": "listo"}',
        b'{"eventos": [{"tipo": "cambio_estado", "pedido_id": 1, "estado": "listo", "x": {"n": -%b}}]}',
    ):
        answer = await refused(body % (b"9" * digits), 422, "datos_invalidos", headers=JSON_TYPE)
        assert len(answer.fields) == 1
        if digits < 5000:
            assert answer.fields in (
                {"pedido_id": "pasa de ±2^53"},
                {"eventos.0.x.n": "pasa de ±2^53"},
            )


PLAIN = b'"tipo": "alerta_stock", "producto_id": 1, "nombre": "x"'


@pytest.mark.parametrize("depth", [17, 100, 330, 500, 990, 1000, 5000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
async def test_deep_nesting_is_422(pos, depth, opening, closing):
    """Or 413 where it is as long as it is deep."""
    deep = opening * depth + b"1" + closing * depth
    padded = b'{"eventos": [{%b, "z": %b}, {%b, "z": "%b"}]}' % (PLAIN, deep, PLAIN, b"x" * 250_000)
    for body in (deep, b'{%b, "z": %b}' % (PLAIN, deep), b'{"eventos": %b}' % deep, padded):
        answer = await pos.post(body, headers=JSON_TYPE)
        too_long = len(deep) > 256 * 1024
        assert (answer.status, answer.code) in {(422, "datos_invalidos")} | (
            {(413, "demasiado_grande")} if too_long else set()
        )
    assert pos.head == 0


async def test_nesting_as_deep_as_just_can_be_parsed_is_422_in_a_large_batch_too(pos):
    """An event of a large batch is measured before it is checked, by an encoder with a limit of its own: at every
    depth around the parser's limits in 3.11, 3.12 and 3.13."""
    for depth in (*range(900, 1000), *range(1480, 1501), *range(9980, 10_001)):
        deep = b"[" * depth + b"]" * depth
        body = b'{"eventos": [{%b, "z": %b}, {%b, "z": "%b"}]}' % (PLAIN, deep, PLAIN, b"x" * 261_000)
        assert (await pos.post(body, headers=JSON_TYPE)).status == 422, depth
    assert pos.head == 0


async def test_nesting_is_taken_up_to_16_levels(pos):
    """The event itself is the first."""
    for depth, status in ((15, 201), (16, 422)):
        body = b'{%b, "z": %b}' % (PLAIN, b"[" * depth + b"]" * depth)
        assert (await pos.post(body, headers=JSON_TYPE)).status == status
        assert (await pos.post(b'{"eventos": [%b]}' % body, headers=JSON_TYPE)).status == status


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (r'{"tipo": "alerta_stock", "producto_id": 1, "nombre": "\ud800"}', "nombre"),
        (r'{"tipo": "alerta_stock", "producto_id": 1, "nombre": "x", "z": {"\udfff": 1}}', "z.?"),
        (r'{"tipo": "\udfff", "producto_id": 1}', "tipo"),
        (r'{"tipo": "alerta_stock", "producto_id": 1, "nombre": "x", "operacion_id": "\ud800"}', "operacion_id"),
        (r'{"eventos": [{"tipo": "alerta_stock", "producto_id": 1, "nombre": "\ud83d"}]}', "eventos.0.nombre"),
        (r'{"eventos": [{"\ud83d": 1}]}', "eventos.0.?"),
    ],
)
async def test_a_lone_surrogate_is_422(refused, body, path):
    answer = await refused(body.encode(), 422, "datos_invalidos", headers=JSON_TYPE)
    assert answer.fields == {path: "tiene un carácter incompleto (surrogate)"}


async def test_a_lone_surrogate_beside_a_batch_is_422(refused):
    body = json.dumps({"eventos": [EVENT], "\ud800": 1}).encode()
    answer = await refused(body, 422, "datos_invalidos", headers=JSON_TYPE)
    assert answer.fields == {"?": "no se reconoce junto a eventos"}


async def test_a_pair_of_surrogates_is_a_character(pos):
    body = rb'{"tipo": "alerta_stock", "producto_id": 1, "nombre": "\ud83c\udf2e"}'
    assert (await pos.post(body, headers=JSON_TYPE)).status == 201
    assert pos.last()["nombre"] == "🌮"


@pytest.mark.parametrize("size", [257 * 1024, 1024 * 1024])
async def test_an_event_over_256_kib_is_413(refused, size):
    large = {**EVENT, "razon_larga": "x" * size}
    await refused(large, 413, "demasiado_grande")
    answer = await refused({"eventos": [EVENT, large]}, 413, "demasiado_grande")
    assert "eventos.1" in answer.json["error"]["mensaje"]


async def test_an_event_of_just_256_kib_is_taken_alone_and_in_a_batch(pos):
    text = "ñ" * ((256 * 1024 - len(json.dumps({**EVENT, "x": ""}, separators=(",", ":")))) // 2)
    body = json.dumps({**EVENT, "x": text}, ensure_ascii=False, separators=(",", ":")).encode()
    assert 256 * 1024 - 2 < len(body) <= 256 * 1024
    assert (await pos.post(body, headers=JSON_TYPE)).status == 201
    assert (await pos.post(b'{"eventos":[%b,%b]}' % (body, body), headers=JSON_TYPE)).status == 201


@pytest.mark.parametrize("number", ["1e15", "1e16", "1E300", "-0.0", "123456789.123456789"])
async def test_an_events_size_counts_its_numbers_as_they_are_written(pos, number):
    """`1e15` is sent in four characters, and takes eighteen; the whole is measured to the byte."""
    written = len(json.dumps(json.loads(number)))
    room = 256 * 1024 - len(json.dumps({**EVENT, "n": [], "x": ""}, separators=(",", ":")))
    count, rest = divmod(room + 1, written + 1)
    for more, status in ((0, 201), (1, 413)):
        numbers, text = ",".join([number] * count), "y" * (rest + more)
        large = json.dumps({**EVENT, "x": text})[:-1] + f', "n": [{numbers}]}}'
        filler = json.dumps(event(1, x="z" * 250_000))  # so that events are measured at all
        answer = await pos.post(f'{{"eventos": [{filler}, {large}]}}'.encode(), headers=JSON_TYPE)
        assert answer.status == status, answer.body


async def test_a_body_over_8_mib_is_413(refused):
    await refused(b" " * (9 * 1024 * 1024), 413, "demasiado_grande", headers=JSON_TYPE)
    await refused({"eventos": [{**EVENT, "x": "x" * 100_000}] * 90}, 413, "demasiado_grande")


async def test_an_order_of_10_000_items_is_422(refused):
    answer = await refused(
        {"tipo": "nuevo_pedido", "pedido": {"id": 9, "items": [{}] * 10_000}}, 422, "datos_invalidos"
    )
    assert answer.fields == {"pedido.items": "tiene más de 500 elementos"}
    line = {"producto_nombre": "Pupusa", "cantidad": 1, "precio_unitario": 0.75}
    order = {"tipo": "nuevo_pedido", "pedido": {"id": 9, "items": [line] * 10_000}}
    await refused(order, 413, "demasiado_grande")


@pytest.mark.parametrize("events", [[], {}, None, "x", 5, {"0": EVENT}])
async def test_a_batch_is_a_list_of_one_or_more(refused, events):
    answer = await refused({"eventos": events}, 422, "datos_invalidos")
    assert answer.fields == {"eventos": "debe ser una lista de 1 a 500 eventos"}


async def test_501_events_are_422(refused):
    answer = await refused({"eventos": [EVENT] * 501}, 422, "datos_invalidos")
    assert answer.fields == {"eventos": "debe ser una lista de 1 a 500 eventos"}


async def test_a_batch_has_nothing_beside_its_events(refused):
    answer = await refused({"eventos": [EVENT], "operacion_id": "k"}, 422, "datos_invalidos")
    assert answer.fields == {"operacion_id": "no se reconoce junto a eventos"}


@pytest.mark.parametrize(
    ("wrong", "status", "code", "path"),
    [
        ({"tipo": "nuevo_pedido", "pedido": {"id": "x"}}, 422, "datos_invalidos", "eventos.3.pedido.id"),
        ({"tipo": "nuevo_pedido", "pedido": {"id": 2, "items": [{"cantidad": 0}]}}, 422, "datos_invalidos",
         "eventos.3.pedido.items.0.cantidad"),
        ({"tipo": "nuevo_pedido", "pedido": {"id": 2}, "pedido_id": 3}, 422, "datos_invalidos", "eventos.3.pedido_id"),
        (5, 422, "datos_invalidos", "eventos.3"),
        ({"tipo": "descarga"}, 422, "datos_invalidos", "eventos.3.tipo"),
        ({**EVENT, "salas": []}, 422, "datos_invalidos", "eventos.3.salas"),
        ({"tipo": "nuevo_pedido", "pedido": {"id": 7}}, 409, "pedido_existente", "eventos.3.pedido.id"),
        ({"tipo": "cambio_estado", "pedido_id": 8, "estado": "listo"}, 409, "transicion_invalida", "eventos.3"),
        ({**EVENT, "operacion_id": "before"}, 422, "clave_reutilizada", "eventos.3.operacion_id"),
        ({**EVENT, "operacion_id": "a\nb"}, 422, "datos_invalidos", "eventos.3.operacion_id"),
    ],
)  # fmt: skip
async def test_one_wrong_event_refuses_its_batch(refused, wrong, status, code, path):
    batch = [
        {"tipo": "nuevo_pedido", "pedido": {"id": 7}},
        {"tipo": "cambio_estado", "pedido_id": 8, "estado": "cerrado"},
        event(1, operacion_id="new"),
        wrong,
        event(2),
    ]
    answer = await refused({"eventos": batch}, status, code, headers={"Idempotency-Key": "lote"})
    assert list(answer.fields) == [path]


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb", "\x7f"])
async def test_a_key_that_cannot_be_one_is_422(refused, key):
    answer = await refused(EVENT, 422, "datos_invalidos", headers={"Idempotency-Key": key})
    assert list(answer.fields) == ["Idempotency-Key"]
    answer = await refused({**EVENT, "operacion_id": key}, 422, "datos_invalidos")
    assert list(answer.fields) == ["operacion_id"]


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
async def test_only_json_is_taken(refused, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    await refused(SOUND, 415, "tipo_no_soportado", headers=headers)


async def test_json_with_parameters_is_json(pos):
    assert (await pos.post(SOUND, headers={"Content-Type": "Application/JSON; charset=UTF-8"})).status == 201


@pytest.mark.parametrize("role", ["cocinero", "mesero", "cajero"])
async def test_publishing_is_for_managers(pos, refused, role):
    answer = await refused(EVENT, 403, "rol_no_permitido", token=await pos.token_of(role))
    assert "campos" not in answer.json["error"]


async def test_publishing_needs_a_sign_in(refused):
    await refused(EVENT, 401, "no_autenticado", token=None)
    await refused(EVENT, 401, "no_autenticado", token="pn_falsa")


async def test_checks_come_in_the_promised_order(pos, refused):
    """Path, method, Origin, sign-in, role, type, size, JSON, fields, conflict: each request has all later faults."""
    cook = await pos.token_of("cocinero")
    foreign = {"Origin": "https://mala.example"}
    await pos.set_state(5, "cerrado")
    huge, bad = b"{" + b"x" * (9 * 1024 * 1024), b"{"
    text = {"Content-Type": "text/plain"}
    assert (await pos.request("POST", "/api/no-hay", huge, token=None, headers={**foreign, **text})).status == 404
    answer = await pos.request("PUT", PUBLISH, huge, token=None, headers={**foreign, **text})
    assert (answer.status, answer.code, answer.headers["Allow"]) == (
        405,
        "metodo_no_permitido",
        "GET, HEAD, OPTIONS, POST",
    )
    await refused(huge, 403, "origen_no_permitido", token=None, headers={**foreign, **text})
    await refused(huge, 401, "no_autenticado", token=None, headers=text)
    await refused(huge, 403, "rol_no_permitido", token=cook, headers=text)
    await refused(huge, 415, "tipo_no_soportado", headers=text)
    await refused(huge, 413, "demasiado_grande", headers=JSON_TYPE)
    await refused(bad, 400, "json_invalido", headers={**JSON_TYPE, "Idempotency-Key": ""})
    closed = {"tipo": "cambio_estado", "pedido_id": 5, "estado": "listo"}
    large = {**closed, "x": "x" * 300_000}
    await refused({"eventos": [large] * 2, "y": 1}, 413, "demasiado_grande")
    await refused({"eventos": [closed, {**EVENT, "estado": "x"}]}, 422, "datos_invalidos")
    await refused(closed, 409, "transicion_invalida")


# Faults


async def test_a_log_that_cannot_be_written_is_503(pos, refused):
    """The file refuses every row, as a full disk would; then it does not any more."""
    with opened(pos.path) as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
    for body in (EVENT, {"eventos": [event(1), event(2)]}):
        answer = await refused(body, 503, "registro_no_disponible", headers={"Idempotency-Key": "k"})
        assert int(answer.headers["Retry-After"]) > 0
        assert b"disk" not in answer.body
    with opened(pos.path) as connection:
        connection.execute("DROP TRIGGER full")
    assert (await pos.post(EVENT, headers={"Idempotency-Key": "k"})).json["id"] == 2


async def test_an_unexpected_fault_is_500_and_shows_nothing_of_the_inside(pos, refused):
    """An order's row that is no JSON any more."""
    with opened(pos.path) as connection:
        (sound,) = connection.execute("SELECT data FROM orders").fetchone()
        connection.execute("UPDATE orders SET data = '{secret'")
    answer = await refused(EVENT, 500, "error_interno")
    assert answer.json == {"error": {"codigo": "error_interno", "mensaje": "Ocurrió un error inesperado."}}
    for path in ("/api/pedidos?vista=cocina", "/api/pedidos/1"):
        answer = await pos.request("GET", path)
        assert (answer.status, answer.code) == (500, "error_interno")
        assert not any(word in answer.body for word in (b"secret", b"Traceback", b"JSON", b"sqlite", b".py"))
    # Others go on.
    assert (await pos.post({**EVENT, "pedido_id": 2})).status == 201
    with opened(pos.path) as connection:
        connection.execute("UPDATE orders SET data = ? WHERE id = 1", (sound,))


async def test_a_failing_publication_leaves_its_neighbours_alone(pos):
    """Sent together they share a commit; one is refused, the others are kept."""
    await pos.set_state(1, "cerrado")
    bodies = [event(number) for number in range(1, 11)]
    bodies[5] = EVENT
    answers = await asyncio.gather(*(pos.post(body) for body in bodies))
    assert [answer.status for answer in answers] == [201] * 5 + [409] + [201] * 4
    assert pos.head == 10
    assert [stored["id"] for stored in pos.stored_events()] == list(range(1, 11))


# The short way


async def test_a_body_that_does_not_arrive_in_time_is_408_by_either_way(tmp_path):
    async with in_process(tmp_path / "log.db") as service:
        await service.create_tokens()
        service.app.config["BODY_TIMEOUT"] = 0.05
        for _ in range(2):  # the first by the view; then the token is remembered
            answered = []

            finished = asyncio.Event()

            async def send(message, answered=answered, finished=finished):
                answered.append(message)
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    finished.set()

            pending = [{"type": "http.request", "body": b'{"tipo":', "more_body": True}]

            async def receive(pending=pending, finished=finished):
                if pending:
                    return pending.pop()
                await finished.wait()  # the rest of the body never comes; as a server, it then hangs up
                return {"type": "http.disconnect"}

            headers = {
                "authorization": f"Bearer {service.manager}",
                "content-type": "application/json",
                "content-length": "50",
            }
            scope = {
                "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "root_path": "",
                "path": "/api/notificaciones/eventos", "raw_path": b"", "query_string": b"", "extensions": {},
                "client": ("192.0.2.7", 1), "server": ("x", 1), "state": {},
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            }  # fmt: skip
            async with asyncio.timeout(60):
                await service.app(scope, receive, send)
            assert answered[0]["status"] == 408
            body = b"".join(message.get("body", b"") for message in answered[1:])
            assert json.loads(body)["error"]["codigo"] == "tiempo_agotado"
        assert service.app.notifier.log.bounds.newest == 0
