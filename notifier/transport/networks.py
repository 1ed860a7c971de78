"""Public and private IP addresses, by a list of our own.

Python's ``ipaddress.is_global`` follows IANA's registries as of its patch release, so its answers
differ between installations.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address

#: Every entry of the IANA IPv4 Special-Purpose Address Registry, including those marked globally
#: reachable: they are anycast services, which receive no webhooks.
#: https://www.iana.org/assignments/iana-ipv4-special-registry/
SPECIAL_IPV4 = (
    "0.0.0.0/8",  # this network (RFC 791)
    "10.0.0.0/8",  # private use (RFC 1918)
    "100.64.0.0/10",  # shared address space of carriers (RFC 6598)
    "127.0.0.0/8",  # loopback (RFC 1122)
    "169.254.0.0/16",  # link-local (RFC 3927)
    "172.16.0.0/12",  # private use (RFC 1918)
    "192.0.0.0/24",  # IETF protocol assignments (RFC 6890)
    "192.0.2.0/24",  # documentation (RFC 5737)
    "192.31.196.0/24",  # AS112 (RFC 7535)
    "192.52.193.0/24",  # automatic multicast tunneling (RFC 7450)
    "192.88.99.0/24",  # 6to4 relays, deprecated (RFC 7526)
    "192.168.0.0/16",  # private use (RFC 1918)
    "192.175.48.0/24",  # AS112 (RFC 7534)
    "198.18.0.0/15",  # benchmarking (RFC 2544)
    "198.51.100.0/24",  # documentation (RFC 5737)
    "203.0.113.0/24",  # documentation (RFC 5737)
    "240.0.0.0/4",  # reserved (RFC 1112), and the limited broadcast (RFC 919)
    "224.0.0.0/4",  # multicast, in a registry of its own (RFC 5771)
)
#: The one block of global unicast addresses that IANA assigns from (RFC 4291 2.4,
#: https://www.iana.org/assignments/ipv6-address-space/). Loopback, unique local, link-local,
#: site-local, multicast, discard-only and segment routing addresses lie outside of it.
GLOBAL_IPV6 = IPv6Network("2000::/3")
#: The entries of the IANA IPv6 Special-Purpose Address Registry within ``GLOBAL_IPV6``.
#: https://www.iana.org/assignments/iana-ipv6-special-registry/
SPECIAL_IPV6 = (
    "2001::/23",  # IETF protocol assignments: Teredo, ORCHID, benchmarking … (RFC 2928)
    "2001:db8::/32",  # documentation (RFC 3849)
    "2002::/16",  # 6to4, whose relays are deprecated (RFC 3056, RFC 7526)
    "2620:4f:8000::/48",  # AS112 (RFC 7534)
    "3fff::/20",  # documentation (RFC 9637)
)
#: Metadata services of clouds, which hand out credentials. Only Azure's is a public address; the
#: others are also refused by the networks above.
CLOUD_METADATA = (
    "168.63.129.16/32",  # Azure's host, WireServer
    "169.254.169.254/32",  # AWS, Azure, Google, DigitalOcean, OpenStack …
    "169.254.170.2/32",  # AWS: credentials of ECS tasks
    "169.254.170.23/32",  # AWS: credentials of EKS pods
    "100.100.100.200/32",  # Alibaba Cloud
    "192.0.0.192/32",  # Oracle Cloud
    "fd00:ec2::254/128",  # AWS
    "fd00:ec2::23/128",  # AWS: credentials of EKS pods
    "fd20:ce::254/128",  # Google
    "fd00:c1::a9fe:a9fe/128",  # Oracle Cloud
)

_MAPPED = IPv6Network("::ffff:0:0/96")
#: The prefix by which networks without IPv4 reach IPv4 (RFC 6052). That of private networks,
#: 64:ff9b:1::/48 (RFC 8215), is refused, since they choose where it contains the IPv4 address.
_NAT64 = IPv6Network("64:ff9b::/96")
#: An interface identifier of ISATAP (RFC 5214 6.1): 0000:5efe or 0200:5efe, and an IPv4 address.
_ISATAP, _ISATAP_MASK = 0x00005EFE, 0xFDFFFFFF

_REFUSED = tuple(ip_network(one) for one in (*SPECIAL_IPV4, *SPECIAL_IPV6, *CLOUD_METADATA))
_REFUSED_IPV4 = tuple(one for one in _REFUSED if isinstance(one, IPv4Network))
_REFUSED_IPV6 = tuple(one for one in _REFUSED if isinstance(one, IPv6Network))


def unmapped(ip: Address) -> Address:
    """Return the IPv4 address of an IPv4-mapped one, to which the system connects; others as is."""
    if isinstance(ip, IPv6Address) and ip in _MAPPED:
        return _embedded(ip)
    return ip


def is_public(ip: Address) -> bool:
    """Return whether an address is neither special in IANA's registries nor a cloud's metadata.

    IPv4-mapped, NAT64 and ISATAP addresses contain an IPv4 address, which is judged instead.
    Addresses of 6to4, Teredo and the IPv4-compatible form are deprecated and never public.
    """
    ip = unmapped(ip)
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _REFUSED_IPV4)
    if ip in _NAT64:
        return is_public(_embedded(ip))
    if int(ip) >> 32 & _ISATAP_MASK == _ISATAP and not is_public(_embedded(ip)):
        return False
    return ip in GLOBAL_IPV6 and not any(ip in network for network in _REFUSED_IPV6)


def _embedded(ip: IPv6Address) -> IPv4Address:
    """Return the IPv4 address in the last 32 bits."""
    return IPv4Address(int(ip) & 0xFFFFFFFF)
