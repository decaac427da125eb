"""Figures: deterministic, in words too, with units on their axes, and boxes where the labels say."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from made_results import MODELS, curve_file, result_file
from matplotlib.patches import Rectangle

from xraybench.core import tables
from xraybench.core.errors import BadValue
from xraybench.core.types import Dataset, Scan, ScanSet
from xraybench.metrics.psychometric import psychometric
from xraybench.report import plots, results
from xraybench.report._figure import Picture

TASK = "mail-any-any-any-v1"


def a_dataset() -> Dataset:
    """Three scans of one item each: a blade, a benign item, a firearm without a box."""
    ids = ["a1", "b2", "c3"]
    scans = pd.DataFrame(
        {
            "scan_id": ids,
            "item_id": ids,
            "corpus": "mail-mail_160kv",
            "vector": "mail",
            "sensor": "mail_160kv",
            "n_views": 1,
            "height": 20,
            "width": 30,
        }
    )
    objects = tables.empty(tables.OBJECTS)
    for index, (scan, threat, box) in enumerate([("a1", "blade", (4, 5, 10, 12)), ("c3", "firearm", (np.nan,) * 4)]):
        objects.loc[index] = [scan, scan, 0, threat, "", "seen", "masked", 0, *box, 40.0, 0.05]
    view = np.full((20, 30, 3), 200, dtype=np.uint8)
    items = pd.DataFrame({"item_id": ids, "split": "test", "site": "unknown", "label_source": "simulated"})
    colour = ScanSet(scans, lambda scan_id: (view,), "colour", 255.0, {"mail-mail_160kv": "0" * 32})
    return Dataset("toy", {"colour": colour}, items, objects, ("blade", "firearm"), True, "CC0-1.0", "any", "smoke", 0)


def a_curve(*, alarms: Sequence[float] = (0.0, 1.0, 0.0, 1.0, 1.0)) -> Picture:
    index = [float(i % 10) for i in range(60)]
    hits = [alarms[(i * i) % 5] if i % 10 < 8 else 1.0 for i in range(60)]
    fitted = psychometric(index, hits, n_replicates=50)
    return plots.psychometric(fitted, index, hits, axis_label="contrast, -ln hi", title="one model")


def pictures() -> dict[str, Picture]:
    files = [result_file(f"mail-any-{c}-{s}-v1", MODELS[0]) for c in ("any", "masked") for s in ("any", "mail_160kv")]
    matrix = pd.DataFrame([[0.9, 0.6], [0.5, 0.8]], index=["160 kV", "140 kV"], columns=["160 kV", "140 kV"])
    return {
        "roc": plots.roc(curve_file([result_file(TASK, model) for model in MODELS])),
        "slices": plots.slices(result_file(TASK, MODELS[0])),
        "heat": plots.concealment_by_sensor(files),
        "transfer": plots.transfer_matrix(matrix, title="raw"),
        "psychometric": a_curve(),
        "sheet": plots.contact_sheet(a_dataset(), n=3),
    }


def test_the_same_figure_gives_the_same_bytes() -> None:
    first, second = ({name: plots.svg(p) for name, p in pictures().items()} for _ in range(2))
    assert first == second


def test_a_figure_is_valid_svg_that_says_what_it_shows_and_carries_no_date() -> None:
    for name, picture in pictures().items():
        drawn = plots.svg(picture)
        root = ElementTree.fromstring(drawn)
        assert root.tag.endswith("svg"), name
        assert root.attrib["aria-label"] == picture.alt != "", name
        assert "dc:date" not in drawn, name


def test_text_in_a_figure_stays_text() -> None:
    assert ">pfa: share of benign items that alarm<" in plots.svg(pictures()["roc"])


@pytest.mark.parametrize("name", ["roc", "slices", "heat", "transfer"])
def test_axes_say_what_they_measure(name: str) -> None:
    axes = pictures()[name].axes[0]
    assert axes.get_xlabel()
    assert axes.get_title(loc="left")


def test_a_users_own_settings_do_not_change_a_figure() -> None:
    plain = plots.svg(plots.slices(result_file(TASK, MODELS[0])))
    with mpl.rc_context({"font.size": 30, "axes.grid": True, "lines.linewidth": 9}):
        assert plots.svg(plots.slices(result_file(TASK, MODELS[0]))) == plain


def test_an_undefined_slice_is_drawn_as_its_reason() -> None:
    assert "n/a: too few: 12 threats, 29 are needed" in plots.svg(pictures()["slices"])


def test_the_roc_curve_leaves_out_a_pfa_of_zero_on_its_logarithmic_axis() -> None:
    made = curve_file([result_file(TASK, MODELS[0])])
    with_zero = made.model_copy(
        update={
            "pfa": [0.0, *made.pfa],
            "curves": [
                c.model_copy(update={k: [0.0, *getattr(c, k)] for k in ("pd", "low", "high")}) for c in made.curves
            ],
        }
    )
    line = plots.roc(with_zero).axes[0].lines[0]
    assert min(line.get_xdata()) == pytest.approx(0.002)


def test_boxes_lie_where_the_labels_say() -> None:
    sheet = plots.contact_sheet(a_dataset(), n=3)
    boxes = [patch for axes in sheet.axes for patch in axes.patches if isinstance(patch, Rectangle)]
    assert [(b.get_x(), b.get_y(), b.get_width(), b.get_height()) for b in boxes] == [(3.5, 4.5, 6, 7)]


def test_a_contact_sheet_takes_threats_and_benign_items_in_turn() -> None:
    titles = [axes.get_title(loc="left") for axes in plots.contact_sheet(a_dataset(), n=3).axes]
    assert titles == ["blade\nmasked", "benign", "firearm\nmasked"]


def test_a_gallery_of_nothing_says_so() -> None:
    assert "no such scan" in plots.svg(plots.gallery(a_dataset(), [], title="missed"))


def test_raw_counts_are_shown_from_a_thousandth_to_the_open_beam() -> None:
    counts = np.array([[[60000, 1], [6000, 1], [60, 1], [0, 1]]], dtype=np.uint16)
    shown = plots.shown_view(Scan("a", "a", "raw", (counts,)), full_scale=60000.0)
    assert shown.tolist() == [[255, 170, 0, 0]]


def test_a_heat_map_of_two_models_is_refused() -> None:
    with pytest.raises(BadValue, match="shows one model"):
        plots.concealment_by_sensor([result_file(TASK, MODELS[0]), result_file(TASK, MODELS[1])])


def test_a_curve_file_with_uneven_curves_is_a_fault(tmp_path: Path) -> None:
    made = curve_file([result_file(TASK, MODELS[0])])
    results.save_curves(made.model_copy(update={"pfa": made.pfa[:-1]}), tmp_path)
    from xraybench.core.errors import BadFile

    with pytest.raises(BadFile, match="not as many points"):
        results.load_curves(tmp_path)


def test_a_curve_that_the_data_do_not_fix_is_not_drawn_and_says_why() -> None:
    drawn = plots.svg(a_curve(alarms=(1.0, 1.0, 1.0, 1.0, 1.0)))
    assert "no curve: no miss among 60 threats" in drawn
