"""Which addresses may be connected to.

A name can lead anywhere, and to another place a second later. So nothing here looks at names: the
connection resolves a name once, asks ``refuse`` about what came out, and connects to exactly that.
"""

import os
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from requests.exceptions import ConnectionError as RequestsConnectionError

THIS_COMPUTER = "The address leads to this computer, which Winnow does not ask."
PRIVATE = "The address leads to a private network, which Winnow does not ask."
RESERVED = "The address leads to a place that is not on the public internet."

PRIVATE_IPV4 = tuple(
    IPv4Network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by a provider's customers; also some clouds' metadata
        "169.254.0.0/16",  # link-local; the metadata of most clouds
        "168.63.129.16/32",  # a public number that inside Azure is the machine's own host
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; also a cloud's metadata
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks between own machines
    )
)
RESERVED_IPV4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # "this network": Linux connects 0.0.0.0 to itself
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Of IPv6 only what was handed out to the public is asked; these lie within it and were not.
PUBLIC_IPV6 = IPv6Network("2000::/3")
RESERVED_IPV6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo, identifiers, benchmarks
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "3fff::/20",
    )
)
PRIVATE_IPV6 = (ip_network("fc00::/7"), ip_network("fe80::/10"), ip_network("fec0::/10"))
NAT64 = IPv6Network("64:ff9b::/96")  # how networks without IPv4 reach it
ISATAP = (0x00005EFE, 0x02005EFE)  # these before an IPv4 address make a tunnel to it


class RefusedAddress(RequestsConnectionError):
    """The address is not one that Winnow connects to; nothing was sent. The message says why.

    An OSError, and a requests.ConnectionError, so that whoever asks a session need not know it.
    """


def loopback_is_open() -> bool:
    """Whether addresses of this computer may be asked: for tests and for labs."""
    return os.environ.get("WINNOW_ALLOW_LOOPBACK") == "1"


def refuse(address: str) -> str | None:
    """Why an address, such as "10.0.0.1" or "fe80::1%eth0", is not connected to; None if it is.

    Args:
        address: As the name lookup gave it. Anything that is no IP address is refused.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return RESERVED
    if isinstance(parsed, IPv4Address):
        return _refuse_ipv4(parsed)
    return _refuse_ipv6(parsed)


def _refuse_ipv4(address: IPv4Address) -> str | None:
    if address.is_loopback:
        return None if loopback_is_open() else THIS_COMPUTER
    if any(address in network for network in PRIVATE_IPV4):
        return PRIVATE
    if any(address in network for network in RESERVED_IPV4):
        return RESERVED
    return None


def _refuse_ipv6(address: IPv6Address) -> str | None:
    if address.ipv4_mapped is not None:
        return _refuse_ipv4(address.ipv4_mapped)
    if address.is_loopback:
        return None if loopback_is_open() else THIS_COMPUTER
    if any(address in network for network in PRIVATE_IPV6):
        return PRIVATE
    embedded = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in NAT64:
        return _refuse_ipv4(embedded)
    if address not in PUBLIC_IPV6 or any(address in network for network in RESERVED_IPV6):
        return RESERVED
    if (int(address) >> 32) & 0xFFFFFFFF in ISATAP:
        return _refuse_ipv4(embedded)
    return None
