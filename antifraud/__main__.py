"""Entry point of ``python -m antifraud``."""

import os
import sys

from antifraud.commands.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
