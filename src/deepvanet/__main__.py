"""``python -m deepvanet``: the command line."""

import sys

from deepvanet.cli import main

if __name__ == "__main__":
    sys.exit(main())
