"""The version of this release: Semantic Versioning, the only place that has it."""

VERSION = "1.0.0"
