"""What gets installed: pinned, neutral, with a reason each, without CUDA on a CPU; and offline from then on."""

from __future__ import annotations

import importlib.metadata
import os
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from xraybench import __version__, _torchvision

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")


def canonical(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def all_requirements() -> list[str]:
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    return [line for line in [*PROJECT["dependencies"], *extras] if canonical(line) != "xraybench"]


def pins() -> set[tuple[str, str]]:
    """Package and version, several of a package where Python versions differ."""
    found = re.findall(r"^([\w.-]+)==([^\s;]+)", CONSTRAINTS, re.MULTILINE)
    return {(canonical(package), version) for package, version in found}


@pytest.mark.parametrize("word", ["+cpu", "+cu", "://", "file:", " @ ", "/", "\\", "--find-links", "--index"])
def test_constraints_name_no_build_place_or_registry(word: str) -> None:
    assert [line for line in CONSTRAINTS.splitlines() if word in line and not line.startswith("#")] == []


def test_every_dependency_is_pinned() -> None:
    assert {canonical(line) for line in all_requirements()} - {package for package, _ in pins()} == set()


def test_every_dependency_is_installed_at_its_pin() -> None:
    names = {canonical(line) for line in PROJECT["dependencies"]}
    installed = {(name, importlib.metadata.version(name).split("+")[0]) for name in names}
    assert installed - pins() == set()


def test_every_dependency_has_a_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    reasoned = {line.split('"')[1] for line in lines if re.match(r'\s+"[^"]+",?\s+# \S.{9,}', line)}
    assert set(all_requirements()) - reasoned == set()


def test_the_package_has_one_version() -> None:
    assert PROJECT["version"] == __version__ == importlib.metadata.version("xraybench")


def test_a_cpu_build_of_torch_comes_without_cuda_packages() -> None:
    torch = pytest.importorskip("torch")
    if torch.version.cuda is not None:
        pytest.skip("this torch is a CUDA build")
    names = {canonical(found.metadata["Name"]) for found in importlib.metadata.distributions()}
    assert {name for name in names if name.startswith("nvidia-")} == set()


def test_timm_makes_a_network_for_two_channels() -> None:
    import torch

    timm = _torchvision.import_timm()
    model = timm.create_model("mobilenetv3_small_050", pretrained=False, in_chans=2, num_classes=3).eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 2, 64, 64)).shape == (1, 3)


def test_torchvision_says_how_it_was_loaded_even_after_a_broken_import() -> None:
    script = (
        "import contextlib\n"
        "from xraybench import _torchvision\n"
        "print(_torchvision.state())\n"
        "with contextlib.suppress(RuntimeError):\n"
        "    import torchvision\n"  # what another package would do before us
        "_torchvision.import_timm()\n"
        "timm = _torchvision.import_timm()\n"
        "import torchvision\n"
        "print(_torchvision.state(), torchvision.extension._has_ops())\n"
    )
    before, after = run_python(script).stdout.splitlines()
    assert before == "not loaded"
    assert after in ("native True", "shim False")


def test_an_operator_without_a_body_says_so_instead_of_answering() -> None:
    import torch

    torchvision = _torchvision.import_torchvision()
    if _torchvision.state() == "native":
        pytest.skip("torchvision has its own operators here")
    with pytest.raises(RuntimeError, match="custom C\\+\\+ ops"):
        torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)


@pytest.mark.parametrize(
    ("channels", "kernel", "stride", "groups", "is_safe"),
    [
        (1, 1, 2, 1, True),
        (2, 1, 2, 1, False),
        (7, 1, 2, 1, False),
        (8, 1, 2, 1, True),
        (2, 1, 1, 1, True),
        (2, 3, 2, 1, True),
        (16, 1, 2, 4, False),
    ],
)
def test_channels_last_is_kept_from_strided_pointwise_layers_of_few_channels(
    channels: int, kernel: int, stride: int, groups: int, is_safe: bool
) -> None:
    import torch

    layer = torch.nn.Conv2d(channels, 16, kernel, stride=stride, groups=groups)
    expected = torch.channels_last if is_safe else torch.contiguous_format
    assert _torchvision.safe_memory_format(torch.nn.Sequential(layer, torch.nn.ReLU())) == expected


def test_a_repvgg_on_two_channels_is_not_trained_in_channels_last() -> None:
    import torch

    timm = _torchvision.import_timm()
    for name, expected in (
        ("repvgg_a0", torch.contiguous_format),
        ("mobilenetv3_small_050", torch.channels_last),
    ):
        model = timm.create_model(name, pretrained=False, in_chans=2)
        assert _torchvision.safe_memory_format(model) == expected, name


def test_this_machine_is_not_the_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_a_test_that_phones_out_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XRAYBENCH_NETWORK_LOG", str(tmp_path / "network.log"))
    with pytest.raises(ConnectionRefusedError, match="Tests reach no network"):
        socket.create_connection(("192.0.2.1", 9), 0.1)


@pytest.mark.parametrize(
    "call",
    [
        "socket.create_connection(('192.0.2.1', 9), 0.1)",
        "socket.socket().connect_ex(('192.0.2.1', 9))",
        "socket.getaddrinfo('example.invalid', 443)",
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 9))",
        "urllib.request.urlopen('http://example.invalid', timeout=0.1)",
    ],
)
def test_a_process_started_by_a_test_cannot_phone_out_unseen(call: str, tmp_path: Path) -> None:
    log = tmp_path / "network.log"
    script = f"import contextlib, socket, urllib.request\nwith contextlib.suppress(OSError):\n    {call}\n"
    run_python(script, XRAYBENCH_NETWORK_LOG=str(log))
    assert "192.0.2.1" in log.read_text() or "example.invalid" in log.read_text()


def test_the_hub_client_neither_fetches_nor_reports() -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    assert constants.HF_HUB_OFFLINE
    assert constants.HF_HUB_DISABLE_TELEMETRY


def run_python(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    return run
