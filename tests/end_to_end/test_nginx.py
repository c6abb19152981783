"""Behind Debian's nginx as docs/operating.md sets it: certificates, headers that clients forge, what waits, streams."""

import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from cloud_server.api.throttle import STRANGER_RATE
from cloud_server.config import read_config
from protocol.limits import WAIT_S_MAX
from tests import quick_start
from tests.cloud_server.api.site_process import (
    ROOT,
    SiteProcess,
    exchange,
    free_port,
    lines_of,
    now_ms,
    post,
    run,
    wait_until_up,
)
from tests.cloud_server.api.test_client_certificates import connection
from tests.cloud_server.site_rig import make_folder
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import account_id, box_id

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
pytestmark = [
    pytest.mark.skipif(NGINX is None, reason="no nginx (apt-get install nginx-light): the proxy is NOT tested"),
    pytest.mark.xdist_group("nginx"),
]
PASSWORD = "a sentence that is long enough"
HEADER = "Tallybox-Client-Certificate"


def documented() -> str:
    """The file as an operator copies it from the page."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"```nginx\n(user www-data;.*?)```", page, re.DOTALL)
    return found


def adapted(folder: Path, tls: Path, port: int, behind: int) -> str:
    """The same for a test: its own ports, files and user. The second process of the centre is not there."""
    text = documented()
    for before, after in (
        ("user www-data;", f"daemon off; lock_file {folder}/lock;"),
        ("worker_processes auto", "worker_processes 1"),
        ("pid /run/nginx.pid", f"pid {folder}/pid"),
        ("error_log /var/log/nginx/error.log warn", f"error_log {folder}/error.log info"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("server_name centre.example", "server_name _"),
        ("127.0.0.1:18444", f"127.0.0.1:{behind}"),
        ("127.0.0.1:18445", f"127.0.0.1:{free_port()}"),
        ("/etc/nginx/tallybox/ca.pem", str(tls.parent / "keys" / "ca.pem")),
        ("/etc/nginx/tallybox", str(tls)),
        (
            "    access_log off;",
            "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in TEMPORARY) + "    access_log off;",
        ),
    ):
        assert before in text, before
        text = text.replace(before, after)
    return text


TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass
class Proxied:
    """The centre as it is reached through nginx, and as nginx reaches it."""

    site: SiteProcess
    behind: str

    def from_address(self, address: str, url: str | None = None) -> httpx.Client:
        """A client that sits at another address of the loopback."""
        wire = httpx.HTTPTransport(verify=self.site.trust, local_address=address)
        return httpx.Client(base_url=url or self.site.url, transport=wire, timeout=40, trust_env=False)


@contextmanager
def centre_behind(folder: Path, port: int, behind: int) -> Iterator[SiteProcess]:
    """The centre's process, which trusts what the proxy says, and nginx in front of it."""
    make_folder(folder, port)
    settings = folder / "site" / "centre.toml"
    text = settings.read_text(encoding="utf-8").replace(
        f'listen = "127.0.0.1:{port}"', f'listen = "127.0.0.1:{behind}"'
    )
    settings.write_text(f'{text}\n[proxy]\ntrusted = ["127.0.0.1"]\n', encoding="utf-8")
    config = read_config(settings)
    words = ("setup", "--config", str(settings), "--json", "--provision-token")
    said = json.loads(quick_start.read("cloud_server", *words))
    trust = ssl.create_default_context(cafile=str(config.keys_dir / "ca.pem"))
    process = run(settings, log=folder / "log")
    site = SiteProcess(config, process, f"https://127.0.0.1:{behind}", trust, said["provision_token"])
    (folder / "nginx").mkdir()
    conf = folder / "nginx" / "nginx.conf"
    conf.write_text(adapted(folder / "nginx", folder / "site" / "tls", port, behind), encoding="utf-8")
    assert NGINX is not None
    try:
        wait_until_up(site, folder / "log", 90)
        site.url = config.site.public_url
        proxy = subprocess.Popen([NGINX, "-e", str(folder / "nginx" / "early.log"), "-c", str(conf)])
        try:
            wait_for(port, proxy, folder / "nginx")
            yield site
        finally:
            proxy.terminate()
            proxy.wait(20)
    finally:
        process.kill()
        process.wait(15)


def wait_for(port: int, proxy: "subprocess.Popen[bytes]", folder: Path) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            told = "".join(path.read_text() for path in folder.glob("*.log"))
            assert proxy.poll() is None, told
            assert time.monotonic() < until, told
            time.sleep(0.05)


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    behind = free_port()
    with centre_behind(tmp_path_factory.mktemp("site"), free_port(), behind) as site:
        site.plan(shops=2)
        yield Proxied(site, f"https://127.0.0.1:{behind}")


@pytest.fixture(scope="module")
def box(proxied: Proxied) -> SpeakingBox:
    """Enrolled through the proxy, without a certificate."""
    return proxied.site.enrol(1)


def certificate(folder: Path) -> str:
    """The one that `connection` left there, as nginx hands it on."""
    pem = (folder / "client.pem").read_text(encoding="ascii")
    return quote(pem[pem.index("-----BEGIN CERTIFICATE") :])


def sync(wire: httpx.Client, box: SpeakingBox, forged: str | None = None) -> httpx.Response:
    box.now_ms = now_ms()
    headers = {} if forged is None else {HEADER: forged}
    wire.headers.update(headers)
    return post(wire, "sync", box.request(0))


def test_the_file_is_good_as_it_is_documented(proxied: Proxied, tmp_path: Path) -> None:
    text = documented()
    assert "ssl_protocols TLSv1.3;" in text
    assert text.count("server 127.0.0.1:") == 2
    old = ssl.create_default_context(cafile=str(proxied.site.config.keys_dir / "ca.pem"))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with httpx.Client(verify=old, trust_env=False) as wire, pytest.raises(httpx.ConnectError):
        wire.get(f"{proxied.site.url}/healthz")


def test_a_box_with_its_certificate_passes(proxied: Proxied, box: SpeakingBox, tmp_path: Path) -> None:
    with connection(proxied.site, tmp_path, box.box) as wire:
        exchange(wire, box)


def test_none_a_foreign_and_a_lapsed_certificate_are_refused(
    proxied: Proxied, box: SpeakingBox, tmp_path: Path
) -> None:
    with proxied.site.client() as wire:
        assert sync(wire, box).status_code == 403
    with connection(proxied.site, tmp_path, box.box, own_ca=False) as wire:
        assert sync(wire, box).status_code == 400
    with connection(proxied.site, tmp_path, box.box, ended=True) as wire:
        assert sync(wire, box).status_code == 400


def test_another_box_s_certificate_is_refused_whatever_header_comes_with_it(
    proxied: Proxied, box: SpeakingBox, tmp_path: Path
) -> None:
    connection(proxied.site, tmp_path, box.box).close()
    own = certificate(tmp_path)
    with connection(proxied.site, tmp_path, box_id(2)) as wire:
        for forged in (None, own):
            answer = sync(wire, box, forged)
            assert (answer.status_code, "names another box" in answer.text) == (401, True)


def test_a_header_is_believed_from_the_proxy_s_address_alone(
    proxied: Proxied, box: SpeakingBox, tmp_path: Path
) -> None:
    """At the process itself, where a stranger on the machine's own network might get."""
    connection(proxied.site, tmp_path, box_id(2)).close()
    other = certificate(tmp_path)
    with proxied.from_address("127.0.0.3", proxied.behind) as wire:
        assert sync(wire, box, other).status_code == 200
    with proxied.from_address("127.0.0.1", proxied.behind) as wire:
        assert sync(wire, box, other).status_code == 401
        assert sync(wire, box, "nonsense").status_code == 401


def test_each_client_is_throttled_by_its_own_address(proxied: Proxied) -> None:
    """A client that says that it is somebody else, at every request, is the same one all the same."""
    with proxied.from_address("127.0.0.2") as guessing, proxied.from_address("127.0.0.4") as other:
        seen = [
            guessing.get(
                "/api/v1/points",
                headers={"Authorization": "Bearer x", "Tallybox-Client-Address": f"192.0.2.{number}"},
            ).status_code
            for number in range(1, STRANGER_RATE.burst * 3)
        ]
        assert 429 in seen
        assert other.get("/api/v1/points", headers={"Authorization": "Bearer x"}).status_code == 401


def test_a_sale_wakes_a_box_that_waits(proxied: Proxied, box: SpeakingBox, tmp_path: Path) -> None:
    with connection(proxied.site, tmp_path, box.box) as wire, proxied.site.client(proxied.site.token("sell")) as till:
        exchange(wire, box)
        before, waits_for_s = len(box.taken), 60
        answers: list[httpx.Response] = []

        def wait() -> None:
            box.now_ms = now_ms()
            answers.append(post(wire, "sync", box.request(WAIT_S_MAX)))

        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(1)
        assert not answers, "it is held"
        body = {"account": account_id(1, 2), "amount": "10.00", "method": "cash"}
        sold = till.post("/api/v1/sales", json=body, headers={"Idempotency-Key": "through nginx"})
        assert sold.status_code == 201, sold.text
        waiting.join(waits_for_s)
    assert answers[0].status_code == 200
    box.take(lines_of(answers[0]))
    assert len(box.taken) == before + 1, "it was answered because of the sale, and not at the end of its wait"


def test_events_pass_one_by_one(proxied: Proxied) -> None:
    """The monitor's stream: its first event arrives while the stream is open."""
    words = {"name": "auditor", "display_name": "Auditor", "password": PASSWORD, "roles": ["auditor"]}
    with proxied.site.client(proxied.site.token("admin")) as api:
        assert api.post("/api/v1/staff", json=words).status_code == 201
    with proxied.site.client() as page:
        token = re.search(r'name="form_token" value="([^"]*)"', page.get("/sign-in").text)
        assert token is not None
        form = {"form_token": unescape(token[1]), "name": "auditor", "password": PASSWORD, "next": "/"}
        signed = page.post("/sign-in", data=form, headers={"Origin": proxied.site.url})
        assert signed.status_code == 303, signed.text
        with page.stream("GET", "/live/monitor") as stream:
            assert stream.status_code == 200
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert next(line for line in stream.iter_lines() if line.startswith("event:"))


def test_a_revoked_box_is_refused_though_its_certificate_is_good(proxied: Proxied, tmp_path: Path) -> None:
    box = proxied.site.enrol(2)
    with connection(proxied.site, tmp_path, box.box) as wire:
        exchange(wire, box)
        with proxied.site.provisioner() as api:
            said = api.post(
                f"/api/v1/boxes/{box.box}/revocation",
                json={"reason": "stolen"},
                headers={"Idempotency-Key": "revoked"},
            )
        assert said.status_code < 300, said.text
        assert sync(wire, box).status_code == 401
