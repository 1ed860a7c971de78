"""The status with which a URL is answered."""

import base64
import urllib.error
import urllib.request

from stack.supervision.process import PATIENCE


def status(url, login=None):
    """The status after redirects; ``login``: ``user:password`` for basic authentication."""
    request = urllib.request.Request(url)
    if login:
        request.add_header("Authorization", f"Basic {base64.b64encode(login.encode()).decode()}")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
