"""``python -m notifier_client.cli``: the command where no script is installed."""

import sys

from notifier_client.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
