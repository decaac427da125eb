"""What the federated engine costs beside the training it carries: seconds a round, and those of a bare loop.

    python benchmarks/federation.py [--scans 400] [--rounds 3] [--repeats 3]
    python benchmarks/federation.py --flare 5 [--rounds 6]     what a real network adds: FLARE on loopback, mutual TLS
    python benchmarks/federation.py --flare 5 --round-seconds 60 --rounds 3     the same where a round takes a minute

Three sites of noise scans (160 x 160, two channels), so nothing has to be simulated first. The bare loop trains the same
networks on the same scans with the same seeds and averages with numpy: no records, no checks, no digests, no
checkpoints. Both must end in the same weights. Beside it stands the secure sum of a federated evaluation: 65,536 counters of
five sites, from agreeing on masks to the sum, next to a plain sum of the same tables. The last line is JSON.

With `--flare N` the same job is played in process and over NVIDIA FLARE: a server and N sites, a process each, certificates
at both ends. The sites hold few, small scans, so that a round is nearly all transport: what FLARE adds a round is at most
the median time between two closed rounds, the little training included. The first round, in which every site loads torch,
counts to the start.

With `--round-seconds S` a round takes S seconds at every site, as it would with scans enough. That is padding: a site trains
its few scans for real and then sleeps until S seconds have passed since it began to, so that the sites of this one machine
do not wait for each other's processor. What is measured is the whole run over rounds x S: with everything, from the start of
the first process to the model, and without the start, from the first question of the first round to the end of the last.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from PIL import Image

from xraybench import data, federate, train
from xraybench.core import tables
from xraybench.core.documents import FederatedJob
from xraybench.core.types import Dataset, ScanSet
from xraybench.data import agreement as agreements
from xraybench.federate import Site, fedavg, secure_sum
from xraybench.federate.job import site_seed
from xraybench.federate.release import Answer
from xraybench.federate.site import round_learning_rate, signature_of
from xraybench.federate.weights import Weights
from xraybench.models.timm_net import net_of, set_weights, weights_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "make"))
from persons import officers_at

SIDE_PX = 160
LONG_ROUND_S = 60.0
N_COUNTERS, N_SUMMED = 65_536, 5
FULL_SCALE = 60_000.0


def main() -> None:
    options = parsed()
    if options.flare:
        figures = flare_cost(
            n_sites=options.flare,
            n_rounds=options.rounds,
            architecture=options.architecture,
            padded_s=options.round_seconds,
        )
        for name, value in figures.items():
            print(f"{name:28} {value}")
        print(json.dumps(figures))
        return
    sites = [Site(name, noise(name, options.scans)) for name in ("north", "south", "west")]
    job = federate.make_job(
        name="bench",
        architecture=options.architecture,
        threats=("firearm",),
        n_sites=len(sites),
        image_px=options.image_px,
        full_scale=FULL_SCALE,
        n_rounds=options.rounds,
        batch_norm="local_statistics",
    )
    for site in sites:
        site.prepared(job)  # reading scans is the same for both and left out
    bare(job.model_copy(update={"n_rounds": 1}), sites)  # first calls of kernels set themselves up
    loops, engines, kept_bytes, is_equal = [], [], 0, True
    for _ in range(options.repeats):  # in turn, so that a busy minute strikes both
        with Clock(job.n_rounds) as clock:
            plain = bare(job, sites)
        loops.append(clock)
        with tempfile.TemporaryDirectory() as folder:
            with Clock(job.n_rounds) as clock:
                run = federate.run(job, sites, out=Path(folder), quiet=True)
            engines.append(clock)
            kept_bytes = sum(p.stat().st_size for p in Path(folder, "round_001").rglob("*") if p.is_file())
        theirs = weights_of(run.net.net)
        is_equal &= all(np.array_equal(plain[name], theirs[name]) for name in plain)
    report(options, loops, engines, kept_bytes, is_equal)


class Clock:
    """Wall and processor seconds of a block, a round. Processor time tells the two apart on a machine others use."""

    def __init__(self, n_rounds: int) -> None:
        self.n_rounds, self.wall_s, self.cpu_s = n_rounds, 0.0, 0.0

    def __enter__(self) -> Clock:
        self._start = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        wall, cpu = self._start
        self.wall_s = (time.perf_counter() - wall) / self.n_rounds
        self.cpu_s = (time.process_time() - cpu) / self.n_rounds


def bare(job: FederatedJob, sites: list[Site]) -> Weights:
    """Federated averaging without an engine: nets, a loop, a mean."""
    net = net_of(signature_of(job), seed=job.seed)
    weights, kept = weights_of(net), {}
    for index in range(1, job.n_rounds + 1):
        updates, counts = {}, {}
        for site in sites:
            set_weights(net, {**weights, **kept.get(site.name, {})})
            train.fit(
                net,
                site.prepared(job),
                epochs=job.local_epochs,
                batch_size=job.batch_size,
                learning_rate=round_learning_rate(job, index),
                seed=site_seed(job, site.name, index),
                schedule="constant",
            )
            updates[site.name], counts[site.name] = weights_of(net), len(site.dataset.items)
            kept[site.name] = {n: w for n, w in updates[site.name].items() if ".running_" in n or "num_batches" in n}
        weights = fedavg(updates, counts)
    return weights


PADDING = """
import os, sys, time

if any("worker_process" in word for word in sys.orig_argv):  # a site's process of a job
    from xraybench.federate.site import Site

    fit = Site.fit

    def padded(self, *arguments, **options):
        end = time.monotonic() + float(os.environ["ROUND_SECONDS"])
        update = fit(self, *arguments, **options)
        time.sleep(max(0.0, end - time.monotonic()))
        return update

    Site.fit = padded
"""


def flare_cost(
    *, n_sites: int, n_rounds: int, architecture: str, padded_s: float = 0.0
) -> dict[str, float | int | str]:
    """What FLARE adds to a run, beside the same run in process on the same machine.

    Args:
        n_sites: Sites, each a client and a job process of its own.
        n_rounds: Rounds, at least 2.
        architecture: A timm backbone: its weights are what travels.
        padded_s: Seconds that every site's round is made to take; 0 for no longer than it trains.

    Returns:
        `adds_s_per_round` (at most, median), `start_s` (command to end of the first round, less the padding),
        `fresh_process_s` (one process that loads what a site loads: how busy the machine is), the largest difference of the
        weights, and what they rest on.
        Without padding, `computed_share`: what the whole would be of rounds of 60 s. With it, measured: `share_of_the_whole`
        and `share_without_start`.
    """
    from xraybench.federate import flare, open_site

    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        root = Path(folder)
        names = [f"site{index}" for index in range(n_sites)]
        held = {name: few_scans(root, name, seed) for seed, name in enumerate(names)}
        sites = [open_site(name, held[name], approve=lambda payload: Answer(True, "benchmark")) for name in names]
        job = federate.job_for(
            sites, name="bench", architecture=architecture, track="grey", image_px=32, n_rounds=n_rounds, batch_size=4
        )
        here = federate.run(job, sites, out=root / "here", quiet=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        kits = flare.provision(root / "kits", names, host="localhost", port=port)
        began = time.time()
        classes = "import torch, xraybench.federate._flare_server"
        subprocess.run(
            [sys.executable, "-c", classes], check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        )
        fresh_s = time.time() - began
        if padded_s:
            (root / "hook").mkdir()
            (root / "hook" / "sitecustomize.py").write_text(PADDING, encoding="utf-8")
            os.environ["ROUND_SECONDS"] = str(padded_s)
            os.environ["PYTHONPATH"] = os.pathsep.join([str(root / "hook"), *sys.path])
        stack.enter_context(officers_at([kits / name / "state" / "to_release" for name in names]))
        began = time.time()
        for name in names:
            stack.enter_context(flare.site_process(kits / name, held[name]))
        there = flare.coordinate(kits / "coordinator", job, out=root / "there", wait_s=300, quiet=True)
        whole_s = time.time() - began
        closed = {where: closed_at(root / where) for where in ("here", "there")}
        own, net = weights_of(here.net.net), weights_of(there.net.net)
        n_bytes = (root / "there" / "round_001" / "global.safetensors").stat().st_size
    gaps = {where: np.diff(times[1:]) for where, times in closed.items()}  # the first round loads torch and the scans
    adds_s = float(np.median(gaps["there"])) - padded_s
    start_s = closed["there"][1] - began - padded_s
    if padded_s:
        trained_s = n_rounds * padded_s
        shares = {
            "share_of_the_whole": round(whole_s / trained_s, 3),
            "share_without_start": round((closed["there"][-1] - closed["there"][0]) / trained_s, 3),
            "at_seconds_a_round": padded_s,
        }
    else:
        trained_s = n_rounds * LONG_ROUND_S
        shares = {
            "computed_share": round((trained_s + start_s + n_rounds * adds_s) / trained_s, 3),
            "at_seconds_a_round": LONG_ROUND_S,
        }
    return {
        "architecture": architecture,
        "n_sites": n_sites,
        "n_rounds": n_rounds,
        "weights_mb": round(n_bytes / 1e6, 2),
        "round_in_process_s": round(float(np.median(gaps["here"])), 3),
        "adds_s_per_round": round(adds_s, 3),
        "start_s": round(start_s, 1),
        "fresh_process_s": round(fresh_s, 1),
        "whole_s": round(whole_s, 1),
        **shares,
        "load": round(os.getloadavg()[0], 1),
        "processors": os.cpu_count() or 1,
        "largest_difference": max(float(np.abs(own[n].astype(float) - net[n].astype(float)).max()) for n in own),
    }


def closed_at(out: Path) -> list[float]:
    """When each round of a run was kept, from round 0 on, in seconds of the clock."""
    return [folder.joinpath("round.json").stat().st_mtime for folder in sorted(out.glob("round_*"))]


def few_scans(root: Path, name: str, seed: int, *, n: int = 8) -> Path:
    """A dataset folder of a few images of noise, with an agreement that permits training."""
    rng = np.random.default_rng(seed)
    for class_name in ("gun", "nothing"):
        (root / "images" / name / class_name).mkdir(parents=True)
        for index in range(n):
            image = rng.integers(0, 255, (32, 32), dtype=np.uint8)
            Image.fromarray(image).save(root / "images" / name / class_name / f"{index}.png")
    classes = {"gun": "firearm", "nothing": "benign"}
    folder = data.import_folder(
        root / "images" / name, name=name, vector="mail", classes=classes, out=root / name, quiet=True
    )
    (folder / agreements.FILE).write_text(agreements.template(name), encoding="utf-8")
    return folder


def noise(name: str, n_scans: int) -> Dataset:
    """Scans of noise, half of them said to hold a firearm: training them costs what training real ones costs."""
    rng = np.random.default_rng(len(name))
    pixels = rng.integers(1_000, 60_000, (n_scans, SIDE_PX, SIDE_PX, 2), dtype=np.uint16)
    ids = [f"{name}{index:05d}" for index in range(n_scans)]
    place = {scan_id: index for index, scan_id in enumerate(ids)}
    scans = pd.DataFrame({"scan_id": ids, "item_id": ids, "corpus": "mail-noise", "vector": "mail", "sensor": "noise"})
    objects = pd.DataFrame({"scan_id": ids[::2], "item_id": ids[::2], "object_index": 0, "threat": "firearm"})
    items = pd.DataFrame({"item_id": ids, "split": "train", "site": name, "label_source": "simulated"})
    box = {"view": 0, "x0": 40.0, "y0": 40.0, "x1": 80.0, "y1": 80.0, "area_px": 1600.0, "view_share": 0.0625}
    return Dataset(
        name=name,
        view_sets={
            "raw": ScanSet(
                table=scans.assign(n_views=1, height=SIDE_PX, width=SIDE_PX, declared=""),
                read=lambda scan_id: (pixels[place[scan_id]],),
                track="raw",
                full_scale=FULL_SCALE,
                corpora={"mail-noise": name},
            )
        },
        items=tables.check(items, tables.ITEMS, source="items"),
        objects=tables.check(
            objects.assign(kind="", shape="seen", concealment="undeclared", **box), tables.OBJECTS, source="objects"
        ),
        threats=("firearm",),
        is_simulated=True,
        licence="CC0-1.0",
        use_terms="benchmark",
        profile="noise",
        seed=0,
    )


def summed(repeats: int) -> dict[str, float | bool]:
    """What the secure sum costs, the least of some, and whether it is exact."""
    rng = np.random.default_rng(0)
    tables_ = {f"site{n}": rng.integers(0, 1000, N_COUNTERS) for n in range(N_SUMMED)}
    keys = {name: secure_sum.make_keys() for name in tables_}
    publics = {name: public for name, (_, public) in keys.items()}
    times, is_exact = [], True
    for n in range(repeats):
        begun = time.perf_counter()
        masked = [
            secure_sum.masked(counts, site=name, private=keys[name][0], publics=publics, context=str(n))
            for name, counts in tables_.items()
        ]
        found = secure_sum.total(masked, n_sites=N_SUMMED)
        times.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        plain = sum(tables_.values())
        plain_s = time.perf_counter() - begun
        is_exact &= bool((found == plain).all())
    return {"secure_sum_s": round(min(times), 5), "plain_sum_s": round(plain_s, 6), "secure_sum_is_exact": is_exact}


def report(
    options: argparse.Namespace, loops: list[Clock], engines: list[Clock], kept_bytes: int, is_equal: bool
) -> None:
    figures: dict[str, float | str | bool] = {
        "architecture": options.architecture,
        "n_sites": 3,
        "n_scans_per_site": options.scans,
        "round_s": round(median(c.wall_s for c in engines), 4),
        "bare_round_s": round(median(c.wall_s for c in loops), 4),
        "round_cpu_s": round(min(c.cpu_s for c in engines), 4),
        "bare_round_cpu_s": round(min(c.cpu_s for c in loops), 4),
    }
    overhead_s = min(c.cpu_s for c in engines) - min(c.cpu_s for c in loops)
    figures |= {
        "overhead_ms_per_round": round(overhead_s * 1e3, 1),
        "overhead_share": round(overhead_s / min(c.cpu_s for c in loops), 4),
        "checkpoint_mb_per_round": round(kept_bytes / 1e6, 3),
        "same_weights": is_equal,
    } | summed(options.repeats)
    for what, clocks in (("bare loop", loops), ("federate.run", engines)):
        walls, cpus = ([round(getattr(c, kind), 3) for c in clocks] for kind in ("wall_s", "cpu_s"))
        print(f"{what:14} seconds a round: wall {walls}, processor {cpus}")
    print(f"overhead       {overhead_s * 1e3:.0f} ms of processor time a round (least of {options.repeats} each)")
    print(f"kept on disk   {kept_bytes / 1e6:.2f} MB a round; same weights: {is_equal}")
    print(f"secure sum     {figures['secure_sum_s']} s for {N_COUNTERS} counters of {N_SUMMED} sites, a plain sum "
          f"{figures['plain_sum_s']} s; exact: {figures['secure_sum_is_exact']}")  # fmt: skip
    print(json.dumps(figures))
    if not (is_equal and figures["secure_sum_is_exact"]):
        sys.exit(1)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=400, help="scans a site")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--architecture", default="mobilenetv3_small_050")
    parser.add_argument("--image-px", type=int, default=96)
    parser.add_argument(
        "--flare", type=int, default=0, help="sites of a real network on loopback; 0 measures the engine"
    )
    parser.add_argument(
        "--round-seconds", type=float, default=0.0, help="with --flare: a round takes so long at every site, by padding"
    )
    options = parser.parse_args()
    if options.round_seconds and not options.flare:
        parser.error("--round-seconds goes with --flare N")
    return options


if __name__ == "__main__":
    main()
