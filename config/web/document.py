"""``python -m config.web.document > openapi.json``: print the OpenAPI document; it needs no server.

It is what ``/v1/openapi.json`` of a service with these settings answers. Clients are generated from
it (``packages/node``).
"""

import os
import sys

import django

from config.secrets import fresh


def main() -> None:
    """Write the document to standard output."""
    for name, value in fresh().items():  # settings need secrets; the document has none
        os.environ.setdefault(name, value)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from apps.api.openapi_document import document  # it needs Django's settings

    sys.stdout.buffer.write(document().body)


if __name__ == "__main__":
    main()
