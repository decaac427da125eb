"""GDXray's Baggage group in the small: series, boxes in a text file whose columns stand in another order."""

from pathlib import Path

from fabricated import png


def gdxray(root: Path) -> Path:
    """Crops of guns (no boxes), benign crops, and a series with two boxed frames of three that no map knows."""
    for series, n_frames in (("B0079", 6), ("B0082", 6), ("B0046", 3)):
        for n in range(1, n_frames + 1):
            png(root / "Baggage" / series / f"{series}_{n:04d}.png", seed=int(series[1:]) * 100 + n, channels=1)
    text = "  1.0000000e+00   3.0000000e+00   1.2000000e+01   4.0000000e+00   8.0000000e+00\n2 5 15 6 16\n"
    (root / "Baggage" / "B0046" / "ground_truth.txt").write_text(text, encoding="utf-8")
    return root
