"""A dataset as Croissant 1.1, the JSON-LD that dataset catalogues read: tables, fields, digests, provenance and terms.

Croissant's vocabulary for responsible AI carries the owner's words, PROV-O says what the dataset was made from and by what,
and each field may have an owner and terms of use of its own (`usageInfo` with DUO terms and an ODRL offer): boxes can be
confidential while images are not. What the owner has not said is left out here and named as a gap in `xraybench:gaps`.

Source: Croissant 1.1 and Croissant RAI 1.0 (mlcommons.org), PROV-O, ODRL 2.2, DUO. Checked by mlcroissant, which needs the
extra `datacard`; writing needs nothing.
"""

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from xraybench import __version__
from xraybench.core import tables
from xraybench.core.errors import CheckFailed
from xraybench.core.optional import need
from xraybench.core.tables import Column, Table
from xraybench.core.vocabulary import UNKNOWN
from xraybench.data import store, summary
from xraybench.data.agreement import Agreement, odrl
from xraybench.data.store import Stored
from xraybench.data.words import DUO, RAI, Terms, Words, gaps

FILE = "croissant.json"
_TYPES = {"text": "sc:Text", "float": "sc:Float", "int": "sc:Integer", "bool": "sc:Boolean"}
# Which part a column belongs to, for owners and terms.
_PART_OF = {
    **dict.fromkeys(("x0", "y0", "x1", "y1", "area_px", "view_share"), "boxes"),
    **dict.fromkeys(("threat", "concealment", "kind", "shape", "label_source"), "labels"),
    **dict.fromkeys(("path", "digest", "height", "width", "n_views"), "images"),
    "declared": "declared",
    "split": "splits",
}
_URN = "urn:xraybench:"


def croissant(
    stored: Stored, words: Words, *, at: Path, root: str = "", agreement: Agreement | None = None
) -> dict[str, Any]:
    """The document, a JSON value; the same dataset and words give the same one.

    Args:
        stored: The dataset.
        words: What its owner says.
        at: Folder in which the document will lie: addresses of the tables are relative to it.
        root: Root of the seal, where there is one.
        agreement: What its site allows others, where there is an agreement.
    """
    manifest = stored.manifest
    shown = _tables(stored)
    document: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": words.title or manifest.name,
        "description": words.description or _made_description(stored),
        "license": words.licence_url or manifest.licence,
        "version": words.version,
        "datePublished": words.date_published,
        "citeAs": words.citation,
        "url": words.url or f"{_URN}dataset:{manifest.digest}",
        "creator": {"@type": "sc:Organization", "name": words.owner} if words.owner else None,
        "identifier": manifest.digest,
        "isLiveDataset": False,
        "usageInfo": manifest.use_terms,
        "odrl:hasPolicy": odrl(agreement) if agreement else None,
        "prov:wasDerivedFrom": _origin(stored),
        "prov:wasGeneratedBy": _activity(stored),
        "xraybench:licenceOfUpstream": manifest.licence_of_upstream,
        "xraybench:isSimulated": manifest.is_simulated,
        "xraybench:seal": root,
        "xraybench:contact": words.contact,
        "xraybench:labelPolicy": words.label_policy,
        "xraybench:legalBasis": words.legal_basis,
        "xraybench:retention": words.retention,
        "xraybench:gaps": gaps(words),
        **{f"rai:{_camel(name)}": getattr(words, name) for name in RAI},
        "distribution": [_file(stored, table, at) for table in shown],
        "recordSet": [_record_set(table, words) for table in shown],
    }
    return {key: value for key, value in document.items() if value not in ("", None, [])}


def check_croissant(path: Path | str) -> list[str]:
    """What mlcroissant finds wrong with a document on disk; warnings begin with `warning: `. No network is used.

    Raises:
        MissingExtra: mlcroissant is not installed.
        CheckFailed: It breaks Croissant 1.1.
    """
    mlcroissant = need("mlcroissant", extra="datacard", why="Checking a Croissant document")
    try:
        # rdflib deprecates what mlcroissant still calls, and its own warnings are returned, not shouted
        with warnings.catch_warnings(action="ignore"), _silent("absl"):
            dataset = mlcroissant.Dataset(jsonld=str(path))
    except mlcroissant.ValidationError as error:
        raise CheckFailed(f"{path}: not Croissant 1.1\n{error}") from None
    return [f"warning: {line}" for line in sorted(dataset.metadata.issues.warnings)]


@contextlib.contextmanager
def _silent(logger: str) -> Iterator[None]:
    """Nothing that this logger says is shown."""
    speaker = logging.getLogger(logger)
    was, speaker.disabled = speaker.disabled, True
    try:
        yield
    finally:
        speaker.disabled = was


def _tables(stored: Stored) -> list[Table]:
    found = [tables.SCANS, tables.ITEMS, tables.OBJECTS]
    if not stored.manifest.is_simulated:
        found.append(store.FILES)
    return found + ([summary.FACTS] if (stored.folder / summary.FACTS_FILE).is_file() else [])


def _file(stored: Stored, table: Table, at: Path) -> dict[str, Any]:
    path = stored.folder / f"{table.name}.parquet"
    content = path.read_bytes()
    return {
        "@type": "cr:FileObject",
        "@id": path.name,
        "name": path.name,
        "description": f"table {table.name}, Parquet",
        "contentUrl": Path(os.path.relpath(path.resolve(), at.resolve())).as_posix(),
        "contentSize": f"{len(content)} B",
        "encodingFormat": "application/x-parquet",
        "sha256": sha256(content).hexdigest(),
    }


def _record_set(table: Table, words: Words) -> dict[str, Any]:
    key = [{"@id": f"{table.name}/{name}"} for name in table.key]
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        **({"key": key[0] if len(key) == 1 else key} if key else {}),
        "field": [_field(table, column, words) for column in table.columns],
    }


def _field(table: Table, column: Column, words: Words) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{table.name}/{column.name}",
        "name": column.name,
        "description": column.meaning,
        "dataType": _TYPES[column.kind],
        "source": {"fileObject": {"@id": f"{table.name}.parquet"}, "extract": {"column": column.name}},
    }
    terms = words.terms.get(_PART_OF.get(column.name, ""), Terms())
    if terms.owner or terms.annotated_by:
        agents = [name for name in (terms.owner, terms.annotated_by) if name]
        found["prov:wasAttributedTo"] = [{"@type": "prov:Agent", "name": name} for name in dict.fromkeys(agents)]
    if usage := _usage(terms):
        found["usageInfo"] = usage
    return found


def _usage(terms: Terms) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "@id": f"http://purl.obolibrary.org/obo/{term.replace(':', '_')}",
            "@type": "sc:DefinedTerm",
            "name": DUO[term],
        }
        for term in terms.duo
    ]
    if terms.permit or terms.prohibit:
        offer: dict[str, Any] = {"@type": "odrl:Offer"}
        if terms.owner:
            offer["odrl:assigner"] = terms.owner
        for name, actions in (("permission", terms.permit), ("prohibition", terms.prohibit)):
            if actions:
                offer[f"odrl:{name}"] = [_rule(action, terms.until) for action in actions]
        found.append(offer)
    return found


def _rule(action: str, until: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"odrl:action": {"@id": f"{_URN}action:{action}"}}
    if until:
        rule["odrl:constraint"] = {
            "odrl:leftOperand": {"@id": "odrl:dateTime"},
            "odrl:operator": {"@id": "odrl:lteq"},
            "odrl:rightOperand": until,
        }
    return rule


def _origin(stored: Stored) -> dict[str, Any]:
    """What the dataset was made from; never the folder of a machine."""
    manifest = stored.manifest
    if manifest.is_simulated:
        return {"@type": "prov:Entity", "name": manifest.source, "xraybench:seed": manifest.seed}
    upstream = manifest.licence_of_upstream
    return {
        "@type": "prov:Entity",
        "name": f"image files of folder {Path(manifest.source).name}",
        "license": upstream if upstream != UNKNOWN else "unknown",
    }


def _activity(stored: Stored) -> dict[str, Any]:
    what = "simulation" if stored.manifest.is_simulated else "import"
    agent = {"@type": "prov:SoftwareAgent", "name": "xraybench", "version": __version__}
    return {"@type": "prov:Activity", "name": what, "prov:wasAssociatedWith": agent}


def _made_description(stored: Stored) -> str:
    manifest = stored.manifest
    kind = "Simulated" if manifest.is_simulated else "Imported"
    return (
        f"{kind} X-ray scans: {len(stored.scans)} scans of {len(stored.items)} items, vector {manifest.vector}, sensor "
        f"{manifest.sensor}, threats {', '.join(manifest.threats) or 'none'}."
    )


def _camel(name: str) -> str:
    """`data_collection_raw_data` -> `dataCollectionRawData`."""
    if name == "data_collection_timeframe":
        return "dataCollectionTimeFrame"  # as mlcroissant spells it
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


_CROISSANT_WORDS = [
    "citeAs",
    "column",
    "equivalentProperty",
    "extract",
    "field",
    "fileProperty",
    "fileObject",
    "fileSet",
    "format",
    "includes",
    "isLiveDataset",
    "jsonPath",
    "key",
    "md5",
    "parentField",
    "path",
    "recordSet",
    "references",
    "regex",
    "repeated",
    "replace",
    "samplingRate",
    "separator",
    "source",
    "subField",
    "transform",
]
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{word: f"cr:{word}" for word in _CROISSANT_WORDS},
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "sc": "https://schema.org/",
    "prov": "http://www.w3.org/ns/prov#",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "xraybench": f"{_URN}term:",
}
