"""A data card counts what is there, names what nobody said, and is Croissant that its own checker takes, offline."""

import json
from pathlib import Path

import fabricated
import pandas as pd
import pytest
from PIL import Image

from xraybench import data, report
from xraybench.core.errors import BadFile, CheckFailed
from xraybench.data import summary, words
from xraybench.formats.coco import read_coco
from xraybench.formats.package import read_package
from xraybench.report.html import external_references

OWNER = """
title = "Parcels of Alpha"
description = "Parcels that were opened <script>alert(1)</script>."
owner = "Customs of Alpha"
date_published = "2026-03-01"
version = "1.2.0"
citation = "Customs of Alpha, 2026"
data_collection = "Every tenth parcel."
data_collection_timeframe = ["2025-01-01", "2025-12-31"]
data_biases = ["one post office only"]
annotations_per_item = "2"
show_examples = true
[terms.boxes]
owner = "Analysts of Alpha"
annotated_by = "two image analysts"
duo = ["DUO:0000046"]
permit = ["evaluate"]
prohibit = ["export_annotation"]
until = "2027-12-31"
[terms.images]
owner = "Customs of Alpha"
duo = ["DUO:0000042"]
"""


@pytest.fixture
def parcels(tmp_path: Path) -> Path:
    root = fabricated.coco_folder(tmp_path / "in", n_images=8)
    return data.import_coco(
        root / "annotations.json", root, name="parcels", vector="parcel", categories={"knife": "blade", "phone": "benign"},
        out=tmp_path / "out", site="alpha", licence="own", quiet=True,
    )  # fmt: skip


@pytest.fixture
def owner(tmp_path: Path) -> Path:
    path = tmp_path / "words.toml"
    path.write_text(OWNER, encoding="utf-8")
    return path


def document(folder: Path, out: Path, **options: object) -> dict:
    return json.loads(report.data_card(folder, out, **options).croissant_file.read_text(encoding="utf-8"))


def test_croissant_is_taken_by_its_own_checker_offline(parcels: Path, owner: Path, tmp_path: Path) -> None:
    pytest.importorskip("mlcroissant", reason="needs the extra datacard")
    card = report.data_card(parcels, tmp_path / "card", words=owner)
    assert data.check_croissant(card.croissant_file) == []


def test_the_checker_reads_the_tables_through_the_document(parcels: Path, owner: Path, tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="needs the extra datacard")
    import warnings

    card = report.data_card(parcels, tmp_path / "card", words=owner)
    with warnings.catch_warnings(action="ignore"):
        read = mlcroissant.Dataset(jsonld=str(card.croissant_file))
        rows = list(read.records("objects"))
    stored = pd.read_parquet(parcels / "objects.parquet")
    assert len(rows) == len(stored) == 4
    assert sorted(row["objects/scan_id"].decode() for row in rows) == sorted(stored["scan_id"])
    assert {row["objects/x1"] for row in rows} == set(stored["x1"])


def test_a_document_that_breaks_croissant_is_refused(parcels: Path, owner: Path, tmp_path: Path) -> None:
    pytest.importorskip("mlcroissant", reason="needs the extra datacard")
    card = report.data_card(parcels, tmp_path / "card", words=owner)
    told = json.loads(card.croissant_file.read_text(encoding="utf-8"))
    del told["distribution"][0]["sha256"]
    card.croissant_file.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(CheckFailed, match="sha256"):
        data.check_croissant(card.croissant_file)


def test_boxes_can_have_another_owner_and_other_terms_than_images(parcels: Path, owner: Path, tmp_path: Path) -> None:
    made = document(parcels, tmp_path / "card", words=owner)
    fields = {field["@id"]: field for table in made["recordSet"] for field in table["field"]}
    box, path = fields["objects/x0"], fields["files/path"]
    assert [agent["name"] for agent in box["prov:wasAttributedTo"]] == ["Analysts of Alpha", "two image analysts"]
    assert [agent["name"] for agent in path["prov:wasAttributedTo"]] == ["Customs of Alpha"]
    duo, offer = box["usageInfo"]
    assert duo["@id"] == "http://purl.obolibrary.org/obo/DUO_0000046"
    assert offer["@type"] == "odrl:Offer"
    assert offer["odrl:permission"][0]["odrl:action"]["@id"] == "urn:xraybench:action:evaluate"
    assert offer["odrl:prohibition"][0]["odrl:constraint"]["odrl:rightOperand"] == "2027-12-31"
    assert "usageInfo" not in fields["items/split"]


def test_rai_prov_and_gaps_stand_in_the_document_and_no_filler(parcels: Path, owner: Path, tmp_path: Path) -> None:
    made = document(parcels, tmp_path / "card", words=owner)
    assert made["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert made["rai:dataBiases"] == ["one post office only"]
    assert made["rai:annotationsPerItem"] == "2"
    assert "rai:dataSocialImpact" not in made
    assert "data_social_impact" in made["xraybench:gaps"]
    assert "terms.labels.owner" in made["xraybench:gaps"]
    assert made["prov:wasGeneratedBy"]["prov:wasAssociatedWith"]["name"] == "xraybench"
    assert made["prov:wasDerivedFrom"]["license"] == "unknown"
    assert str(tmp_path) not in json.dumps(made)


def test_counts_by_class_sensor_site_and_time(parcels: Path, tmp_path: Path) -> None:
    scan_ids = pd.read_parquet(parcels / "scans.parquet")["scan_id"]
    held = pd.read_parquet(parcels / "objects.parquet")["scan_id"]
    rows = [(scan_id, "scanned_at", "2025-03-07T10:00:00") for scan_id in scan_ids if scan_id in set(held)]
    pd.DataFrame(rows, columns=summary.FACTS.column_names).to_parquet(parcels / summary.FACTS_FILE)
    told = data.describe(parcels, least=3).markdown
    assert "| blade | unknown | alpha | 2025-03 | 4 |" in told
    assert "| benign | unknown | alpha | unknown | 4 |" in told
    assert "Gap: no time is known of 4 of 8 scans" in told
    assert "| blade | unknown | alpha | 2025-03 | under 5 |" in data.describe(parcels, least=5).markdown


def test_every_gap_is_named_and_what_is_said_is_none(parcels: Path, owner: Path, tmp_path: Path) -> None:
    empty = data.describe(parcels, words.Words())
    assert set(empty.gaps) >= {"owner", "contact", "data_collection", "label_policy", "terms.boxes.owner"}
    assert all(f"`{gap}`" in empty.markdown for gap in empty.gaps)
    told = data.describe(parcels, data.read_words(owner))
    assert not {"owner", "title", "data_biases", "terms.boxes.owner"} & set(told.gaps)
    assert len(words.RAI) == 20


def test_real_scans_are_shown_only_when_their_owner_allows_it(parcels: Path, owner: Path, tmp_path: Path) -> None:
    closed = report.data_card(parcels, tmp_path / "closed")
    assert not (tmp_path / "closed" / "pictures").exists()
    assert "has not allowed pictures" in closed.markdown
    opened = report.data_card(parcels, tmp_path / "opened", words=owner)
    assert "![blade](pictures/00.png)" in opened.markdown
    assert len(list((tmp_path / "opened" / "pictures").iterdir())) == 2


def test_the_page_stands_alone_and_holds_no_markup_of_the_owner(parcels: Path, owner: Path, tmp_path: Path) -> None:
    card = report.data_card(parcels, tmp_path / "card", words=owner)
    page = card.html_file.read_text(encoding="utf-8")
    assert external_references(page) == []
    assert page.count("data:image/png") == 2
    assert "<script>alert" not in page
    assert str(tmp_path) not in page
    again = report.data_card(parcels, tmp_path / "card", words=owner)
    assert again.html_file.read_text(encoding="utf-8") == page


def test_an_empty_form_is_laid_beside_the_card_and_reads_back_as_nothing_said(parcels: Path, tmp_path: Path) -> None:
    card = report.data_card(parcels, tmp_path / "card")
    assert card.words_file == tmp_path / "card" / "datacard.toml"
    assert words.gaps(words.read_words(card.words_file)) == words.gaps(words.Words())
    card.words_file.write_text('owner = "us"\n', encoding="utf-8")
    assert "owner" not in report.data_card(parcels, tmp_path / "card").gaps


def test_wrong_words_are_told_all_at_once_with_the_nearest_right_one(tmp_path: Path) -> None:
    path = tmp_path / "datacard.toml"
    path.write_text(
        '[terms.boxs]\nowner = "x"\n[terms.images]\npermit = ["evalute"]\nduo = ["DUO:1"]\nuntil = "soon"\n'
    )
    with pytest.raises(BadFile) as caught:
        words.read_words(path)
    for told in ("Did you mean 'boxes'?", "Did you mean 'evaluate'?", "'DUO:1' is not one of", "'soon' is no day"):
        assert told in str(caught.value)
    path.write_text('onwer = "x"\n')
    with pytest.raises(BadFile, match="Did you mean 'owner'"):
        words.read_words(path)


def test_a_simulated_corpus_says_what_its_generator_knows(folders: list[Path], tmp_path: Path) -> None:
    card = report.data_card(folders[0], tmp_path / "card", n_examples=2)
    assert "Made by a simulator from a seed" in card.markdown
    assert "data_collection" not in card.gaps
    assert "owner" in card.gaps
    assert len(list((tmp_path / "card" / "pictures").iterdir())) == 2


def test_the_check_report_shows_the_pairs_it_suspects(tmp_path: Path) -> None:
    fabricated.image_folder(tmp_path / "bags", {"gun": 6, "other": 6})
    for n, path in enumerate(sorted((tmp_path / "bags" / "gun").iterdir())):
        for again in range(3):  # other bytes, the same pixels
            Image.open(path).save(tmp_path / "bags" / "gun" / f"copy{n}x{again}.png", dpi=(again + 1, 1))
    out = data.import_folder(
        tmp_path / "bags", name="bags", vector="baggage", classes={"gun": "firearm", "other": "benign"},
        out=tmp_path / "out", item_pattern="([^/]+)$", quiet=True,
    )  # fmt: skip
    found = data.inspect(out)
    assert any(finding.check == "splits" and finding.twins for finding in found.faults)
    page = report.check_report(found, tmp_path / "report")
    text = page.read_text(encoding="utf-8")
    assert external_references(text) == []
    assert text.count("data:image/png") == 18
    assert json.loads((tmp_path / "report" / "check.json").read_text())["n_faults"] == len(found.faults)
    assert len(list((tmp_path / "report" / "pairs").iterdir())) == 18


def test_an_export_to_coco_comes_back_with_the_same_labels(parcels: Path, tmp_path: Path) -> None:
    out = data.export(parcels, tmp_path / "coco", quiet=True)
    stored = pd.read_parquet(parcels / "objects.parquet")
    boxes = []
    for path in sorted(out.glob("annotations_*.json")):
        coco = read_coco(path)
        assert all((out / "images" / image.file_name).is_file() for image in coco.images)
        boxes += [(b.x0, b.y0, b.x1, b.y1, coco.categories[b.category_id]) for b in coco.boxes]
    assert boxes == [(2, 3, 12, 8, "blade")] * len(stored)
    assert "Licence of this copy: own" in (out / "LICENCE.txt").read_text()
    assert (out / "card.md").read_text() == data.card(parcels)
    assert "unknown" in (out / "labels.csv").read_text()
    with pytest.raises(BadFile, match="holds something already"):
        data.export(parcels, out, quiet=True)


def test_an_export_to_packages_keeps_counts_labels_and_split(
    folders: list[Path], parcels: Path, tmp_path: Path
) -> None:
    for folder in (folders[0], parcels):
        out = data.export(folder, tmp_path / folder.name / "packages", to="package", quiet=True)
        exchange = read_package(out / "scans-000.xrb")
        dataset = data.read_dataset(folder)
        assert len(exchange.scans) == len(dataset.scans)
        event = exchange.scans[0]
        scan = dataset.scans.load(event.scan_id)
        plane = event.views[0].planes[0]
        assert (exchange.planes[plane.member] == scan.views[0][..., 0]).all()
        split = dataset.items.set_index("item_id")["split"]
        assert all(one.learning.split == split[one.item_id] for one in exchange.scans)
        assert sum(len(one.regions) for one in exchange.scans) == len(dataset.objects)
