"""Arithmetic on rows that hold NaN where nothing is known."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TINY = 1e-12
MAD_TO_SIGMA = 1.4826  # for a normal distribution; Rousseeuw and Croux 1993


def median_of(rows: Floats) -> Floats:
    """Median of each row, NaN ignored; NaN for a row without numbers. Faster than numpy's nanmedian on short rows."""
    ordered = np.sort(rows, axis=1)
    return quantile_of_sorted(ordered, 0.5)


def quantile_of_sorted(ordered: Floats, share: float) -> Floats:
    """Quantile of rows sorted with NaN last, linear between neighbours; NaN for a row without numbers."""
    counts = np.sum(~np.isnan(ordered), axis=1)
    position = np.maximum(counts - 1, 0) * share
    below = np.floor(position).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(counts - 1, 0))
    rows = np.arange(len(ordered))
    low, high = ordered[rows, below], ordered[rows, above]
    return np.where(counts > 0, low + (high - low) * (position - below), np.nan)


def mean_where(rows: Floats, chosen: Flags) -> Floats:
    """Mean of the chosen numbers of each row; 0 where there are none."""
    usable = chosen & ~np.isnan(rows)
    count = usable.sum(axis=1)
    return np.where(usable, rows, 0.0).sum(axis=1) / np.maximum(count, 1)
