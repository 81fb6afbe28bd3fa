"""What a person does: upload a model, queue strategies, watch, read."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app.web import scenes
from tests.browser.conftest import DEADLINE_S, Tab
from tests.processes import ROOT
from tests.waiting import until

CHECKPOINT = ROOT / "tests" / "data" / "k3_v10_d8_seed123" / "weights.safetensors"
WAIT_MS = DEADLINE_S * 1000
STRICT = ("brute-force", "cubic", "separable-cubic", "separable-quadratic")


def drawn(page: Page) -> bool:
    """Evaluated from outside: a string run in the page would break its content security policy."""
    return bool(page.evaluate("[...document.querySelectorAll('[data-plot]')].every(plot => plot.dataset.drawn)"))


def scroll_through(page: Page) -> None:
    """Plots are drawn when they come near the window."""
    for part in range(9):
        page.evaluate(f"scrollTo(0, document.body.scrollHeight * {part / 8})")
        page.evaluate("new Promise(requestAnimationFrame)")


def test_upload_prove_watch_and_open_a_proof(tab: Tab) -> None:
    page = tab.page
    tab.open("/upload")
    page.set_input_files("input[type=file]", CHECKPOINT)
    page.get_by_label("Name").fill("a real model")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="a real model")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("No results yet")).to_be_visible()

    for strategy in STRICT:
        page.locator(f"input[value='{strategy}:strict']").check()
    page.get_by_role("button", name="Queue the ticked ones").click()
    page.evaluate("window.sameDocument = true")

    rows = page.locator("#proofs tbody tr")
    expect(rows).to_have_count(len(STRICT))
    expect(rows.locator(".label.proved").first).to_be_visible(timeout=WAIT_MS)
    for row in range(len(STRICT)):
        expect(rows.nth(row).locator("td").first).to_contain_text("proved", timeout=WAIT_MS)
    expect(page.locator("[data-live=facts]")).to_contain_text("≥ 1", timeout=WAIT_MS)  # it is never wrong
    assert page.evaluate("window.sameDocument"), "the page was loaded again"

    front = page.locator("[data-live=front-area] [data-plot]")
    expect(front).to_have_attribute("data-drawn", "yes", timeout=WAIT_MS)
    marks = front.locator(".scatterlayer .points path")
    until(lambda: marks.count() == len(STRICT), "a mark for every proof")
    assert front.locator(".scatterlayer .lines path").count() >= 1
    assert page.locator("[data-live=steps-front] tbody tr").count() >= 2

    front.scroll_into_view_if_needed()
    marks.last.click(force=True)
    page.wait_for_url("**/proofs/*")
    expect(page.locator(".claim")).to_contain_text("sequences are answered correctly")
    expect(page.locator(".claim")).to_contain_text("= 1,000")
    scroll_through(page)
    until(lambda: drawn(page), "the blocks to be drawn")


def test_circuits_are_drawn_as_heat_maps(tab: Tab, model: str) -> None:
    tab.open(f"/models/{model}")
    scroll_through(tab.page)
    until(lambda: drawn(tab.page), "all plots to be drawn")
    assert tab.page.locator("[data-key] .heatmaplayer image").count() == 5


def test_a_file_is_dropped(tab: Tab) -> None:
    tab.open("/upload")
    content = list(scenes.checkpoint(seed=77))
    dropped: Any = tab.page.evaluate_handle(
        """bytes => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "dropped.safetensors"));
            return transfer;
        }""",
        content,
    )
    tab.page.dispatch_event("[data-drop]", "drop", {"dataTransfer": dropped})
    expect(tab.page.get_by_role("heading", name="dropped")).to_be_visible(timeout=WAIT_MS)


def test_a_refusal_says_why_and_the_page_stays(chromium: Browser, board: str, tmp_path: Path) -> None:
    pickle = tmp_path / "model.safetensors"
    pickle.write_bytes(b"PK\x03\x04" + b"\0" * 200)
    page = chromium.new_page()
    page.goto(f"{board}/upload")
    page.set_input_files("input[type=file]", pickle)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("Pickles can run code", timeout=WAIT_MS)
    assert page.url.endswith("/upload")
    page.close()


def paths(board: str, digest: str) -> list[str]:
    proof = httpx.get(f"{board}/api/v1/models/{digest}/proofs").json()["items"][0]["id"]
    return ["/", "/models", f"/models/{digest}", "/proofs", f"/proofs/{proof}", "/queue", "/strategies", "/upload"]


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light"), (1280, "dark")])
def test_every_page_fits_and_complains_of_nothing(
    chromium: Browser, board: str, model: str, width: int, scheme: Any
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    for path in paths(board, model):
        opened = Tab(context.new_page(), board)
        opened.listen()
        opened.open(path)
        scroll_through(opened.page)
        until(lambda page=opened.page: drawn(page), f"{path} to be drawn")  # type: ignore[misc]
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width, path
        background = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = sum(int(part) for part in background.removeprefix("rgb(").removesuffix(")").split(",")) / 3
        assert (brightness > 127) == (scheme == "light"), path
        assert opened.complaints == [], path
        opened.page.close()
    context.close()


def test_a_chosen_theme_stays(tab: Tab, model: str) -> None:
    tab.open("/")
    tab.page.get_by_role("button", name="Switch between light and dark").click()
    assert tab.page.evaluate("document.documentElement.dataset.theme") == "dark"
    tab.open("/models")
    assert tab.page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_forms_and_tables_work_without_javascript(chromium: Browser, board: str, tmp_path: Path) -> None:
    file = tmp_path / "plain.safetensors"
    file.write_bytes(scenes.checkpoint(seed=11))
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{board}/upload")
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="plain")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("button", name="Queue all").click()
    assert page.locator("#proofs tbody tr").count() >= 6
    page.goto(f"{board}/models?name__contains=plain")
    expect(page.locator("tbody tr")).to_have_count(1)
    context.close()


def test_the_slash_key_searches(tab: Tab, model: str) -> None:
    tab.open("/models")
    tab.page.keyboard.press("/")
    expect(tab.page.get_by_label("Name")).to_be_focused()
