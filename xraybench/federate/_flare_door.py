"""What runs in the main process of the FLARE server: it writes down who is connected, and which jobs have ended.

FLARE lets nobody into a job that runs and does not tell the job who came. With this list the coordinator sees, between two
rounds, that a site is back, and asks for a new job, in which the run goes on with it. A job whose process was killed cannot
say how it ended: that it did stands here.
"""

import json
from pathlib import Path

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_component import FLComponent
from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext
from nvflare.apis.job_def import JobMetaKey

from xraybench.core import digest
from xraybench.core.documents import write_text
from xraybench.federate.kits import ENDED, ServerSettings, read_settings

CONNECTED = "flare/connected.json"
# A site that starts registers; one that was there before the server was sends its heartbeat.
_COMES = (EventType.CLIENT_REGISTER_PROCESSED, EventType.CLIENT_HEARTBEAT_PROCESSED)
_ENDS = (EventType.JOB_COMPLETED, EventType.JOB_ABORTED)


class Door(FLComponent):  # type: ignore[misc]  # nvflare has no types
    """Keeps two lists in the run's folder.

    `connected.json`: site -> a name of its connection, another one each time it connects. `ended.json`: the jobs that ended
    in this server, by FLARE's names of them.
    """

    def __init__(self, kit: str) -> None:
        super().__init__()
        self.kit = kit
        self._told: dict[str, str] = {}
        self._ended: list[str] = []

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        """Called by FLARE for everything that happens in the server."""
        if event_type in _ENDS:
            self._ended.append(fl_ctx.get_prop(FLContextKey.EVENT_DATA)[JobMetaKey.JOB_ID.value])
            self._write(ENDED, self._ended)
        if event_type not in _COMES:
            return
        here = {client.name: digest.of_json(client.token) for client in fl_ctx.get_engine().get_clients()}
        if here != self._told:
            self._write(CONNECTED, here)
            self._told = here

    def _write(self, name: str, told: list[str] | dict[str, str]) -> None:
        out = Path(read_settings(Path(self.kit), ServerSettings).out)
        write_text(out / name, json.dumps(told, indent=1) + "\n")


def connections(out: Path) -> dict[str, str]:
    """Who is connected: site -> the name of its connection."""
    path = out / CONNECTED
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found
