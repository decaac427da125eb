"""The site: the same bytes from the same files, complete without script, silent towards the network, honest."""

import csv
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made_results import MODELS, result_file, signature

from xraybench import __version__
from xraybench.core.documents import write_document
from xraybench.core.errors import BadFile, CheckFailed
from xraybench.report import colours, leaderboard, results
from xraybench.report.html import external_references

VOID = {"meta", "link", "br", "img", "input", "hr", "col", "path", "circle", "use", "rect", "line"}


@pytest.fixture(scope="module")
def built(made_board: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up board with its site. Read only."""
    folder = shutil.copytree(made_board, tmp_path_factory.mktemp("built") / "leaderboards")
    leaderboard.build(folder)
    return folder


@pytest.fixture(scope="module")
def site(built: Path) -> dict[str, str]:
    """File name -> text of the site of the made-up board."""
    return {path.name: path.read_text(encoding="utf-8") for path in (built / "site").iterdir()}


@pytest.fixture
def board(built: Path, tmp_path: Path) -> Path:
    """A copy of the made-up board with its site, to be changed."""
    return shutil.copytree(built, tmp_path / "leaderboards")


class Markup(HTMLParser):
    """Reads a page as a browser without script does: its elements, its text, and whether its tags close."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.words: list[str] = []
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if len(given) != len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        self.ids += [given["id"] or ""] if "id" in given else []
        self.targets += [(given["href"] or "")[1:]] if (given.get("href") or "").startswith("#") else []
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes another tag")

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def pages(site: dict[str, str]) -> dict[str, Markup]:
    return {name: Markup(content) for name, content in site.items() if name.endswith(".html")}


def test_the_same_results_give_the_same_bytes(made_board: Path, site: dict[str, str], tmp_path: Path) -> None:
    again = shutil.copytree(made_board, tmp_path / "elsewhere")
    made = leaderboard.render_site(again)
    assert {name: content.decode() for name, content in made.items()} == site


def test_another_process_with_another_hash_seed_gives_the_same_bytes(board: Path) -> None:
    code = "import sys; from pathlib import Path; from xraybench.report import leaderboard as l; l.check(Path(sys.argv[1]))"
    environment = {**os.environ, "PYTHONHASHSEED": "1234", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    done = subprocess.run([sys.executable, "-c", code, str(board)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_site_as_built_passes_the_check(board: Path) -> None:
    assert "byte for byte" in leaderboard.check(board)


def test_one_changed_byte_fails_the_check_and_names_file_and_line(board: Path) -> None:
    page = board / "site" / "mail.html"
    page.write_bytes(page.read_bytes().replace(b"0.05", b"0.06", 1))
    with pytest.raises(CheckFailed, match=r"mail\.html: differs \(first at line \d+\)"):
        leaderboard.check(board)


def test_missing_and_foreign_files_fail_the_check(board: Path) -> None:
    (board / "site" / "index.html").unlink()
    (board / "site" / "extra.html").write_text("hello")
    with pytest.raises(CheckFailed) as told:
        leaderboard.check(board)
    assert "index.html: missing" in str(told.value)
    assert "extra.html: does not belong" in str(told.value)


def test_a_board_whose_results_moved_on_is_stale(board: Path) -> None:
    path = board / "models" / "classical-raw.json"
    path.write_text(path.read_text().replace('"logistic"', '"boosted trees"'))
    with pytest.raises(CheckFailed, match="the results have changed since the site was made"):
        leaderboard.check(board)


def test_another_matplotlib_is_named_when_the_bytes_differ(board: Path) -> None:
    path = board / "site" / "site.json"
    record = json.loads(path.read_text())
    record["versions"]["matplotlib"] = "3.0.0"
    path.write_text(json.dumps(record, indent=1) + "\n")
    with pytest.raises(CheckFailed, match=r"made with matplotlib 3\.0\.0, this is"):
        leaderboard.check(board)


def test_a_page_of_a_suite_that_is_gone_is_removed(board: Path) -> None:
    for path in (board / "results").rglob("baggage-*.json"):
        path.unlink()
    assert (board / "site" / "imported.html").exists()
    leaderboard.build(board)
    assert not (board / "site" / "imported.html").exists()
    leaderboard.check(board)


def test_a_board_without_results_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    with pytest.raises(BadFile, match="holds no result file"):
        leaderboard.build(tmp_path)
    assert not (tmp_path / "site").exists()


def test_a_broken_result_leaves_the_old_site_as_it_was(board: Path) -> None:
    before = {p.name: p.read_bytes() for p in (board / "site").iterdir()}
    (board / "results" / "classical-raw" / "mail-any-any-any-v1.json").write_text("{")
    with pytest.raises(BadFile):
        leaderboard.build(board)
    assert {p.name: p.read_bytes() for p in (board / "site").iterdir()} == before


def test_pages_ask_for_nothing_from_anywhere(site: dict[str, str]) -> None:
    for name, content in site.items():
        if name.endswith(".html"):
            assert external_references(content) == [], name
            assert "http://" not in content, name
            assert "https://" not in content, name
            assert "default-src 'none'" in content, name


def test_pages_are_well_formed_and_their_links_lead_somewhere(site: dict[str, str]) -> None:
    for name, page in pages(site).items():
        assert page.faults == [], name
        assert [i for i, n in Counter(page.ids).items() if n > 1] == [], name
        assert set(page.targets) <= set(page.ids), name


def test_links_between_files_of_the_site_lead_somewhere(site: dict[str, str]) -> None:
    for name, content in site.items():
        for target in re.findall(r'href="([^"#:]+)(?:#([^"]*))?"', content) if name.endswith(".html") else []:
            if not target[0].startswith("../"):
                assert target[0] in site, (name, target)
                assert not target[1] or f'id="{target[1]}"' in site[target[0]], (name, target)


def test_every_number_of_the_standing_is_read_without_script(made_board: Path, site: dict[str, str]) -> None:
    words = pages(site)["mail.html"].text
    shown = [f for f in results.load_results(made_board / "results") if f.task.startswith("mail")]
    for file in shown:
        row = results.find(file, "pd", 0.05)
        assert row is not None
        assert f"{row.value:.2f} [{row.low:.2f}, {row.high:.2f}]" in words, (file.model, file.task)
        assert file.task in words


def test_the_page_says_that_scans_are_simulated(site: dict[str, str]) -> None:
    for name in ("index.html", "mail.html"):
        assert "no statement about performance in the field" in pages(site)[name].text


def test_simulated_and_real_results_share_no_page_of_ranks(site: dict[str, str]) -> None:
    assert "baggage" not in pages(site)["mail.html"].text
    assert "mail-any-any-any-v1" not in pages(site)["imported.html"].text


def test_an_undefined_number_is_printed_as_such_with_its_reason(site: dict[str, str]) -> None:
    assert '<abbr title="too few: 12 threats, 29 are needed">n/a</abbr>' in site["mail.html"]
    assert '<abbr title="the model gives no boxes">n/a</abbr>' in site["mail.html"]
    words = pages(site)["mail.html"].text
    assert "Why a number is not there" in words
    assert words.rindex("too few: 12 threats, 29 are needed") > words.index("Why a number is not there")
    assert re.search(r"\bnan\b", words, re.IGNORECASE) is None


def test_the_page_names_what_it_cannot_tell_apart(site: dict[str, str]) -> None:
    words = pages(site)["mail.html"].text
    assert "1 of 3 pairs is not told apart: mobilenet-raw-both and mobilenet-raw-160kv." in words
    assert re.search(r"differences in pd below 0\.\d\d are beyond what this task can show", words)


def test_latency_stands_apart_and_names_its_device(site: dict[str, str]) -> None:
    words = pages(site)["mail.html"].text
    assert words.index("Measured on") > words.rindex("Other measures of the widest task")
    assert "cpu, 1 thread" in words


def test_a_model_without_a_signature_is_shown_with_its_gaps(board: Path) -> None:
    shutil.rmtree(board / "models")
    leaderboard.build(board)
    words = Markup((board / "site" / "mail.html").read_text()).text
    assert "device not stated" in words
    assert "no signature" in words


def test_a_board_without_rank_sets_claims_no_order(board: Path) -> None:
    for part in ("_ranks", "_curves"):
        shutil.rmtree(board / "results" / part)
    leaderboard.build(board)
    words = Markup((board / "site" / "mail.html").read_text()).text
    assert "No rank sets were computed, so no order is claimed." in words
    assert "no ROC curves were computed" in words


def test_a_signature_cannot_bring_markup_onto_a_page(board: Path) -> None:
    nasty = signature(MODELS[4]).model_copy(update={"architecture": "<img src=x onerror=alert(1)>"})
    write_document(board / "models" / "classical-raw.json", nasty)
    leaderboard.build(board)
    page = (board / "site" / "mail.html").read_text()
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_text_on_every_shade_can_be_read() -> None:
    assert min(colours.contrast(ink, background) for background, ink in colours.shades()) >= 4.5
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the WCAG's own example


def test_the_csv_holds_every_number(made_board: Path, site: dict[str, str]) -> None:
    rows = list(csv.DictReader(site["results.csv"].splitlines()))
    files = results.load_results(made_board / "results")
    assert len(rows) == sum(len(file.rows) for file in files)
    given = [(f.model, f.task, r) for f in files for r in f.rows]
    for row, (model, task, truth) in zip(rows, given, strict=True):
        assert (row["model"], row["task"], row["metric"]) == (model, task, truth.metric)
        assert (
            row["value"] == ""
            if math.isnan(truth.value)
            else float(row["value"]) == pytest.approx(truth.value, abs=1e-5)
        )


def test_the_json_holds_results_and_rank_sets(made_board: Path, site: dict[str, str]) -> None:
    content = json.loads(site["results.json"])
    assert len(content["results"]) == len(results.load_results(made_board / "results"))
    assert len(content["ranks"]) == len(results.load_ranks(made_board / "results"))


@pytest.mark.slow
def test_a_full_suite_of_ten_models_stays_a_small_page(tmp_path: Path) -> None:
    from dataclasses import replace

    from made_results import write_board

    crowd = tuple(replace(MODELS[i % 6], name=f"model-{i}", skill=1 - i / 10) for i in range(10))
    board = write_board(tmp_path, vectors=("mail",), models=crowd, with_real=False)
    files = leaderboard.render_site(board)
    assert max(len(content) for name, content in files.items() if name.endswith(".html")) < 1_500_000


def test_a_small_board_looks_as_it_did(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    for task in ("mail-any-any-any-v1", "mail-any-masked-any-v1", "mail-blade-any-any-v1"):
        for model in MODELS[4:]:
            results.save(result_file(task, model), tmp_path / "results")
    write_document(tmp_path / "models" / "classical-raw.json", signature(MODELS[4]))
    page = leaderboard.render_site(tmp_path)["mail.html"].decode()
    body = page[page.index("<body>") : page.index("<script>")]
    golden("board.html", body.replace(f"xraybench {__version__}", "xraybench VERSION"))
