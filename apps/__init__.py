"""The Django apps. Imports run one way; ``[tool.importlinter]`` in ``pyproject.toml`` holds it."""
