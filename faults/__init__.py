"""``make faults``: break one thing at a time under a known load, and hold the database against what
the stand-in providers received. See docs/faults.md.
"""
