"""What several did together, shared among them: Shapley values, which add up to the whole whatever the network is.

Put the players in one after another and note by how much the whole changes at each: what each one brings, on average
over the orders, is its share (Shapley, 1953; sampled as by Castro, Gomez and Tejada, 2009). Every single order adds up
to the whole, and so does any average of them: a sample errs in who did what, never in how much was done.
"""

from collections.abc import Callable
from itertools import permutations

import torch
from torch import Tensor

EVERY_ORDER = 5
"""Players of whom all orders are taken: 120 orders of 5 meet only 32 sets of players."""


def orders(players: int, sets: int) -> Tensor:
    """Choose (P, 2, players) orders that meet about so many sets of players, and at least one pair; always the same.

    Each order is paired with its reverse (antithetic): a pair has no error from what two players do only together.
    Orders come as the turns of a random ring, so that each player stands in each place equally often (a Latin
    square): one ring's turns and their reverses meet players * (players - 1) sets. Where sets allow, rings are whole.
    """
    if players == 1 or (players <= EVERY_ORDER and 2**players <= sets):
        every = torch.tensor(list(permutations(range(players)))).reshape(-1, players)  # (players!, players)
        return torch.stack([every, every.flip(1)], dim=1)
    whole = sets // (players * (players - 1))
    pairs = whole * players or max(1, sets // (2 * (players - 1)))
    random = torch.Generator().manual_seed(0)
    rings = [torch.randperm(players, generator=random) for _ in range(max(1, whole))]
    turns = torch.stack([ring.roll(-first) for ring in rings for first in range(players)])[:pairs]  # (P, players)
    return torch.stack([turns, turns.flip(1)], dim=1)


def share(
    worth: Callable[[Tensor], Tensor], order: Tensor, *, idle: Tensor, nobody: float, everybody: float
) -> tuple[Tensor, Tensor]:
    """Share everybody - nobody among the players: their parts and the parts' standard errors, both (players,) float64.

    worth takes (N, players) bool, who takes part, and gives (N,); it is asked once for each set that the orders,
    (P, 2, players), meet. idle, (players,) bool, tells who brings nothing: neither asked about nor given a part. The
    parts add up to everybody - nobody. The error is that of the mean over the pairs, as if
    they were drawn alone (with the Latin square it is rather less); with a single pair, that of its two orders, and 0
    where every order was taken.
    """
    players = order.shape[-1]
    joined = torch.nn.functional.one_hot(order, players).cumsum(dim=2) * ~idle  # (P, 2, players, players): after each
    met, which = torch.unique(joined.reshape(-1, players), dim=0, return_inverse=True)  # (N, players)
    count = met.sum(dim=1)
    odds = torch.where(count == 0, nobody, everybody).double()
    some = (count > 0) & (count < int((~idle).sum()))
    if some.any():
        odds[some] = worth(met[some] > 0).double()
    after = odds[which].reshape(order.shape)  # (P, 2, players)
    before = torch.cat([torch.full_like(after[..., :1], nobody), after[..., :-1]], dim=2)
    brought = torch.zeros_like(after).scatter(2, order, after - before)  # (P, 2, players), by player
    parts = brought.mean(dim=(0, 1))
    if len(order) == torch.arange(1, players + 1).prod():
        return parts, torch.zeros_like(parts)
    drawn = brought.mean(dim=1) if len(order) > 1 else brought[0]
    return parts, drawn.std(dim=0) / len(drawn) ** 0.5
