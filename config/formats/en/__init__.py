"""English, which every page is in."""
