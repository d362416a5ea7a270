"""Small line charts as one SVG, for the pages of benchmarks. Light and dark readers see the same: it has its own background."""

import dataclasses
import html
import math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 200, 54, 14, 30, 34


@dataclasses.dataclass
class Panel:
    title: str
    points: list  # of (x, y), ascending in x; axes begin at 0


def ceiling(value):
    """The least of 1, 2, 2.5, 5 times a power of ten that is not below `value`."""
    if value <= 0:
        return 1
    unit = 10 ** math.floor(math.log10(value))
    return next(step * unit for step in (1, 2, 2.5, 5, 10) if step * unit >= value * (1 - 1e-9))


def short(value):
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:g}"


def panel(one, left, top):
    across, up = ceiling(max(x for x, _ in one.points)), ceiling(max(y for _, y in one.points))
    place = lambda x, y: (left + LEFT + x / across * (WIDTH - LEFT - RIGHT), top + HEIGHT - BOTTOM - y / up * (HEIGHT - TOP - BOTTOM))
    out = [f'<text x="{left + LEFT}" y="{top + 18}" font-weight="bold">{html.escape(one.title)}</text>']
    for share in (0, 0.5, 1):
        x, y = place(across * share, up * share)
        out.append(f'<path d="M{left + LEFT} {y:.1f}H{left + WIDTH - RIGHT}" stroke="#ddd"/>')
        out.append(f'<text x="{left + LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{short(up * share)}</text>')
        out.append(f'<text x="{x:.1f}" y="{top + HEIGHT - BOTTOM + 16}" text-anchor="middle">{short(across * share)}</text>')
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in one.points))
    out.append(f'<polyline points="{line}" fill="none" stroke="#1261a0" stroke-width="2"/>')
    out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#1261a0"/>' for x, y in (place(*point) for point in one.points)]
    return out


def draw(panels, columns):
    rows = -(-len(panels) // columns)
    width, height = columns * WIDTH, rows * HEIGHT
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" font-size="11" fill="#222">',
           f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for i, one in enumerate(panels):
        out += panel(one, i % columns * WIDTH, i // columns * HEIGHT)
    return "\n".join([*out, "</svg>", ""])
