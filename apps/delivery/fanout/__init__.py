"""Fan-out: the audience of a topic or group is cut into chunks, a page at a time.

In: a fan-out doorbell. Out: chunks of up to ``CHUNK_SIZE`` recipients, which claims take up.
``audience_lease`` lets one process cut an audience at a time. Imported by the worker.
"""
