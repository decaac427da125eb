"""Starts one process of NVIDIA FLARE as a child of ours: `python -m xraybench.federate._flare_start MODULE ARGUMENTS`.

It ends when the process that started it ends, however that happened, so that no server or site outlives its command; and
its temporary files lie in its own kit, not in the folder that all users of the machine share. What FLARE would tell of the
machine's address is kept back.
"""

import os
import runpy
import sys
import tempfile
import threading
import time
from pathlib import Path

_POLL_S = 1.0


def end_with_parent() -> None:
    """End this process soon after its parent has gone."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_POLL_S)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def keep_to_itself(kit: Path) -> None:
    """Keep temporary files in the kit, and the address that this machine has inside its own network out of messages."""
    from nvflare.private.fed import authenticator

    authenticator._get_client_ip = lambda: "127.0.0.1"  # it would ask the routing table and tell the coordinator
    folder = kit / "tmp"
    folder.mkdir(mode=0o700, exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


def main() -> None:
    module, *arguments = sys.argv[1:]
    end_with_parent()
    keep_to_itself(Path(arguments[arguments.index("-m") + 1]))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
