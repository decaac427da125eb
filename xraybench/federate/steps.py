"""The messages of a federated evaluation over a network, as `wire` has those of training: JSON and safetensors.

question  step.json: the step and its header
answer    told.json, and counts.safetensors where a site sends counts under masks; or refusal.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from xraybench import __version__
from xraybench.core.errors import BadFile, Refused
from xraybench.federate import wire
from xraybench.federate.answer import EvaluationSite, site_step
from xraybench.federate.weights import from_bytes, to_bytes

STEP, TOLD, COUNTS = "step.json", "told.json", "counts.safetensors"


def ask(step: str, header: Mapping[str, Any]) -> wire.Parts:
    """One step of an evaluation as a question; the same for every site."""
    return {STEP: json.dumps({"version": __version__, "step": step, "header": dict(header)}).encode()}


def answer_or_refusal(site: EvaluationSite, parts: Mapping[str, bytes]) -> wire.Parts:
    """What a site sends back. A fault becomes a refusal that names no file; the fault itself goes to stderr."""
    try:
        asked = _object(parts, STEP)
        wire.check_version(asked.get("version"))
        told, counts = site_step(site, str(asked["step"]), asked["header"], {})
    except Exception as error:  # whatever fails here costs this site its place in the sum, never the evaluation
        sys.stderr.write(f"{site.name}: {type(error).__name__}: {error}\n")
        return wire.refusal(site.name, error)
    return {TOLD: json.dumps(told).encode()} | ({COUNTS: to_bytes(counts)} if counts else {})


def read(parts: Mapping[str, bytes]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What a site said to a step.

    Raises:
        Refused: It said no, or could not answer.
        BadFile: The message is broken.
    """
    if reason := wire.read_refusal(parts):
        raise Refused(reason)
    counts = from_bytes(parts[COUNTS], source=COUNTS) if COUNTS in parts else {}
    return _object(parts, TOLD), counts


def _object(parts: Mapping[str, bytes], name: str) -> dict[str, Any]:
    try:
        found = json.loads(parts[name])
    except (KeyError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadFile(f"{name}: missing, or no JSON document.")
    return found
