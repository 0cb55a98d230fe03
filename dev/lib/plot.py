"""Plots as SVG: bars, and curves over time."""

from html import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 720, 360, 70, 50, 60
COLOURS = ["#1b6ca8", "#c0392b", "#7f8c8d", "#8e6c00", "#2e7d32"]


def _round_up(value):
    step = 10 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    return step * (int(value / step) + 1)


def _frame(title, height):
    return [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
            f'<text x="{WIDTH / 2}" y="20" text-anchor="middle" font-size="15">{escape(title)}</text>']


def _scale(top, y):
    """Lines across, with what they stand for."""
    return [f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y(top * i / 4):.1f}" y2="{y(top * i / 4):.1f}" stroke="#ddd"/>'
            f'<text x="{LEFT - 8}" y="{y(top * i / 4) + 4:.1f}" text-anchor="end">{top * i / 4:g}</text>' for i in range(5)]


def _legend(names, y):
    out = []
    for place, name in enumerate(names):
        x = LEFT + place * 150
        out.append(f'<rect x="{x}" y="{y}" width="12" height="12" fill="{COLOURS[place % len(COLOURS)]}"/>'
                   f'<text x="{x + 18}" y="{y + 10}">{escape(name)}</text>')
    return out


def curves(title, panels, marks=(), seconds=None):
    """One panel below the other, over the same seconds. `panels`: (unit, [(name, [(second, value)])]), whose values hold until the
    next; `marks`: (second, what happened then)."""
    last = seconds or max(second for _, each in panels for _, points in each for second, _ in points)
    height, plot = 160 * len(panels) + TOP + 20, 100

    def x(second):
        return LEFT + (WIDTH - 20 - LEFT) * min(second, last) / last
    out = _frame(title, height)
    for number, (unit, each) in enumerate(panels):
        upper = TOP + 160 * number
        most = max(value for _, points in each for _, value in points)
        top = _round_up(most) if most > 8 else 4 * (int(most) // 4 + 1)

        def y(value, upper=upper, top=top):
            return upper + plot * (1 - value / top)
        out += [f'<text x="8" y="{upper - 8}">{escape(unit)}</text>', *_scale(top, y), *_legend([name for name, _ in each], upper + plot + 28)]
        for place, (_, points) in enumerate(each):
            steps = [f"{x(points[0][0]):.1f},{y(points[0][1]):.1f}"]
            for (_, before), (second, value) in zip(points, points[1:] + [(last, points[-1][1])]):
                steps += [f"{x(second):.1f},{y(before):.1f}", f"{x(second):.1f},{y(value):.1f}"]
            out.append(f'<polyline points="{" ".join(steps)}" fill="none" stroke-width="2" stroke="{COLOURS[place % len(COLOURS)]}"/>')
        out += [f'<text x="{x(second):.1f}" y="{upper + plot + 14}" text-anchor="middle">{second} s</text>'
                for second in range(0, int(last) + 1, 20)]
        out += [f'<line x1="{x(second):.1f}" x2="{x(second):.1f}" y1="{upper}" y2="{upper + plot}" stroke="black" stroke-dasharray="3 3"/>'
                + (f'<text x="{x(second) + 4:.1f}" y="{upper + 10 + 12 * place}" font-size="10">{escape(what)}</text>' if number == 0 else "")
                for place, (second, what) in enumerate(marks)]
    return "\n".join([*out, "</svg>"]) + "\n"


def bars(title, unit, groups, goal=None):
    """Groups side by side, a line at the goal, the spread of the runs as a whisker. `groups`: (name, [(contestant, {median, least,
    most})])."""
    names = list(dict.fromkeys(name for _, each in groups for name, _ in each))
    top = _round_up(max([figure["most"] for _, each in groups for _, figure in each] + [goal or 0]))
    plot = HEIGHT - TOP - BOTTOM

    def y(value):
        return TOP + plot * (1 - value / top)
    out = [*_frame(f"{title}, {unit}", HEIGHT), *_scale(top, y)]
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
    out += _legend(names, HEIGHT - 24)
    if goal:
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y(goal):.1f}" y2="{y(goal):.1f}" stroke="black" stroke-dasharray="6 4"/>')
    return "\n".join([*out, "</svg>"]) + "\n"
