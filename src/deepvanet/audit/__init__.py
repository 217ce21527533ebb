"""Any predictions -> what training and test shared, and what that explains.

Works on a run of this package and on two CSV files of anyone
(:mod:`deepvanet.audit.reading`). Nothing that is written about them is believed but
what speaks against them: what was shared is counted from the rows, and the priors are
fitted again from the labels of what trained.
"""

from deepvanet.audit.judging import (
    CANNOT,
    EXPLAINED,
    LEAKS,
    NO_LEAK,
    Audit,
    Finding,
    audit,
)

__all__ = ["CANNOT", "EXPLAINED", "LEAKS", "NO_LEAK", "Audit", "Finding", "audit"]
