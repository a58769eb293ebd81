"""Bar charts as SVG text: no library for a few rectangles."""

from collections.abc import Sequence
from html import escape

from bench.figures import number

WIDTH, LABEL, ROW, BAR = 760, 250, 26, 16


def bars(title: str, rows: Sequence[tuple[str, float, float, float]], unit: str) -> str:
    """Horizontal bars with a whisker from the slowest to the fastest round.

    Args:
        title: What is compared.
        rows: Name, median, least and most of each.
        unit: Of the values.
    """
    longest = max(most for *_, most in rows) or 1.0
    scale = (WIDTH - LABEL - 110) / longest
    height = 44 + ROW * len(rows)
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    style = 'font-family="system-ui, sans-serif" font-size="13"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style} role="img" aria-label="{escape(title)}">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="22" font-weight="600">{escape(title)} ({escape(unit)})</text>',
    ]
    for row, (name, middle, least, most) in enumerate(rows):
        top = 36 + ROW * row
        base, from_, to = top + 13, LABEL + least * scale, LABEL + most * scale
        colour = "#0b6e4f" if name.startswith("Palpate") else "#8a94a0"
        parts += [
            f'<text x="{LABEL - 8}" y="{base}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LABEL}" y="{top}" width="{max(1.0, middle * scale):.1f}" height="{BAR}" fill="{colour}"/>',
            f'<path d="M{from_:.1f} {top + BAR / 2}H{to:.1f}" stroke="#1b1f24"/>',
            f'<text x="{max(to, LABEL) + 6:.1f}" y="{base}">{number(middle)}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
