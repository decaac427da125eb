"""Datasets: simulated corpora made on demand, imports of real scans, and the one `Dataset` both become.

load(task, profile, seed)          the scans and labels of a task, a corpus or a folder
make(vector, profile, seed)        simulated corpora of a vector on all its sensors
labels(corpus, profile, seed)      what a simulated corpus holds, without rendering it
import_folder, import_coco         real scans, left where they are
check(folder), card(folder)        what is wrong with a dataset, and what it is
"""

from xraybench.data.checks import check
from xraybench.data.corpus import Labels, labels, make
from xraybench.data.datacard import card
from xraybench.data.dataset import join, load, read_dataset
from xraybench.data.doors import import_scans, training_set, write_example_folder
from xraybench.data.imports import import_coco, import_folder
from xraybench.data.profiles import PROFILES, Profile, size_of

__all__ = [
    "PROFILES",
    "Labels",
    "Profile",
    "card",
    "check",
    "import_coco",
    "import_folder",
    "import_scans",
    "join",
    "labels",
    "load",
    "make",
    "read_dataset",
    "size_of",
    "training_set",
    "write_example_folder",
]
