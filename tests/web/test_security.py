"""Access, and what a hostile page, name, path or sender cannot do; over real HTTP."""

import http.client
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus, urlsplit

import pytest
from starlette.requests import HTTPConnection

from tests.cli.conftest import home, lonely
from tests.home import Home
from tests.web.served import CHANGES, Served, served
from worker.web.security import FORM_HOURS, LOGIN_DAYS, AccessControl, signing_key

__all__ = ["home", "lonely"]

TOKEN = "a-token-with-中文-in-it"
PAGES = ["/", "/jobs", "/articles", "/articles?q=x", "/quarantine", "/feeds", "/enqueue"]
PAGES += ["/explain", "/nothing", "/live?page=overview"]


@pytest.fixture
def ours(home: Home) -> Iterator[Served]:
    """A home that is served without a token."""
    with served(home) as one:
        yield one


@pytest.fixture
def guarded(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A served installation with a token, under a host name of its own."""
    monkeypatch.setenv("NEWSDROP_WEB_ALLOWED_HOSTS", "news.example")
    secret = home.path / "token"
    secret.write_text(f"{TOKEN}\nnot this line\n", encoding="utf-8")
    monkeypatch.setenv("NEWSDROP_WEB_TOKEN_FILE", str(secret))
    with served(home) as one:
        yield one


def form_token(one: Served, path: str = "/enqueue") -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', one.client.get(path).text)
    assert found is not None
    return found[1]


def refused_file(one: Served) -> str:
    """The id of an empty file that was refused."""
    files = [("file", ("empty.md", b"", "text/markdown"))]
    one.post("/enqueue", files=files, status=202)
    one.home.work()
    found: str = one.get("/quarantine")["refused"][0]["id"]
    return found


def plainly(one: Served, path: str) -> tuple[int, str]:
    """The answer to a path that is sent unchanged."""
    where = urlsplit(one.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, text


# ── Host ────────────────────────────────────────────────────────────────────────────────────


STRANGE_HOSTS = """
    evil.example 127.0.0.1.evil.example localhost.evil.example:80 evil.example:8787 user@127.0.0.1
    10.0.0.1 0.0.0.0 127.0.0.1/../x [::1 127.0.0.1:port localhost#evil.example localhost?x.example
"""


def test_an_unknown_name_is_refused(ours: Served) -> None:
    """Under a foreign host name (DNS rebinding) nothing is shown."""
    for host in (*STRANGE_HOSTS.split(), ""):
        for path in ("/", "/api/v1/status", "/static/newsdrop.js", "/livez", "/metrics"):
            answer = ours.client.get(path, headers={"host": host})
            assert answer.status_code in (400, 421), host
            assert "web.allowed_hosts" in answer.text or answer.status_code == 400


def test_loopback_is_allowed_at_any_port(ours: Served) -> None:
    """Tunnels and port forwarding have their own."""
    for host in ("127.0.0.1", "127.0.0.1:1", "localhost:8787", "LOCALHOST", "[::1]"):
        assert ours.client.get("/livez", headers={"host": host}).status_code == 200, host


def test_allowed_hosts_are_accepted(guarded: Served) -> None:
    """Whatever their case."""
    for host in ("news.example", "News.Example:443"):
        assert guarded.client.get("/login", headers={"host": host}).status_code == 200
    assert guarded.client.get("/login", headers={"host": "old.example"}).status_code == 421


# ── Origin and form tokens ──────────────────────────────────────────────────────────────────

FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:1"},
    {"origin": "http://localhost"},
    {"origin": ""},
    {"origin": "http://["},
    {"origin": "https://[v1.x"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
]


def test_a_page_of_another_site_changes_nothing(ours: Served) -> None:
    """Even with a right form token a POST from elsewhere is refused, on pages and in the API."""
    refused = refused_file(ours)
    fields = {"form_token": form_token(ours)}
    for headers in FOREIGN:
        page = ours.client.post(f"/quarantine/{refused}/discard", data=fields, headers=headers)
        assert page.status_code == 403, headers
        assert "another site" in page.text
        path = f"/api/v1/quarantine/{refused}/retry"
        assert ours.client.post(path, headers={**CHANGES, **headers}).status_code == 403
    assert ours.get("/quarantine")["total"] == 1


def test_forms_of_our_own_pages_are_accepted(ours: Served) -> None:
    """The answer is 303."""
    refused = refused_file(ours)
    answer = ours.client.post(
        f"/quarantine/{refused}/discard",
        data={"form_token": form_token(ours)},
        headers={"origin": ours.url, "sec-fetch-site": "same-origin"},
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/quarantine?done=discarded")
    assert ours.get("/quarantine")["total"] == 0


def test_every_form_needs_its_token(ours: Served) -> None:
    """Without the token of one of our pages each POST is refused with 403, and does nothing."""
    refused = refused_file(ours)
    posts = ["/enqueue", "/feeds", "/feeds/x/poll", "/jobs/x/retry", "/logout", "/login"]
    posts += [f"/quarantine/{refused}/retry", f"/quarantine/{refused}/discard"]
    for shown in ("", "1.abc", "none", "²²²²²².x", "-1.0", "9" * 40):
        for path in posts:
            answer = ours.client.post(path, data={"form_token": shown, "url": "http://x.example"})
            assert answer.status_code == 403, path
            assert "reload" in answer.text
    assert ours.get("/quarantine")["total"] == 1


def test_a_form_token_ages_and_belongs_to_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A form may be sent for three days; another key's, another token's, or a later one never."""
    clock = [1_800_000_000.0]
    monkeypatch.setattr("worker.web.security.time.time", lambda: clock[0])
    guard = AccessControl(key=b"k" * 32, token="one", host="127.0.0.1")
    shown = guard.form_token()
    assert guard.is_form_token(shown)
    clock[0] += FORM_HOURS * 3600
    assert guard.is_form_token(shown)
    clock[0] += 3600
    assert not guard.is_form_token(shown)
    later = guard.form_token()
    clock[0] -= 7200
    assert not guard.is_form_token(later)
    clock[0] += 7200
    assert not AccessControl(key=b"x" * 32, token="one", host="").is_form_token(later)
    assert not AccessControl(key=b"k" * 32, token="two", host="").is_form_token(later)
    assert not guard.is_form_token(guard.login_cookie())  # signed by us, but for something else


# ── the token ───────────────────────────────────────────────────────────────────────────────


def test_pages_redirect_to_the_login(guarded: Served) -> None:
    """And the login back to the requested address."""
    for path in PAGES:
        answer = guarded.client.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
        assert answer.text == ""


def test_programs_need_the_token(guarded: Served) -> None:
    """As `Authorization: Bearer`; only liveness is open to all."""
    wrong = ["Bearer no", "Bearer", "Basic abc", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", TOKEN]
    for path in ("/readyz", "/metrics", "/api/v1/status", "/api/v1/articles"):
        response = guarded.client.get(path)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        for shown in wrong:
            headers = {"authorization": shown.encode()}
            assert guarded.client.get(path, headers=headers).status_code == 401
        headers = {"authorization": f"Bearer {TOKEN}".encode()}
        assert guarded.client.get(path, headers=headers).status_code in (200, 503)
    headers = {"authorization": f"Bearer {TOKEN}".encode()}
    change = guarded.client.post("/api/v1/sources/drop/pause", headers=headers)
    assert change.status_code == 200, "the token alone is enough to change something"
    assert guarded.client.get("/livez").status_code == 200


def test_the_login_sets_an_http_only_cookie(guarded: Served) -> None:
    """SameSite=Strict; a wrong token is refused; logging out removes it."""
    client = guarded.client
    fields = {"form_token": form_token(guarded, "/login"), "next": "/jobs", "token": "wrong"}
    wrong = client.post("/login", data=fields)
    assert wrong.status_code == 403
    assert "Wrong token" in wrong.text
    assert "set-cookie" not in wrong.headers
    right = client.post("/login", data={**fields, "token": TOKEN})
    assert (right.status_code, right.headers["location"]) == (303, "/jobs")
    cookie = right.headers["set-cookie"].casefold()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie
    assert client.get("/jobs").status_code == 200
    assert client.get("/readyz").status_code in (200, 503)
    out = client.post("/logout", data={"form_token": form_token(guarded, "/jobs")})
    assert out.headers["location"] == "/login"
    assert client.get("/jobs").status_code == 303


def test_a_login_is_of_its_token_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cookie of another token or key, a forged one, and one of last month open nothing."""
    clock = [1_800_000_000.0]
    monkeypatch.setattr("worker.web.security.time.time", lambda: clock[0])
    guard = AccessControl(key=b"k" * 32, token="one", host="127.0.0.1")
    cookie = guard.login_cookie()
    until, _, mac = cookie.partition(".")

    def opens(value: str, which: AccessControl = guard) -> bool:
        scope = {"type": "http", "server": ("127.0.0.1", 1), "headers": [
            (b"cookie", f"newsdrop-login-1={value}".encode())
        ]}  # fmt: skip
        return which.is_authorized(HTTPConnection(scope))

    assert opens(cookie)
    assert not opens(f"{int(until) + 1}.{mac}")
    assert not opens(guard.form_token())
    assert not opens(cookie, AccessControl(key=b"k" * 32, token="two", host=""))
    assert not opens(cookie, AccessControl(key=b"x" * 32, token="one", host=""))
    clock[0] += LOGIN_DAYS * 86400
    assert not opens(cookie)


def test_a_login_leads_to_no_other_site(guarded: Served) -> None:
    """`next` is one of our paths, or the front page."""
    fields = {"form_token": form_token(guarded, "/login"), "token": TOKEN}
    elsewhere = ["//evil.example", "https://evil.example/", "/\\evil.example", "evil", "/a\nb"]
    for wanted in (*elsewhere, "\t//evil.example"):
        answer = guarded.client.post("/login", data={**fields, "next": wanted})
        assert (answer.status_code, answer.headers["location"]) == (303, "/"), wanted


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Token, cookie and form token all go through `hmac.compare_digest`."""
    compared: list[tuple[bytes, bytes]] = []

    def is_recorded(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr("worker.web.security.hmac.compare_digest", is_recorded)
    guard = AccessControl(key=b"k" * 32, token="one", host="127.0.0.1")
    assert not guard.is_token("two")
    assert guard.is_form_token(guard.form_token())
    assert not guard._is_login("1.x")
    assert compared[0][0] == b"two"
    assert len(compared) == 3


def test_the_signing_key_is_for_us_alone(tmp_path: Path) -> None:
    """It outlives a restart, has the mode 600, and a damaged one is replaced."""
    path = tmp_path / "run" / "web.key"
    key = signing_key(path)
    assert len(key) == 32
    assert signing_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"short")
    assert len(signing_key(path)) == 32
    assert len(signing_key(Path("/proc/nowhere/key"))) == 32


# ── headers, methods, bodies ────────────────────────────────────────────────────────────────


def test_every_answer_has_the_security_headers(ours: Served) -> None:
    """Own script only, no frame, no sniffing, no referrer, no cache."""
    static = "/static/newsdrop.css"
    for path in ("/", "/nothing", static, "/api/v1/status", "/livez", "/metrics"):
        headers = ours.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"] == ("no-cache" if path == static else "no-store")


def test_no_page_has_inline_script_or_style(ours: Served) -> None:
    """Nor handlers or other hosts."""
    for path in PAGES:
        if path.startswith("/live"):
            continue
        text = ours.client.get(path).text
        assert re.findall(r"<script(?! src=\"/static/)", text) == []
        assert "<style" not in text
        assert re.findall(r"\sstyle=", text) == []
        assert re.findall(r"<[^>]*\son\w+=", text) == []
        assert re.findall(r"(?:src|href|action)=\"(?!/|#|\?)", text) == []


def test_other_methods_are_refused(ours: Served) -> None:
    """A GET changes nothing, and undeclared methods are 405."""
    response = [("POST", "/"), ("DELETE", "/jobs"), ("PUT", "/enqueue"), ("GET", "/logout")]
    response += [("TRACE", "/"), ("GET", "/quarantine/x/retry"), ("GET", "/feeds/x/poll")]
    for method, path in (*response, ("POST", "/static/newsdrop.js")):
        answer = ours.client.request(method, path)
        assert answer.status_code == 405, (method, path)
        assert "Traceback" not in answer.text


def test_a_form_is_bounded(ours: Served) -> None:
    """By its declared length, or while it arrives, with a sentence."""
    big = "x" * 400_000
    answer = ours.client.post("/login", data={"form_token": big})
    assert answer.status_code == 413
    assert "KB" in answer.text

    def dripping() -> Iterator[bytes]:
        yield b"a="
        for _ in range(40):
            yield b"x" * 10_000

    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = ours.client.post("/login", content=dripping(), headers=kind)
    assert answer.status_code == 413


def test_a_declared_length_is_refused_before_the_body(ours: Served) -> None:
    """The answer comes before the body is sent."""
    where = urlsplit(ours.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
    connection.putrequest("POST", "/enqueue")
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert b"web.upload_mb" in answer.read()
    connection.close()


def test_a_bug_shows_no_trace(ours: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """What went wrong in the code is in the log, not on the page, which is guarded like any."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("worker.web.pages.jobs.find_jobs", broken)
    answer = ours.client.get("/jobs")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text
    assert "web.log" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


# ── paths ───────────────────────────────────────────────────────────────────────────────────


STRANGE_IDS = """
    .. ../secret %2e%2e %2e%2e%2fsecret ..%2f..%2fetc%2fpasswd a%00b ~ * /etc/passwd
    20261125T000000.000000-00000000-manual-1
"""


def test_no_name_leads_out_of_quarantine(ours: Served) -> None:
    """An invalid id is not found, whatever path it is."""
    (ours.home.state / "secret").mkdir(parents=True)
    (ours.home.state / "secret" / "raw").write_text("the secret")
    (ours.home.state / "secret" / "error.json").write_text("{}")
    for name in (*STRANGE_IDS.split(), "x" * 400):
        for after in ("", "/raw", "/discard"):
            status, text = plainly(ours, f"/quarantine/{name}{after}")
            assert "the secret" not in text
            assert "root:" not in text
            assert status in (404, 405), (name, after)


def test_static_files_are_only_those(ours: Served) -> None:
    """Only style sheet, scripts and icon are served."""
    for name in ("..%2fapp.py", "%2e%2e/app.py", "../../settings.py", "//etc/passwd"):
        assert plainly(ours, f"/static/{name}")[0] in (400, 404), name


def test_a_link_in_quarantine_is_not_followed(ours: Served) -> None:
    """Bytes that somebody replaced by a link to elsewhere are neither shown nor downloaded."""
    refused = refused_file(ours)
    secret = ours.home.path / "secret"
    secret.write_text("the secret")
    raw = ours.home.state / "quarantine" / refused / "raw"
    raw.unlink()
    raw.symlink_to(secret)
    for path in (f"/quarantine/{refused}", f"/quarantine/{refused}/raw"):
        assert "the secret" not in ours.client.get(path).text


def test_explaining_a_path_opens_no_file(ours: Served) -> None:
    """Whether a file exists there is not revealed."""
    secret = ours.home.path / "secret.md"
    secret.write_text("---\ntitle: the secret\ndate: 2022-01-01\n---\n\ntext")
    there = ours.client.get("/explain", params={"place": str(secret)}).text
    missing = ours.client.get("/explain", params={"place": str(secret) + "x"}).text
    assert "the secret" not in there
    assert "No accepted file" in there
    name = quote_plus(str(secret))  # in the addresses of the page in other languages
    there = there.replace(str(secret), "").replace(name, "")
    assert there == missing.replace(str(secret) + "x", "").replace(name + "x", "")


def test_downloads_are_octets(ours: Served) -> None:
    """Under a name of ours, never shown as a page."""
    files = [("file", ('<b>"x".html', b"<script>alert(1)</script>", "text/html"))]
    ours.post("/enqueue", files=files, status=202)
    ours.home.work()
    (refused,) = ours.get("/quarantine")["refused"]
    answer = ours.client.get(f"/quarantine/{refused['id']}/raw")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith(f'attachment; filename="{refused["id"]}.raw"')
    assert "<" not in disposition
    page = ours.client.get(f"/quarantine/{refused['id']}").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
