"""Hands a job to a running FLARE server, in a process of its own: its client leaves threads behind.

    python -m xraybench.federate._flare_submit -m ADMIN_KIT --job FOLDER --user NAME --quorum N --wait SECONDS SITE ...

Waits until every site is connected, or, once the seconds are over, until the quorum is. Last line: the sites that are.
"""

import argparse
import contextlib
import json
import sys
import time
from pathlib import Path

from nvflare.fuel.flare_api.flare_api import Session, new_secure_session

from xraybench.federate._flare_start import end_with_parent, keep_to_itself

_POLL_S = 0.5
_LOGIN_S = 30.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("-m", dest="kit", type=Path, required=True)
    parser.add_argument("--job", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--quorum", type=int, required=True)
    parser.add_argument("--wait", type=float, required=True)
    parser.add_argument("sites", nargs="+")
    options = parser.parse_args()
    end_with_parent()
    keep_to_itself(options.kit)
    with contextlib.redirect_stdout(sys.stderr):
        session = new_secure_session(options.user, str(options.kit), timeout=_LOGIN_S)
        here = waited(session, options)
        job_id = session.submit_job(options.job) if here else ""
        session.close()
    sys.stdout.write(json.dumps({"job_id": job_id, "sites": here}) + "\n")


def waited(session: Session, options: argparse.Namespace) -> list[str]:
    """The sites that are connected; none where the quorum did not come in time."""
    end = time.monotonic() + options.wait
    while True:
        connected = {client.name for client in session.get_system_info().client_info}
        here = sorted(connected & set(options.sites))
        if len(here) == len(options.sites):
            return here
        if time.monotonic() > end:
            return here if len(here) >= options.quorum else []
        time.sleep(_POLL_S)


if __name__ == "__main__":
    main()
