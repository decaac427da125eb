"""The schema of the exchange package's manifest is the model's."""

import json
from pathlib import Path

from xraybench.formats.package import SCHEMA_FILE, PackageManifest


def test_the_published_schema_of_a_package_is_that_of_the_code() -> None:
    written = Path(SCHEMA_FILE).read_text(encoding="utf-8")
    assert json.loads(written) == PackageManifest.model_json_schema()
