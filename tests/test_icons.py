"""Icons: drawings from the wheel, and how they come into pages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import pytest
from lucide import IconDoesNotExist

from conversations.templatetags import ui


def test_an_icon_is_a_drawing_of_its_size_that_screen_readers_pass_by():
    svg = ElementTree.fromstring(ui.icon("search", 16))
    assert (svg.get("width"), svg.get("height"), svg.get("aria-hidden")) == ("16", "16", "true")
    assert svg.get("stroke-width") == "1.75"
    assert [shape.tag for shape in svg] == ["path", "circle"]


def test_a_name_that_no_icon_has_is_an_error_and_not_an_empty_place():
    with pytest.raises(IconDoesNotExist, match="no-such-icon"):
        ui.icon("no-such-icon")


def test_the_first_pages_of_a_busy_server_share_one_list_of_drawings():
    ui.icon.cache_clear()
    ui._archive.cache_clear()
    names = ["search", "send", "menu", "x", "plus", "pin", "copy", "square"] * 4
    with ThreadPoolExecutor(8) as threads:
        drawn = list(threads.map(ui.icon, names))
    assert len(set(drawn)) == 8
    assert ui._archive.cache_info().misses == 1
