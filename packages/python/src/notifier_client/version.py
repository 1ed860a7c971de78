"""The version of this package: Semantic Versioning, the only place that has it."""

__version__ = "1.0.0"
