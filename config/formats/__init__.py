"""How times are written in pages, by locale (``FORMAT_MODULE_PATH``)."""
