"""What Python gets back says what it means: values with range and direction, tables, frames, files and figures."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pandas as pd
import pytest

import similitude
from similitude.doctor.diagnosis import diagnose
from similitude.errors import InputError, MeasureError, SimilitudeWarning, UnknownName
from similitude.measures import DEFAULT_MEASURES, get_measure
from similitude.report.figures import heat_map

CANONICAL = {"pwcca", "mean_cca", "mean_squared_cca"}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def few(rng):
    """Fewer inputs than features, so that CCA is not defined."""
    return rng.normal(size=(20, 30)), rng.normal(size=(20, 40))


@pytest.fixture
def table(rng):
    x = rng.normal(size=(200, 5))
    return similitude.pairwise({"a": x, "b": x + rng.normal(size=x.shape)}, "cka,procrustes")


@pytest.mark.filterwarnings("ignore:CKA of")
class TestValuesThatAreNotDefined:
    def test_they_cost_only_themselves_and_say_why(self, few):
        with pytest.warns(SimilitudeWarning, match="3 of 7 measures failed"):
            values = similitude.compare(*few)
        assert set(values) == set(DEFAULT_MEASURES)
        assert {name for name, value in values.items() if math.isnan(value)} == CANONICAL == set(values.failures)
        assert all("rank 19 on 20 inputs" in reason for reason in values.failures.values())
        assert "Undefined: pwcca, mean_cca, mean_squared_cca. first has rank" in repr(values)

    @pytest.mark.parametrize("measures", ["pwcca", "pwcca,mean_cca"])
    def test_it_is_an_error_where_nothing_is_left(self, few, measures):
        with pytest.raises(MeasureError, match="rank 19"):
            similitude.compare(*few, measures)

    def test_a_measure_that_is_called_raises(self, few):
        with pytest.raises(MeasureError, match="rank 19"):
            get_measure("mean_cca")(*few)

    def test_data_that_cannot_be_compared_are_an_error_for_all_measures(self, few):
        with pytest.raises(similitude.SimilitudeError, match="inputs"):
            similitude.compare(few[0], few[1][:-1])


class TestValues:
    def test_each_says_its_range_and_direction(self, rng):
        x = rng.normal(size=(100, 5))
        values = similitude.compare(x, x + rng.normal(size=x.shape), "cka,norm_difference")
        frame = values.to_frame()
        assert frame.loc["cka", ["kind", "similar", "low", "high"]].tolist() == ["similarity", "large", 0, 1]
        assert frame.loc["norm_difference", ["similar", "low", "high"]].tolist() == ["small", 0, math.inf]
        assert frame["value"].tolist() == list(values.values())
        lines = repr(values).splitlines()
        assert lines[0] == "n = 100 inputs, d = 5 and 5 features"
        assert "[0, 1]" in lines[2]
        assert lines[2].split()[-2:] == ["similarity", "large"]
        assert "[0, inf)" in lines[3]

    def test_they_are_a_dict_for_programs(self, rng):
        x = rng.normal(size=(50, 4))
        values = similitude.compare(x, 2 * x, "cka,procrustes")
        assert json.loads(json.dumps(values)) == dict(values) == values
        assert isinstance(values, dict)

    def test_an_id_may_be_spelt_with_its_defaults(self, rng):
        x = rng.normal(size=(50, 4))
        values = similitude.compare(x, 2 * x, "rsa(rdm=correlation,compare=spearman)")
        assert values["rsa(rdm=correlation,compare=spearman)"] == values[get_measure("rsa")] == values["rsa"]
        with pytest.raises(UnknownName, match="cka was not computed; there are rsa"):
            values["cka"]

    def test_tensors_with_gradients(self):
        torch = pytest.importorskip("torch")
        x = torch.randn(50, 4, requires_grad=True)
        values = similitude.compare(x, torch.randn(50, 4), "cka,procrustes")
        assert values["cka"].requires_grad
        assert "similarity" in repr(values)

    def test_plot_has_similar_on_the_right(self, rng):
        x = rng.normal(size=(50, 4))
        values = similitude.compare(x, x + rng.normal(size=x.shape), "cka,procrustes")
        figure = values.plot()
        limits = {axes.get_ylabel(): axes.get_xlim() for axes in figure.axes}
        assert limits == {"cka": (0, 1), "procrustes": (2, 0)}
        marks = [axes.lines[0].get_xdata()[0] for axes in figure.axes]
        assert marks == list(values.values())


class TestTables:
    def test_print(self, table):
        text = repr(table)
        assert "cka (similarity: large when similar), n = 200 inputs" in text
        assert "procrustes (dissimilarity: small when similar)" in text
        assert "<table" in table._repr_html_()

    def test_frames_and_files(self, table, tmp_path):
        table.to_csv(tmp_path / "table.csv")
        pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "table.csv"), table.to_frame())

    def test_plot_shows_every_measure_or_one(self, table):
        figure = table.plot()
        assert [axes.get_title() for axes in figure.axes if axes.images] == ["cka", "procrustes"]
        shown = table.plot("procrustes", annotate=True).axes[0]
        np.testing.assert_array_equal(shown.images[0].get_array(), table.matrix("procrustes"))
        assert len(shown.texts) == 4
        assert table.plot("cka")._repr_png_().startswith(b"\x89PNG")

    def test_a_matrix_knows_what_it_is_of(self, table):
        drawn = heat_map(table.matrix("procrustes"))
        assert drawn.axes[0].images[0].get_clim() == (0, 2)
        assert drawn.get_suptitle() == "procrustes, n = 200 inputs"
        assert drawn.axes[1].get_ylabel().startswith("dissimilarity")

    def test_an_array_can_be_drawn(self):
        axes = heat_map(np.array([[1.0, 0.1234]]), "cka", annotate=True).axes[0]
        assert [text.get_text() for text in axes.texts] == ["1.000", ".123"]
        assert [text.get_color() for text in axes.texts] == ["1", "0"]  # dark is similar
        assert heat_map(np.eye(2), kind="dissimilarity").axes[0].images[0].get_clim() == (0, 1)
        with pytest.raises(InputError, match="Name the measure"):
            heat_map(np.eye(2))

    def test_a_matrix_needs_a_name_only_among_several(self, table, rng):
        with pytest.raises(InputError, match="Name one of the measures: cka, procrustes"):
            table.matrix()
        x = rng.normal(size=(100, 3))
        assert similitude.pairwise([x, x], "cka").matrix().attrs == {"measure": "cka", "n": 100}


def test_significance_has_a_frame_a_file_and_a_figure(rng, tmp_path):
    x = rng.normal(size=(60, 4))
    found = similitude.significance(x, x + rng.normal(size=x.shape), "cka,procrustes", permutations=30)
    found.to_csv(tmp_path / "found.csv", index=False)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "found.csv"), found.to_frame())
    assert type(found.to_frame()) is pd.DataFrame
    figure = found.plot()
    assert [axes.get_ylabel() for axes in figure.axes] == ["cka", "procrustes"]
    band = figure.axes[0].lines[0].get_xdata()
    assert band == pytest.approx([found["chance"][0] - 2 * found["sd"][0], found["chance"][0] + 2 * found["sd"][0]])


class TestDiagnosis:
    def test_of_arrays(self, rng):
        x = rng.normal(size=(100, 5))
        (finding,) = (f for f in diagnose(x, x[::-1]) if f.severity == "error")
        assert finding.where == "array 1 and array 2"
        assert repr(diagnose(x, x[::-1])).startswith("error: array 1 and array 2: They hold the same rows")
        assert repr(diagnose(rng.normal(size=(500, 5)))) == "No problems found."

    def test_of_what_extract_returns(self, rng):
        x = rng.normal(size=(500, 5))
        x[3, 2] = np.nan
        assert diagnose({"late": x}).to_frame().loc[0, ["severity", "where"]].tolist() == ["error", "late"]
        with pytest.raises(InputError, match="nothing to examine"):
            diagnose()

    def test_of_tensors(self):
        torch = pytest.importorskip("torch")
        assert diagnose(torch.randn(500, 5, requires_grad=True)) == ()


class TestWhatANotebookShows:
    def test_every_public_result_has_a_rich_form(self, table, rng, tmp_path):
        x = rng.normal(size=(60, 4))
        site = similitude.Site(tmp_path, scale="quick")
        suite = similitude.suites.SUITES["synthetic"]
        suite.build(site)
        evaluation = similitude.evaluate(suite.subtasks(), suite.populations(site), ["cka"], resamples=20)
        evaluation.results.write(tmp_path)
        results = [
            *(table, similitude.compare(x, 2 * x), similitude.diagnose(x), similitude.significance(x, x, "cka")),
            *(similitude.check_measure("norm_difference"), evaluation, similitude.read_results(tmp_path)),
        ]
        for result in results:
            assert re.match("<(p|pre|div|table)", result._repr_html_().strip()), type(result)

    def test_grades_are_a_table_of_measures_and_functionalities(self, tmp_path):
        site = similitude.Site(tmp_path, scale="quick")
        suite = similitude.suites.SUITES["synthetic"]
        suite.build(site)
        evaluation = similitude.evaluate(suite.subtasks()[:1], suite.populations(site), "cka,random", resamples=20)
        text, html = repr(evaluation), evaluation._repr_html_()
        assert text == repr(evaluation.results)
        (grade,) = evaluation.to_frame().query("functionality == 'follows' and measure == 'cka'")["every"][:1]
        for shown in (text, html):
            assert "1 is best" in shown
            assert "follows" in shown
            assert f"{grade:.3f}" in shown
