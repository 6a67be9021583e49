"""The checks, one function each, in the order of the report card."""

from __future__ import annotations

import importlib.util
import itertools
import math
from collections.abc import Callable

import numpy as np

from similitude.errors import SimilitudeError
from similitude.measures import Invariance, get_measure
from similitude.testing.cases import INPUTS, TRANSFORMATIONS, Case, draw, related
from similitude.testing.examine import BREAKS, Examination, Failed, Skipped

__all__ = ["CHECKS"]

CheckFunction = Callable[[Examination], str | None]
CHECKS: dict[str, CheckFunction] = {}


def check(name: str) -> Callable[[CheckFunction], CheckFunction]:
    """Add a check under the name it has on the report card."""

    def add(function: CheckFunction) -> CheckFunction:
        CHECKS[name] = function
        return function

    return add


@check("declaration")
def _declaration(exam: Examination) -> str:
    declared = exam.declared
    if declared.kind not in ("similarity", "dissimilarity"):
        raise Failed(f"kind is {declared.kind!r}; it must be 'similarity' or 'dissimilarity'")
    low, high = declared.bounds
    if not low < high:
        raise Failed(f"bounds ({low}, {high}) are not in ascending order")
    if declared.is_metric and not declared.symmetric:
        raise Failed("a metric is symmetric")
    if declared.is_metric and declared.kind == "dissimilarity" and low != 0:
        raise Failed(f"a metric is zero for a representation and itself; the lower bound is {low:g}")
    return declared.kind


@check("id round trip")
def _id_round_trip(exam: Examination) -> str:
    again = get_measure(str(exam.measure))
    if str(again) != str(exam.measure) or again != exam.measure:
        raise Failed(f"get_measure({str(exam.measure)!r}) gives {again!r}")
    return str(exam.measure)


@check("input unchanged")
def _input_unchanged(exam: Examination) -> None:
    case = exam.cases[0]
    try:
        exam.measure(case.x, case.y)
    except (ValueError, SimilitudeError) as error:
        if "read-only" in str(error) or "writes to its input" in str(error):
            raise Failed("it writes to its input; let it work on a copy") from error
        raise
    if exam.inputs_changed():
        raise Failed("it writes to its input; let it work on a copy")
    pair = exam.pair(case)
    before = pair.x.values.copy(), pair.y.values.copy()
    exam.measure.value(pair)
    if not (np.array_equal(before[0], pair.x.values) and np.array_equal(before[1], pair.y.values)):
        raise Failed("it writes to the values of the pair, which other measures share; let it work on a copy")


@check("value")
def _value(exam: Examination) -> str:
    exam.settle()
    for value in exam.seen:
        exam.require_usable(value, "on ordinary data")
    if len(set(exam.seen)) == 1:
        raise Failed(f"always {exam.seen[0]:g}, whatever the data")
    return f"{exam.seen[0]:.4g} on related data, {exam.seen[-1]:.4g} on unrelated"


@check("hidden state")
def _hidden_state(exam: Examination) -> None:
    """Run early: the extreme data of other checks could saturate a state and so hide it."""
    first = {i: exam(case.x, case.y) for i, case in enumerate(exam.cases)}
    for i, case in enumerate(exam.cases):
        exam(1e3 * case.y, case.x)
        exam(case.x, case.x + 1)
        again = exam(case.x, case.y)
        exam.require_equal(again, first[i], "the same call after other calls", tolerance=1e-12)
    fresh = get_measure(str(exam.measure))
    for i, case in enumerate(exam.cases):
        exam.require_equal(fresh(case.x, case.y), first[i], "a new instance", tolerance=1e-12)


@check("self-comparison")
def _self_comparison(exam: Examination) -> None:
    if exam.declared.exempt_from_self:
        raise Skipped("exempt by declaration")
    for case in exam.cases:
        exam.require_self(case.x, "data")
        own, other = exam(case.x, case.x.copy()), exam(case.x, draw(exam.rng, INPUTS, case.x.shape[1]))
        if not exam.measure.dissimilarity(own) < exam.measure.dissimilarity(other):
            raise Failed(f"{own:.6g} with itself, {other:.6g} with something unrelated: is it a {exam.declared.kind}?")


@check("kind")
def _kind(exam: Examination) -> str:
    if exam.declared.exempt_from_self:
        raise Skipped("exempt by declaration")
    x = exam.cases[0].x
    levels = (0.1, 1.0, 30.0)
    means = [
        float(
            np.mean([exam.measure.dissimilarity(exam(x, x + level * exam.rng.normal(size=x.shape))) for _ in range(8)])
        )
        for level in levels
    ]
    if not means[0] < means[-1]:
        raise Failed(f"adding noise makes representations more alike: is it a {exam.declared.kind}?")
    return "dissimilarity grows with noise"


@check("symmetry")
def _symmetry(exam: Examination) -> str:
    gaps = []
    for case in exam.cases:
        forward, backward = exam.in_order(case.x, case.y), exam.in_order(case.y, case.x)
        gaps.append(abs(forward - backward))
        if exam.declared.symmetric:
            exam.require_equal(backward, forward, "m(Y, X) is not m(X, Y)")
    if not exam.declared.symmetric and max(gaps) <= BREAKS * exam.scale:
        raise Failed("declared not symmetric, yet m(Y, X) = m(X, Y) throughout")
    return "symmetric" if exam.declared.symmetric else "not symmetric, as declared"


@check("triangle inequality")
def _triangle(exam: Examination) -> str:
    if not exam.declared.is_metric:
        raise Skipped("not declared a metric")

    def distance(a: np.ndarray, b: np.ndarray) -> float:
        return float(exam.measure.dissimilarity(exam(a, b)))

    triples = 0
    for a, b, c in _triples(exam):
        sides = distance(a, b), distance(b, c), distance(a, c)
        triples += 1
        longest = max(sides)
        excess = 2 * longest - sum(sides)
        if excess > 1e-6 * max(longest, exam.scale):
            raise Failed(f"sides of {', '.join(f'{side:.6g}' for side in sides)} in a triple")
    return f"holds on {triples} triples"


def _triples(exam: Examination) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Related, of unequal widths, and close to one line: a squared distance fails on the last."""
    rng, found = exam.rng, []
    for widths in itertools.product((4, 8, 14), repeat=3):
        signal = rng.normal(size=(INPUTS, 3))
        a, b, c = (draw(rng, INPUTS, d, signal) for d in widths)
        found.append((a, b, c))
    for step in (0.03, 0.3, 1.0):
        for _ in range(6):
            a = draw(rng, INPUTS, 8)
            move = step * draw(rng, INPUTS, 8)
            found.append((a, a + move, a + 2 * move))
            found.append((a, a * (1 + step) + 1, a * (1 + step) ** 2 + 2))
    return found


def _invariance(kind: Invariance, side: int) -> CheckFunction:
    """Check that one declared invariance of one argument holds, or that an undeclared one fails."""
    label, transform = TRANSFORMATIONS[kind]

    def run(exam: Examination) -> str:
        gaps: list[float] = []
        holds = kind in (exam.declared.invariances.second if side else exam.declared.invariances.first)
        for case in exam.cases:
            value = exam(case.x, case.y)
            for _ in range(3):
                moved = Case(case.x, transform(exam.rng, case.y)) if side else Case(transform(exam.rng, case.x), case.y)
                changed = exam(moved.x, moved.y)
                if holds:
                    widths = f"widths {case.x.shape[1]} and {case.y.shape[1]}"
                    exam.require_equal(changed, value, f"changes under {label} ({widths})")
                else:
                    gaps.append(abs(changed - value))
        if not holds and max(gaps) <= BREAKS * exam.scale:
            raise Failed(f"does not change under {label}: declare {kind.value}")
        return "invariant" if holds else "changes, as declared"

    return run


for _side, _which in enumerate(("first", "second")):
    for _kind_of in Invariance:
        CHECKS[f"{TRANSFORMATIONS[_kind_of][0]}, {_which}"] = _invariance(_kind_of, _side)


@check("scales 1e-6 to 1e6")
def _scales(exam: Examination) -> str:
    scale_free = Invariance.SCALING in exam.declared.invariances.both
    case = exam.cases[1]
    value = exam(case.x, case.y)
    for power in (-6, -3, 3, 6):
        for x, y in ((10.0**power, 1.0), (1.0, 10.0**power), (10.0**power, 10.0**power)):
            scaled = exam(case.x * x, case.y * y)
            what = f"data scaled by {x:g} and {y:g}"
            exam.require_usable(scaled, what)
            if scale_free:
                exam.require_equal(scaled, value, what)
    return "same value" if scale_free else "finite and within bounds"


@check("offsets up to 1e6")
def _offsets(exam: Examination) -> str:
    fixed = Invariance.TRANSLATION in exam.declared.invariances.both
    case = exam.cases[1]
    value = exam(case.x, case.y)
    for offset, tolerance in ((1e3, 1e-6), (1e6, 1e-4)):
        moved = exam(case.x + offset, case.y - 2 * offset)
        what = f"features offset by {offset:g}"
        exam.require_usable(moved, what)
        if fixed:
            exam.require_equal(moved, value, what, tolerance)
    return "same value" if fixed else "finite and within bounds"


@check("fewer inputs than features")
def _few_inputs(exam: Examination) -> str:
    return _value_or_reason(exam, related(exam.rng, (40, 50), n=24))


@check("very few inputs")
def _very_few_inputs(exam: Examination) -> str:
    found = [_value_or_reason(exam, related(exam.rng, (3, 4), n=n)) for n in (2, 3, 4, 5)]
    return f"n = 5: {found[-1]}"


@check("one feature")
def _one_feature(exam: Examination) -> str:
    return _value_or_reason(exam, related(exam.rng, (1, 1)))


def _value_or_reason(exam: Examination, case: Case) -> str:
    """A value within the bounds, or an error that says what to do."""
    try:
        value = exam(case.x, case.y)
    except SimilitudeError as error:
        if not str(error):
            raise Failed("refused without saying why") from error
        return f"refused: {error}"
    exam.require_usable(value, f"{case.x.shape[0]} inputs")
    return "value within bounds"


@check("rank deficiency")
def _rank_deficiency(exam: Examination) -> None:
    y = exam.cases[1].y
    low = draw(exam.rng, INPUTS, 5)
    spread = exam.rng.normal(size=(5, 14)) / math.sqrt(14)
    x = low @ spread
    value = exam(x, y)
    exam.require_usable(value, "rank 5 in 14 features")
    exam.require_self(x, "rank-deficient data")
    for moved, kind in ((x @ _rotation(exam, 14), Invariance.ORTHOGONAL), (x + 100, Invariance.TRANSLATION)):
        if kind in exam.declared.invariances.first:
            exam.require_equal(exam(moved, y), value, f"rank-deficient data under {TRANSFORMATIONS[kind][0]}")


def _rotation(exam: Examination, d: int) -> np.ndarray:
    return np.linalg.qr(exam.rng.normal(size=(d, d)))[0]


@check("duplicate rows")
def _duplicate_rows(exam: Examination) -> None:
    case = exam.cases[1]
    rows = np.repeat(np.arange(INPUTS // 3), 3)
    x, y = case.x[rows], case.y[rows]
    value = exam(x, y)
    exam.require_usable(value, "every row three times")
    exam.require_self(x, "data with duplicate rows")
    if Invariance.ORTHOGONAL in exam.declared.invariances.first:
        exam.require_equal(exam(x @ _rotation(exam, 14), y), value, "duplicate rows, rotated")


@check("constant features")
def _constant_features(exam: Examination) -> None:
    case = exam.cases[1]
    x = case.x.copy()
    x[:, 3], x[:, 7] = 0.0, 1.7
    exam.require_usable(exam(x, case.y), "two constant features in the first")
    exam.require_usable(exam(case.y, x), "two constant features in the second")
    exam.require_self(x, "data with constant features")


@check("float32")
def _float32(exam: Examination) -> str:
    if exam.declared.exempt_from_self:
        raise Skipped("exempt by declaration")
    for case in exam.cases:
        single = Case(case.x.astype(np.float32), case.y.astype(np.float32))
        value = exam(case.x, case.y)
        exam.require_equal(exam(single.x, single.y), value, "in single precision", tolerance=1e-4)
        exam.require_equal(exam(single.x, case.y), value, "single with double precision", tolerance=1e-4)
    return "within 1e-4"


@check("memory layout")
def _memory_layout(exam: Examination) -> None:
    for case in exam.cases:
        value = exam(case.x, case.y)
        wide = np.repeat(np.repeat(case.x, 2, axis=0), 3, axis=1)
        layouts = {
            "Fortran order": np.asfortranarray(case.x),
            "non-contiguous": wide[::2, ::3],
            "reversed strides": case.x[::-1, ::-1].copy()[::-1, ::-1],
        }
        for name, x in layouts.items():
            exam.require_equal(exam(x, case.y), value, name)


@check("gradients")
def _gradients(exam: Examination) -> str:
    if not exam.declared.differentiable:
        raise Skipped("not declared differentiable")
    if importlib.util.find_spec("torch") is None:
        raise Skipped("needs the package 'torch'")
    torch = importlib.import_module("torch")
    case, step = exam.cases[0], 1e-5
    direction = exam.rng.normal(size=case.x.shape)
    tensor = torch.tensor(case.x, requires_grad=True)
    exam.measure(tensor, torch.tensor(case.y)).backward()
    slope = (exam(case.x + step * direction, case.y) - exam(case.x - step * direction, case.y)) / (2 * step)
    found = float((tensor.grad.numpy() * direction).sum())
    if not abs(found - slope) <= 1e-4 * max(exam.scale, abs(slope)):
        raise Failed(f"slope of {found:.6g} instead of {slope:.6g}")
    return "as finite differences"


@check("order of models")
def _order_of_models(exam: Examination) -> None:
    """Values depend neither on the order of pairs nor on what a side was compared with before."""
    from similitude.factors.pair import Pair, Side

    signal = exam.rng.normal(size=(INPUTS, 3))
    models = [draw(exam.rng, INPUTS, d, signal) for d in (12, 14, 16)]
    pairs = list(itertools.permutations(range(3), 2))
    alone = {pair: exam(models[pair[0]], models[pair[1]]) for pair in pairs}
    for order in (pairs, pairs[::-1]):
        sides = [Side.of(model) for model in models]
        for i, j in order:
            value = exam.measure.value(Pair(sides[i], sides[j]))
            exam.require_equal(value, alone[i, j], "with factors from earlier pairs", tolerance=1e-9)


@check("bounds")
def _bounds(exam: Examination) -> str:
    for value in exam.seen:
        exam.require_usable(value, "in some check above")
    return f"{len(exam.seen)} values within [{exam.declared.bounds[0]:g}, {exam.declared.bounds[1]:g}]"
