"""Precision and recall of the detector on seeded labelled series, beside a plain three-sigma rule.

Run: python bench/bench_detect.py [--grain hourly --series 20 --days 60]. Every labelled point counts; warm-up points
are left out. The three-sigma rule takes mean and standard deviation of the four weeks (hours: the week) before each
point.
"""

import argparse
import sys
import time
from datetime import date

import numpy as np

from signals.detector import Sensitivity, judge
from signals.grids import daily_grid, hourly_grid

FIRST = date(2026, 8, 3)


def _shape(rng, hourly, count, kind):
    week = np.ones((count, 7))
    week[:, 5:] = rng.uniform(0.2, 1.0, (count, 1))
    if kind == "weekday_only":
        week[:, 5:] = 0.0
    if kind == "flat":
        week[:] = 1.0
    if not hourly:
        return week
    hours = 1 + rng.uniform(0.2, 0.8, (count, 1)) * np.sin(
        2 * np.pi * (np.arange(24) - rng.uniform(0, 24, (count, 1))) / 24
    )
    if kind == "flat":
        hours[:] = 1.0
    return (week[:, :, None] * hours[:, None, :]).reshape(count, 168)


KINDS = ("seasonal", "weekday_only", "flat", "trend", "heavy_tail", "random_walk", "additive", "counts")


def make(rng, count, steps, hourly, kind):
    per_day = 24 if hourly else 1
    shape = _shape(rng, hourly, count, kind)
    season = np.tile(shape, (1, steps // shape.shape[1] + 1))[:, :steps]
    level = rng.lognormal(4, 1, (count, 1))
    day = np.arange(steps) / per_day
    if kind == "trend":
        level = level * np.exp(rng.uniform(-0.006, 0.01, (count, 1)) * day)
    if kind == "random_walk":
        level = level * np.exp(np.cumsum(rng.normal(0, 0.03 / np.sqrt(per_day), (count, steps)), axis=1))
    noise = rng.uniform(0.03, 0.12, (count, 1))
    shock = rng.standard_t(3, (count, steps)) / 1.73 if kind == "heavy_tail" else rng.normal(0, 1, (count, steps))
    if kind == "additive":
        clean = level * (season + noise * shock)
    elif kind == "counts":
        clean = rng.poisson(np.clip(rng.uniform(0.5, 12, (count, 1)) * season, 0, None)).astype(float)
        level = np.maximum(clean.mean(axis=1, keepdims=True), 1e-9)
        noise = np.sqrt(level) / level
    else:
        clean = np.maximum(level * season * (1 + noise * shock), 0)
    return clean, level * season, np.broadcast_to(noise, (count, 1))


def plant(rng, clean, typical, noise, warm_up, hourly):
    count, steps = clean.shape
    values, labels = clean.copy(), np.zeros(clean.shape, dtype=bool)
    for row in range(count):
        for _ in range(3):
            length = int(rng.choice([1, 1, 1, 2]) if rng.random() < 0.5 else rng.integers(3, 13))
            length *= 1 if not hourly else (1 if length < 3 else 6)
            start = int(rng.integers(warm_up, max(steps - length, warm_up + 1)))
            if labels[row, max(0, start - 3) : start + length + 3].any():
                continue
            span = slice(start, start + length)
            size = typical[row, span] if typical[row, span].min() > 0.3 * typical[row].mean() else typical[row].mean()
            by = rng.choice([-1, 1], p=[0.3, 0.7]) * rng.uniform(6, 14) * noise[row, 0]
            if by < 0:
                by = max(by, -0.9)
                if by > -4 * noise[row, 0]:
                    continue
            values[row, span] = (
                np.maximum(clean[row, span] + by * size, 0) if clean.min() >= 0 else clean[row, span] + by * size
            )
            labels[row, span] = True
    return values, labels


def three_sigma(values, window):
    windows = np.lib.stride_tricks.sliding_window_view(values, window, axis=1)[:, :-1]
    flags = np.zeros(values.shape, dtype=bool)
    flags[:, window:] = np.abs(values[:, window:] - windows.mean(axis=2)) > 3 * windows.std(axis=2)
    return flags


def score(flags, labels, warm_up):
    flags, labels = flags[:, warm_up:], labels[:, warm_up:]
    hit = np.sum(flags & labels)
    precision, recall = hit / max(flags.sum(), 1), hit / max(labels.sum(), 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def measure(kind, hourly, steps, series, seeds):
    """Precision, recall and F1 of ours and of three sigma, false alarms per 1,000 points, and seconds of our CPU."""
    rows, seconds = [], 0.0
    for seed in range(seeds):
        rng = np.random.default_rng([seed, KINDS.index(kind)])
        clean, typical, noise = make(rng, series, steps, hourly, kind)
        grid = hourly_grid(FIRST.weekday() * 24, steps) if hourly else daily_grid(FIRST, steps)
        values, labels = plant(rng, clean, typical, noise, grid.warm_up, hourly)
        began = time.process_time()
        flags = judge(values, grid, Sensitivity()).is_anomaly
        seconds += time.process_time() - began
        naive = three_sigma(values, 168 if hourly else 28)
        false = 1000 * np.mean((flags & ~labels)[:, grid.warm_up :])
        rows.append([*score(flags, labels, grid.warm_up), *score(naive, labels, grid.warm_up), false])
    return np.mean(rows, axis=0), seconds


def line(name, numbers):
    ours, naive = numbers[:3], numbers[3:6]
    columns = "  ".join(" ".join(f"{number:6.3f}" for number in part) for part in (ours, naive))
    return f"{name:14s} {columns}  {numbers[6]:8.2f}\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=200, help="series of each kind and seed")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--grain", choices=["daily", "hourly"], default="daily")
    parser.add_argument("--days", type=int, default=90)
    arguments = parser.parse_args()
    hourly = arguments.grain == "hourly"
    steps = arguments.days * (24 if hourly else 1)
    sys.stdout.write(f"{'':14s} {'ours: P':>6s} {'R':>6s} {'F1':>5s}  3sigma P      R     F1  false/1,000\n")
    found = [measure(kind, hourly, steps, arguments.series, arguments.seeds) for kind in KINDS]
    for kind, (numbers, _) in zip(KINDS, found, strict=True):
        sys.stdout.write(line(kind, numbers))
    sys.stdout.write(line("all", np.mean([numbers for numbers, _ in found], axis=0)))
    judged = arguments.series * arguments.seeds * len(KINDS)
    seconds = sum(seconds for _, seconds in found)
    sys.stdout.write(f"{judged} series of {steps} points judged in {seconds:.1f} s of CPU\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
