"""``make screenshots``: the pages in docs/screenshots, taken from a running service."""

from stack.screenshots.camera import screenshots as screenshots
