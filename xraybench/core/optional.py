"""Optional packages: imported where they are used, and named when they are missing."""

from importlib import import_module
from types import ModuleType

from xraybench.core.errors import MissingExtra


def need(module: str, *, extra: str, why: str) -> ModuleType:
    """Import `module`, or say which extra brings it and what it is for.

    Raises:
        MissingExtra: The module is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise MissingExtra(f"{why} needs {module}. Install it with: pip install 'xraybench[{extra}]'") from None
