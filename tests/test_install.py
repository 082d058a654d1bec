"""The site as an app: what browsers ask for before they offer to install it, and the page for those who are offline."""

from __future__ import annotations

import io
import struct

import pytest
from django.contrib.staticfiles import finders

pytestmark = pytest.mark.django_db


def test_the_manifest_names_the_site_and_where_it_starts(client, settings):
    settings.SITE_NAME = "Trợ lý của nhóm"
    response = client.get("/manifest.webmanifest")
    data = response.json()
    assert response["Content-Type"] == "application/manifest+json"
    assert (data["name"], data["start_url"], data["display"]) == ("Trợ lý của nhóm", "/", "standalone")
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in data["icons"]}
    assert any(icon.get("purpose") == "maskable" for icon in data["icons"])


def test_it_is_in_the_language_of_the_browser(client):
    data = client.get("/manifest.webmanifest", headers={"accept-language": "vi"}).json()
    assert data["lang"] == "vi"
    assert data["shortcuts"][0]["name"] == "Cuộc trò chuyện mới"


@pytest.mark.parametrize(("name", "pixels"), [("icon-192", 192), ("icon-512", 512), ("icon-maskable", 512)])
def test_each_icon_has_the_size_that_the_manifest_says(name, pixels):
    with open(finders.find(f"img/{name}.png"), "rb") as file:
        header = io.BytesIO(file.read(24))
    header.seek(16)
    assert struct.unpack(">II", header.read(8)) == (pixels, pixels)


def test_what_is_kept_on_the_device_knows_nobody(client, alice):
    client.force_login(alice)
    page = client.get("/offline/").content.decode()
    assert "No connection" in page
    assert "alice" not in page
    worker = client.get("/worker.js")
    assert worker["Cache-Control"] == "no-cache"
    assert 'credentials: "omit"' in worker.content.decode()


def test_all_that_the_worker_keeps_can_be_had_without_a_session(client):
    lines = client.get("/worker.js").content.decode().splitlines()
    listed = next(line for line in lines if line.startswith("const FILES"))
    addresses = [part for part in listed.split('"') if part.startswith(("/", "\\u002F"))]
    addresses = [address.encode().decode("unicode_escape") for address in addresses]
    assert "/offline/" in addresses
    for address in addresses:
        if address.startswith("/static/"):
            assert finders.find(address.removeprefix("/static/")), address
        else:
            assert client.get(address).status_code == 200, address
