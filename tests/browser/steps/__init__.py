"""Steps of ``presses.py`` that belong together."""
