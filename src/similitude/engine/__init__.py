"""Comparing many: what is computed once is shared, and what is finished is kept."""

from similitude.engine.compute import Scored, plan_pairs, score_pairs
from similitude.engine.ledger import Ledger
from similitude.engine.pairwise import PairTable, compare, pairwise
from similitude.engine.streaming import Stream
from similitude.engine.values import PairValues

__all__ = ["Ledger", "PairTable", "PairValues", "Scored", "Stream", "compare", "pairwise", "plan_pairs", "score_pairs"]
