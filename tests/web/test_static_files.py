"""The pages' files: small on the way, kept as long as they are what their address says, and always the right ones."""

from __future__ import annotations

import gzip
import os
import re
from html import unescape

import pytest
from calmjs.parse import es5
from calmjs.parse.unparsers.es5 import minify_print

from pos_notif.resources import resource
from pos_notif.web.static_files import StaticFiles, without_comments
from tests.support.in_process import in_process

SCRIPT = "/static/js/notificaciones.js"
GZIP = {"Accept-Encoding": "gzip, deflate"}


@pytest.fixture
async def service(tmp_path):
    async with in_process(tmp_path / "log.db") as running:
        yield running


async def version(service):
    return re.search(r"\?v=(\w+)", (await service.call("GET", "/login")).text)[1]


async def test_a_client_that_takes_gzip_gets_the_same_file_smaller(service):
    plain = await service.call("GET", SCRIPT)
    small = await service.call("GET", SCRIPT, headers=GZIP)
    assert plain.body == (resource("static") / "js/notificaciones.js").read_bytes()
    assert gzip.decompress(small.body) == plain.body
    assert int(small.headers["Content-Length"]) == len(small.body) < len(plain.body) / 3
    assert (small.headers["Content-Encoding"], plain.headers.get("Content-Encoding")) == ("gzip", None)
    assert small.headers["Content-Type"] == plain.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert {small.headers["Vary"], plain.headers["Vary"]} == {"Accept-Encoding"}
    assert {small.headers["Cache-Control"], plain.headers["Cache-Control"]} == {"public, max-age=3600"}


async def test_who_refuses_gzip_gets_none(service):
    for accepted in ("gzip;q=0", "identity", "br", ""):
        answer = await service.call("GET", SCRIPT, headers={"Accept-Encoding": accepted})
        assert "Content-Encoding" not in answer.headers, accepted


async def test_each_encoding_has_a_tag_of_its_own_by_which_a_client_keeps_it(service):
    tags = {}
    for name, headers in {"plain": {}, "small": GZIP}.items():
        tags[name] = (await service.call("GET", SCRIPT, headers=headers)).headers["ETag"]
        again = await service.call("GET", SCRIPT, headers={**headers, "If-None-Match": tags[name]})
        assert (again.status, again.body, again.headers["Vary"]) == (304, b"", "Accept-Encoding")
    other = await service.call("GET", SCRIPT, headers={"If-None-Match": tags["small"]})
    assert (other.status, tags["small"] != tags["plain"]) == (200, True)


async def test_an_address_with_the_present_version_is_for_ever_and_another_one_is_not(service):
    now = await version(service)
    for headers in ({}, GZIP):
        present = await service.call("GET", f"{SCRIPT}?v={now}", headers=headers)
        assert present.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Expires" not in present.headers
        old = await service.call("GET", f"{SCRIPT}?v=0123456789ab", headers=headers)
        assert old.headers["Cache-Control"] == "no-cache"


async def test_a_part_and_a_head_are_answered_as_they_are_asked_for(service):
    part = await service.call("GET", SCRIPT, headers={**GZIP, "Range": "bytes=0-9"})
    whole = await service.call("GET", SCRIPT)
    assert (part.status, part.body) == (206, whole.body[:10])
    head = await service.call("HEAD", SCRIPT, headers=GZIP)
    assert (head.status, head.headers["Content-Encoding"]) == (200, "gzip")


async def test_a_file_that_is_changed_is_sent_as_it_is_now(service, tmp_path):
    (tmp_path / "files").mkdir()
    file = tmp_path / "files" / "a.js"
    file.write_text("one();")
    service.app.static_files = StaticFiles(tmp_path / "files")
    assert gzip.decompress((await service.call("GET", "/static/a.js", headers=GZIP)).body) == b"one();"
    file.write_text("two();")
    os.utime(file, ns=(1, 1))
    assert gzip.decompress((await service.call("GET", "/static/a.js", headers=GZIP)).body) == b"two();"


async def test_the_kitchen_loads_less_than_a_third_of_what_it_is(service):
    """A tablet from 2013 on a full Wi-Fi."""
    page = (await service.call("GET", "/cocina", cookie=await service.sign_in("Ana", "cocinero"))).text
    found = [unescape(address) for address in re.findall(r'"(/static/[^"]+)"', page)]
    addresses = [address for address in found if "/icons/" not in address]  # which only who installs it loads
    assert len(found) == 4
    answers = [await service.call("GET", address, headers=GZIP) for address in addresses]
    assert len(answers) == 3  # its icon, its styles, its scripts
    whole = sum(len(gzip.decompress(answer.body)) for answer in answers)
    assert sum(len(answer.body) for answer in answers) < min(whole / 3, 70_000)
    assert {answer.headers["Cache-Control"] for answer in answers} == {"public, max-age=31536000, immutable"}


async def test_files_together_are_each_of_them_in_the_order_of_the_address(service):
    now, names = await version(service), ("shared/words", "shared/dom", "kitchen/words")
    answer = await service.call("GET", f"/static/js/all.js?v={now}&f={','.join(names)}")
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    files = [without_comments((resource("static") / f"js/{name}.js").read_text("utf-8")) for name in names]
    assert answer.text == "".join(f"/* {name} */\n{file}\n" for name, file in zip(names, files, strict=True))
    part = await service.call("GET", f"/static/js/all.js?v={now}&f={names[0]}", headers={"Range": "bytes=0-9"})
    assert (part.status, len(part.body) > 10) == (200, True)
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert (await service.call("GET", f"/static/js/all.js?v={now}&f={','.join(names)}", headers=tag)).status == 304


@pytest.mark.parametrize(
    "asked",
    ["", "f=", "f=shared/dom,", "f=shared/dom,shared/dom", "f=../templates/base", "f=shared/nada", "f=shared/dom,nada",
     "f=shared%2fdom%00", "f=/shared/dom", "f=SHARED/dom", "f=" + ",".join(f"a{'b' * n}" for n in range(300))],
)  # fmt: skip
async def test_what_is_no_list_of_files_is_not_there(service, asked):
    for name in ("js/all.js", "css/all.css"):
        assert (await service.call("GET", f"/static/{name}?{asked}")).status == 404, (name, asked)


async def test_no_more_is_kept_than_pages_need(tmp_path):
    """Whoever asks for other lists than a page's makes the service work, and keep nothing."""
    (tmp_path / "js").mkdir()
    names = [chr(97 + number) for number in range(20)]
    for name in names:
        (tmp_path / f"js/{name}.js").write_text("x" * 1000)
    files = StaticFiles(tmp_path)
    async with in_process(tmp_path / "log.db") as running:
        running.app.static_files = files
        for first in names:
            for second in names:
                if first != second:
                    await running.call("GET", f"/static/js/all.js?f={first},{second}")
    assert len(files._kept) <= 64


@pytest.mark.parametrize("file", sorted((resource("static") / "js").rglob("*.js")), ids=lambda path: path.name)
def test_a_script_without_its_comments_is_the_same_script(file):
    source = file.read_text("utf-8")
    lean = without_comments(source)
    assert lean.count("\n") == source.count("\n")
    assert minify_print(es5(lean)) == minify_print(es5(source))
    assert "\n//" not in lean


@pytest.mark.parametrize("file", sorted(resource("static").rglob("*.css")), ids=lambda path: path.name)
def test_a_style_without_its_comments_is_the_same_style(file):
    def rules(css):
        return re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)).strip()

    source = file.read_text("utf-8")
    assert rules(without_comments(source)) == rules(source)


def test_only_what_has_its_lines_for_itself_is_left_out():
    for text in (
        "a = 'http://b';",
        "/* a */ b(); /* c */",
        "x = y /* z\n  w */;",
        "a(); // b",
        "a('  //b');",
        "  /* a */ b();",
    ):
        assert without_comments(text).split() == text.split()
    assert without_comments("/* a\n   b */\n  c();  // e\n  // d\n") == "\n\nc();\n\n"
