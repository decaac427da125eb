"""Who lets go what leaves a site, in tests: an officer who agrees, and one who answers by files as over a network."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from xraybench.federate.release import Answer, Payload


def officer(payload: Payload) -> Answer:
    """Agrees to everything that is shown."""
    return Answer(bool(payload.text), "the officer on duty")


@contextmanager
def officers_at(folders: Sequence[Path]) -> Iterator[None]:
    """Agree to whatever is laid into these folders, for as long as the block lasts."""
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(0.1):
            for asked in [path for folder in folders for path in folder.glob("*.txt")]:
                if not (said := asked.with_suffix(".approved")).exists():
                    said.write_text("the officer on duty", encoding="utf-8")

    person = threading.Thread(target=look, daemon=True)
    person.start()
    try:
        yield
    finally:
        is_over.set()
        person.join()
