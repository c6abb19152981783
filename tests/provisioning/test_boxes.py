"""`provision box` and `site apply` against an HTTPS server that plays the centre's part, with this site's own CA."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from provisioning.cli import main
from provisioning.init_site import InitRequest, carry_out
from tests.provisioning.test_site_plan import small_plan, write_plan

BOX = "a" * 32
FINGERPRINT = "0123 4567 89ab cdef"
CLAIM = f"""format = 1
box = "{BOX}"
centre = "https://centre:1"
ca_pem = '''
line
'''
expires_at_ms = 1790000000000
"""


class Centre:
    """What the server answers, and what it heard."""

    def __init__(self) -> None:
        self.state = "planned"
        self.heard: list[tuple[str, str, Any]] = []
        self.tokens: list[str] = []
        self.refusal: tuple[int, dict[str, Any]] | None = None

    def answer(self, method: str, path: str) -> tuple[int, str]:
        if self.refusal is not None:
            return self.refusal[0], json.dumps(self.refusal[1])
        match method, path.removeprefix("/api/v1"):
            case "GET", "/boxes":
                shown = FINGERPRINT if self.state == "waiting" else None
                box = {"box": BOX, "name": "A1", "state": self.state, "fingerprint": shown}
                return 200, json.dumps({"items": [box], "next": None})
            case "POST", _:
                return (200, CLAIM) if path.endswith(f"/boxes/{BOX}/claim") else (200, "{}")
            case "PUT", "/site/plan":
                return 200, '{"changed": true}'
        return 404, '{"title": "not found"}'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    request = InitRequest(
        folder, folder / "root", folder / "journal", "A", "Asia/Shanghai", "CNY", "https://localhost:1", "127.0.0.1:1"
    )
    carry_out(request, None)
    (folder / "token").write_text("secret-token\n")
    return folder


@pytest.fixture
def centre() -> Centre:
    return Centre()


@pytest.fixture
def words(site: Path, centre: Centre) -> Iterator[list[str]]:
    """The options that lead to a running server."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            centre.heard.append((self.command, self.path, self.rfile.read(size).decode()))
            centre.tokens.append(self.headers["Authorization"])
            status, text = centre.answer(self.command, self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 — the names that http.server looks for

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site / "tls" / "centre.pem", site / "tls" / "centre.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"https://127.0.0.1:{server.server_address[1]}"
    yield ["--url", url, "--ca", str(site / "keys" / "ca.pem"), "--token-file", str(site / "token"), "--json"]
    server.shutdown()
    server.server_close()


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_list(words: list[str], centre: Centre, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["box", "list", *words]) == 0
    assert said(capsys)["boxes"][0] == {
        "box": BOX, "name": "A1", "state": "planned", "fingerprint": None, "replacement": None, "epoch": None,
        "seen_at_ms": None,
    }  # fmt: skip
    assert centre.tokens == ["Bearer secret-token"]


@pytest.mark.parametrize("name", ["A1", BOX])
def test_add_writes_a_claim_that_only_its_owner_reads(
    words: list[str], tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "claim.toml"
    assert main(["box", "add", name, "--out", str(path), *words]) == 0
    assert path.read_text() == CLAIM
    assert path.stat().st_mode & 0o777 == 0o600
    assert said(capsys) == {"box": BOX, "claim": str(path), "expires_at_ms": 1_790_000_000_000}


def test_add_may_name_another_way_to_the_centre(words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "claim.toml"
    assert main(["box", "add", "A1", "--out", str(path), "--centre-address", "https://10.0.0.2:18444", *words]) == 0
    assert path.read_text() == CLAIM.replace("https://centre:1", "https://10.0.0.2:18444").replace(
        "'''\nline\n'''", '"line\\n"'
    )


def test_add_does_not_write_over_a_claim(words: list[str], centre: Centre, tmp_path: Path) -> None:
    path = tmp_path / "claim.toml"
    path.write_text("old")
    assert main(["box", "add", "A1", "--out", str(path), *words]) == 2
    assert (path.read_text(), centre.heard) == ("old", [])
    assert main(["box", "add", "A1", "--out", str(path), "--replace", *words]) == 0
    assert path.read_text() == CLAIM


def test_unknown_box_names_those_there_are(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["box", "add", "B7", *words]) == 1
    assert said(capsys)["error"] == "B7: no such box; the plan has A1"


@pytest.mark.parametrize("typed", [FINGERPRINT, "0123-4567-89AB-CDEF", "0123456789abcdef"])
def test_confirm_takes_the_fingerprint_as_people_type_it(words: list[str], centre: Centre, typed: str) -> None:
    centre.state = "waiting"
    assert main(["box", "confirm", "A1", typed, *words]) == 0
    assert centre.heard[-1][:2] == ("POST", f"/api/v1/boxes/{BOX}/confirm")
    assert json.loads(centre.heard[-1][2]) == {"fingerprint": FINGERPRINT}


def test_confirm_of_another_fingerprint_is_refused_here(
    words: list[str], centre: Centre, capsys: pytest.CaptureFixture[str]
) -> None:
    centre.state = "waiting"
    assert main(["box", "confirm", "A1", "0123 4567 89ab cdee", *words]) == 1
    assert "another machine may have used its claim" in said(capsys)["error"]
    assert [method for method, _, _ in centre.heard] == ["GET"]


def test_confirm_before_the_box_has_asked(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["box", "confirm", "A1", FINGERPRINT, *words]) == 1
    assert "box A1 is planned" in said(capsys)["error"]


def test_apply_keeps_ids_and_sends_the_plan(
    words: list[str], centre: Centre, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_plan(tmp_path, small_plan())
    assert main(["site", "apply", str(path), "--yes", *words]) == 0
    assert said(capsys)["answer"] == {"changed": True}
    sent = json.loads(centre.heard[-1][2])
    ids = json.loads((tmp_path / "street.ids.json").read_text())
    assert sent["boxes"][0]["box"] == ids["box"]["A1"]
    assert main(["site", "apply", str(path), "--yes", *words]) == 0
    assert json.loads(centre.heard[-1][2]) == sent


def test_apply_without_a_yes_sends_nothing(words: list[str], centre: Centre, tmp_path: Path) -> None:
    assert main(["site", "apply", str(write_plan(tmp_path, small_plan())), *words]) == 2
    assert centre.heard == []
    assert not (tmp_path / "street.ids.json").exists()


def test_a_refusal_shows_every_mistake_that_the_centre_names(
    words: list[str], centre: Centre, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = [{"field": "points[0].number", "value": "101", "message": "taken"}, {"message": "also this"}]
    centre.refusal = (422, {"title": "the plan was not taken", "errors": errors})
    assert main(["site", "apply", str(write_plan(tmp_path, small_plan())), "--yes", *words]) == 1
    shown = said(capsys)
    assert shown["error"] == "the centre refused (422): the plan was not taken"
    assert shown["errors"] == ["points[0].number: 101: taken", "also this"]


def test_another_sites_certificate_is_not_believed(
    words: list[str], centre: Centre, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = InitRequest(tmp_path, tmp_path, tmp_path, "B", "Asia/Shanghai", "CNY", "https://localhost", "127.0.0.1:1")
    carry_out(request, None)
    assert main(["box", "list", *words, "--ca", str(tmp_path / "keys" / "ca.pem")]) == 3
    assert "CERTIFICATE_VERIFY_FAILED" in said(capsys)["error"]
    assert centre.heard == []


def test_nobody_answers(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--dir", str(site), "--token-file", str(site / "token"), "--json"]
    assert main(["box", "list", *words]) == 3
    assert "https://localhost:1: the centre does not answer" in said(capsys)["error"]


def test_all_that_is_missing_to_speak_with_the_centre(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TALLYBOX_TOKEN", raising=False)
    assert main(["box", "list"]) == 2
    shown = capsys.readouterr().err
    for part in ("--url", "--ca FILE", "--token-file FILE (or TALLYBOX_TOKEN)"):
        assert part in shown


@pytest.mark.parametrize(
    ("word", "plan"),
    [
        (("revoke",), "nothing that it signs is believed any more"),
        (("retire",), "once a second person says yes"),
        (("replace",), "what serves there goes on until a person has confirmed the other"),
        (("decide", "--goes-on", "present"), "the one with the key on record goes on here"),
    ],
)
def test_what_is_decided_about_hardware_is_shown_first_and_wants_a_yes(
    words: list[str],
    centre: Centre,
    word: tuple[str, ...],
    plan: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return "n"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", answer)
    why = ["--out", str(tmp_path / "claim.toml")] if word[0] == "replace" else ["--reason", "stolen"]
    assert main(["box", word[0], "A1", *word[1:], *why, *words]) == 2
    assert plan in asked[0]
    assert [method for method, _, _ in centre.heard if method == "POST"] == []


def test_what_has_ended_already_is_left_as_it_is(
    words: list[str], centre: Centre, capsys: pytest.CaptureFixture[str]
) -> None:
    for word, state in (("revoke", "revoked"), ("retire", "retired")):
        centre.state = state
        assert main(["box", word, "A1", "--reason", "again", *words]) == 0
        assert said(capsys) == {"state": state}
    centre.state = "enrolled"
    assert main(["box", "revoke", "A1", "--reason", "stolen", "--yes", *words]) == 0
    assert [path for method, path, _ in centre.heard if method == "POST"] == [f"/api/v1/boxes/{BOX}/revocation"]
