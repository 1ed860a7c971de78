"""Fan-out: cut the audience of a topic or group into chunks, a page at a time.

In: chunks of kind ``whole``, one for each audience. Out: chunks of up to ``CHUNK_SIZE`` recipients,
which ``sending.claiming`` takes up. ``audience_lease`` lets one process cut an audience at a time.
Imported by ``sending.worker``.
"""
