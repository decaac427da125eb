"""What the code runs on, in a few words: a latency without its machine says nothing."""

import platform
import sys
from pathlib import Path


def device_name() -> str:
    """The accelerator that torch would use, where torch is loaded and finds one; else the processor."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "processor not known"
