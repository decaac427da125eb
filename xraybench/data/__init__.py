"""Datasets: simulated corpora made on demand, imports of real scans, and the one `Dataset` both become.

load(task, profile, seed)          the scans and labels of a task, a corpus or a folder
make(vector, profile, seed)        simulated corpora of a vector on all its sensors
labels(corpus, profile, seed)      what a simulated corpus holds, without rendering it
import_scans(source, out)          real scans of any known layout, left where they are
import_folder, import_coco, ...    the same, for one layout
summary_of(folder), facts_in       what an import took and left out, and what else the source says
check(folder), card(folder)        what is wrong with a dataset, and what it is
inspect, seal, prove               the same check as a report; a root over all images, labels and splits
deidentify(source, out, key)       a copy of a folder of scans without who, where and when
describe, export                   the card as its parts; a dataset as COCO or exchange packages
"""

from xraybench.data.checks import Report, check, inspect
from xraybench.data.corpus import Labels, labels, make
from xraybench.data.croissant import check_croissant
from xraybench.data.datacard import DataCard, card, describe
from xraybench.data.dataset import join, load, read_dataset
from xraybench.data.deidentify import Deidentified, deidentify
from xraybench.data.doors import (
    formats,
    import_scans,
    template,
    training_set,
    write_example_dicos,
    write_example_folder,
)
from xraybench.data.export import export
from xraybench.data.imports import import_coco, import_folder, import_set
from xraybench.data.manifest import Proof, prove, read_seal, seal
from xraybench.data.profiles import PROFILES, Profile, size_of
from xraybench.data.pseudonyms import make_key
from xraybench.data.summary import FILE as SUMMARY_FILE
from xraybench.data.summary import ImportSummary, facts_in, summary_of
from xraybench.data.words import Words, read_words

__all__ = [
    "PROFILES",
    "SUMMARY_FILE",
    "DataCard",
    "Deidentified",
    "ImportSummary",
    "Labels",
    "Profile",
    "Proof",
    "Report",
    "Words",
    "card",
    "check",
    "check_croissant",
    "deidentify",
    "describe",
    "export",
    "facts_in",
    "formats",
    "import_coco",
    "import_folder",
    "import_scans",
    "import_set",
    "inspect",
    "join",
    "labels",
    "load",
    "make",
    "make_key",
    "prove",
    "read_dataset",
    "read_seal",
    "read_words",
    "seal",
    "size_of",
    "summary_of",
    "template",
    "training_set",
    "write_example_dicos",
    "write_example_folder",
]
