"""Keeps a Python process off the network, and writes down that it tried.

Python imports this file by itself at the start of every process that has this folder on PYTHONPATH: the tests,
their workers, the command line they call, the kernels papermill starts. An audit hook cannot be undone, and
sees every socket that goes through Python, whichever library opens it.
"""

import os
import sys

_HOST_ARGUMENT = {
    "socket.connect": 1,  # connect_ex as well
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}


def is_this_machine(address: object) -> bool:
    """Whether an address of a socket call stays here: loopback, a Unix socket, or no address at all."""
    host = address[0] if isinstance(address, tuple) else address
    if host is None:
        return True
    name = (host.decode() if isinstance(host, bytes) else str(host)).lower()
    if name.startswith(("/", "\0")):  # a Unix socket: a path, or a name in the abstract namespace
        return True
    return name in ("", "localhost", "::", "::1", "0.0.0.0") or name.startswith(("127.", "::ffff:127."))


def refuse_the_network(event: str, arguments: tuple[object, ...]) -> None:
    """The audit hook: raises before the call is made."""
    if event not in _HOST_ARGUMENT:
        return
    address = arguments[_HOST_ARGUMENT[event]]
    if is_this_machine(address):
        return
    test = os.environ.get("PYTEST_CURRENT_TEST", "no test")
    report = f"{event} {address!r} in {test}, by {' '.join(sys.orig_argv)}"
    log = os.environ.get("XRAYBENCH_NETWORK_LOG")
    if log:
        with open(log, "a", encoding="utf-8") as lines:  # append: several processes share it
            lines.write(report.replace("\n", " ")[:500] + "\n")
    raise ConnectionRefusedError(f"Tests reach no network: {report}")


sys.addaudithook(refuse_the_network)
