"""The sidebar of somebody with thousands of chats, who keeps order in several tabs, on a phone, and without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.models import Conversation, Folder
from tests.browser.test_page import PHONE, ask, held
from tests.test_organising import chats

HOLD = 'nav[aria-label="Chats"]'


@pytest.fixture
def page(visits, site, alice, cookies_of):
    return cookies_of(visits.window(site), site, alice)


def row(page, title: str):
    return page.locator(HOLD).locator(".row[data-conversation]", has=page.get_by_text(title, exact=True))


def folder(page, name: str):
    return page.locator(HOLD).locator(".folder", has=page.get_by_role("link", name=name, exact=True))


def rows(page):
    return page.locator(HOLD).locator(".row[data-conversation]")


def choose(page, title: str, choice: str) -> None:
    row(page, title).hover()
    row(page, title).locator("[data-menu]").click()
    page.locator("#chat-menu").get_by_role("button", name=choice, exact=True).click()


def drag(page, title: str, target) -> None:
    row(page, title).hover()
    page.evaluate("import('/static/js/dragging.js')")  # people take longer than a browser that is remote-controlled
    row(page, title).drag_to(target)


def toast(page):
    return page.locator(".toast")


def loaded(page, url: str = "/"):
    page.goto(url)
    page.wait_for_load_state()


def test_five_thousand_chats_come_as_one_scrolls(page, alice):
    chats(alice, 5_000)
    loaded(page)
    expect(row(page, "Chat 4999")).to_be_visible()
    assert rows(page).count() < 300
    for number in (4850, 4750, 4650):
        page.locator("[data-sidebar-list]").evaluate("list => (list.scrollTop = list.scrollHeight)")
        expect(row(page, f"Chat {number}")).to_have_count(1)
    shown = rows(page).locator("[data-title]").all_text_contents()
    assert shown == [f"Chat {number}" for number in range(4999, 4999 - len(shown), -1)]
    groups = page.locator("[data-recent] [data-group] h2").all_text_contents()
    assert len(groups) == len(set(groups))
    before = page.locator("[data-sidebar-list]").get_attribute("data-version")
    row(page, "Chat 4990").evaluate("row => row.querySelector('[data-menu]').click()")
    page.locator("#chat-menu").get_by_role("button", name="Archive").click()
    expect(page.locator("[data-sidebar-list]")).not_to_have_attribute("data-version", before)
    expect(row(page, "Chat 4990")).to_have_count(0)
    expect(row(page, "Chat 4700")).to_have_count(1)  # what was loaded further down is still there


def test_pin_archive_and_delete_by_the_menu_with_undo(page, alice):
    chats(alice, 4)
    loaded(page)
    choose(page, "Chat 1", "Pin")
    expect(page.locator("[data-pins] .row")).to_have_text("Chat 1")
    choose(page, "Chat 2", "Archive")
    expect(row(page, "Chat 2")).to_have_count(0)
    toast(page).filter(has_text="in the archive").get_by_role("button", name="Undo").click()
    expect(row(page, "Chat 2")).to_be_visible()
    choose(page, "Chat 3", "Delete")
    expect(row(page, "Chat 3")).to_have_count(0)
    assert Conversation.objects.get(title="Chat 3").trashed_at
    toast(page).filter(has_text="in the trash").get_by_role("button", name="Undo").click()
    expect(row(page, "Chat 3")).to_be_visible()
    choose(page, "Chat 1", "Unpin")
    expect(page.locator("[data-pins]")).to_have_count(0)
    assert rows(page).locator("[data-title]").all_text_contents() == ["Chat 3", "Chat 2", "Chat 1", "Chat 0"]


def test_undo_of_what_was_done_to_another_chat_leaves_the_menu_of_this_one_as_it_is(page, alice):
    here, other = chats(alice, 2)
    services.archive(services.chosen(alice, [here.pk]), here.updated_at)
    loaded(page, f"/c/{here.pk}/")
    choose(page, other.title, "Archive")
    toast(page).get_by_role("button", name="Undo").click()
    expect(row(page, other.title)).to_be_visible()
    page.locator("[data-header-title] [data-menu]").click()
    expect(page.locator("#chat-menu").get_by_role("button", name="Take out of the archive")).to_be_visible()


def test_the_chat_one_looks_at_is_archived_deleted_and_taken_back(page, alice):
    chat = services.create(alice, title="Plans")
    loaded(page, f"/c/{chat.pk}/")
    for choice in ("Archive", "Take out of the archive"):
        page.locator(".header [data-menu]").click()
        page.locator("#chat-menu").get_by_role("button", name=choice, exact=True).click()
        expect(toast(page)).to_have_count(1 if choice == "Archive" else 2)
    page.locator(".header [data-menu]").click()
    page.locator("#chat-menu").get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile(r"[0-9]/$"))
    expect(rows(page)).to_have_count(0)
    toast(page).get_by_role("button", name="Undo").click()
    expect(row(page, "Plans")).to_be_visible()


def test_folders_are_made_filled_by_dragging_renamed_and_deleted(page, alice):
    chats(alice, 3)
    loaded(page)
    page.locator(HOLD).get_by_role("link", name="New folder").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Huế & Đà Nẵng")
    page.keyboard.press("Enter")
    trips = folder(page, "Huế & Đà Nẵng")
    expect(trips).to_be_visible()
    drag(page, "Chat 1", trips)
    expect(row(page, "Chat 1")).to_have_count(0)
    told = toast(page).filter(has_text="The chat is in “Huế & Đà Nẵng” now.")
    told.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-recent] .row")).to_have_count(3)
    drag(page, "Chat 1", trips)
    expect(row(page, "Chat 1")).to_have_count(0)
    trips.get_by_role("button").click()
    expect(trips.locator(".row[data-conversation]")).to_have_text("Chat 1")
    drag(page, "Chat 1", page.locator("[data-recent]"))
    expect(page.locator("[data-recent] .row")).to_have_count(3)
    expect(trips.get_by_text("No chats here yet.")).to_be_visible()
    drag(page, "Chat 2", trips)
    expect(trips.locator(".row[data-conversation]")).to_have_text("Chat 2")
    trips.locator("[data-menu=folder]").click()
    page.locator("#folder-menu").get_by_role("button", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name").fill(" ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_text("Write a name first.")).to_be_visible()
    page.get_by_role("dialog").get_by_label("Name").fill("Trips")
    page.keyboard.press("Enter")
    folder(page, "Trips").locator("[data-menu=folder]").click()
    page.locator("#folder-menu").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete the folder").click()
    expect(page.locator("[data-recent] .row")).to_have_count(3)
    assert not Folder.objects.exists()


def test_moving_by_the_menu_into_a_folder_and_a_new_one(page, alice):
    services.create_folder(alice, "Trips")
    chats(alice, 2)
    loaded(page)
    choose(page, "Chat 0", "Move to a folder…")
    page.get_by_role("dialog").get_by_role("button", name="Trips").click()
    expect(toast(page).filter(has_text="The chat is in “Trips” now.")).to_be_visible()
    choose(page, "Chat 1", "Move to a folder…")
    page.get_by_role("dialog").get_by_label("Or a new folder").fill("Trips")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_text("You have a folder with this name already.")).to_be_visible()
    page.get_by_role("dialog").get_by_label("Or a new folder").fill("Work")
    page.keyboard.press("Enter")
    expect(folder(page, "Work")).to_be_visible()
    expect(page.locator("[data-recent] .row")).to_have_count(0)
    assert {chat.title: chat.folder.name for chat in Conversation.objects.all()} == {
        "Chat 0": "Trips",
        "Chat 1": "Work",
    }


def test_many_are_selected_and_moved_archived_deleted_and_taken_back(page, alice):
    services.create_folder(alice, "Trips")
    chats(alice, 70)
    loaded(page, "/c/")
    boxes = page.locator("[data-rows] input")
    expect(page.get_by_role("button", name="Delete")).to_be_disabled()
    boxes.nth(1).check()
    boxes.nth(4).click(modifiers=["Shift"])
    expect(page.get_by_text("4 selected")).to_be_visible()
    page.get_by_role("button", name="Move").click()
    page.get_by_role("dialog").get_by_role("button", name="Trips").click()
    told = toast(page).filter(has_text="4 chats are in “Trips” now.")
    expect(told).to_be_visible()
    assert Conversation.objects.filter(folder__name="Trips").count() == 4
    told.get_by_role("button", name="Undo").click()
    expect(toast(page).filter(has_text="4 chats are back where they were.")).to_be_visible()
    assert not Conversation.objects.exclude(folder=None).exists()
    boxes.nth(0).check()
    page.get_by_role("button", name="Delete").click()
    expect(toast(page).filter(has_text="The chat is in the trash.")).to_be_visible()
    toast(page).get_by_role("button", name="Undo").click()
    expect(page.locator("[data-rows]").get_by_text("Chat 69", exact=True)).to_be_visible()
    assert not Conversation.objects.exclude(trashed_at=None).exists()
    page.mouse.move(700, 500)
    page.mouse.wheel(0, 20_000)  # the rest comes
    expect(page.locator("[data-rows]").get_by_text("Chat 0", exact=True)).to_be_visible()
    page.get_by_label("Select all").check()
    expect(page.get_by_text("70 selected")).to_be_visible()
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_text("There are no chats yet.")).to_be_visible()
    assert Conversation.objects.exclude(archived_at=None).count() == 70


def test_the_trash_gives_back_deletes_for_good_and_is_emptied(page, alice):
    for chat in chats(alice, 4):
        services.trash(services.chosen(alice, [chat.pk]), chat.updated_at)
    loaded(page, "/c/trash/")
    page.get_by_label("Select “Chat 0”").check()
    page.get_by_role("button", name="Restore").click()
    expect(row(page, "Chat 0")).to_be_visible()
    page.get_by_label("Select “Chat 1”").check()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("dialog")).to_contain_text("Nobody will be able to bring it back: Chat 1")
    page.get_by_role("dialog").get_by_role("button", name="Delete for good").click()
    expect(page.locator("[data-rows] .row")).to_have_count(2)
    page.get_by_role("button", name="Empty the trash").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("The trash is empty.").first).to_be_visible()
    assert Conversation.objects.filter(deleted_at=None).get().title == "Chat 0"


def test_an_answer_that_ends_elsewhere_leaves_a_mark_until_it_is_seen(page, alice, scripted):
    wait, go_on = held()
    scripted.enqueue("It is ", wait, "done.")
    scripted.enqueue_title("A Long Answer")
    loaded(page)
    ask(page, "Take your time")
    expect(page.get_by_text("It is", exact=True)).to_be_visible()
    loaded(page)
    chat = rows(page).first
    expect(chat).to_have_attribute("data-writing", "")
    go_on()
    expect(chat).to_have_attribute("data-unread", "")
    expect(chat.get_by_role("link").first).to_have_accessible_description("A new answer is there.")
    chat.get_by_role("link").first.click()
    expect(page.get_by_text("It is done.")).to_be_visible()
    expect(rows(page).first).not_to_have_attribute("data-unread", "")
    loaded(page)
    expect(rows(page).first).not_to_have_attribute("data-unread", "")


def test_all_tabs_show_the_same(page, alice, scripted):
    chats(alice, 2)
    loaded(page)
    second = page.context.new_page()
    loaded(second)
    choose(page, "Chat 1", "Rename")
    page.keyboard.type("Tên mới")
    page.keyboard.press("Enter")
    expect(row(second, "Tên mới")).to_be_visible()
    choose(page, "Chat 0", "Pin")
    expect(second.locator("[data-pins] .row")).to_have_text("Chat 0")
    choose(second, "Chat 0", "Delete")
    expect(row(page, "Chat 0")).to_have_count(0)
    scripted.enqueue("Hello")
    ask(second, "Hi there")
    expect(row(page, "Scripted title of the chat")).to_be_visible()


def test_another_device_shows_it_when_one_comes_back_to_it(page, visits, site, alice, cookies_of):
    chats(alice, 2)
    page.clock.install()
    loaded(page)
    phone = cookies_of(visits.window(site, **PHONE), site, alice)
    loaded(phone)
    phone.locator(".header [popovertarget=sidebar]").tap()
    row(phone, "Chat 1").locator("[data-menu]").tap()
    phone.locator("#chat-menu").get_by_role("button", name="Delete").tap()
    expect(row(phone, "Chat 1")).to_have_count(0)
    expect(toast(phone).get_by_role("button", name="Undo")).to_be_in_viewport()
    expect(row(page, "Chat 1")).to_be_visible()
    page.clock.fast_forward(10_000)
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(row(page, "Chat 1")).to_have_count(0)
    toast(phone).get_by_role("button", name="Undo").tap()
    expect(row(phone, "Chat 1")).to_have_count(1)


def test_by_keyboard_alone_the_focus_is_never_lost(page, alice):
    chats(alice, 3)
    loaded(page)
    row(page, "Chat 1").locator(".row-link").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#chat-menu").get_by_role("button", name="Rename")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#chat-menu").get_by_role("button", name="Delete")).to_be_focused()
    page.keyboard.press("Enter")
    expect(row(page, "Chat 1")).to_have_count(0)
    expect(row(page, "Chat 0").locator(".row-link")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#chat-menu").get_by_role("button", name="Rename")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("[data-pins] .row")).to_have_text("Chat 0")
    expect(row(page, "Chat 0").locator(".row-more")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(row(page, "Chat 0").locator(".row-more")).to_be_focused()


def test_everything_works_without_scripts(visits, site, alice, cookies_of):
    page = cookies_of(visits.window(site, javascript=False), site, alice)
    chats(alice, 60)
    page.goto("/")
    row(page, "Chat 59").locator("[data-menu]").click()
    page.get_by_role("button", name="Pin").click()
    expect(page.locator("[data-pins] .row")).to_have_text("Chat 59")
    row(page, "Chat 58").locator("[data-menu]").click()
    page.get_by_role("button", name="Move to a folder…").click()
    page.get_by_label("Or a new folder").fill("Trips")
    page.get_by_role("button", name="Create and move").click()
    expect(folder(page, "Trips")).to_be_visible()
    row(page, "Chat 57").locator("[data-menu]").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    toast(page).get_by_role("button", name="Undo").click()
    expect(row(page, "Chat 57")).to_be_visible()
    page.get_by_role("link", name="Older chats").click()
    page.get_by_label("Select “Chat 0”").check()
    page.get_by_label("Select “Chat 1”").check()
    page.locator("main").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("2 chats are in the trash.")).to_be_visible()
    page.get_by_role("link", name="Trash").click()
    page.get_by_role("button", name="Empty the trash").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.locator("main").get_by_text("The trash is empty.")).to_be_visible()
    folder(page, "Trips").locator("[data-menu=folder]").click()
    page.get_by_role("link", name="Delete the folder").click()
    page.get_by_role("button", name="Delete the folder").click()
    expect(row(page, "Chat 58")).to_be_visible()
    assert Conversation.objects.filter(deleted_at=None).count() == 58
