"""Every measure as its paper defines it: plain, slow, sharing no code with the package or with one another's shortcuts.

X is n x d_x and Y is n x d_y, full precision, well conditioned. Small sizes only: some try all permutations.
"""

import itertools

import numpy as np
from scipy import integrate, linalg, optimize, special, stats
from scipy.spatial.distance import cdist


def centred(X):
    return X - X.mean(axis=0)


def rank_of(X):
    return np.linalg.matrix_rank(X, tol=1e-9 * np.linalg.norm(X))


# Kernels -------------------------------------------------------------------------------------------------------


def hsic_biased(K, L):
    n = len(K)
    H = np.eye(n) - np.ones((n, n)) / n
    return np.trace(K @ H @ L @ H)


def hsic_unbiased(K, L):
    """Song et al. 2007, for kernels that are not symmetric the mean of both orders."""
    n = len(K)
    K, L = K.copy(), L.copy()
    np.fill_diagonal(K, 0)
    np.fill_diagonal(L, 0)
    one = np.ones(n)
    products = (one @ K @ L @ one + one @ L @ K @ one) / 2
    mean = (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
    return (np.trace(K @ L) + mean - 2 / (n - 2) * products) / (n * (n - 3))


def alignment(K, L, hsic):
    return hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))


def gaussian_kernel(X, bandwidth):
    n = len(X)
    D = np.array([[np.sqrt(((X[i] - X[j]) ** 2).sum()) for j in range(n)] for i in range(n)])
    width = bandwidth * np.median([D[i, j] for i in range(n) for j in range(i)])
    return np.exp(-(D**2) / (2 * width**2))


def cka(X, Y, debiased=False, kernel="linear", bandwidth=1.0):
    if kernel == "linear":
        K, L = centred(X) @ centred(X).T, centred(Y) @ centred(Y).T
    else:
        K, L = gaussian_kernel(X, bandwidth), gaussian_kernel(Y, bandwidth)
    return alignment(K, L, hsic_unbiased if debiased else hsic_biased)


# Canonical correlations ----------------------------------------------------------------------------------------


def inverse_root(S):
    values, vectors = np.linalg.eigh(S)
    keep = values > 1e-12 * values.max()
    return (vectors[:, keep] / np.sqrt(values[keep])) @ vectors[:, keep].T


def whitened_cross_covariance(X, Y):
    X, Y = centred(X), centred(Y)
    return inverse_root(X.T @ X) @ (X.T @ Y) @ inverse_root(Y.T @ Y)


def canonical_correlations(X, Y):
    """Cosines of the principal angles between the column spaces, from orthonormal bases."""
    X, Y = centred(X), centred(Y)
    A = linalg.orth(X, rcond=1e-9)
    B = linalg.orth(Y, rcond=1e-9)
    return np.minimum(linalg.svdvals(A.T @ B), 1.0)


def mean_cca(X, Y):
    return canonical_correlations(X, Y).sum() / min(rank_of(centred(X)), rank_of(centred(Y)))


def mean_squared_cca(X, Y):
    return (canonical_correlations(X, Y) ** 2).sum() / min(rank_of(centred(X)), rank_of(centred(Y)))


def mean_cosine(k):
    """Mean of |cos| of the angle between a fixed and a random direction in k dimensions, by quadrature."""
    if k == 1:
        return 1.0
    density = [
        integrate.quad(lambda t, c=c: abs(np.cos(t)) ** c * np.sin(t) ** (k - 2), 0, np.pi / 2)[0] for c in (1, 0)
    ]
    return density[0] / density[1]


def canonical_groups(rho, tolerance):
    """Positions of variates, those with neighbouring correlations no further apart than the tolerance together."""
    groups = [[0]]
    for i in range(1, len(rho)):
        if rho[i - 1] - rho[i] > tolerance:
            groups.append([])
        groups[-1].append(i)
    return groups


def pwcca(X, Y, lost="zero"):
    """Variates as vectors over inputs; weights are means over all rotations of those that are tied at a tolerance,
    and over all tolerances from 1e-6 to 1e-5.
    """
    X, Y = centred(X), centred(Y)
    A, B = linalg.orth(X, rcond=1e-9), linalg.orth(Y, rcond=1e-9)
    u, rho, _ = np.linalg.svd(A.T @ B)
    variates = A @ u
    kept = len(rho)
    rho = np.append(rho, np.zeros(variates.shape[1] - kept))
    weights = np.zeros(len(rho))
    changes = np.unique(np.clip([1e-6, 1e-5, *-np.diff(rho)], 1e-6, 1e-5))
    for low, high in itertools.pairwise(changes):
        for group in canonical_groups(rho, (low + high) / 2):
            projected = variates[:, group] @ variates[:, group].T @ X
            weights[group] += (high - low) * mean_cosine(len(group)) * np.linalg.norm(projected, axis=0).sum()
    return (weights * rho).sum() / (weights if lost == "zero" else weights[:kept]).sum()


def leading(X, variance, components):
    u, s, _ = linalg.svd(centred(X), full_matrices=False)
    if components is None:
        share = 0.0
        for components in range(1, len(s) + 1):
            share += s[components - 1] ** 2 / (s**2).sum()
            if share >= variance:
                break
    return u[:, :components] * s[:components]


def svcca(X, Y, variance=0.99, components=None):
    return mean_cca(leading(X, variance, components), leading(Y, variance, components))


def gulp(X, Y, ridge=0.0):
    n = len(X)
    X, Y = centred(X), centred(Y)
    A, B, C = X.T @ X / n, Y.T @ Y / n, X.T @ Y / n
    P = np.linalg.inv(A + ridge * np.eye(len(A)))
    Q = np.linalg.inv(B + ridge * np.eye(len(B)))
    return np.trace(P @ A @ P @ A) + np.trace(Q @ B @ Q @ B) - 2 * np.trace(P @ C @ Q @ C.T)


# Alignment -----------------------------------------------------------------------------------------------------


def pad(X, Y):
    d = max(X.shape[1], Y.shape[1])
    return [np.pad(A, ((0, 0), (0, d - A.shape[1]))) for A in (X, Y)]


def best_rotation_distance(X, Y):
    X, Y = pad(X, Y)
    R, _ = linalg.orthogonal_procrustes(X, Y)
    return np.linalg.norm(X @ R - Y)


def normalised(X):
    return centred(X) / np.linalg.norm(centred(X))


def procrustes(X, Y):
    return best_rotation_distance(normalised(X), normalised(Y)) ** 2


def orthogonal_procrustes(X, Y):
    return best_rotation_distance(normalised(X), normalised(Y))


def nbs(X, Y):
    X, Y = pad(normalised(X), normalised(Y))
    R, _ = linalg.orthogonal_procrustes(X, Y)
    return ((X @ R) * Y).sum()


def angular_procrustes(X, Y):
    return np.arccos(nbs(X, Y))


def procrustes_size_and_shape(X, Y):
    return best_rotation_distance(centred(X), centred(Y))


def partly_whitened(X, alpha):
    X = centred(X)
    Z = alpha * np.eye(X.shape[1]) + (1 - alpha) * inverse_root(X.T @ X)
    return X @ Z * np.linalg.norm(X) / np.linalg.norm(X @ Z)


def shape_metric(X, Y, alpha=1.0, angular=True):
    X, Y = partly_whitened(X, alpha), partly_whitened(Y, alpha)
    return angular_procrustes(X, Y) if angular else best_rotation_distance(X, Y)


def permutation_procrustes(X, Y):
    X, Y = pad(X, Y)
    return min(np.linalg.norm(X - Y[:, p]) for p in map(list, itertools.permutations(range(Y.shape[1]))))


def aligned_cosine(X, Y):
    X, Y = pad(X, Y)
    R, _ = linalg.orthogonal_procrustes(X, Y)
    return np.mean([x @ y / (np.linalg.norm(x) * np.linalg.norm(y)) for x, y in zip(X @ R, Y, strict=True)])


# Prediction ----------------------------------------------------------------------------------------------------


def linear_regression(X, Y):
    design = np.column_stack([np.ones(len(Y)), centred(Y)])
    weights, *_ = np.linalg.lstsq(design, centred(X), rcond=None)
    return 1 - ((centred(X) - design @ weights) ** 2).sum() / (centred(X) ** 2).sum()


def ridge_regression(X, Y, alpha=1.0, folds=5):
    residual = 0.0
    for test in np.array_split(np.arange(len(X)), folds):
        train = np.setdiff1d(np.arange(len(X)), test)
        A, T = Y[train] - Y[train].mean(axis=0), X[train] - X[train].mean(axis=0)
        W = np.linalg.solve(A.T @ A + alpha * np.eye(A.shape[1]), A.T @ T)
        predicted = (Y[test] - Y[train].mean(axis=0)) @ W + X[train].mean(axis=0)
        residual += ((X[test] - predicted) ** 2).sum()
    return 1 - residual / (centred(X) ** 2).sum()


# Dissimilarity matrices ----------------------------------------------------------------------------------------


def dissimilarities(X, rdm):
    def one(a, b):
        if rdm == "correlation":
            return 1 - np.corrcoef(a, b)[0, 1]
        if rdm == "cosine":
            return 1 - a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
        square = ((a - b) ** 2).sum()
        return square if rdm == "squared_euclidean" else np.sqrt(square)

    return np.array([one(X[i], X[j]) for i in range(len(X)) for j in range(i + 1, len(X))])


def rho_a(a, b):
    """Mean over all ways to break ties: ranks of tied entries are then independent, each with their mean rank."""
    n = len(a)

    def mean_ranks(v):
        return np.array([np.sum(v < x) + (np.sum(v == x) + 1) / 2 for x in v])

    return 12 * np.sum(mean_ranks(a) * mean_ranks(b)) / (n**3 - n) - 3 * (n + 1) / (n - 1)


def tau_a(a, b):
    signs = [np.sign(a[i] - a[j]) * np.sign(b[i] - b[j]) for i in range(len(a)) for j in range(i)]
    return np.mean(signs)


def whitened_cosine(a, b):
    """With the covariance of squared distances between inputs with independent noise, as a matrix of all pairs."""
    n = round((1 + np.sqrt(1 + 8 * len(a))) / 2)
    contrasts = np.array([np.eye(n)[i] - np.eye(n)[j] for i in range(n) for j in range(i + 1, n)])
    V = (contrasts @ contrasts.T) ** 2
    left, right = np.linalg.solve(V, a), np.linalg.solve(V, b)
    return a @ right / np.sqrt((a @ left) * (b @ right))


def rsa(X, Y, rdm="correlation", compare="spearman"):
    return compare_rdms(dissimilarities(X, rdm), dissimilarities(Y, rdm), compare)


def compare_rdms(a, b, compare):
    if compare == "cosine":
        return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
    if compare == "whitened_pearson":
        return whitened_cosine(a - a.mean(), b - b.mean())
    if compare in ("rho_a", "tau_a", "whitened_cosine"):
        return {"rho_a": rho_a, "tau_a": tau_a, "whitened_cosine": whitened_cosine}[compare](a, b)
    return {"spearman": stats.spearmanr, "pearson": stats.pearsonr, "kendall": stats.kendalltau}[compare](a, b)[0]


def rsm_norm_difference(X, Y):
    return np.sqrt(((cdist(X, X) - cdist(Y, Y)) ** 2).sum())


def distance_correlation(X, Y):
    def doubly_centred(Z):
        D = cdist(Z, Z)
        return D - D.mean(axis=0) - D.mean(axis=1)[:, None] + D.mean()

    A, B = doubly_centred(X), doubly_centred(Y)
    return np.sqrt((A * B).sum() / np.sqrt((A * A).sum() * (B * B).sum()))


# Neighbours ----------------------------------------------------------------------------------------------------


def cosines(X):
    return np.array([[a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) for b in X] for a in X])


def neighbour_lists(S, k):
    """The k indices with the largest similarity to each i, without i itself, nearest first."""
    return [
        sorted((j for j in range(len(S)) if j != i), key=lambda j: (-round(S[i, j], 12), j))[:k] for i in range(len(S))
    ]


def jaccard(X, Y, k=10):
    pairs = zip(neighbour_lists(cosines(X), k), neighbour_lists(cosines(Y), k), strict=True)
    return np.mean([len(set(a) & set(b)) / len(set(a) | set(b)) for a, b in pairs])


def mutual_knn(X, Y, k=10):
    pairs = zip(neighbour_lists(cosines(X), k), neighbour_lists(cosines(Y), k), strict=True)
    return np.mean([len(set(a) & set(b)) / k for a, b in pairs])


def second_order_cosine(X, Y, k=10, of="distance"):
    S, T = cosines(X), cosines(Y)
    found = []
    for i, (a, b) in enumerate(zip(neighbour_lists(S, k), neighbour_lists(T, k), strict=True)):
        union = sorted(set(a) | set(b))
        u, v = S[i, union], T[i, union]
        if of == "distance":
            u, v = 1 - u, 1 - v
        found.append(u @ v / (np.linalg.norm(u) * np.linalg.norm(v)))
    return np.mean(found)


def rank_similarity(X, Y, k=10):
    found = []
    for a, b in zip(neighbour_lists(cosines(X), k), neighbour_lists(cosines(Y), k), strict=True):
        common = set(a) & set(b)
        total = 0.0
        for j in common:
            r, s = a.index(j) + 1, b.index(j) + 1
            total += 2 / ((1 + abs(r - s)) * (r + s))
        harmonic = sum(1 / i for i in range(1, len(common) + 1))
        found.append(total / harmonic if common else 0.0)
    return np.mean(found)


def cknna(X, Y, k=10, debiased=True):
    def mask(K):
        found = np.zeros_like(K)
        for i in range(len(K)):
            others = [j for j in range(len(K)) if j != i or not debiased]
            scale = np.abs(K).max()
            for j in sorted(others, key=lambda j: (-round(K[i, j] / scale, 12), j))[:k]:
                found[i, j] = 1
        return found

    def restricted(K, L):
        both = mask(K) * mask(L)
        return (hsic_unbiased if debiased else hsic_biased)(both * K, both * L)

    K, L = X @ X.T, Y @ Y.T
    return restricted(K, L) / np.sqrt(restricted(K, K) * restricted(L, L))


# Features to features ------------------------------------------------------------------------------------------


def feature_correlations(X, Y):
    return np.array([[np.corrcoef(x, y)[0, 1] for y in Y.T] for x in X.T])


def hard_correlation_match(X, Y):
    C = feature_correlations(X, Y)
    C = C if C.shape[0] <= C.shape[1] else C.T
    rows = range(C.shape[0])
    return max(np.mean([C[i, p[i]] for i in rows]) for p in itertools.permutations(range(C.shape[1]), C.shape[0]))


def soft_correlation_match(X, Y):
    C = feature_correlations(X, Y)
    return (C.max(axis=1).mean() + C.max(axis=0).mean()) / 2


def soft_matching(X, Y):
    """Transport of uniform masses, as an assignment of equal crumbs of mass."""
    X, Y = centred(X), centred(Y)
    crumbs = np.lcm(X.shape[1], Y.shape[1])
    X, Y = (np.repeat(Z, crumbs // Z.shape[1], axis=1) for Z in (X, Y))
    cost = np.array([[((x - y) ** 2).sum() for y in Y.T] for x in X.T])
    return np.sqrt(cost[optimize.linear_sum_assignment(cost)].sum() / crumbs)


# Statistics ----------------------------------------------------------------------------------------------------


def eigenspace_overlap(X, Y):
    return np.trace(X @ np.linalg.pinv(X) @ Y @ np.linalg.pinv(Y)) / max(X.shape[1], Y.shape[1])


def magnitude_difference(X, Y):
    return abs(np.linalg.norm(X.mean(axis=0)) - np.linalg.norm(Y.mean(axis=0)))


def concentricity_difference(X, Y):
    def concentricity(Z):
        m = Z.mean(axis=0)
        return np.mean([z @ m / (np.linalg.norm(z) * np.linalg.norm(m)) for z in Z])

    return abs(concentricity(X) - concentricity(Y))


def uniformity_difference(X, Y):
    def uniformity(Z):
        return special.logsumexp(-2 * cdist(Z, Z, "sqeuclidean")) - 2 * np.log(len(Z))

    return abs(uniformity(X) - uniformity(Y))


def imd(X, Y, k=5, t=None):
    times = np.geomspace(0.1, 10, 256) if t is None else np.array([t])

    def trace(Z):
        D = cdist(Z, Z)
        n = len(Z)
        A = np.zeros((n, n))
        for i in range(n):
            for j in sorted((j for j in range(n) if j != i), key=lambda j: D[i, j])[:k]:
                A[i, j] = A[j, i] = 1
        degree = A.sum(axis=1)
        L = np.eye(n) - A / np.sqrt(np.outer(degree, degree))
        return np.array([np.trace(linalg.expm(-time * L)) / n for time in times])

    return np.max(np.exp(-2 * (times + 1 / times)) * np.abs(trace(X) - trace(Y)))


def norm_difference(X, Y):
    return abs(np.linalg.norm(centred(X)) - np.linalg.norm(centred(Y)))


# Outputs -------------------------------------------------------------------------------------------------------


def disagreement(P, Q):
    return np.mean([p.argmax() != q.argmax() for p, q in zip(P, Q, strict=True)])


def jsd(P, Q):
    def divergence(p, m):
        return sum(a * np.log(a / b) for a, b in zip(p, m, strict=True) if a > 0)

    return np.mean([(divergence(p, (p + q) / 2) + divergence(q, (p + q) / 2)) / 2 for p, q in zip(P, Q, strict=True)])


# Topology ------------------------------------------------------------------------------------------------------


def loops(D):
    """Bars of one-dimensional persistent homology of a full Rips filtration, by reducing the boundary matrix."""
    n = len(D)
    edges = sorted(itertools.combinations(range(n), 2), key=lambda e: D[e])
    position = {edge: i for i, edge in enumerate(edges)}

    def last(triangle):
        return max(position[edge] for edge in itertools.combinations(triangle, 2))

    total, reduced = 0.0, {}
    for triangle in sorted(itertools.combinations(range(n), 3), key=last):
        column = {position[edge] for edge in itertools.combinations(triangle, 2)}
        while column and max(column) in reduced:
            column ^= reduced[max(column)]
        if column:
            reduced[max(column)] = column
            total += D[edges[last(triangle)]] - D[edges[max(column)]]
    return total


def rtd(X, Y, batch=500, trials=10):
    A, B = (cdist(Z, Z) / np.quantile(cdist(Z, Z), 0.9) for Z in (X, Y))
    zero = np.zeros_like(A)
    low = np.minimum(A, B)
    return (loops(np.block([[zero, A], [A, low]])) + loops(np.block([[zero, B], [B, low]]))) / 2
