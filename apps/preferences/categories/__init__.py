"""Categories: the company's catalogue of what people may choose from.

``catalogue`` reads it from a cache, as every acceptance and claim does; ``services`` writes it.
"""
