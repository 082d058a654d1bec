"""deploy/nginx.conf at work: a real nginx, with its default buffering, between a reader and the site."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading

import pytest

from tests.serving import ROOT, Visitor, environment, free_port, manage, production, started
from tests.upstream import Upstream

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="Install nginx to see the site behind it.")

AROUND = """
daemon off; pid {folder}/nginx.pid; error_log stderr warn;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  {servers}
}}
"""


def configuration(folder, port: int, site_port: int) -> str:
    """The project's file with this test's ports, without TLS; everything else as it stands there."""
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{site_port}").replace("chat.example.com", "127.0.0.1")
    text = re.sub(r"server \{\s+listen 80;.*?\n\}", "", text, flags=re.DOTALL)
    text = re.sub(r"^\s+ssl_certificate.*$", "", text, flags=re.MULTILINE)
    text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    return AROUND.format(folder=folder, servers=text)


@pytest.mark.parametrize("protocol", ["1.1", "1.0"])  # ours, and that of an nginx that nobody configured
def test_a_reply_passes_nginx_while_it_is_being_written(tmp_path, protocol):
    site_port, port, first, second = free_port(), free_port(), threading.Event(), threading.Event()
    file = tmp_path / "nginx.conf"
    text = configuration(tmp_path, port, site_port)
    file.write_text(text.replace("proxy_http_version 1.1", f"proxy_http_version {protocol}"), encoding="utf-8")
    with Upstream() as upstream:
        upstream.enqueue("Hello", first, " there", second, " friend")
        server = {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODELS": "test"}
        env = production(tmp_path, HTTPS="0", TRUSTED_PROXIES="1", PORT=str(site_port)) | server
        manage(env, "migrate", "--verbosity", "0")
        manage(env, "collectstatic", "--noinput", "--verbosity", "0")
        name, value = manage(env, "make_sessions", "1").strip().split("=", 1)
        nginx = [NGINX, "-e", "stderr", "-c", str(file)]
        with (
            started((ROOT / "Procfile").read_text().split("web: ")[1].strip(), env, tmp_path, site_port) as site,
            started(nginx, environment(), tmp_path, port) as proxy,
        ):
            site.wait_until_up()
            proxy.wait_until_up()
            visitor = Visitor(port, cookies={name: value})
            form = {"csrfmiddlewaretoken": visitor.token("/"), "content": "Hi", "parent_id": ""}
            answer = visitor.post("/send/", form, **{"X-Requested-With": "fetch"})
            assert answer.status == 200, answer.text
            events = visitor.events(re.search(r'data-follow="([^"]+)"', answer.text)[1])
            assert any("Hello" in str(data) for _, data in events)
            first.set()  # each time the model goes on only when what it said has passed
            assert any("there" in str(data) for _, data in events)
            second.set()
            assert [data["status"] for kind, data in events if kind == "done"] == ["completed"]


def test_the_file_as_it_stands_is_understood_by_nginx(tmp_path):
    certificate = tmp_path / "chat.example.com"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=chat.example.com"]
    command += ["-keyout", f"{certificate}.key", "-out", f"{certificate}.pem"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8").replace("/etc/ssl", str(tmp_path))
    file = tmp_path / "nginx.conf"
    file.write_text(AROUND.format(folder=tmp_path, servers=text), encoding="utf-8")
    done = subprocess.run(
        [NGINX, "-e", "stderr", "-t", "-c", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
