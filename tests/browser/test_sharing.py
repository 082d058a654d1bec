"""Sharing, as people do it: a link to a copy of a chat, read and continued by somebody else."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.test_main_job import ask


def test_a_chat_is_shared_read_without_an_account_and_continued_by_another_person(visits, site, alice, bob, cookies_of):
    own = cookies_of(visits.window(site), site, alice)
    own.goto("/")
    ask(own, "Tell me of the sea")
    expect(own.locator("[data-status=completed]")).to_be_visible()
    own.get_by_role("link", name="Share", exact=True).click()
    expect(own.get_by_role("heading", name="Share this chat")).to_be_visible()
    own.get_by_label("Password (if you want one)").fill("open sesame")
    own.get_by_role("button", name="Make a link").click()
    made = own.get_by_role("textbox", name="Link to “")
    expect(made).to_be_in_viewport()
    link = made.input_value()

    stranger = visits.window(site)
    stranger.goto(link)
    stranger.get_by_label("Password").fill("open sesame")
    stranger.get_by_role("button", name="Open").click()
    expect(stranger.get_by_text("Tell me of the sea").first).to_be_visible()
    stranger.get_by_role("link", name="Continue as my own copy").click()
    stranger.get_by_label("E-mail address or user name").fill("bob")
    stranger.get_by_label("Password").fill("correct horse battery")
    stranger.get_by_role("button", name="Log in").click()
    stranger.get_by_role("button", name="Continue").click()
    expect(stranger.locator(".bubble", has_text="Tell me of the sea")).to_be_visible()
    ask(stranger, "And of the sky?")
    expect(stranger.locator("[data-role=assistant][data-status=completed]")).to_have_count(2)

    own.goto(site + "/shared/")
    expect(own.get_by_text("Viewed once.")).to_be_visible()
    own.get_by_role("button", name="Revoke the link to “").click()
    expect(own.get_by_text("You share nothing yet.")).to_be_visible()
    stranger.goto(link)
    expect(stranger.get_by_text("This link opens nothing")).to_be_visible()
