"""``python -m commlab`` is the command line."""

import sys

from commlab.cli import main

if __name__ == "__main__":
    sys.exit(main())
