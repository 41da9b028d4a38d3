"""Colours of a lender's brand, made readable. Pure.

Contrast is that of WCAG 2.2 (relative luminance of sRGB); text needs 4.5 to 1, marks that carry meaning 3 to 1.
"""

from dataclasses import dataclass

WHITE = "#ffffff"
INK = "#1d1c1a"
TEXT_CONTRAST = 4.5


@dataclass(frozen=True, slots=True)
class Accent:
    """One accent in the forms that pages need; every pair of text and ground has at least 4.5 to 1."""

    fill: str
    fill_hover: str
    on_fill: str
    text: str
    soft: str


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours written ``#rrggbb``: 1.0 for none, 21.0 for black on white."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def accent_of(colour: str) -> Accent:
    """Derive every form of an accent from the lender's colour, written ``#rrggbb``.

    The colour itself stays the fill, with white or ink on it, whichever reads better. As text on white and on the
    palest ground it is darkened step by step until it reads.
    """
    on_fill = WHITE if contrast(colour, WHITE) >= TEXT_CONTRAST else INK
    fill = colour if contrast(colour, on_fill) >= TEXT_CONTRAST else _until_readable(colour, WHITE)
    if fill != colour:
        on_fill = WHITE
    hover = mix(fill, "#000000", 0.12) if on_fill == WHITE else mix(fill, WHITE, 0.18)
    soft = mix(colour, WHITE, 0.92)
    return Accent(fill=fill, fill_hover=hover, on_fill=on_fill, text=_until_readable(colour, soft), soft=soft)


def mix(colour: str, other: str, share: float) -> str:
    """Return ``colour`` with ``share`` (0 to 1) of ``other`` in it."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _until_readable(colour: str, ground: str) -> str:
    darker = colour
    for step in range(1, 26):
        if contrast(darker, ground) >= TEXT_CONTRAST and contrast(darker, "#f4f2ee") >= TEXT_CONTRAST:
            return darker
        darker = mix(colour, "#000000", step * 0.04)
    return INK


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(channel) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
