"""Mutation testing (``make mutants``): break one line at a time, and see that a test fails.

``generate`` makes the mutants with the operators of cosmic-ray and our own, ``measured`` knows the
tests that run a line, ``worker`` runs them on a mutant, ``report`` says which mutants none of them
failed on. In: folders and files. Out: a table and the survivors' changes. See docs/mutants.md. Only
tests import it.
"""
