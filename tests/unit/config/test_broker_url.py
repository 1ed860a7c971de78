"""``AMQP_URL``: what is accepted, and the order in which the nodes of a cluster are tried."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.worker import broker

NODES = "amqp://u:p@one//", "amqp://u:p@two//", "amqps://u:p@three//"


def test_each_process_has_the_nodes_in_an_order_of_its_own():
    orders = {tuple(broker.url(";".join(NODES)).split(";")) for _ in range(100)}
    assert all(sorted(order) == sorted(NODES) for order in orders)
    assert {order[0] for order in orders} == {*NODES}


def test_one_url_stays_as_it_is():
    for one in ("amqp://guest:guest@127.0.0.1:5672//", "rediss://:secret@cache:6380/1"):
        assert broker.url(one) == one
    assert broker.url(f" {NODES[0]} ; ") == NODES[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("amqp://u:hush@one//;http://u:hush@two/", "must be a URL that begins with amqp://"),
        ("u:hush@one", "must be a URL that begins with"),
        (";", "must be a URL that begins with"),
        ("sentinel://:hush@one:26379", "must be a URL that begins with .+ proxy"),
        ("redis://:hush@one;redis://:hush@two", "only the nodes of one RabbitMQ cluster"),
        ("amqp://u:hush@one//;redis://:hush@two", "only the nodes of one RabbitMQ cluster"),
        ("amqp://u:hush/h@one:5672/v", "cannot be read: write / "),
        ("amqp://one;amqp://u:hush#h@two:5672/v", "cannot be read: write / "),
    ],
)
def test_what_cannot_be_a_broker_is_refused_without_showing_it(given, words):
    with pytest.raises(ImproperlyConfigured, match=words) as refused:
        broker.url(given)
    assert "hush" not in str(refused.value)
