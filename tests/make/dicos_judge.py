"""The independent judge of DICOS files: pydicos over Stratovan's toolkit, in a process of its own, because it can crash.

`verdicts(paths)` starts a process that reads file after file and says of each, in a line of JSON, whether it accepts it and
what it read. A process that dies or hangs on a file has refused it, and the next one goes on behind it. Every file that was
put to the judge is counted in a log, whose length the test run prints.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SECONDS_A_FILE = 20.0
LOG = "XRAYBENCH_DICOS_JUDGED"


def is_expected() -> bool:
    """Whether the judge's wheels fit this machine: Linux on x86-64, Python before 3.12."""
    return sys.platform == "linux" and platform.machine() == "x86_64" and sys.version_info < (3, 12)


def is_here() -> bool:
    return is_expected() and importlib.util.find_spec("pydicos") is not None


def verdicts(paths: Sequence[Path], kinds: Sequence[str]) -> list[dict[str, Any]]:
    """The verdict on each file: `accepted`, `log`, and what was read of it. `kinds` is dx, ct or tdr for each."""
    found: list[dict[str, Any]] = []
    while len(found) < len(paths):
        work = [[str(path), kind] for path, kind in zip(paths[len(found) :], kinds[len(found) :], strict=True)]
        found += _one_process(work)
    if log := os.environ.get(LOG):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{len(found)}\n")
    return found


def n_judged() -> int:
    """Files put to the judge so far in this test run."""
    log = os.environ.get(LOG)
    return sum(int(line) for line in Path(log).read_text(encoding="utf-8").split()) if log else 0


def _one_process(work: list[list[str]]) -> list[dict[str, Any]]:
    """The verdicts until the process ended, a crash or hang being one."""
    with tempfile.TemporaryFile("w+") as out:
        try:
            run = subprocess.run(
                [sys.executable, __file__],
                input=json.dumps(work),
                stdout=out,
                stderr=subprocess.DEVNULL,
                text=True,
                timeout=SECONDS_A_FILE + 0.5 * len(work),
                check=False,
            )
            ended = f"ended with {run.returncode}"
        except subprocess.TimeoutExpired:
            ended = "hung"
        out.seek(0)
        found = [json.loads(line[2:]) for line in out.read().splitlines() if line.startswith("> ")]
    if len(found) < len(work):
        found.append({"accepted": False, "log": f"the judge {ended}", "crashed": True})
    return found


def _judge() -> None:
    import numpy as np
    import pyDICOS
    from pydicos import CTLoader, DXLoader, TDRLoader

    def digest(array: Any) -> dict[str, Any]:
        import hashlib

        flat = np.ascontiguousarray(array, dtype="<u2")
        return {"shape": list(flat.shape), "sha256": hashlib.sha256(flat.tobytes()).hexdigest()}

    def threats(report: Any) -> list[dict[str, Any]]:
        ids = pyDICOS.Array1DS_UINT16()
        report.GetPTOIds(ids)
        rows = []
        for i in range(ids.GetSize()):
            number = ids[i]
            base, extents = pyDICOS.Point3Dfloat(), pyDICOS.Point3Dfloat()
            bitmap, polygon = pyDICOS.Bitmap(), pyDICOS.Array1DPoint3Dfloat()
            report.GetThreatRegionOfInterest(number, base, extents, bitmap, 0)
            report.GetThreatBoundingPolygon(number, polygon, 0)
            x, y, z = (int(v) for v in (extents.x, extents.y, extents.z))
            bits = None
            if bitmap.GetSize() != 0:
                bits = [
                    [x_, y_, z_] for z_ in range(z) for y_ in range(y) for x_ in range(x) if bitmap.GetBit(x_, y_, z_)
                ]
            rows.append(
                {
                    "number": number,
                    "base": [base.x, base.y, base.z],
                    "extents": [extents.x, extents.y, extents.z],
                    "bits": bits,
                    "polygon": [[polygon[j].x, polygon[j].y, polygon[j].z] for j in range(polygon.GetSize())],
                    "probability": report.GetPTOAssessmentProbability(number, 0),
                    "flag": str(report.GetPTOAssessmentFlag(number, 0)),
                    "category": str(report.GetPTOAssessmentThreatCategory(number, 0)),
                    "description": report.GetPTOAssessmentDescription(number, 0).Get(),
                }
            )
        return rows

    loaders = {"dx": DXLoader, "ct": CTLoader, "tdr": TDRLoader}
    for path, kind in json.loads(sys.stdin.read()):
        verdict: dict[str, Any] = {"accepted": False, "log": "", "crashed": False}
        try:
            one, errors = loaders[kind](), pyDICOS.ErrorLog()
            verdict["accepted"] = bool(one.Read(pyDICOS.Filename(path), errors, None))
            verdict["log"] = errors.GetErrorLog().Get()
            if verdict["accepted"] and kind == "dx":
                verdict["pixels"] = digest(one.get_data())
            elif verdict["accepted"] and kind == "ct":
                verdict["pixels"] = digest(one.get_data()[0])
            elif verdict["accepted"]:
                verdict["threats"] = threats(one)
                verdict["decision"] = str(one.GetAlarmDecision())
                verdict["type"] = str(one.GetTDRType())
                verdict["total_ms"] = one.GetTotalProcessingTimeInMS()
        except Exception as error:  # whatever the judge raises, it has not accepted the file
            verdict["log"] += f" raised {error!r}"[:500]
            verdict["accepted"] = False
        sys.stdout.write("> " + json.dumps(verdict) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _judge()
