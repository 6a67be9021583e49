"""How differently two networks behave."""

import numpy as np


def disagreement(P, Q):
    return np.mean([p.argmax() != q.argmax() for p, q in zip(P, Q, strict=True)])


def jsd(P, Q):
    def divergence(p, m):
        return sum(a * np.log(a / b) for a, b in zip(p, m, strict=True) if a > 0)

    return np.mean([(divergence(p, (p + q) / 2) + divergence(q, (p + q) / 2)) / 2 for p, q in zip(P, Q, strict=True)])
