"""What shuffled inputs give."""

from itertools import permutations as all_orders
from math import ceil

import numpy as np
from scipy import stats

from definitions.alignment import procrustes
from definitions.common import limited
from definitions.kernels import cka


@limited(inputs=6)
def calibrated(X, Y, of="cka", level=0.95, permutations=200):
    """Of CKA, in a Pearson type III distribution with the moments over all orders; of Procrustes, over some."""
    n = len(Y)
    if of == "procrustes":
        rng = np.random.default_rng(0)
        orders = [rng.permutation(n) for _ in range(permutations // 2)]
        null = sorted(-procrustes(X, Y[order]) for some in orders for order in (some, np.argsort(some)))
        threshold = null[min(ceil(level * (permutations + 1)), permutations) - 1]
        return max(0.0, (-procrustes(X, Y) - threshold) / -threshold)
    debiased = {"cka": False, "cka(debiased=true)": True}[of]
    null = [cka(X, Y[list(order)], debiased) for order in all_orders(range(n))]
    threshold = stats.pearson3.ppf(level, stats.skew(null), np.mean(null), np.std(null))
    return max(0.0, (cka(X, Y, debiased) - threshold) / (1 - threshold))
