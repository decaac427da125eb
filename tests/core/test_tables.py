"""Tables are checked at the door, all faults at once."""

import numpy as np
import pandas as pd
import pytest

from xraybench.core import tables
from xraybench.core.errors import BadTable


def items(**changes: list[object]) -> pd.DataFrame:
    columns: dict[str, list[object]] = {
        "item_id": ["a", "b", "c"],
        "split": ["train", "test", "calibration"],
        "site": ["unknown"] * 3,
        "label_source": ["simulated"] * 3,
    }
    return pd.DataFrame({**columns, **changes})


def test_a_good_table_passes_unchanged() -> None:
    checked = tables.check(items(), tables.ITEMS, source="items")
    assert checked.to_dict("list") == items().to_dict("list")


def test_faults_name_row_column_and_what_would_be_right() -> None:
    frame = items(item_id=["a", "b", "a"], split=["train", "tst", "test"], site=["x", None, "y"])
    with pytest.raises(BadTable) as told:
        tables.check(frame, tables.ITEMS, source="items.csv", first_row=2)
    text = str(told.value)
    assert "3 faults" in text
    assert "row 3, split: 'tst' is not one of: train, calibration, test" in text
    assert "row 3, site: is missing" in text
    assert "row 4: item_id 'a' stands twice" in text


def test_a_misspelt_column_is_told_with_the_nearest() -> None:
    frame = items().rename(columns={"split": "splitt"})
    with pytest.raises(BadTable, match=r"column 'splitt' is unknown. Did you mean 'split'\?"):
        tables.check(frame, tables.ITEMS, source="x")


@pytest.mark.parametrize("cell", [1.7, -0.1, np.inf, "high"])
def test_a_score_out_of_range_or_no_number_is_a_fault(cell: object) -> None:
    row = dict.fromkeys(tables.PREDICTIONS.column_names)
    row |= {"model": "m", "corpus": "c", "dataset_digest": "d", "scan_id": "s", "record": "score", "target": "any"}
    frame = pd.DataFrame([{**row, "view": 0, "score": cell}])
    with pytest.raises(BadTable, match="score"):
        tables.check(frame, tables.PREDICTIONS, source="x")


def test_an_empty_table_has_the_declared_columns() -> None:
    for table in (tables.SCANS, tables.ITEMS, tables.OBJECTS, tables.PREDICTIONS):
        frame = tables.check(tables.empty(table), table, source=table.name)
        assert list(frame.columns) == table.column_names


def test_the_digest_of_a_table_does_not_depend_on_the_type_of_its_text_column() -> None:
    one = items()
    other = items().astype("object")
    assert tables.digest_of(one, tables.ITEMS) == tables.digest_of(other, tables.ITEMS)
    relabelled = items(split=["test", "test", "calibration"])
    assert tables.digest_of(one, tables.ITEMS) != tables.digest_of(relabelled, tables.ITEMS)


def test_a_box_with_its_edges_swapped_is_a_fault() -> None:
    frame = pd.DataFrame({"x0": [30.0], "x1": [12.0], "y0": [0.0], "y1": [5.0]})
    assert tables.box_faults(frame) == ["row 1, x1: 12 is not beyond x0 (30)"]
