"""One scene gives the same bytes on every processor: rendered again by code compiled for older ones."""

import hashlib
import os
import subprocess
import sys

import pytest

from xraybench import simulate

# transmission at keV and MeV, two views, slices, backscatter: every kernel there is
SENSORS = ("mail_160kv", "conveyor_160kv", "container_6mev", "vehicle_4mev", "baggage_ct", "backscatter_225kv")
SCAN = """
import hashlib, sys
from xraybench import sensors, simulate
scene = simulate.Scene.from_json(sys.stdin.read())
for name in sys.argv[1:]:
    scan = simulate.render(scene, sensors.get(name), seed=7, field_px=(96, 96))
    print(name, hashlib.sha256(b"".join(view.tobytes() for view in scan.views)).hexdigest())
"""
OLDER = {
    "nehalem": ("AVX2 FMA3 AVX512F", "-AVX,-AVX2,-FMA,-AVX512F"),  # neither AVX nor fused multiply-add
    "haswell": ("AVX512F", "-AVX512F"),
}


def hashes(scene: simulate.Scene, environment: dict[str, str]) -> str:
    told = subprocess.run(
        [sys.executable, "-c", SCAN, *SENSORS],
        input=scene.to_json(), env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr[-2000:]
    return told.stdout


@pytest.fixture(scope="module")
def scene() -> simulate.Scene:
    return simulate.make_scene("mail", seed=7, name="same", threat="powder_drugs")


@pytest.fixture(scope="module")
def here(scene: simulate.Scene) -> str:
    return hashes(scene, {})


@pytest.mark.slow
@pytest.mark.parametrize("processor", OLDER)
def test_a_scan_is_the_same_bytes_on_an_older_processor(processor: str, scene: simulate.Scene, here: str) -> None:
    """Our kernels compiled for the older processor, numpy and the C library kept from their newer instructions.

    Source: simulation.md 2.4, where numpy's own exponential changed 40 % of values by its last bit.
    """
    numpy_without, libc_without = OLDER[processor]
    older = {
        "NUMBA_CPU_NAME": processor,
        "NUMBA_CPU_FEATURES": "",
        "NPY_DISABLE_CPU_FEATURES": numpy_without,
        "GLIBC_TUNABLES": f"glibc.cpu.hwcaps={libc_without}",
    }
    assert hashes(scene, older) == here


def test_rendering_twice_gives_the_same_bytes(scene: simulate.Scene) -> None:
    from xraybench import sensors

    digests = {
        hashlib.sha256(simulate.render(scene, sensors.get("mail_160kv"), seed=7).raw.tobytes()).hexdigest()
        for _ in range(2)
    }
    assert len(digests) == 1
