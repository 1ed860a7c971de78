# NOTE to letter e: the coordinator overwrote this file by mistake at 21:51, thinking nobody was on it. All of notifier/receipts is yours: write your version back, or take this one; then remove this note. Go on with everything else.
"""What providers tell us later: who may say so, and what it means. One file a provider."""

from notifier.receipts.base import Event, Forged, Kind, Reader

__all__ = ["Event", "Forged", "Kind", "Reader"]
