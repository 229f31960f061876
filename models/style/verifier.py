"""Is it the person? A window's style against the person's, as speaker verification does it.

Statistics -> standardised -> whitened by what varies within one person (WCCN: Hatch, Kajarekar, Stolcke, Interspeech
2006) -> unit length (Garcia-Romero, Espy-Wilson, Interspeech 2011) -> cosine to the person's references -> less what
a cohort of other styles gets, symmetric and adaptive (AS-norm: Matejka et al., Interspeech 2017) -> calibrated
log-likelihood ratio. All that was learned are buffers: the network itself has no weight to train.
"""

import torch
from torch import Tensor, nn

from models.style.statistics import StyleStatistics


class StyleVerifier(nn.Module):
    """Judge windows of poses against one person's references.

    forward() takes (B, T, 18, 3) float32 raw keypoints, T from 60 to 300 at 30 Hz, and gives (B,) probability that the
    window is *not* the person when both were equally likely before: sigmoid(-llr). 0.5 is "can't tell": nothing moves,
    too little is seen, or it is unlike anything that the background has seen.

    centre, spread (F,) standardise statistics; project (F, D) and shift (D,) whiten; references (E, D), one unit vector
    an event; cohort (C, D) unit vectors; nearest, how many of the cohort count; person_mean, person_spread (), what the
    references get from the cohort; limits (2,) mean squares of the whitened statistics at which doubt begins and ends
    in "can't tell"; slope, offset () of the calibration, most () the llr from which on
    it grows as its logarithm only.
    """

    centre: Tensor
    spread: Tensor
    project: Tensor
    shift: Tensor
    references: Tensor
    cohort: Tensor
    person_mean: Tensor
    person_spread: Tensor
    limits: Tensor
    slope: Tensor
    offset: Tensor
    most: Tensor

    def __init__(
        self,
        statistics: StyleStatistics,
        *,
        centre: Tensor,
        spread: Tensor,
        project: Tensor,
        shift: Tensor,
        references: Tensor,
        cohort: Tensor,
        nearest: int,
        limits: Tensor,
        slope: float = 1.0,
        offset: float = 0.0,
        most: float = 4.0,
    ) -> None:
        super().__init__()
        self.statistics = statistics
        self.nearest = min(nearest, len(cohort))
        for name, values in (
            ("centre", centre), ("spread", spread), ("project", project), ("shift", shift),
            ("references", references), ("cohort", cohort), ("limits", limits),
        ):  # fmt: skip
            self.register_buffer(name, values.to(torch.float32))
        for name, number in (("slope", slope), ("offset", offset), ("most", most)):
            self.register_buffer(name, torch.tensor(float(number)))
        mean, deviation = self.against_cohort(self.whole().unsqueeze(0))
        self.register_buffer("person_mean", mean[0])
        self.register_buffer("person_spread", deviation[0])

    def forward(self, poses: Tensor) -> Tensor:
        """(B, T, 18, 3) -> (B,) probability that the window is not the person."""
        return torch.sigmoid(-self.llr(poses))

    @torch.jit.export
    def llr(self, poses: Tensor) -> Tensor:
        """(B, T, 18, 3) -> (B,) natural log of how much likelier the window is if it is the person; 0: can't tell."""
        values, known = self.statistics(poses)
        return self.compare(values, known)

    @torch.jit.export
    def compare(self, values: Tensor, known: Tensor) -> Tensor:
        """Statistics (B, F) and which of them are known (B, F) bool -> (B,) llr."""
        style, size = self.whiten(values, known)
        return self.judge(style, size, known)

    @torch.jit.export
    def judge(self, style: Tensor, size: Tensor, known: Tensor) -> Tensor:
        """What whiten() gives, and which statistics are known (B, F) bool -> (B,) llr."""
        llr = self.slope * self.similarity(style) + self.offset
        beyond = (llr.abs() - self.most).clamp(min=0.0)  # a hard edge would make equals of all who lie beyond it
        llr = llr.sign() * (llr.abs() - beyond + torch.log1p(beyond))
        return llr * self.trust(size, known)

    @torch.jit.export
    def whiten(self, values: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """(B, F) statistics -> (B, D) unit vectors of style, (B,) mean square before they were brought to length 1.

        What is unknown counts as the background's mean.
        """
        even = ((values - self.centre) / self.spread).clamp(-4.0, 4.0)  # (B, F)
        even = torch.where(known, even, torch.zeros_like(even))
        style = even @ self.project - self.shift  # (B, D)
        return nn.functional.normalize(style, dim=1), style.square().mean(dim=1)

    @torch.jit.export
    def similarity(self, style: Tensor) -> Tensor:
        """(B, D) unit vectors -> (B,) cosine to the person's mean reference, less the cohort's from both sides."""
        cosine = style @ self.whole()  # (B,)
        if self.nearest == 0:  # the ablation's control
            return cosine
        mean, _ = self.against_cohort(style)
        # The window's own deviation is left out: over the few people of a small background it only adds noise.
        return (cosine - 0.5 * (mean + self.person_mean)) / self.person_spread

    def whole(self) -> Tensor:
        """(D,) unit vector: the mean of the events' references, each event with one voice."""
        return nn.functional.normalize(self.references.mean(dim=0), dim=0)

    def against_cohort(self, style: Tensor) -> tuple[Tensor, Tensor]:
        """(B, D) -> (B,) mean and deviation of the cosines to the nearest of the cohort."""
        if self.nearest == 0:
            return torch.zeros(len(style)), torch.ones(len(style))
        closest = (style @ self.cohort.t()).topk(self.nearest, dim=1)[0]  # (B, nearest)
        return closest.mean(dim=1), closest.std(dim=1, unbiased=False) + 0.02

    def trust(self, size: Tensor, known: Tensor) -> Tensor:
        """(B,) from 0, unlike anything seen before or at most 40 % known, to 1, familiar and at least 80 % known."""
        familiar = ((self.limits[1] - size) / (self.limits[1] - self.limits[0])).clamp(0.0, 1.0)
        share = known.to(size.dtype).mean(dim=1)
        return familiar * ((share - 0.4) / 0.4).clamp(0.0, 1.0)
