"""``python -m pushjobs.client``: the command ``pushjobs``."""

import sys

from pushjobs.client.terminal import main

if __name__ == "__main__":
    sys.exit(main())
