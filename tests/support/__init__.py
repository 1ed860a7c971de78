"""Fixtures, fakes and helpers that several tests use, each under its own name.

Imported by tests and their ``conftest.py`` files only. Nothing here imports a test.
"""
