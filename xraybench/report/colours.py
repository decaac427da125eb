"""Shades of shares and the text colour that can be read on each."""

from itertools import pairwise

_ANCHORS = ((0.0, "#fbeee0"), (0.25, "#f2d3a8"), (0.5, "#a9cbd0"), (0.75, "#4d93a8"), (1.0, "#0d3f5c"))
N_SHADES = 20


def heat_colour(share: float) -> str:
    """Shade of a share in [0, 1], from pale sand (nothing found) to deep blue (all found), as `#rrggbb`."""
    share = min(max(share, 0.0), 1.0)
    for (low, first), (high, last) in pairwise(_ANCHORS):
        if share <= high:
            return _mixed(first, last, (share - low) / (high - low))
    return _ANCHORS[-1][1]


def shade_index(share: float) -> int:
    """Which of the `N_SHADES + 1` shades of a page a share falls on."""
    return round(min(max(share, 0.0), 1.0) * N_SHADES)


def shades() -> list[tuple[str, str]]:
    """Background and text colour of each shade of a page."""
    backgrounds = [heat_colour(index / N_SHADES) for index in range(N_SHADES + 1)]
    return [(background, contrast_colour(background)) for background in backgrounds]


def contrast_colour(background: str) -> str:
    """Black or white, whichever stands out more; at least 4.5 to 1 on any background."""
    return max(("#000000", "#ffffff"), key=lambda ink: contrast(ink, background))


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours, 1 to 21.

    Source:
        WCAG 2.2, definition of contrast ratio and relative luminance.
    """
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    shares = [channel / 255 for channel in _channels(colour)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _mixed(first: str, last: str, share: float) -> str:
    pairs = zip(_channels(first), _channels(last), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
