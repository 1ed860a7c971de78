"""Gunicorn's settings for the bare view: the API's, except those that need the API's settings."""

from config.gunicorn import post_worker_init, reuse_port, sendfile, worker_class

__all__ = ["post_worker_init", "reuse_port", "sendfile", "worker_class"]
