"""Real radiographs go through training and looking: other sizes, one grey channel, no boxes."""

from pathlib import Path

import numpy as np
import pytest

from xraybench import data, train

CLASSES = {"gun": "firearm", "razor_blade": "blade", "shuriken": "blade", "other": "benign"}


@pytest.mark.real
def test_a_network_and_a_forest_learn_from_real_crops_without_boxes(gdxray_crops: Path, tmp_path: Path) -> None:
    folder = data.import_folder(
        gdxray_crops, name="crops", vector="baggage", classes=CLASSES, out=tmp_path / "crops", quiet=True
    )
    dataset = data.read_dataset(folder)
    network = train.local(
        dataset, architecture="test_resnet", track="grey", epochs=4, image_px=64, device="cpu", quiet=True
    )
    forest = train.classical(dataset, track="grey", n_trees=40, quiet=True)
    unseen = dataset.part("test")
    is_threat = unseen.scans.table["scan_id"].isin(set(unseen.objects["scan_id"])).to_numpy()
    for model in (network, forest):
        predictions = model.predict(unseen.scans, n_timed=2)
        assert (predictions.kind("scan")["status"] == "ok").all()
        scores = predictions.kind("score")
        scores = scores["score"][scores["target"] == "any"].to_numpy()
        assert np.isfinite(scores).all()
        assert scores[is_threat].mean() > scores[~is_threat].mean()
