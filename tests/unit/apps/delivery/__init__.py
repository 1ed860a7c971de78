"""Tests of ``apps.delivery`` that need no servers."""
