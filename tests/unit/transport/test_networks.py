"""Addresses that webhooks may go to: each network's first and last address, and its neighbours."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest

from notifier.transport.networks import CLOUD_METADATA, SPECIAL_IPV4, SPECIAL_IPV6, is_public

#: Outside of 2000::/3, so that no entry of ours has to name them.
BEYOND_GLOBAL_IPV6 = (
    "::/128",
    "::1/128",
    "::/96",  # IPv4-compatible
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
)
#: Written out, and not read from the lists: an entry that goes missing there is missed here.
REFUSED = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
    "192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 "
    "198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 2001::/23 2001:db8::/32 "
    "2002::/16 2620:4f:8000::/48 3fff::/20"
)
METADATA = (
    "168.63.129.16 169.254.169.254 169.254.170.2 169.254.170.23 100.100.100.200 192.0.0.192 "
    "fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:c1::a9fe:a9fe"
)
#: The neighbours on either side that are out on the internet.
PUBLIC = (
    "1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 "
    "168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 "
    "191.255.255.255 192.0.1.0 192.0.1.255 192.0.3.0 192.31.195.255 192.31.197.0 192.52.192.255 "
    "192.52.194.0 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 192.175.47.255 "
    "192.175.49.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 "
    "223.255.255.255 8.8.8.8 93.184.216.34 "
    "2000:: 2001:200:: 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff 2001:db9:: "
    "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff 2003:: 2606:4700:4700::1111 "
    "2620:4f:7fff:ffff:ffff:ffff:ffff:ffff 2620:4f:8001:: 3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
    "3fff:1000::"
)


@pytest.mark.parametrize("network", [*REFUSED.split(), *BEYOND_GLOBAL_IPV6])
def test_no_special_network_is_public_from_its_first_address_to_its_last(network: str) -> None:
    found = ip_network(network)
    middle = found[found.num_addresses // 2]
    assert not any(is_public(ip) for ip in (found[0], middle, found[-1]))


def test_the_lists_have_these_networks_and_no_others() -> None:
    assert sorted((*SPECIAL_IPV4, *SPECIAL_IPV6)) == sorted(REFUSED.split())
    assert {ip_network(one)[0] for one in CLOUD_METADATA} == {
        ip_address(one) for one in METADATA.split()
    }


@pytest.mark.parametrize("address", METADATA.split())
def test_no_clouds_metadata_service_is_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC.split())
def test_the_neighbours_of_special_networks_are_public(address: str) -> None:
    assert is_public(ip_address(address))


FORMS = ("::ffff:0:0", "64:ff9b::", "2001:678:1::5efe:0:0", "2001:678:1::200:5efe:0:0")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("hidden", [*REFUSED.split()[:18], "168.63.129.16/32"])
def test_an_address_that_carries_a_special_one_is_not_public(form: str, hidden: str) -> None:
    for embedded in (ip_network(hidden)[0], ip_network(hidden)[-1]):
        assert not is_public(carrying(form, str(embedded)))


@pytest.mark.parametrize("form", FORMS)
def test_an_address_that_carries_a_public_one_is_public(form: str) -> None:
    assert is_public(carrying(form, "8.8.8.8"))


@pytest.mark.parametrize(
    "address", ["2002:808:808::1", "2001:0:808:808::1", "::8.8.8.8", "64:ff9b:1::8.8.8.8"]
)
def test_forms_that_were_given_up_are_not_public_whatever_they_carry(address: str) -> None:
    assert not is_public(ip_address(address))


def carrying(form: str, ipv4: str) -> IPv6Address:
    return IPv6Address(int(IPv6Address(form)) | int(IPv4Address(ipv4)))
