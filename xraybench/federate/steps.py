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
from xraybench.federate.answer import EvaluationSite, SiteFault, read_header, site_step
from xraybench.federate.weights import from_bytes, to_bytes

STEP, TOLD, COUNTS = "step.json", "told.json", "counts.safetensors"


def ask(step: str, header: Mapping[str, Any]) -> wire.Parts:
    """One step of an evaluation as a question; the same for every site."""
    return {STEP: json.dumps({"version": __version__, "step": step, "header": dict(header)}).encode()}


def read_ask(parts: Mapping[str, bytes]) -> tuple[str, dict[str, Any]]:
    """The step and the header of a question.

    Raises:
        SiteFault: The coordinator runs another version, asks for no step, or its header is broken.
        BadFile: No question at all.
    """
    asked = _object(parts, STEP)
    wire.check_version(asked.get("version"))
    if lacking := {"step", "header"} - asked.keys():
        raise SiteFault(f"The coordinator's message is broken: it has no {' and no '.join(sorted(lacking))}.")
    step, header = str(asked["step"]), asked["header"]
    read_header(step, header)
    return step, header


def answer(site: EvaluationSite, parts: Mapping[str, bytes]) -> wire.Parts:
    """What a site sends back.

    Raises:
        SiteFault, BadFile: As `read_ask`.
        Refused, UserError: As `answer.site_step`.
    """
    told, counts = site_step(site, *read_ask(parts))
    return {TOLD: json.dumps(told).encode()} | ({COUNTS: to_bytes(counts)} if counts else {})


def answer_or_refusal(site: EvaluationSite, parts: Mapping[str, bytes]) -> wire.Parts:
    """As `answer`, but a fault becomes a refusal that names no file; the fault itself goes to stderr."""
    try:
        return answer(site, parts)
    except Exception as error:  # whatever fails here costs this site its place in the sum, never the evaluation
        sys.stderr.write(f"{site.name}: {type(error).__name__}: {error}\n")
        return wire.refusal(site.name, error)


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
