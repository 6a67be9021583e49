"""Linear prediction of one side from the other."""

import numpy as np

from definitions.common import centred, limited


def linear_regression(X, Y):
    design = np.column_stack([np.ones(len(Y)), centred(Y)])
    weights, *_ = np.linalg.lstsq(design, centred(X), rcond=None)
    return 1 - ((centred(X) - design @ weights) ** 2).sum() / (centred(X) ** 2).sum()


@limited(scales=False)
def ridge_regression(X, Y, alpha=1.0, folds=5):
    residual = 0.0
    for test in np.array_split(np.arange(len(X)), folds):
        train = np.setdiff1d(np.arange(len(X)), test)
        A, T = Y[train] - Y[train].mean(axis=0), X[train] - X[train].mean(axis=0)
        W = np.linalg.solve(A.T @ A + alpha * np.eye(A.shape[1]), A.T @ T)
        predicted = (Y[test] - Y[train].mean(axis=0)) @ W + X[train].mean(axis=0)
        residual += ((X[test] - predicted) ** 2).sum()
    return 1 - residual / (centred(X) ** 2).sum()
