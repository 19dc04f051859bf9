"""The report in a real browser; skipped where none is installed."""

import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

import goodfit
from tests.reporting.conftest import SCRIPT, TARGET

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

PHONE, DESK = 390, 1280


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def paths(swept, single, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    return {name: goodfit.report(run, folder / f"{name}.html") for name, run in (("swept", swept), ("single", single))}


@pytest.fixture
def visit(browser, paths):
    """Opens a report; afterwards nothing may have been said on the console, asked for, or popped up."""
    contexts, heard = [], []

    def opened(name, *, width=DESK, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("dialog", lambda dialog: heard.append(dialog.message))
        page.on("request", lambda request: heard.append(request.url) if request.url != url else None)
        url = paths[name].as_uri()
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert heard == []


def shown(page):
    """Numbers of the trainings whose curves, weights or sentence can be seen."""
    return page.evaluate(
        "[...new Set([...document.querySelectorAll('.of')]"
        ".filter(e => getComputedStyle(e).display != 'none').map(e => e.classList[1]))]"
    )


def test_a_click_on_a_cell_shows_its_curves_weights_and_sentence(visit):
    page = visit("swept")
    (before,) = shown(page)
    other = page.locator(f"input[name=trial]:not(#{before})").first
    number = other.get_attribute("id")
    page.locator(f"label[for={number}]").locator("..").click()
    assert shown(page) == [number]
    for figure in ("#trial-curves path", "#trial-weights path", "p"):
        assert page.locator(f"{figure}.{number}").first.is_visible()
    assert page.locator(f"#trial-curves path.{before}").first.is_hidden()


def test_the_grid_can_be_reached_and_walked_by_keyboard(visit):
    page = visit("swept")
    (before,) = shown(page)
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "trial":
            break
    assert page.evaluate("document.activeElement.id") == before
    focus = "getComputedStyle(document.activeElement.nextElementSibling).outlineStyle"
    assert page.evaluate(focus) == "solid"
    page.keyboard.press("ArrowRight")
    (after,) = shown(page)
    assert after != before
    assert page.evaluate("document.activeElement.id") == after


@pytest.mark.parametrize("name", ["swept", "single"])
@pytest.mark.parametrize(("width", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_it_passes_the_rules_of_accessibility_and_fits_the_window(visit, name, width, scheme):
    page = visit(name, width=width, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.locator("svg:not([role=img]), svg:not([aria-label])").count() == 0


def test_colours_follow_the_scheme_of_the_reader(visit):
    backgrounds = {
        scheme: visit("single", scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    }
    assert backgrounds["light"] != backgrounds["dark"]


def test_words_in_charts_stay_readable_on_a_phone(visit):
    page = visit("swept", width=PHONE)
    scale = "e => e.getBoundingClientRect().width / e.viewBox.baseVal.width"
    assert min(page.evaluate(f"[...document.querySelectorAll('svg')].map({scale})")) > 0.95


def test_names_that_mean_harm_are_words_and_nothing_else(visit):
    page = visit("swept")
    assert page.locator("script, img, iframe, object, embed, body svg [onload]").count() == 0
    assert page.locator("th", has_text=SCRIPT).count() == 4  # a row and a column of both confusion matrices
    assert TARGET[:30] in page.title()
    assert "\u202e" not in page.content()
    assert "\x00" not in page.content()


def test_scripts_could_not_run_even_if_they_came_in(browser, paths):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(paths["single"].as_uri())
        refused = []
        page.on("console", lambda message: refused.append(message.text))
        page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), {text: 'document.title=1'}))"
        )
        page.wait_for_timeout(50)
        assert page.title() != "1"
        assert any("Content Security Policy" in text for text in refused)
