"""Columns of text that keep every name, whatever the width."""

import pytest

from similitude.report.grid import Column, Line, stack

NAMES = ("cka", "mean_squared_cca", "orthogonal_procrustes", "rsa(rdm=squared_euclidean,compare=spearman)", "x" * 70)


def block(name, title, width, cell=".504*", repeated=1):
    lines = [Line(name, indent=2)]
    return [[t.plain for t in b] for b in stack(lines, [Column(title, [(cell, "")])] * repeated, width)]


@pytest.mark.parametrize("title", NAMES)
@pytest.mark.parametrize("repeated", [1, 7, 30])
def test_titles_can_be_read_whole(title, repeated):
    for shown in block("name", title, 80, repeated=repeated):
        rule = next(i for i, line in enumerate(shown) if "─" in line)
        last = [line.split()[-1] for line in shown[:rule]]
        assert "".join(last).replace("-", "") == title
        assert max(map(len, shown)) <= 80


@pytest.mark.parametrize("name", [*NAMES, "accuracy, overlap non-entailed (none tracks it)"])
@pytest.mark.parametrize("width", [30, 40, 80, 200])
def test_names_of_lines_can_be_read_whole(name, width):
    (shown,) = block(name, "cka", width)
    body = shown[2:]
    assert body[0].endswith(".504*")
    assert "".join("".join(body).replace(".504*", "").split()) == "".join(name.split())
    assert max(map(len, shown)) <= width


def test_columns_that_do_not_fit_are_stacked_under_the_same_names():
    lines = [Line("a heading that may be longer than the names", heading=True), Line("one"), Line("two")]
    columns = [Column(f"measure_{i}", [(f".{i:03}", ""), (f".9{i:02}", "bold")]) for i in range(30)]
    blocks = stack(lines, columns, 60)
    assert len(blocks) > 1
    texts = ["\n".join(line.plain for line in block) for block in blocks]
    assert all("one" in text and "two" in text and lines[0].text in text for text in texts)
    for i in range(30):
        assert sum(f".9{i:02}" in text for text in texts) == 1
    assert len(stack(lines, columns, 400)) == 1
    assert any(span.style == "bold" for line in blocks[0] for span in line.spans)
