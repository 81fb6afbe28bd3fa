"""A proof is checked again from its page, with JavaScript and without."""

import re

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.app.web import scenes
from tests.browser.conftest import DEADLINE_S, Tab
from tests.waiting import until

WAIT_MS = DEADLINE_S * 1000


@pytest.fixture(scope="module")
def proof(board: str) -> int:
    """A finished proof that nobody has checked again."""
    digest = httpx.post(f"{board}/api/v1/models", content=scenes.checkpoint(seed=21)).json()["digest"]
    asked = httpx.post(f"{board}/api/v1/proofs", json={"model": digest, "wanted": [{"strategy": "cubic"}]}).json()[0]
    address = f"{board}/api/v1/proofs/{asked['id']}"
    until(lambda: httpx.get(address).json()["state"] == "done", "the proof to end")
    return int(asked["id"])


def test_the_page_fills_in_the_answer_by_itself_and_keeps_what_is_unfolded(tab: Tab, proof: int) -> None:
    tab.open(f"/proofs/{proof}")
    checks = tab.page.locator("#checks")
    expect(checks).to_contain_text("Nobody has checked this proof again yet.")
    checks.get_by_role("button", name="engine").click()
    tab.page.evaluate("window.sameDocument = true")
    expect(checks).to_contain_text(
        re.compile("Re-checked once, .* by local with engine .*: confirmed"), timeout=WAIT_MS
    )
    checks.locator("summary").click()
    checks.get_by_role("button", name="independent checker").click()
    expect(checks).to_contain_text("Re-checked 2 times", timeout=WAIT_MS)
    checks.locator("summary").click()
    tab.page.evaluate("window.sameDocument = true")
    httpx.post(f"{tab.base}/api/v1/proofs/{proof}/checks", json={})  # somebody else asks
    expect(checks).to_contain_text("Re-checked 3 times", timeout=WAIT_MS)
    expect(checks.locator("tbody tr")).to_have_count(3)
    assert checks.locator("tbody").is_visible(), "the list folded itself"
    assert tab.page.evaluate("window.sameDocument"), "the page was loaded again"


def test_the_form_works_without_javascript(chromium: Browser, board: str, proof: int) -> None:
    before = len(httpx.get(f"{board}/api/v1/proofs/{proof}/checks").json()["items"])
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{board}/proofs/{proof}")
    page.locator("#checks").get_by_role("button", name="engine").click()
    assert page.url.endswith(f"/proofs/{proof}#checks")

    def answered() -> bool:
        page.reload()
        return f"Re-checked {before + 1} times" in page.locator("#checks").inner_text().replace("once", "1 times")

    until(answered, "the answer on the page")
    page.locator("#checks summary").click()
    assert page.locator("#checks tbody tr").count() == before + 1
    context.close()
