"""Writes down what a process of FLARE sends, before TLS. The traffic test puts a copy on PYTHONPATH as `sitecustomize`.

Two records a process, in the folder $XRAYBENCH_TRAFFIC: `.frames`, every frame that goes to the coordinator as it goes out,
and `.messages`, every message as it is encoded; both as 8 bytes of length and the bytes. The guard of the tests, whose place
it takes, is loaded as well.
"""

import importlib.abc
import importlib.util
import os
import sys
from types import ModuleType

_spec = importlib.util.spec_from_file_location("network_guard", os.environ["XRAYBENCH_GUARD"])
assert _spec is not None and _spec.loader is not None
_spec.loader.exec_module(importlib.util.module_from_spec(_spec))


def _keep(kind: str, content: bytes) -> None:
    role = "site" if any("client" in word or "worker" in word for word in sys.orig_argv) else "coordinator"
    path = os.path.join(os.environ["XRAYBENCH_TRAFFIC"], f"{role}-{os.getpid()}.{kind}")  # noqa: PTH118
    with open(path, "ab") as file:  # noqa: PTH123  starts before anything is imported
        file.write(len(content).to_bytes(8, "little") + content)


def _frames(module: ModuleType) -> None:
    connection = module.StreamConnection  # type: ignore[attr-defined]
    send = connection.send_frame

    def send_frame(self: object, frame: bytes) -> None:
        _keep("frames", bytes(frame))
        send(self, frame)

    connection.send_frame = send_frame


def _messages(module: ModuleType) -> None:
    dumps = module.dumps  # type: ignore[attr-defined]

    def kept(*arguments: object, **options: object) -> object:
        encoded = dumps(*arguments, **options)
        parts = encoded if isinstance(encoded, list | tuple) else [encoded]
        _keep("messages", b"".join(bytes(part) for part in parts))
        return encoded

    module.dumps = kept  # type: ignore[attr-defined]


_HOOKS = {
    "nvflare.fuel.f3.drivers.grpc_driver": _frames,
    "nvflare.fuel.utils.fobs": _messages,
}


class _Finder(importlib.abc.MetaPathFinder):
    """Lets the import happen, then hooks in."""

    def find_spec(self, name, path, target=None):  # type: ignore[no-untyped-def]
        if name not in _HOOKS:
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        load = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            _HOOKS[name](module)

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, _Finder())
