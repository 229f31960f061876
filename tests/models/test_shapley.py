"""Shares add up, and are those that the rule for them says."""

import pytest
import torch
from torch import Tensor

from models.shapley import orders, share


def shares(worth: dict[str, float], names: str, sets: int) -> tuple[list[float], list[float]]:
    """Share what worth, by the names of those that take part, says among the names."""
    players = len(names)

    def of(moves: Tensor) -> Tensor:
        return torch.tensor([worth["".join(n for n, m in zip(names, row, strict=True) if m)] for row in moves.tolist()])

    idle = torch.zeros(players, dtype=torch.bool)
    parts, errors = share(of, orders(players, sets), idle=idle, nobody=worth[""], everybody=worth[names])
    return parts.tolist(), errors.tolist()


def test_two_left_gloves_and_a_right_one_are_shared_as_in_the_textbook() -> None:
    """A pair of gloves is worth 1: in 4 of 6 orders the right one completes it, in 1 of 6 either left one does."""
    worth = {"": 0.0, "a": 0.0, "b": 0.0, "r": 0.0, "ab": 0.0, "ar": 1.0, "br": 1.0, "abr": 1.0}
    parts, errors = shares(worth, "abr", 8)
    assert parts == pytest.approx([1 / 6, 1 / 6, 4 / 6])
    assert errors == [0, 0, 0]  # every order was taken


def test_each_player_stands_in_each_place_equally_often() -> None:
    """12 players, 300 sets: two rings of 12 turns, each with its reverse, so each player is 4 times in each place."""
    order = orders(12, 300).reshape(-1, 12)
    assert order.shape == (48, 12)
    assert torch.nn.functional.one_hot(order, 12).sum(dim=0).eq(4).all()


def test_a_pair_of_orders_is_right_about_what_two_do_together() -> None:
    """Player k is worth k, and 0 with 11 another 6 together: 3 each, though only two of 12! orders are looked at."""

    def worth(moves: Tensor) -> Tensor:
        return moves @ torch.arange(12.0).double() + 6 * moves[:, 0] * moves[:, 11]

    order = orders(12, 1)
    assert order.shape == (1, 2, 12)
    idle = torch.zeros(12, dtype=torch.bool)
    parts, _ = share(lambda moves: worth(moves.double()), order, idle=idle, nobody=0.0, everybody=72.0)
    assert parts.tolist() == pytest.approx([3, *range(1, 11), 14])


def test_a_wrong_share_is_told_as_an_error() -> None:
    """Only all six together are worth anything, 1: each is last in one turn of a ring of six, and in one reverse.

    So a player's six pairs are two halves and four zeros: mean 1/6, deviation 0.258, and that over 6**0.5 is 0.105.
    """
    parts, errors = share(
        lambda moves: torch.zeros(len(moves)),
        orders(6, 30),
        idle=torch.zeros(6, dtype=torch.bool),
        nobody=0.0,
        everybody=1.0,
    )
    assert parts.tolist() == pytest.approx([1 / 6] * 6)
    assert errors.tolist() == pytest.approx([0.105] * 6, abs=0.001)


def test_who_is_idle_is_never_asked_about_and_has_no_part() -> None:
    """Two of three players do something: sets of the two are all that is asked for."""
    asked: list[list[bool]] = []

    def worth(moves: Tensor) -> Tensor:
        asked.extend(moves.tolist())
        return moves[:, 0] + 2.0 * moves[:, 2]

    idle = torch.tensor([False, True, False])
    parts, _ = share(worth, orders(3, 8), idle=idle, nobody=0.0, everybody=3.0)
    assert parts.tolist() == [1, 0, 2]
    assert sorted(asked) == [[False, False, True], [True, False, False]]
