"""A model file for tests: real in every respect, but nobody has taught it anything."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from models import artifact
from models.card import Card
from models.pose_lstm import Design, PoseLSTM
from models.pose_networks.backends import find_backend


def untaught(path: Path, **card: Any) -> Path:
    """Write a model file with random weights and an index.json that vouches for it; card replaces facts of its card."""
    backend = find_backend("openpose-thin")
    facts = Card(
        person="nobody",
        features="body",
        normalisation="as body",
        created="2026-01-01T00:00:00Z",
        trainer="test",
        pose_backend={"name": backend.name, "sha256": backend.sha256},
        thresholds={"enter": 0.7, "clear": 0.4, "hold_s": 1.0, "k": 3, "n": 4, "false_alerts_per_hour": 1.0},
        note="knows nobody",
    )
    torch.manual_seed(1)
    module = PoseLSTM(Design(features="body", hidden=16, layers=1, dropout=0.0))
    artifact.save(path, module, replace(facts, **card))
    return path
