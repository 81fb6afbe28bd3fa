"""A box that is drawn over a front is a list of the proofs in it."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.sync_api import Locator, expect

from tests.browser.conftest import DEADLINE_S, Tab

WAIT_MS = DEADLINE_S * 1000


def drawn(tab: Tab, path: str) -> Locator:
    tab.open(path)
    plot = tab.page.locator("[data-plot][data-box]")
    expect(plot).to_have_attribute("data-drawn", "yes", timeout=WAIT_MS)
    plot.scroll_into_view_if_needed()
    return plot


def drag(tab: Tab, plot: Locator, *, left: float, right: float) -> None:
    """Over the whole height, from one share of the width to another."""
    box = plot.locator(".nsewdrag").first.bounding_box()
    assert box is not None
    tab.page.mouse.move(box["x"] + left * box["width"], box["y"] + 2)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + right * box["width"], box["y"] + box["height"] - 2, steps=8)
    tab.page.mouse.up()


def test_a_box_on_a_front_lists_the_proofs_in_it(tab: Tab, model: str) -> None:
    plot = drawn(tab, f"/models/{model}")
    drag(tab, plot, left=0.001, right=0.999)
    link = tab.page.get_by_role("link", name=re.compile("in the box"))
    expect(link).to_have_text("2 proofs in the box: list them", timeout=WAIT_MS)
    filters = {name: values[0] for name, values in parse_qs(urlsplit(str(link.get_attribute("href"))).query).items()}
    results = httpx.get(f"{tab.base}/api/v1/models/{model}/proofs").json()["items"]
    lengths = sorted(int(one["length"]["measured-v1"]) for one in results if one["bound"] is not None)
    assert float(filters["length__gte"]) < lengths[0] <= lengths[-1] < float(filters["length__lte"])
    assert filters["model_digest"] == model
    link.click()
    tab.page.wait_for_url("**/proofs?*length__gte=*")
    expect(tab.page.locator("main tbody tr")).to_have_count(2)


def test_a_smaller_box_holds_fewer_and_a_double_click_takes_it_away(tab: Tab, model: str) -> None:
    plot = drawn(tab, f"/models/{model}")
    marks = plot.locator(".scatterlayer .points path")
    places = sorted(box["x"] for box in (one.bounding_box() for one in marks.all()) if box)
    area = plot.locator(".nsewdrag").first.bounding_box()
    assert area is not None
    between = ((places[0] + places[-1]) / 2 - area["x"]) / area["width"]
    drag(tab, plot, left=0.001, right=between)
    expect(tab.page.get_by_role("link", name="1 proof in the box: list it")).to_be_visible(timeout=WAIT_MS)
    tab.page.mouse.dblclick(area["x"] + area["width"] * 0.9, area["y"] + area["height"] * 0.9)
    expect(tab.page.get_by_text("Drag a box to list")).to_be_visible(timeout=WAIT_MS)
