"""Bars as SVG: groups side by side, a line at the goal, the spread of the runs as a whisker."""

from html import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 720, 360, 70, 50, 60
COLOURS = ["#1b6ca8", "#c0392b", "#7f8c8d", "#8e6c00", "#2e7d32"]


def _round_up(value):
    step = 10 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    return step * (int(value / step) + 1)


def bars(title, unit, groups, goal=None):
    """`groups`: (name, [(contestant, {median, least, most})])."""
    names = list(dict.fromkeys(name for _, each in groups for name, _ in each))
    top = _round_up(max([figure["most"] for _, each in groups for _, figure in each] + [goal or 0]))
    plot = HEIGHT - TOP - BOTTOM

    def y(value):
        return TOP + plot * (1 - value / top)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<text x="{WIDTH / 2}" y="20" text-anchor="middle" font-size="15">{escape(title)}, {escape(unit)}</text>']
    for i in range(5):
        value = top * i / 4
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    span = (WIDTH - LEFT - 20) / len(groups)
    wide = span * 0.8 / len(names)
    for number, (group, each) in enumerate(groups):
        left = LEFT + span * number + span * 0.1
        for name, figure in each:
            place = names.index(name)
            x, middle = left + wide * place, y(figure["median"])
            out.append(f'<rect x="{x + 2:.1f}" y="{middle:.1f}" width="{wide - 4:.1f}" height="{TOP + plot - middle:.1f}" '
                       f'fill="{COLOURS[place % len(COLOURS)]}"/>'
                       f'<line x1="{x + wide / 2:.1f}" x2="{x + wide / 2:.1f}" y1="{y(figure["least"]):.1f}" '
                       f'y2="{y(figure["most"]):.1f}" stroke="black"/>'
                       f'<text x="{x + wide / 2:.1f}" y="{middle - 4:.1f}" text-anchor="middle" font-size="10">{figure["median"]:.3g}</text>')
        out.append(f'<text x="{left + span * 0.4:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{escape(group)}</text>')
    for place, name in enumerate(names):
        x = LEFT + place * 90
        out.append(f'<rect x="{x}" y="{HEIGHT - 24}" width="12" height="12" fill="{COLOURS[place % len(COLOURS)]}"/>'
                   f'<text x="{x + 18}" y="{HEIGHT - 14}">{escape(name)}</text>')
    if goal:
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y(goal):.1f}" y2="{y(goal):.1f}" stroke="black" stroke-dasharray="6 4"/>')
    return "\n".join([*out, "</svg>"]) + "\n"
