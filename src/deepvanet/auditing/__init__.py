"""Any predictions -> what training and test shared, and what that explains.

Works on a run of this package and on two CSV files of anyone
(:mod:`deepvanet.auditing.reading`). Nothing that is written about them is believed but
what is evidence against them: what was shared is counted from the rows, and the priors
are fitted again from the labels of what trained.
"""

from deepvanet.auditing.judging import audit
from deepvanet.auditing.verdicts import (
    CANNOT,
    EXPLAINED,
    LEAKS,
    NO_LEAK,
    Audit,
    PartVerdict,
)

__all__ = ["CANNOT", "EXPLAINED", "LEAKS", "NO_LEAK", "Audit", "PartVerdict", "audit"]
