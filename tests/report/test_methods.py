"""Methods paragraphs."""

from similitude.measures import get_measures
from similitude.report.methods import methods_paragraph


def test_the_paragraph_says_what_was_compared():
    about = {f"net{i}/last": {"n": 1200, "dtype": "float32", "reduction": "mean_pool"} for i in (1, 2)}
    text = methods_paragraph(get_measures("cka"), about, {"similitude": "9.9"}, "texts.txt")
    for part in ("net1 and net2", "1,200", "texts.txt", "mean_pool", "Kornblith", "float32", "similitude 9.9"):
        assert part in text
