"""What hands on the keyboard can do, and that keys stay letters where somebody writes."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Tab

pytestmark = pytest.mark.usefixtures("model")


def focused(tab: Tab) -> str:
    return str(tab.page.evaluate("document.activeElement.getAttribute('href') ?? document.activeElement.tagName"))


def test_j_and_k_go_through_rows_and_enter_opens_one(tab: Tab) -> None:
    tab.open("/proofs")
    rows = tab.page.locator("main tbody th a")
    first, second = (rows.nth(place).get_attribute("href") for place in (0, 1))
    for key, here in (("j", first), ("j", second), ("k", first), ("k", first)):
        tab.page.keyboard.press(key)
        assert focused(tab) == here
    ring = tab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid"
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url(f"**{first}")


def test_x_chooses_rows_and_c_compares_them(tab: Tab) -> None:
    tab.open("/proofs")
    tab.page.keyboard.press("c")
    expect(tab.page.get_by_role("status").filter(has_text="two or more")).to_be_visible()
    for key in "jxjxx":
        tab.page.keyboard.press(key)
    assert tab.page.locator("input[form=compare]:checked").count() == 1
    tab.page.keyboard.press("x")
    expect(tab.page.get_by_role("status").filter(has_text="2 chosen")).to_be_visible()
    tab.page.keyboard.press("c")
    tab.page.wait_for_url("**/compare?proof=*&proof=*")
    expect(tab.page.get_by_role("heading", name="2 proofs compared")).to_be_visible()


def test_keys_are_letters_in_a_field(tab: Tab) -> None:
    tab.open("/proofs")
    tab.page.keyboard.press("/")
    expect(tab.page.get_by_label("Model")).to_be_focused()
    tab.page.keyboard.type("jx?c/k")
    expect(tab.page.get_by_label("Model")).to_have_value("jx?c/k")
    expect(tab.page.locator("dialog[open]")).to_have_count(0)
    assert tab.page.url.endswith("/proofs")


def test_the_question_mark_lists_every_key(tab: Tab) -> None:
    tab.open("/models")
    tab.page.keyboard.press("?")
    dialog = tab.page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    for key in ("/", "j", "k", "x", "c", "Enter", "?"):
        expect(dialog.locator("kbd", has_text=key).first).to_be_visible()
    tab.page.keyboard.press("j")  # behind the list nothing moves
    assert "/models/" not in focused(tab)
    tab.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_keys_can_be_turned_off_and_stay_off(tab: Tab) -> None:
    tab.open("/models")
    tab.page.get_by_role("button", name="Keys").click()
    tab.page.get_by_label("Single keys do something").uncheck()
    tab.page.get_by_role("button", name="Close").click()
    tab.open("/proofs")
    tab.page.keyboard.press("j")
    assert focused(tab) == "BODY"
    tab.page.keyboard.press("?")
    expect(tab.page.locator("dialog[open]")).to_have_count(0)
