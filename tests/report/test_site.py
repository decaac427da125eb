"""The site: the same bytes from the same files, complete without script, silent towards the network, honest."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest
from made_results import MODELS, rank_file, result_file, signature, write_board

from xraybench.core.documents import write_document
from xraybench.core.errors import BadFile, CheckFailed
from xraybench.report import colours, index, leaderboard, results, svg
from xraybench.report.html import external_references
from xraybench.report.suites import SuiteFile, SuiteRow, save_suite

VOID = {"meta", "link", "br", "img", "input", "hr", "col", "path", "circle", "use", "rect", "line"}
MAIN = "mail-any-any-any-v1"


@pytest.fixture(scope="module")
def built(made_board: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up board with its site. Read only."""
    folder = shutil.copytree(made_board, tmp_path_factory.mktemp("built") / "leaderboards")
    leaderboard.build(folder)
    return folder


@pytest.fixture(scope="module")
def site(built: Path) -> dict[str, str]:
    """Name -> text of every page of the site of the made-up board, and of what it records."""
    root = built / "site"
    return {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8") for p in root.rglob("*.html")}


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


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_same_results_give_the_same_bytes(made_board: Path, built: Path, tmp_path: Path) -> None:
    again = shutil.copytree(made_board, tmp_path / "elsewhere")
    made = {name: content for name, content, _ in leaderboard.render_site(again)}
    root = built / "site"
    assert made == {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_another_process_with_another_hash_seed_gives_the_same_bytes(board: Path) -> None:
    code = "import sys; from pathlib import Path; from xraybench.report import leaderboard as l; l.check(Path(sys.argv[1]))"
    environment = {**os.environ, "PYTHONHASHSEED": "1234", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    done = subprocess.run([sys.executable, "-c", code, str(board)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_site_as_built_passes_the_check(board: Path) -> None:
    assert "byte for byte" in leaderboard.check(board)


def test_a_page_changed_by_hand_is_named_with_its_line(board: Path) -> None:
    edit(board / "site" / "mail-raw.html", "0.05", "0.06")
    with pytest.raises(CheckFailed, match=r"mail-raw\.html: .* changed by hand \(first at line \d+\)"):
        leaderboard.check(board)


def test_a_result_changed_since_the_build_is_named_with_its_number(board: Path) -> None:
    path = board / "results" / "classical-raw" / f"{MAIN}.json"
    edit(path, '"metric": "auroc", "value": 0.9', '"metric": "auroc", "value": 0.8')
    with pytest.raises(CheckFailed) as told:
        leaderboard.check(board)
    said = str(told.value)
    assert re.search(rf"results/classical-raw/{MAIN}\.json: auroc, value: 0\.9\d+ became 0\.8\d+", said)
    assert f"tasks/{MAIN}.html: stale: the results have changed since the site was made" in said
    assert "mail-raw.html: stale" in said
    assert "mail-blade-any-any-v1" not in said


def test_numbers_changed_in_the_columns_alone_are_found(board: Path) -> None:
    path = board / "site" / "data" / f"{MAIN}.parquet"
    table = index.load_shard(path)
    place = table.schema.get_field_index("value")
    raised = pa.array([None if v is None else v + 0.01 for v in table["value"].to_pylist()])
    path.write_bytes(index.shard_bytes(table.set_column(place, "value", raised)))
    with pytest.raises(CheckFailed, match=rf"data/{MAIN}\.parquet: differs from what the build wrote: changed by hand"):
        leaderboard.check(board)


def test_missing_and_foreign_files_fail_the_check(board: Path) -> None:
    (board / "site" / "index.html").unlink()
    (board / "site" / "extra.html").write_text("hello")
    with pytest.raises(CheckFailed) as told:
        leaderboard.check(board)
    assert "index.html: missing" in str(told.value)
    assert "extra.html: does not belong" in str(told.value)


def test_a_board_whose_signatures_moved_on_is_stale(board: Path) -> None:
    edit(board / "models" / "classical-raw.json", '"logistic"', '"boosted trees"')
    with pytest.raises(CheckFailed, match=r"mail-raw\.html: stale: the results have changed since the site was made"):
        leaderboard.check(board)


def test_another_pyarrow_is_named_when_the_bytes_differ(board: Path) -> None:
    path = board / "site" / "site.json"
    record = json.loads(path.read_text())
    record["versions"]["pyarrow"] = "3.0.0"
    path.write_text(json.dumps(record))
    with pytest.raises(CheckFailed, match=r"made with pyarrow 3\.0\.0, this is"):
        leaderboard.check(board)


def test_a_build_without_a_change_writes_nothing(board: Path) -> None:
    leaderboard.rebuild(board)  # the copy has other times than its notes say
    assert leaderboard.rebuild(board).written == ()


def test_one_changed_result_rebuilds_its_pages_and_no_other(board: Path) -> None:
    leaderboard.rebuild(board)
    task = "mail-any-masked-any-v1"
    edit(
        board / "results" / "vendor-a-colour" / f"{task}.json",
        '"metric": "auroc", "value": 0.9',
        '"metric": "auroc", "value": 0.8',
    )
    built = leaderboard.rebuild(board)
    assert sorted(built.written) == sorted(
        [f"data/{task}.parquet", f"tasks/{task}.html", "mail-colour.html", "index.html", "site.json"]
    )
    assert "byte for byte" in leaderboard.check(board)


def test_a_built_up_site_is_the_site_built_at_once(board: Path, tmp_path: Path) -> None:
    late = [p for p in (board / "results").rglob("*.json") if p.stem == "mail-blade-any-any-v1"]
    kept = {path: path.read_bytes() for path in late}
    for path in late:
        path.unlink()
    leaderboard.rebuild(board)
    assert not (board / "site" / "tasks" / "mail-blade-any-any-v1.html").exists()
    for path, content in kept.items():
        path.write_bytes(content)
    leaderboard.rebuild(board)
    assert "byte for byte" in leaderboard.check(board)


def test_a_damaged_page_is_made_again_by_the_next_build(board: Path) -> None:
    leaderboard.rebuild(board)
    edit(board / "site" / "tasks" / f"{MAIN}.html", "0.05", "0.06")
    assert leaderboard.rebuild(board).written == (f"tasks/{MAIN}.html",)
    leaderboard.check(board)


def test_a_page_of_a_suite_that_is_gone_is_removed(board: Path) -> None:
    gone = list((board / "site").glob("baggage*.html"))
    assert len(gone) == 1
    for path in (board / "results").rglob("baggage-*.json"):
        path.unlink()
    leaderboard.build(board)
    assert not gone[0].exists()
    leaderboard.check(board)


def test_a_site_record_cannot_make_a_build_delete_files_elsewhere(board: Path) -> None:
    outside = board / "keep.html"
    outside.write_text("mine")
    path = board / "site" / "site.json"
    record = json.loads(path.read_text())
    record["files"]["../keep.html"] = {"digest": "", "inputs": ""}
    path.write_text(json.dumps(record))
    leaderboard.build(board)
    assert outside.read_text() == "mine"


def test_a_board_without_results_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    with pytest.raises(BadFile, match="holds no result file"):
        leaderboard.build(tmp_path)
    assert not (tmp_path / "site").exists()


def test_a_broken_result_leaves_the_old_site_as_it_was(board: Path) -> None:
    before = {p: p.read_bytes() for p in (board / "site").rglob("*") if p.is_file()}
    (board / "results" / "classical-raw" / f"{MAIN}.json").write_text("{")
    with pytest.raises(BadFile):
        leaderboard.build(board)
    assert {p: p.read_bytes() for p in (board / "site").rglob("*") if p.is_file()} == before


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


def test_links_between_files_of_the_site_lead_somewhere(site: dict[str, str], built: Path) -> None:
    for name, content in site.items():
        for target in re.findall(r'href="([^"#:]+)', content) if name.endswith(".html") else []:
            if "model_cards" not in target:
                assert (built / "site" / name).parent.joinpath(target).is_file(), (name, target)


def test_every_table_has_a_caption_and_every_head_a_scope(site: dict[str, str]) -> None:
    for name, content in site.items():
        tables = re.findall(r"<table.*?</table>", content, re.DOTALL)
        assert all("<caption" in table for table in tables), name
        assert all("scope=" in head for table in tables for head in re.findall(r"<th\b[^>]*>", table)), name


def test_every_main_number_is_read_without_script(made_board: Path, site: dict[str, str]) -> None:
    shown = pages(site)
    for file in results.load_results(made_board / "results"):
        row = results.find(file, "pd", 0.05)
        assert row is not None
        told = f"{row.value:.2f} [{row.low:.2f}, {row.high:.2f}]" if row.value == row.value else "n/a"
        assert told in shown[f"tasks/{file.task}.html"].text, (file.model, file.task)
        if file.is_simulated:
            assert told in shown[f"mail-{file.track}.html"].text, (file.model, file.task)


def test_the_pages_say_that_scans_are_simulated(site: dict[str, str]) -> None:
    for name in ("index.html", "mail-raw.html", f"tasks/{MAIN}.html"):
        assert "no statement about performance in the field" in pages(site)[name].text


def test_simulated_and_real_results_share_no_page_of_ranks(site: dict[str, str]) -> None:
    shown = pages(site)
    real = next(name for name in shown if name.startswith("baggage"))
    assert MAIN not in shown[real].text
    assert "These scans are real" in shown[real].text
    assert "baggage" not in shown["mail-raw.html"].text.replace(
        real.removesuffix(".html").replace("-grey", ", grey"), ""
    )


def test_raw_and_colour_share_no_page_of_ranks(site: dict[str, str]) -> None:
    assert "vendor-a-colour" not in pages(site)["mail-raw.html"].text
    assert "classical-raw" not in pages(site)["mail-colour.html"].text


def test_an_undefined_number_is_printed_as_such_with_its_reason(site: dict[str, str]) -> None:
    for page in ("mail-raw.html", f"tasks/{MAIN}.html"):
        assert '<abbr title="too few: 12 threats, 29 are needed">n/a</abbr>' in site[page]
        assert '<abbr title="the model gives no boxes">n/a</abbr>' in site[page]
        words = pages(site)[page].text
        assert words.rindex("too few: 12 threats, 29 are needed") > words.index("Why a number is not there")
        assert re.search(r"\bnan\b", words, re.IGNORECASE) is None
        assert "<td></td>" not in site[page]


def test_the_page_names_what_it_cannot_tell_apart(site: dict[str, str]) -> None:
    words = pages(site)["mail-raw.html"].text
    assert "1 of 3 pairs is not told apart: mobilenet-raw-both and mobilenet-raw-160kv." in words
    assert re.search(r"a true difference in pd of 0\.\d\d is shown in 80 of 100 repetitions", words)


def test_latency_stands_apart_and_names_its_device(site: dict[str, str]) -> None:
    words = pages(site)["mail-raw.html"].text
    assert words.index("Measured on") > words.rindex("Other measures of the widest task")
    assert "cpu, 1 thread" in words
    assert "latency" not in pages(site)[f"tasks/{MAIN}.html"].text.lower()


def test_a_heat_map_shows_threat_by_concealment_by_sensor_for_each_model(site: dict[str, str]) -> None:
    drawn = re.findall(r'<figure data-model="([^"]+)">(.*?)</figure>', site["mail-raw.html"], re.DOTALL)
    assert [model for model, _ in drawn] == ["mobilenet-raw-both", "mobilenet-raw-160kv", "classical-raw"]
    for _, table in drawn:
        words = Markup(table).text
        for axis in ("any sensor", "mail_160kv", "mail_140kv", "firearm", "currency", "in layers", "masked"):
            assert axis in words


def test_curves_are_drawn_with_bands_as_roc_and_det(site: dict[str, str]) -> None:
    charts = re.findall(r'<svg class="chart".*?</svg>', site["mail-raw.html"], re.DOTALL)
    assert len(charts) == 2
    for chart in charts:
        assert chart.count('class="area"') == chart.count('class="line"') == 3
        assert 'aria-label="' in chart
        assert "nan" not in chart


def write_suite(board: Path, *, lift: float = 0.0) -> None:
    """The raw suite of the made-up board by its mean over two tasks, the first model's raised by `lift`."""
    cells = ["mail-any-masked-any-v1", "mail-blade-any-any-v1"]
    told = {(f.model, f.task): results.find(f, "pd", 0.05) for f in results.load_results(board / "results")}
    rows = []
    for model in ("mobilenet-raw-both", "mobilenet-raw-160kv", "classical-raw"):
        parts = [row.value for task in cells if (row := told[model, task])]
        mean = sum(parts) / len(parts) + (lift if not rows else 0.0)
        rows.append(
            SuiteRow(model=model, value=mean, low=mean - 0.1, high=mean + 0.1, n_tasks=2, n_missing=0, parts=parts)
        )
    document = SuiteFile(
        vector="mail", track="raw", profile="quick", seed=0, method="made up", policy="worst", policy_text="counts as 0",
        n_replicates=0, corpora={}, predictions={}, tasks=cells, counts=[True, True], rows=rows, best=["classical-raw"],
    )  # fmt: skip
    save_suite(document, board / "results")


def test_a_mean_over_all_tasks_is_shown_with_what_a_missing_result_counts_as(board: Path) -> None:
    write_suite(board)
    leaderboard.build(board)
    words = Markup((board / "site" / "mail-raw.html").read_text()).text
    assert "Mean over 2 declared tasks. Counts as 0. Made up." in words
    assert "n/a" in words  # no rank sets over all tasks
    assert "Over all tasks" not in (board / "site" / "mail-colour.html").read_text()
    leaderboard.check(board)


def test_a_mean_that_is_not_the_mean_of_its_parts_is_refused(board: Path) -> None:
    write_suite(board, lift=0.01)
    for refused in (leaderboard.rebuild, leaderboard.check):
        with pytest.raises(BadFile, match=r"mobilenet-raw-both is given .*, the mean of its parts is"):
            refused(board)


def test_a_wrong_mean_is_refused_by_a_build_that_goes_on_from_another(board: Path) -> None:
    write_suite(board)
    leaderboard.rebuild(board)
    write_suite(board, lift=0.01)
    with pytest.raises(BadFile, match=r"mobilenet-raw-both is given .*, the mean of its parts is"):
        leaderboard.rebuild(board)


def test_a_mean_of_parts_that_the_results_do_not_hold_is_refused_by_a_build_that_goes_on_from_another(
    board: Path,
) -> None:
    write_suite(board)
    leaderboard.rebuild(board)
    path = board / "results" / "classical-raw" / "mail-blade-any-any-v1.json"
    edit(path, '"metric": "pd", "at": 0.05, "value": 0.', '"metric": "pd", "at": 0.05, "value": 0.0')
    edit(path, '"low": 0.', '"low": 0.0')
    for compared in (board / "results" / "_ranks", board / "results" / "_curves"):
        shutil.rmtree(compared)
    with pytest.raises(BadFile, match="classical-raw on mail-blade-any-any-v1 is counted as"):
        leaderboard.rebuild(board)


def test_a_model_without_a_signature_is_shown_with_its_gaps(board: Path) -> None:
    shutil.rmtree(board / "models")
    leaderboard.build(board)
    words = Markup((board / "site" / "mail-raw.html").read_text()).text
    assert "device not stated" in words
    assert "no signature" in words


def test_a_board_without_rank_sets_claims_no_order(board: Path) -> None:
    for part in ("_ranks", "_curves"):
        shutil.rmtree(board / "results" / part)
    leaderboard.build(board)
    words = Markup((board / "site" / "mail-raw.html").read_text()).text
    assert "No rank sets were computed, so no order is claimed." in words
    assert "No ROC curves were computed" in words


def test_a_signature_cannot_bring_markup_onto_a_page(board: Path) -> None:
    nasty = signature(MODELS[4]).model_copy(update={"architecture": "<img src=x onerror=alert(1)>"})
    write_document(board / "models" / "classical-raw.json", nasty)
    leaderboard.build(board)
    page = (board / "site" / "mail-raw.html").read_text()
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_text_on_every_shade_can_be_read() -> None:
    assert min(colours.contrast(ink, background) for background, ink in colours.shades()) >= 4.5
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the WCAG's own example


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_text_stands_out_from_its_paper(scheme: str) -> None:
    style = (leaderboard.pages.TEMPLATES / "style.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    told = dict(re.findall(r"--([\w-]+): (#\w{6})", blocks[0]))
    told |= dict(re.findall(r"--([\w-]+): (#\w{6})", blocks[1])) if scheme == "dark" else {}
    for ink in ("ink", "muted", "accent"):
        for paper in ("paper", "panel", "stripe"):
            assert colours.contrast(told[ink], told[paper]) >= 4.5, (ink, paper)
    assert colours.contrast(told["warn-ink"], told["warn"]) >= 4.5
    lines = dict(re.findall(r"\.(c\d) \{ color: (#\w{6}); \}", style))
    assert len(lines) == svg.N_CURVES
    assert min(colours.contrast(line, told["paper"]) for line in lines.values()) >= 3  # WCAG 1.4.11, graphics


@pytest.mark.slow
def test_pages_of_a_hundred_models_stay_small(tmp_path: Path) -> None:
    import gzip

    crowd = tuple(replace(MODELS[i % 6], name=f"model-{i}", skill=1 - i / 100) for i in range(100))
    board = write_board(tmp_path, vectors=("mail",), models=crowd, with_real=False, all_axes=False)
    packed = {name: len(gzip.compress(content)) for name, content, _ in leaderboard.render_site(board)}
    assert packed["index.html"] < 20_000
    assert max(size for name, size in packed.items() if name.endswith(".html")) < 120_000


def test_a_crowd_is_told_in_part_and_the_page_says_so(tmp_path: Path) -> None:
    crowd = tuple(replace(MODELS[4], name=f"model-{i:02d}", skill=1 - i / 20) for i in range(40))
    files = [result_file(MAIN, model) for model in crowd]
    for file in files:
        results.save(file, tmp_path / "results")
    results.save_ranks(rank_file(files), tmp_path / "results")
    made = {name: content for name, content, _ in leaderboard.render_site(tmp_path)}
    words = Markup(made["mail-raw.html"].decode()).text
    assert "The first 30 of 40 models in the order of ranks" in words
    assert words.count("model-39") >= 3  # standing, false alarms, latency: nobody is dropped from those
    assert "Pairs among the first 24 models" in words
    assert "The first 12 of 40 models in the order of ranks. All of them" in Markup(made["index.html"].decode()).text
