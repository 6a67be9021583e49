"""Names that would break HTML, Markdown or LaTeX, from files to every form of the results."""

import re
import shutil
import subprocess

import chromium
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from similitude.cli.main import app
from similitude.report.tables import markdown

MARKUP = "<img src=x onerror=alert(1)>"
LAYER = "</script><!--|`\u2028\u202e*_a_*"
FUNCTIONALITY = r"~^\&%$#_{}<b>|[x](y) `code`"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A run of ten networks whose names, layers, functionality and folder are hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    networks, out = folder / "[a]|$&{mine}_", folder / "out"
    networks.mkdir()
    rng = np.random.default_rng(0)
    shared, scores = rng.normal(size=(40, 4)), {}
    for i in range(10):
        name = f"{MARKUP}|{i}"
        np.savez(networks / f"{name}.npz", **{LAYER: shared + 0.1 * i * rng.normal(size=shared.shape)})
        scores[name] = 1 / (1 + i)
    pd.Series(scores, name=FUNCTIONALITY).rename_axis("model").to_csv(folder / "scores.csv")
    command = ["run", str(networks), "--scores", str(folder / "scores.csv"), "-m", "cka,random", "--resamples", "100"]
    ended = CliRunner().invoke(app, [*command, "--out", str(out), "--home", str(folder / "home")])
    assert ended.exit_code == 0, ended.output
    return out


def test_markdown_table_keeps_its_columns(results):
    lines = [line for line in (results / "table.md").read_text().splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    text = "\n".join(lines)
    assert "<" not in text
    assert re.search(r"(?<!\\)`", text) is None
    assert r"\[x\](y)" in text
    assert "~^" not in text.replace(r"\~^", "")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("mean_squared_cca", "mean_squared_cca"),
        ("_a_ *b*", r"\_a\_ \*b\*"),
        ("a\nb\u2028c", r"a\\nb\\u2028c"),
        ("a\\|b", r"a\\\|b"),
        ("&lt;<i>", "&amp;lt;&lt;i&gt;"),
    ],
)
def test_markdown_is_escaped(text, escaped):
    assert markdown(text) == escaped


def test_latex_table_escapes_all_ten_special_characters(results):
    text = (results / "table.tex").read_text()
    row = next(line for line in text.splitlines() if "textasciitilde" in line)
    named = [rf"\text{name}{{}}" for name in ("asciitilde", "asciicircum", "backslash")]
    assert all(escaped in row for escaped in [*named, r"\&", r"\%", r"\$", r"\#", r"\_", r"\{", r"\}"])
    assert len(re.findall(r"(?<!\\)&", row)) == len(re.search(r"\{([lr]+)\}", text)[1]) - 1
    shown = re.sub(r"\\text\w+\{\}|\\textcolor\{gray\}\{|\\textbf\{|\\[&%$#_{}]", "", row)
    assert not set("~^#%_") & set(shown)
    if not shutil.which("pdflatex"):
        return
    document = "\\documentclass{article}\\usepackage{booktabs,xcolor}\\begin{document}\n" + text + "\\end{document}"
    (results / "document.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    assert subprocess.run(command, cwd=results, capture_output=True).returncode == 0


@pytest.mark.skipif(chromium.find() is None, reason="no Chromium here")
def test_page_shows_names_as_text(results, tmp_path):
    page = tmp_path / "page.html"
    assert CliRunner().invoke(app, ["report", str(results), "--html", str(page)]).exit_code == 0
    source = page.read_text(encoding="utf-8")
    assert source.count("</script>") == 2
    assert not {"<!--", "\u2028", "\u202e", "<img"} & set(re.findall(r"<!--|\u2028|\u202e|<img", source))
    browser = chromium.Browser(chromium.find(), tmp_path / "profile")
    try:
        browser.open(page)
        assert browser.evaluate("document.querySelectorAll('img, b').length") == 0
        shown = browser.evaluate("document.body.innerText")
        assert FUNCTIONALITY in shown
        assert LAYER.replace("\u2028", "\\u2028").replace("\u202e", "\\u202e") in shown
        browser.move("document.querySelector('#networks canvas')")
        assert MARKUP in browser.evaluate("document.querySelector('#tip').textContent")
        assert browser.problems == []
        assert browser.requests == [page.resolve().as_uri()]
    finally:
        browser.close()
