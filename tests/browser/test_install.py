"""A phone without network: the page says so, and opens the chat by itself once the network is back."""

from __future__ import annotations

from playwright.sync_api import expect


def test_whoever_is_offline_sees_it_said_and_is_back_by_itself(site, visits, alice, cookies_of):
    page = cookies_of(visits.window(site, service_workers="allow"), site, alice)
    page.goto("/")
    page.evaluate("navigator.serviceWorker.register('/worker.js')")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("async () => (await caches.keys()).length > 0")
    page.reload()
    page.context.set_offline(True)
    page.goto("/models/")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    assert page.locator(".card").evaluate("card => getComputedStyle(card).borderTopStyle") == "solid"  # styled
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Models")).to_be_visible()
