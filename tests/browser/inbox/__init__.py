"""The library of the inbox in pages: pop-ups, the sandbox's page, and another browser."""
