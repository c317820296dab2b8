#!/usr/bin/env python3
"""Draws docs/img/training-speed.svg: tokens a second against the size of the model and of the batch.

    build/release/src/train_bench --benchmark_filter='bf16/[0-9]+/' --benchmark_out=speed.json
    script/plot_training_speed.py speed.json

Results may lie in several files, one point each if need be; a later one replaces an earlier one. What is drawn is
kept beside the picture as training-speed.json; without arguments that is drawn again.
"""
import json
import math
import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "docs/img"
DATA = FOLDER / "training-speed.json"
COLOURS = ["#9ecae1", "#4292c6", "#2171b5", "#08306b"]  # small batches to large ones
WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 76, 150, 46, 62


def read_points(paths):
    points = {}
    for path in paths:
        for run in json.loads(pathlib.Path(path).read_text())["benchmarks"]:
            match = re.match(r"train_step/(\w+)/bf16/(\d+)/", run["name"])
            if match and "tokens/s" in run:
                points[match[1], int(match[2])] = {
                    "model": match[1], "batch": int(match[2]), "parameters": int(run["parameters"]),
                    "tokens_per_s": round(run["tokens/s"], 1), "share_of_peak": round(run["of_peak"], 4)}
    return points


def thousands(n):
    return f"{n / 1e6:g}M" if n >= 1e6 else f"{n / 1e3:g}k" if n >= 1e3 else f"{n:g}"


def draw(points):
    xs = [p["parameters"] for p in points]
    ys = [p["tokens_per_s"] for p in points]
    x_low, x_high = math.log10(min(xs)) - 0.12, math.log10(max(xs)) + 0.12
    y_low, y_high = math.floor(math.log10(min(ys)) * 2) / 2, math.ceil(math.log10(max(ys)) * 2) / 2
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def x_of(n):
        return LEFT + (math.log10(n) - x_low) / (x_high - x_low) * (right - LEFT)

    def y_of(n):
        return bottom - (math.log10(n) - y_low) / (y_high - y_low) * (bottom - TOP)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
           'aria-labelledby="title" font-family="system-ui, sans-serif" font-size="13" fill="#333">',
           '<title id="title">Tokens a second in training against parameters, for four sizes of the batch</title>',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           f'<text x="{LEFT}" y="26" font-size="15">Training speed, 2 cores, bfloat16</text>']
    for exponent in range(math.floor(y_low), math.ceil(y_high) + 1):
        for digit in (1, 2, 5):
            n = digit * 10.0**exponent
            if not y_low - 1e-9 <= math.log10(n) <= y_high + 1e-9:
                continue
            y = y_of(n)
            out.append(f'<line x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e3e3e3"/>')
            out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{thousands(n)}</text>')
    for parameters, model in sorted({(p["parameters"], p["model"]) for p in points}):
        x = x_of(parameters)
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}" stroke="#f0f0f0"/>')
        out.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{model}</text>')
        label = thousands(float(f"{parameters:.2g}"))
        out.append(f'<text x="{x:.1f}" y="{bottom + 34}" text-anchor="middle" fill="#777">{label}</text>')
    out.append(f'<text x="{(LEFT + right) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">parameters</text>')
    out.append(f'<text transform="translate(18 {(TOP + bottom) / 2:.0f}) rotate(-90)" '
               'text-anchor="middle">tokens a second</text>')
    batches = sorted({p["batch"] for p in points})
    for batch, colour in zip(batches, COLOURS[-len(batches):]):
        line = sorted((p for p in points if p["batch"] == batch), key=lambda p: p["parameters"])
        path = " ".join(f'{x_of(p["parameters"]):.1f},{y_of(p["tokens_per_s"]):.1f}' for p in line)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for p in line:
            out.append(f'<circle cx="{x_of(p["parameters"]):.1f}" cy="{y_of(p["tokens_per_s"]):.1f}" r="3.5" '
                       f'fill="{colour}"><title>{p["model"]}, {batch} tokens: {p["tokens_per_s"]:.0f} tokens/s, '
                       f'{100 * p["share_of_peak"]:.0f} % of the peak</title></circle>')
        y = TOP + 14 + 20 * batches.index(batch)
        out.append(f'<line x1="{right + 14}" x2="{right + 34}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2"/>')
        out.append(f'<text x="{right + 40}" y="{y + 4}">{batch} tokens</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    points = {}
    if DATA.exists():
        points = {(p["model"], p["batch"]): p for p in json.loads(DATA.read_text())}
    points.update(read_points(sys.argv[1:]))
    if not points:
        sys.exit("error: there is nothing to draw; see the top of this file")
    ordered = [points[key] for key in sorted(points, key=lambda k: (points[k]["parameters"], k[1]))]
    DATA.write_text("[\n" + ",\n".join("  " + json.dumps(p) for p in ordered) + "\n]\n")
    (FOLDER / "training-speed.svg").write_text(draw(ordered))


if __name__ == "__main__":
    main()
