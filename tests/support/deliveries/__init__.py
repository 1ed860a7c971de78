"""The engine step by step, and notifications that go through it."""
