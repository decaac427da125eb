"""The site in a real browser, opened from the file system: it works by mouse and keyboard, and asks for nothing."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "make"))

from made_results import MODELS, result_file, write_board

from xraybench.report import leaderboard, results

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'xraybench[e2e]'")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on the PATH: apt-get install chromium")
N_MODELS = 24
TASK = "tasks/mail-any-any-any-v1.html"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    crowd = [replace(MODELS[i % 5], name=f"model-{i:02d}", skill=1.8 - i / 12) for i in range(N_MODELS)]
    folder = tmp_path_factory.mktemp("board")
    board = write_board(folder, vectors=("mail",), models=(*crowd, MODELS[5]), all_axes=False)
    leaderboard.build(board)
    return board / "site"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Watched:
    """A page, what its console said, and what it asked for."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.said, self.asked = page, [], []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(address)

    def rows(self, table: str) -> list[str]:
        """The first cells that are row heads of the rows that can be seen."""
        found = self.page.locator(f"#{table} tbody tr:visible th[scope=row]").all_inner_texts()
        return [text.split("\n")[0] for text in found]


@pytest.fixture
def open_page(browser: Browser, site: Path) -> Iterator[object]:
    context = browser.new_context(accept_downloads=True)
    yield lambda name: Watched(context.new_page(), (site / name).as_uri())
    context.close()


def test_every_kind_of_page_loads_from_a_file_without_error_or_request(open_page, site: Path) -> None:
    real = next(p.name for p in site.glob("baggage*.html"))
    for name in ("index.html", "mail-raw.html", "mail-colour.html", real, TASK):
        watched = open_page(name)
        assert watched.said == [], name
        assert watched.asked == [(site / name).as_uri()], name
        assert watched.page.locator("h1").count() == 1


def test_links_lead_from_the_front_page_to_a_task_and_back(open_page) -> None:
    page = open_page("index.html").page
    page.get_by_role("link", name="Mail, raw").first.click()
    page.locator("#mail-raw-tasks").get_by_role("link", name="mail-any-masked-any-v1").click()
    assert page.locator("h1").inner_text() == "mail-any-masked-any-v1"
    page.get_by_role("link", name="xraybench leaderboard").click()
    assert "how sure is that" in page.locator("h1").inner_text()


def test_a_name_typed_filters_the_standing_and_is_counted(open_page) -> None:
    watched = open_page("mail-raw.html")
    tools = watched.page.locator(".tools").filter(has=watched.page.locator("input[type=search]")).first
    assert len(watched.rows("mail-raw-standing")) == N_MODELS
    tools.locator("input").fill("MODEL-1")
    assert sorted(watched.rows("mail-raw-standing")) == [f"model-{i}" for i in range(10, 20)]
    assert tools.locator("output").inner_text() == f"10 of {N_MODELS} shown"
    tools.locator("input").fill("")
    assert len(watched.rows("mail-raw-standing")) == N_MODELS


def test_tasks_are_picked_by_threat_and_concealment(open_page) -> None:
    watched = open_page("mail-raw.html")
    watched.page.get_by_label("Concealment: only").select_option("masked")
    assert watched.rows("mail-raw-tasks") == ["mail-any-masked-any-v1"]
    watched.page.get_by_label("Threat: only").select_option("blade")
    assert watched.rows("mail-raw-tasks") == []


def test_a_column_is_sorted_by_keyboard_and_says_so(open_page) -> None:
    watched = open_page("mail-raw.html")
    head = watched.page.locator("#mail-raw-standing thead th", has_text="Model")
    head.locator("button").focus()
    watched.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert watched.rows("mail-raw-standing") == [f"model-{i:02d}" for i in range(N_MODELS)]
    watched.page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "descending"
    assert watched.rows("mail-raw-standing")[0] == f"model-{N_MODELS - 1}"
    assert watched.page.get_by_role("status").last.inner_text() == "Sorted by Model, descending"


def test_undefined_numbers_are_sorted_last_both_ways(open_page) -> None:
    watched = open_page("mail-raw.html")
    head = watched.page.locator("#mail-raw-measures thead th", has_text="localisation pd")
    place = head.evaluate("cell => cell.cellIndex")
    for _ in range(2):
        head.locator("button").click()
        cells = watched.page.locator(f"#mail-raw-measures tbody tr td:nth-child({place + 1})").all_inner_texts()
        undefined = ["n/a" in cell for cell in cells]
        assert any(undefined)
        assert undefined == sorted(undefined)


def test_two_models_heat_maps_stand_side_by_side(open_page) -> None:
    page = open_page("mail-raw.html").page
    figures = page.locator("[data-side-by-side] figure:visible")
    assert figures.count() == 2
    page.get_by_label("Right").select_option("model-09")
    assert [f.get_attribute("data-model") for f in figures.all()][1] == "model-09"
    boxes = [f.bounding_box() for f in figures.all()]
    assert boxes[0]["y"] == boxes[1]["y"]
    page.get_by_label("all side by side").check()
    assert figures.count() == N_MODELS


def test_a_curve_is_switched_off_in_its_legend(open_page) -> None:
    page = open_page("mail-raw.html").page
    button = page.locator(".key button").first
    model = button.inner_text()
    curves = page.locator(f'.chart g[data-model="{model}"]')
    assert curves.first.is_visible()
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "false"
    assert [curve.is_visible() for curve in curves.all()] == [False, False]


def test_a_table_is_saved_as_csv_and_json_with_its_intervals(open_page, tmp_path: Path) -> None:
    watched = open_page(TASK)
    saved = {}
    for kind in ("CSV", "JSON"):
        with watched.page.expect_download() as started:
            watched.page.get_by_label(f"Save this table as {kind}").first.click()
        assert started.value.suggested_filename == f"mail-raw-standing.{kind.lower()}"
        started.value.save_as(tmp_path / kind)
        saved[kind] = (tmp_path / kind).read_text(encoding="utf-8")
    rows = json.loads(saved["JSON"])
    assert len(rows) == len(list(csv.DictReader(saved["CSV"].splitlines()))) == N_MODELS
    name = next(key for key in rows[0] if key.startswith("pd at pfa 0.05") and not key.endswith((": low", ": high")))
    assert rows[0][f"{name}: low"] < rows[0][name] < rows[0][f"{name}: high"]
    without = next(row for row in rows if row["localisation pd at pfa 0.05"] is None)
    assert without["localisation pd at pfa 0.05: why not"] == "the model gives no boxes"
    assert watched.said == []


def test_tables_are_read_without_script(browser: Browser, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "mail-raw.html").as_uri())
    assert page.locator("#mail-raw-standing tbody tr:visible").count() == N_MODELS
    assert page.locator("[data-side-by-side] figure:visible").count() == N_MODELS
    assert page.locator(".tools").count() == 0
    context.close()


def test_a_narrow_window_scrolls_tables_and_not_the_page(browser: Browser, site: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    for name in ("index.html", "mail-raw.html", TASK):
        page.goto((site / name).as_uri())
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, name
    page.close()


def test_everything_that_can_be_clicked_is_reached_by_tab(open_page) -> None:
    page = open_page("mail-colour.html").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    unreachable = page.evaluate(
        "[...document.querySelectorAll('a[href], button, select, input')].filter(e => e.tabIndex < 0).length"
    )
    assert unreachable == 0


def test_of_a_long_table_a_hundred_rows_are_laid_out_until_more_are_asked_for(browser: Browser, tmp_path: Path) -> None:
    for i in range(130):
        made = replace(MODELS[4], name=f"model-{i:03d}", skill=1 - i / 100)
        results.save(result_file("mail-any-any-any-v1", made), tmp_path / "results")
    leaderboard.build(tmp_path)
    context = browser.new_context()
    watched = Watched(context.new_page(), (tmp_path / "site" / "mail-raw.html").as_uri())
    last = watched.page.locator("#mail-raw-standing tbody tr").last.locator("th").inner_text()
    assert len(watched.rows("mail-raw-standing")) == 100
    box = watched.page.locator("input[type=search]").first
    box.fill(last)
    assert watched.rows("mail-raw-standing") == [last]
    box.fill("")
    watched.page.get_by_role("button", name="Show all 130 rows").first.click()
    assert len(watched.rows("mail-raw-standing")) == 130
    context.close()


def test_on_paper_all_rows_and_pairs_are_there_and_no_button(open_page) -> None:
    page = open_page("mail-raw.html").page
    page.emulate_media(media="print")
    assert page.locator(".tools:visible").count() == 0
    assert page.locator("#mail-raw-standing tbody tr:visible").count() == N_MODELS
    assert page.locator("#mail-raw-pairs tbody tr").first.bounding_box()["height"] > 5


def test_the_first_page_is_light(site: Path) -> None:
    assert len(gzip.compress((site / "index.html").read_bytes())) < 20_000
