"""The numbers of claims, and the names of the workers that hold them."""

import os
import random
import socket
import time

import pytest

from apps.delivery.models import Claim
from apps.delivery.outbox import claims


@pytest.mark.parametrize("bits", [0, 1, 1023])
def test_a_claims_number_is_the_microsecond_and_ten_random_bits(monkeypatch, bits):
    asked = []
    monkeypatch.setattr(random, "getrandbits", lambda number: asked.append(number) or bits)
    monkeypatch.setattr(time, "time_ns", lambda: 1_764_000_000_123_456_789)
    number = claims.new_id()
    assert (number >> 10, number & 1023) == (1_764_000_000_123_456, bits)
    assert asked == [10]


def test_a_worker_is_named_by_its_host_and_its_process():
    host, namespace, process = claims._worker.__wrapped__().split("/")
    assert (host, int(process)) == (socket.gethostname(), os.getpid())
    assert claims._worker() == f"{host}/{namespace}/{process}"


def test_a_host_with_a_long_name_can_be_written_down(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "h" * 255)
    longest = Claim._meta.get_field("worker").max_length
    assert len(claims._worker.__wrapped__()) <= longest


def test_where_processes_have_no_namespace_no_other_process_has_this_ones_name(monkeypatch):
    def missing(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "stat", missing)
    assert claims._worker.__wrapped__() != claims._worker.__wrapped__()
