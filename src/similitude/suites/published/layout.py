"""What the released archive of Ding, Denain & Steinhardt 2021 holds, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from similitude.errors import UnknownName, suggestion

__all__ = [
    "KEYS",
    "LAYOUT",
    "PART",
    "SUBTASKS",
    "TOP_FOLDERS",
    "Model",
    "PublishedSubtask",
    "get_subtask",
    "parse_subtasks",
]

KEYS = ("seed1", "step1", "layer1", "seed2", "step2", "layer2", "dims_deleted")
"""Columns that name a pair; components are deleted from its second side only."""


class Model(NamedTuple):
    """A network of the archive."""

    seed: int
    """Seed of pretraining; for `feather`, of fine-tuning."""
    step: int
    """Seed of fine-tuning for `pretrain_finetune`; elsewhere the training step, one for all."""


@dataclass(frozen=True)
class PublishedSubtask:
    """One of the four comparisons of the paper's language half.

    Parameters
    ----------
    name, architecture
        Folder names in the archive.
    step
        Training step of all its models; None where the step folder is the seed of fine-tuning.
    functionalities
        Those the paper reports.
    reference_layers
        Layers from 0 whose best model is the reference, as published; None for all layers.
    reference_seeds
        Seeds that take part at all, as published; None for all.
    truncated
        Whether the second side of a pair has components deleted. Then every ordered pair is stored, else each pair
        once, the side with the smaller (seed, step, layer) first.
    varies
        What sets its models apart, in words.
    """

    name: str
    architecture: str
    step: int | None
    functionalities: tuple[str, ...]
    varies: str
    reference_layers: tuple[int, ...] | None = None
    reference_seeds: tuple[int, ...] | None = None
    truncated: bool = False

    @property
    def scores_file(self) -> str:
        """Path of its scores in the archive."""
        return f"scores/{self.name}/scores.{'csv' if self.name == 'feather' else 'pkl'}"

    @property
    def distance_files(self) -> tuple[str, ...]:
        """Paths at which its distances may lie, the best first."""
        return (
            f"dists/{self.name}/dists.csv",
            f"dists/{self.name}/dists_self_computed.csv",
            f"full_dfs/{self.name}/full_df.csv",
        )

    def model(self, seed: int, step: int = 0) -> Model:
        """Model of a seed; the step counts only where it tells models apart."""
        return Model(seed, step if self.step is None else self.step)


SUBTASKS = {
    subtask.name: subtask
    for subtask in (
        PublishedSubtask(
            "layer_exp",
            "base",
            2_000_000,
            ("QNLI", "SST-2"),
            "pretraining seed and layer",
            reference_layers=(11,),
        ),
        PublishedSubtask(
            "pca_deletion",
            "base",
            2_000_000,
            ("SST-2",),
            "pretraining seed and deleted principal components",
            reference_layers=(7, 8, 9, 10, 11),
            reference_seeds=(1, 2, 3, 4, 5, 6, 7),
            truncated=True,
        ),
        PublishedSubtask("feather", "feather", 0, ("lex_nonent",), "fine-tuning seed"),
        PublishedSubtask(
            "pretrain_finetune",
            "medium_finetuned",
            None,
            ("STRESS_ANTONYMY", "STRESS_NUMERICAL"),
            "pretraining and fine-tuning seed",
        ),
    )
}

TOP_FOLDERS = ("embeddings", "dists", "scores", "full_dfs")

PART = re.compile(
    r"(?:.*?/)?(?P<part>"
    r"embeddings/[^/]+/[^/]+/[0-9]{1,9}/[0-9]{1,9}/[0-9]{1,9}/rep\.npy"
    r"|dists/[^/]+/dists(?:_self_computed)?\.csv"
    r"|scores/[^/]+/scores\.(?:pkl|csv)"
    r"|full_dfs/[^/]+/full_df\.csv)"
)
"""A file name that belongs to the layout; `part` is its path below the archive's own top folder."""


def get_subtask(name: str) -> PublishedSubtask:
    """Subtask by its name in the archive."""
    if name not in SUBTASKS:
        raise UnknownName(f"The published benchmark has no subtask {name!r}. {suggestion(name, SUBTASKS)}")
    return SUBTASKS[name]


def parse_subtasks(names: list[str] | None) -> list[tuple[PublishedSubtask, tuple[str, ...]]]:
    """Subtasks with the functionalities asked for.

    Parameters
    ----------
    names
        ``subtask`` for those that the paper reports, ``subtask/functionality`` for any that the scores hold; None for
        all that the paper reports.
    """
    chosen: dict[str, list[str]] = {}
    for name in names or list(SUBTASKS):
        head, _, functionality = name.partition("/")
        subtask = get_subtask(head)
        wanted = (functionality,) if functionality else subtask.functionalities
        known = chosen.setdefault(head, [])
        known += [f for f in wanted if f not in known]
    return [(SUBTASKS[name], tuple(functionalities)) for name, functionalities in chosen.items()]


LAYOUT = """\
The archive sim_metric_resources (Zenodo record 5117844): a folder, or a .tar or .tar.gz of it

embeddings/{dataset}/{architecture}/{seed}/{step}/{layer}/rep.npy
    float array, features x tokens; layers count from 0
    base              seeds 1-10, step 2000000, layers 0-11   (layer_exp, pca_deletion)
    feather           seeds 0-99, step 0, layers 0-11         (feather)
    medium_finetuned  seeds 1-10 of pretraining, steps 1-10 = seeds of fine-tuning, layers 0-7
                                                              (pretrain_finetune)
dists/{subtask}/dists.csv                (dists_self_computed.csv once recomputed)
    dataset1, architecture1, seed1, step1, layer1, dataset2, ..., layer2
    pca_deletion: also dims_deleted and dims_kept, of the second side
    PWCCA, CKA, Procrustes, CSA          dissimilarities
    mean_cca_corr, mean_sq_cca_corr      similarities
    any other column                     a dissimilarity
scores/layer_exp/scores.pkl              d[task][seed][layer + 1][0][0] -> list of accuracies
scores/pca_deletion/scores.pkl           d[task][seed][layer + 1][dims_deleted] -> list of accuracies
scores/feather/scores.csv                one row per model, in the order of seeds; after one column of names:
                                         MNLI dev acc., Lexical (entailed), Subseq (entailed),
                                         Constituent (entailed), Lexical (nonent), Subseq (nonent),
                                         Constituent (nonent), Overall accuracy
scores/pretrain_finetune/scores.pkl      (correct, examples): correct[p][f] is 0/1 an example, p and f from 1;
                                         examples[i] has guid, heuristic, label
full_dfs/{subtask}/full_df.csv           the rows of dists.csv with a column {task}_diff a task

Layers count from 1 in the score files (0 is the embedding) and from 0 everywhere else. The deletion grid, the widths
and the number of models are whatever the files hold. With --recompute, dists and full_dfs are not read.
"""
