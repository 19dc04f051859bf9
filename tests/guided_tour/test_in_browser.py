"""The tour in a real browser; skipped where none is installed."""

import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

PHONE, DESK = 390, 1280


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture(params=[(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone"])
def opened(request, browser, page):
    """The tour in a window; afterwards nothing may have been said on the console or asked for."""
    width, scheme = request.param
    heard, url = [], page.as_uri()
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:
        window = context.new_page()
        window.on("console", lambda message: heard.append(message.text))
        window.on("pageerror", lambda error: heard.append(str(error)))
        window.on("request", lambda asked: heard.append(asked.url) if asked.url != url else None)
        window.goto(url)
        yield window
    assert heard == []


def test_it_passes_the_rules_of_accessibility_and_fits_the_window(opened):
    assert opened.evaluate("document.documentElement.scrollWidth") == opened.viewport_size["width"]
    found = Axe().run(opened)
    assert found.violations_count == 0, found.generate_report()
    assert opened.locator("svg:not([role=img]), svg:not([aria-label])").count() == 0


def test_words_in_pictures_stay_readable(opened):
    scale = "e => e.getBoundingClientRect().width / e.viewBox.baseVal.width"
    assert min(opened.evaluate(f"[...document.querySelectorAll('svg')].map({scale})")) > 0.95


def test_every_chapter_is_reached_from_the_top_by_keyboard(opened):
    n_chapters = opened.locator("section.chapter").count()
    for _ in range(n_chapters):
        opened.keyboard.press("Tab")
    opened.keyboard.press("Enter")
    last = opened.locator("section.chapter").last
    opened.wait_for_url(f"**#{last.get_attribute('id')}")
    assert last.evaluate("e => e.getBoundingClientRect().top < innerHeight")
