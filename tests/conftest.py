"""What every test gets: no network, one thread a process, and the folders of real scans where they exist.

The environment is set here, at the top, because kernels and command lines that tests start inherit it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GUARD = Path(__file__).resolve().parent / "guard"

os.environ.setdefault("OMP_NUM_THREADS", "1")  # 2 processes x 2 threads run 4 times slower
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["MPLBACKEND"] = "Agg"
os.environ["PYTHONDONTWRITEBYTECODE"] = ""  # every kernel would compile torch again

if "sitecustomize" not in sys.modules or not hasattr(sys.modules["sitecustomize"], "refuse_the_network"):
    _spec = importlib.util.spec_from_file_location("network_guard", GUARD / "sitecustomize.py")
    assert _spec is not None and _spec.loader is not None
    _spec.loader.exec_module(importlib.util.module_from_spec(_spec))
if str(GUARD) not in os.environ.get("PYTHONPATH", "").split(os.pathsep):
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(GUARD), os.environ.get("PYTHONPATH")]))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the workers write into the log of the process that started them
        handle, log = tempfile.mkstemp(prefix="xraybench-network-", suffix=".log")
        os.close(handle)
        os.environ["XRAYBENCH_NETWORK_LOG"] = log
        handle, log = tempfile.mkstemp(prefix="xraybench-dicos-judged-", suffix=".log")
        os.close(handle)
        os.environ["XRAYBENCH_DICOS_JUDGED"] = log  # every file put to the independent judge is counted in it


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput") and _network_attempts():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for attempt in dict.fromkeys(_network_attempts()):
        terminalreporter.write_line(f"NETWORK: something phoned out: {attempt}", red=True)
    judged = sum(map(int, Path(os.environ["XRAYBENCH_DICOS_JUDGED"]).read_text(encoding="utf-8").split()))
    if judged:
        terminalreporter.write_line(f"DICOS: {judged} files were put to the independent judge (pydicos)")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        Path(os.environ.pop("XRAYBENCH_NETWORK_LOG")).unlink(missing_ok=True)
        Path(os.environ.pop("XRAYBENCH_DICOS_JUDGED")).unlink(missing_ok=True)


def _network_attempts() -> list[str]:
    return Path(os.environ["XRAYBENCH_NETWORK_LOG"]).read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real scans: $XRAYBENCH_SHARED, or ../shared/data beside the checkout. Else skips."""
    folder = Path(os.environ.get("XRAYBENCH_SHARED") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("no folder of real scans: set XRAYBENCH_SHARED to one, or put it at ../shared/data")
    return folder


@pytest.fixture(scope="session")
def gdxray_crops(shared_data: Path) -> Path:
    """160 labelled crops of real radiographs, class = folder."""
    return _part(shared_data, "gdxray_crops")


@pytest.fixture(scope="session")
def compassxp(shared_data: Path) -> Path:
    """12 real dual-energy scans with COCO boxes."""
    return _part(shared_data, "compassxp")


def _part(shared_data: Path, name: str) -> Path:
    folder = shared_data / name
    if not folder.is_dir():
        pytest.skip(f"no {name} in the folder of real scans")
    return folder
