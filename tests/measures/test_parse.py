import pytest

from similitude.errors import InputError, UnknownName
from similitude.measures import BUILT_IN, MEASURES, get_measure, get_measures


@pytest.mark.parametrize("name", BUILT_IN)
def test_default_id_is_the_name_and_round_trips(name):
    measure = get_measure(name)
    assert str(measure) == name
    assert get_measure(str(measure)) == measure


@pytest.mark.parametrize(
    ("spelling", "id"),
    [
        ("cka( debiased = True )", "cka(debiased=true)"),
        ("cka(debiased=yes,kernel=rbf,bandwidth=.5)", "cka(kernel=rbf,bandwidth=0.5,debiased=true)"),
        ("cka(bandwidth=1,kernel=linear)", "cka"),
        ("jaccard(k=10)", "jaccard"),
        ("jaccard( k=5 )", "jaccard(k=5)"),
        ("svcca(variance=0.99)", "svcca"),
        ("svcca(components=10)", "svcca(components=10)"),
        ("svcca(components=none)", "svcca"),
        ("gulp(ridge=0)", "gulp"),
        ("gulp(ridge=1e-3)", "gulp(ridge=0.001)"),
        ("gulp(ridge=0.123456789)", "gulp(ridge=0.123456789)"),
        ("shape_metric(alpha=1,angular=false)", "shape_metric(angular=false)"),
        ("rsa(compare=spearman, rdm=euclidean)", "rsa(rdm=euclidean)"),
        ("imd(t=2)", "imd(t=2)"),
    ],
)
def test_any_spelling_has_one_canonical_id(spelling, id):
    assert str(get_measure(spelling)) == id
    assert get_measure(id) == get_measure(spelling)


@pytest.mark.parametrize(
    "wrong",
    [
        "cka(kernel=cubic)",
        "cka(bandwidth=2)",
        "cka(kernel=rbf,bandwidth=0)",
        "cka(debiased=perhaps)",
        "cka(k=3)",
        "jaccard(k=0)",
        "jaccard(k=2.5)",
        "svcca(variance=99)",
        "svcca(components=0)",
        "gulp(ridge=-1)",
        "shape_metric(alpha=2)",
        "ridge_regression(alpha=0)",
        "ridge_regression(folds=1)",
        "rsa(rdm=manhattan)",
        "rsa(compare=product)",
        "second_order_cosine(of=rank)",
        "cknna(k=1)",
        "imd(t=0)",
        "pwcca(lost=found)",
    ],
)
def test_wrong_parameters_are_refused(wrong):
    with pytest.raises(InputError):
        get_measure(wrong)


def test_unknown_names_come_with_the_nearest():
    with pytest.raises(UnknownName, match="procrustes"):
        get_measure("procrustus")


def test_lists_split_outside_parentheses_and_drop_repeats():
    ids = [str(m) for m in get_measures(["cka,cka(kernel=rbf,bandwidth=0.5)", "jaccard(k=10), jaccard"])]
    assert ids == ["cka", "cka(kernel=rbf,bandwidth=0.5)", "jaccard"]


def test_every_measure_says_where_it_comes_from():
    for name in MEASURES:
        declared = get_measure(name).properties()
        assert declared.formula
        assert declared.caution
        assert declared.reference == "baseline" or any(s in declared.reference for s in ("arXiv:", "doi:"))


def test_every_class_with_a_name_is_found_and_is_what_the_name_stands_for():
    for name in BUILT_IN:
        assert MEASURES[name].name == name
    assert len(set(BUILT_IN)) == len(BUILT_IN)
