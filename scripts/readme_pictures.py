"""Make the README's pictures: simulated scans on two makes, every vector, and the board as a browser shows it.

    python scripts/readme_pictures.py            needs chromium for the board's picture

The scans are test items of the smoke profile: the upper row on one sensor, the lower row the same items on the other.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from xraybench import data, sensors, simulate
from xraybench.core import workspace
from xraybench.report import _figure

N_SCANS = 7
SENSORS = ("mail_160kv", "mail_140kv")
DOCS = workspace.repository() / "docs"


def write_scans(path: Path) -> None:
    """Parcels of both kinds, each item under itself on the other sensor, threats boxed."""
    sets = [data.load(f"parcel-{sensor}", profile="smoke").part("test") for sensor in SENSORS]
    hidden = sets[0].objects.drop_duplicates("concealment").sort_values("concealment")["item_id"].tolist()
    benign = [i for i in sets[0].items["item_id"] if i not in set(sets[0].objects["item_id"])]
    shown = [*hidden, *benign][:N_SCANS]
    with _figure.style():
        picture = _figure.new_picture("Simulated parcels on two sensors", width_in=1.75 * N_SCANS, height_in=3.9)
        axes = picture.subplots(2, N_SCANS)
        for row, (sensor, dataset) in enumerate(zip(SENSORS, sets, strict=True)):
            scan_of = dict(zip(dataset.scans.table["item_id"], dataset.scans.table["scan_id"], strict=True))
            for axis, item in zip(axes[row], shown, strict=True):
                axis.imshow(dataset.track("colour").load(scan_of[item]).views[0])
                axis.set_axis_off()
                told = dataset.objects[dataset.objects["item_id"] == item]
                for box in told.itertuples():
                    axis.plot(
                        [box.x0, box.x1, box.x1, box.x0, box.x0], [box.y0, box.y0, box.y1, box.y1, box.y0], "r", lw=0.9
                    )
                if row == 0:
                    words = f"{told.iloc[0]['threat']}, {told.iloc[0]['concealment']}" if len(told) else "benign"
                    axis.set_title(words.replace("_", " "), fontsize=8)
            axes[row][0].text(
                -0.06, 0.5, sensor, transform=axes[row][0].transAxes, rotation=90, va="center", ha="right"
            )
        picture.savefig(path, dpi=110)


def write_vectors(path: Path) -> None:
    """One item of every vector, on sensors of every family; a threat is boxed where the view shows it."""
    shown = (
        ("baggage", "baggage_140kv", "firearm", "masked", 0),
        ("baggage", "conveyor_160kv", "firearm", "masked", 1),
        ("baggage", "baggage_ct", "firearm", "masked", 7),
        ("pallet", "pallet_300kv", "cigarettes", "in_load", 0),
        ("container", "container_6mev", "powder_drugs", "rip_on_off", 0),
        ("container", "container_6mev", "alcohol", "in_load", 0),
        ("vehicle", "vehicle_4mev", "cigarettes", "undeclared", 0),
        ("vehicle", "backscatter_225kv", "cigarettes", "undeclared", 0),
    )
    with _figure.style():
        picture = _figure.new_picture("Simulated scans of every vector", width_in=12.4, height_in=6.6)
        for axis, (vector, name, threat, concealment, view) in zip(picture.subplots(2, 4).flat, shown, strict=True):
            sensor = sensors.get(name)
            scene = simulate.make_scene(
                vector, seed=3, name=f"{vector} {concealment}", threat=threat, concealment=concealment
            )
            scan = simulate.render(scene, sensor, seed=0)
            axis.imshow(simulate.display(sensor, scan.views[view]))
            axis.set_axis_off()
            axis.set_title(f"{name}: {threat}, {concealment}".replace("_", " "), fontsize=8)
            for label in (label for label in scan.labels.threats if label.view == view):
                x0, y0, x1, y1 = label.box
                axis.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], "r", lw=0.9)
        picture.savefig(path, dpi=110)


def write_board(path: Path) -> None:
    """The first screen of the committed board."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("readme_pictures: no chromium here, so no picture of the board. On Debian: apt-get install chromium")
    page = workspace.repository() / "leaderboards" / "site" / "index.html"
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        command += [
            "--hide-scrollbars",
            f"--user-data-dir={profile}",
            f"--screenshot={path}",
            "--window-size=1300,1130",
        ]
        subprocess.run([*command, page.as_uri()], check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    DOCS.mkdir(exist_ok=True)
    write_scans(DOCS / "scans.png")
    write_vectors(DOCS / "vectors.png")
    write_board(DOCS / "board.png")
