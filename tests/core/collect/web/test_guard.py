import pytest

from core.collect.web.guard import PRIVATE, RESERVED, THIS_COMPUTER, refuse

LOOPBACK = ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"]
NOT_PUBLIC = {
    "10.0.0.1": PRIVATE,
    "172.16.0.1": PRIVATE,
    "172.31.255.255": PRIVATE,
    "192.168.1.1": PRIVATE,
    "100.64.0.1": PRIVATE,
    "100.100.100.200": PRIVATE,  # metadata of a cloud
    "169.254.169.254": PRIVATE,  # metadata of most clouds
    "169.254.0.1": PRIVATE,
    "168.63.129.16": PRIVATE,
    "192.0.0.192": PRIVATE,
    "198.18.0.1": PRIVATE,
    "0.0.0.0": RESERVED,
    "0.1.2.3": RESERVED,
    "192.0.2.1": RESERVED,
    "198.51.100.7": RESERVED,
    "203.0.113.7": RESERVED,
    "192.88.99.1": RESERVED,
    "224.0.0.1": RESERVED,
    "239.255.255.250": RESERVED,
    "240.0.0.1": RESERVED,
    "255.255.255.255": RESERVED,
    "::": RESERVED,
    "::ffff:10.0.0.1": PRIVATE,
    "::ffff:0:10.0.0.1": RESERVED,
    "::10.0.0.1": RESERVED,
    "fc00::1": PRIVATE,
    "fd00:ec2::254": PRIVATE,
    "fe80::1": PRIVATE,
    "fe80::1%eth0": PRIVATE,
    "fec0::1": PRIVATE,
    "ff02::1": RESERVED,
    "2001::1": RESERVED,
    "2001:db8::1": RESERVED,
    "2002:7f00:1::": RESERVED,
    "2002:0a00:0001::1": RESERVED,
    "3fff::1": RESERVED,
    "64:ff9b::10.0.0.1": PRIVATE,
    "64:ff9b::169.254.169.254": PRIVATE,
    "64:ff9b:1::1": RESERVED,
    "2606:4700::5efe:192.168.0.1": PRIVATE,
    "localhost": RESERVED,
    "": RESERVED,
}
PUBLIC = [
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "192.0.1.1",
    "2606:4700::1",
    "64:ff9b::8.8.8.8",
    "::ffff:8.8.8.8",
]


@pytest.mark.parametrize("address", LOOPBACK)
def test_this_computer_is_refused_unless_opened(address, monkeypatch):
    monkeypatch.delenv("WINNOW_ALLOW_LOOPBACK", raising=False)
    assert refuse(address) == THIS_COMPUTER

    monkeypatch.setenv("WINNOW_ALLOW_LOOPBACK", "1")
    assert refuse(address) is None


def test_only_the_exact_word_opens_this_computer(monkeypatch):
    monkeypatch.setenv("WINNOW_ALLOW_LOOPBACK", "0")

    assert refuse("127.0.0.1") == THIS_COMPUTER


@pytest.mark.parametrize(("address", "sentence"), NOT_PUBLIC.items())
@pytest.mark.parametrize("loopback", ["0", "1"])
def test_what_is_not_public_is_refused_even_where_this_computer_is_opened(
    address, sentence, loopback, monkeypatch
):
    monkeypatch.setenv("WINNOW_ALLOW_LOOPBACK", loopback)

    assert refuse(address) == sentence


@pytest.mark.parametrize("address", ["64:ff9b::127.0.0.1", "2002:7f00:1::1", "::127.0.0.1"])
def test_this_computer_in_disguise_is_refused(address, monkeypatch):
    monkeypatch.delenv("WINNOW_ALLOW_LOOPBACK", raising=False)

    assert refuse(address) in (THIS_COMPUTER, RESERVED)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_asked(address):
    assert refuse(address) is None
