"""From similarity to log-likelihood ratio: two normal distributions of one width, so the ratio is a straight line.

van Leeuwen and Brummer, "The distribution of calibrated likelihood-ratios in speaker recognition", Interspeech 2013.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Where similarities of the person's windows and of others' lie: means and their common standard deviation."""

    own: float
    others: float
    deviation: float

    @property
    def slope(self) -> float:
        """llr gained by one unit of similarity; never negative."""
        return max(self.own - self.others, 0.0) / self.deviation**2

    @property
    def offset(self) -> float:
        return -self.slope * (self.own + self.others) / 2

    def llr(self, similarity: Floats) -> Floats:
        """(N,) similarities -> (N,) natural log-likelihood ratios."""
        return self.slope * similarity + self.offset


def calibrate(own: Floats, others: Floats) -> Calibration:
    """Fit similarities (N,) of the person's windows and (M,) of others'; both classes count alike."""
    variance = (np.var(own) + np.var(others)) / 2
    return Calibration(float(np.mean(own)), float(np.mean(others)), float(np.sqrt(variance) + 1e-3))


RELEVANCE = 400.0
"""Windows half a second apart, 200 s of speech: ten of them share poses, so some forty of them tell anything new."""


def adapt(usual: Calibration, own: Floats, others: Floats, *, relevance: float = RELEVANCE) -> Calibration:
    """Move what is usual towards one person's scores, the more of them there are (maximum a posteriori).

    relevance is how many windows weigh as much as the background.
    """

    def moved(usual_one: float, each: Floats) -> float:
        return float((relevance * usual_one + each.sum()) / (relevance + len(each)))

    spread = [moved(usual.deviation**2, np.square(scores - scores.mean())) for scores in (own, others) if len(scores)]
    return Calibration(
        moved(usual.own, own), moved(usual.others, others), float(np.sqrt(np.mean(spread or [usual.deviation**2])))
    )


def cllr(own_llr: Floats, others_llr: Floats) -> float:
    """Cost of log-likelihood ratios in bits: 0 is perfect, 1 is worth nothing (Brummer and du Preez, 2006, eq. 16)."""
    costs = np.logaddexp(0, -own_llr).mean() + np.logaddexp(0, others_llr).mean()
    return float(costs / (2 * np.log(2)))
