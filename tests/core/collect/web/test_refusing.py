"""Every way known to lead a fetcher into a private network, against sockets that listen there."""

import socket

import pytest
import requests

from core.collect.web.fetch import Fetcher
from core.collect.web.guard import PRIVATE, RESERVED, THIS_COMPUTER, RefusedAddress
from core.collect.web.reasons import NOT_AN_ADDRESS
from core.collect.web.session import guarded_session
from tests.core.collect.web.conftest import Ear, picture

REFUSED = (THIS_COMPUTER, PRIVATE, RESERVED)

# {port} is where the ear listens, on 127.0.0.1.
LEADING_HERE = [
    "http://127.0.0.1:{port}/a.jpg",
    "http://127.1:{port}/a.jpg",
    "http://127.0.0.1.:{port}/a.jpg",
    "http://2130706433:{port}/a.jpg",
    "http://0177.0.0.1:{port}/a.jpg",
    "http://017700000001:{port}/a.jpg",
    "http://0x7f.0.0.1:{port}/a.jpg",
    "http://0x7f000001:{port}/a.jpg",
    "http://0x7f.1:{port}/a.jpg",
    "http://0:{port}/a.jpg",
    "http://0.0.0.0:{port}/a.jpg",
    "http://localhost:{port}/a.jpg",
    "http://localhost.:{port}/a.jpg",
    "http://LOCALHOST:{port}/a.jpg",
    "http://photos.localhost:{port}/a.jpg",
    "http://[::1]:{port}/a.jpg",
    "http://[::]:{port}/a.jpg",
    "http://[::ffff:127.0.0.1]:{port}/a.jpg",
    "http://[::ffff:7f00:1]:{port}/a.jpg",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/a.jpg",
    "http://[::127.0.0.1]:{port}/a.jpg",
    "http://[2002:7f00:1::]:{port}/a.jpg",
    "http://[64:ff9b::127.0.0.1]:{port}/a.jpg",
    "http://[64:ff9b::7f00:1]:{port}/a.jpg",
    "http://photos.example@127.0.0.1:{port}/a.jpg",
    "http://photos.example:80@127.0.0.1:{port}/a.jpg",
    "http://photos.example%2f@127.0.0.1:{port}/a.jpg",
    "http://photos.example%00@127.0.0.1:{port}/a.jpg",
    "http:\\\\127.0.0.1:{port}\\a.jpg",
    "http:///127.0.0.1:{port}/a.jpg",
    " http://127.0.0.1:{port}/a.jpg",
    "HTTP://127.0.0.1:{port}/a.jpg",
    "https://127.0.0.1:{port}/a.jpg",
    "https://localhost.:{port}/a.jpg",
    "http://①②⑦.⓪.⓪.①:{port}/a.jpg",
    "http://127。0。0。1:{port}/a.jpg",
    "http://127.0.0.1\t:{port}/a.jpg",
    "http://127.0.0.1\r\nHost: photos.example:{port}/a.jpg",
]
PRIVATE_NETWORKS = [
    "http://10.0.0.1/a.jpg",
    "http://192.168.0.1/a.jpg",
    "http://172.16.0.1/a.jpg",
    "http://100.64.0.1/a.jpg",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fe80::1%25lo]/a.jpg",
    "http://[::ffff:a9fe:a9fe]/latest/meta-data/",
    "http://[2002:a9fe:a9fe::]/latest/meta-data/",
]
OTHER_SCHEMES = [
    "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/a.jpg",
    "gopher://127.0.0.1:{port}/_GET",
    "dict://127.0.0.1:{port}/a",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "//127.0.0.1:{port}/a.jpg",
    "127.0.0.1:{port}/a.jpg",
    "",
    "photo",
    "http://",
    "http://[",
]


@pytest.fixture(autouse=True)
def loopback_is_closed(monkeypatch):
    monkeypatch.delenv("WINNOW_ALLOW_LOOPBACK", raising=False)


def answer_names(monkeypatch, *answers):
    """Let name lookups give these addresses, one tuple a lookup, the last for ever; counted."""
    real, asked = socket.getaddrinfo, []

    def answer(host, port, *args, **kwargs):
        try:
            return real(host, port, *args, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:
            found = answers[min(len(asked), len(answers) - 1)]
            asked.append(host)
            return [
                (
                    socket.AF_INET6 if ":" in address else socket.AF_INET,
                    socket.SOCK_STREAM,
                    6,
                    "",
                    (address, port, 0, 0) if ":" in address else (address, port),
                )
                for address in found
            ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


@pytest.mark.parametrize("address", LEADING_HERE)
def test_an_address_that_leads_here_is_refused_with_nothing_sent(address, ear, tmp_path):
    found = Fetcher(tmp_path).fetch(address.format(port=ear.port))

    assert found.path is None
    assert found.reason in (*REFUSED, NOT_AN_ADDRESS)
    assert not found.again
    assert ear.heard() == (0, b"")
    assert list(tmp_path.iterdir()) == []


def test_the_ear_hears_where_this_computer_is_opened(ear, tmp_path, monkeypatch):
    monkeypatch.setenv("WINNOW_ALLOW_LOOPBACK", "1")
    from core.collect.web.limits import Limits

    Fetcher(tmp_path, limits=Limits(read_seconds=0.2)).fetch(f"http://127.1:{ear.port}/a.jpg")

    connections, sent = ear.heard()
    assert connections == 1
    assert sent.startswith(b"GET /a.jpg HTTP/1.1\r\n")


def test_ipv6_loopback_is_refused_with_nothing_sent(tmp_path):
    try:
        ear = Ear("::1")
    except OSError:
        pytest.skip("this computer has no IPv6")
    try:
        for host in ("[::1]", "[0:0:0:0:0:0:0:1]", "[::0001]"):
            found = Fetcher(tmp_path).fetch(f"http://{host}:{ear.port}/a.jpg")
            assert found.reason == THIS_COMPUTER
        assert ear.heard() == (0, b"")
    finally:
        ear.close()


@pytest.mark.parametrize("loopback", ["0", "1"])
@pytest.mark.parametrize("address", PRIVATE_NETWORKS)
def test_private_networks_and_metadata_are_refused(address, loopback, tmp_path, monkeypatch):
    monkeypatch.setenv("WINNOW_ALLOW_LOOPBACK", loopback)
    opened = []
    monkeypatch.setattr(socket.socket, "connect_ex", lambda _, to: opened.append(to) or 111)

    found = Fetcher(tmp_path).fetch(address)

    assert found.reason in REFUSED
    assert opened == []


@pytest.mark.parametrize("address", OTHER_SCHEMES)
def test_other_schemes_and_no_addresses_are_refused(address, ear, tmp_path):
    found = Fetcher(tmp_path).fetch(address.format(port=ear.port))

    assert found.reason == NOT_AN_ADDRESS
    assert ear.heard() == (0, b"")


@pytest.mark.parametrize("host", ["photos.example", "photos.example.", "PHOTOS.example"])
def test_a_name_that_leads_to_a_private_address_is_refused(host, ear, tmp_path, monkeypatch):
    answer_names(monkeypatch, ("127.0.0.1",))

    found = Fetcher(tmp_path).fetch(f"http://{host}:{ear.port}/a.jpg")

    assert found.reason == THIS_COMPUTER
    assert ear.heard() == (0, b"")


@pytest.mark.parametrize(
    "both", [("8.8.8.8", "127.0.0.1"), ("127.0.0.1", "8.8.8.8"), ("2606:4700::1", "::1")]
)
def test_a_name_with_a_public_and_a_private_address_is_refused_as_a_whole(
    both, ear, tmp_path, monkeypatch
):
    answer_names(monkeypatch, both)
    opened = []
    monkeypatch.setattr(socket.socket, "connect_ex", lambda _, to: opened.append(to) or 111)

    found = Fetcher(tmp_path).fetch(f"http://photos.example:{ear.port}/a.jpg")

    assert found.reason == THIS_COMPUTER
    assert opened == []
    assert ear.heard() == (0, b"")


def test_a_rebinding_name_is_looked_up_once_and_that_answer_is_connected_to(
    ear, tmp_path, monkeypatch
):
    asked = answer_names(monkeypatch, ("8.8.8.8",), ("127.0.0.1",))
    opened = []
    monkeypatch.setattr(socket.socket, "connect_ex", lambda _, to: opened.append(to) or 111)
    fetcher = Fetcher(tmp_path)

    fetcher.fetch(f"http://photos.example:{ear.port}/a.jpg")
    assert asked == ["photos.example"]
    assert opened == [("8.8.8.8", ear.port)]

    found = fetcher.fetch(f"http://photos.example:{ear.port}/b.jpg")
    assert asked == ["photos.example"] * 2
    assert found.reason == THIS_COMPUTER
    assert len(opened) == 1
    assert ear.heard() == (0, b"")


def redirecting(*targets, status=302):
    def answer(handler):
        number = int(handler.path.rpartition("/")[2] or 0)
        handler.say(status, location=targets[number])

    return answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_private_address_is_refused(site, tmp_path, monkeypatch, status):
    opened = []
    real = socket.socket.connect_ex

    def connect(sock, to):
        opened.append(to[0])
        return real(sock, to)

    monkeypatch.setattr(socket.socket, "connect_ex", connect)
    for target in (*PRIVATE_NETWORKS, f"http://0.0.0.0:{site.port}/a.jpg"):
        site.answers["*"] = redirecting(target, status=status)

        found = Fetcher(tmp_path).fetch(site.url("/0"))

        assert found.reason in REFUSED, target
        assert found.url == site.url("/0")
    assert set(opened) == {"127.0.0.1"}


def test_a_chain_of_redirects_that_ends_in_a_private_network_is_refused(site, tmp_path):
    site.answers["*"] = redirecting("/1", site.url("/2"), "//10.0.0.1/a.jpg")

    found = Fetcher(tmp_path).fetch(site.url("/0"))

    assert found.reason == PRIVATE
    assert sum(site.asked.values()) == 3


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/a", "gopher://x/", "a:b"]
)
def test_a_redirect_to_another_scheme_is_refused(site, tmp_path, target):
    site.answers["*"] = redirecting(target)

    found = Fetcher(tmp_path).fetch(site.url("/0"))

    assert found.reason == NOT_AN_ADDRESS


@pytest.mark.parametrize("target", ["http://[", "", "http://", "http://:99999/"])
def test_a_redirect_to_nowhere_is_said(site, tmp_path, target):
    site.answers["*"] = redirecting(target)

    found = Fetcher(tmp_path).fetch(site.url("/0"))

    assert found.path is None
    assert found.reason.endswith(".")


def test_a_redirect_is_checked_anew_though_its_name_was_fine_before(
    new_site, tmp_path, monkeypatch
):
    monkeypatch.setenv("WINNOW_ALLOW_LOOPBACK", "1")
    site = new_site()
    asked = answer_names(monkeypatch, ("127.0.0.1",), ("10.0.0.1",))

    def away(handler):
        handler.say(302, location="/picture.png", connection="close")

    site.answers["/"] = away
    site.answers["/picture.png"] = lambda handler: handler.say(200, picture())

    found = Fetcher(tmp_path).fetch(site.url("/", host="photos.example"))

    assert found.reason == PRIVATE
    assert len(asked) == 2
    assert site.asked["/picture.png"] == 0


def test_a_session_refuses_the_same_in_its_own_redirects(site):
    site.answers["*"] = redirecting("http://169.254.169.254/latest/")

    with pytest.raises(RefusedAddress, match="private network"):
        guarded_session().get(site.url("/0"))


def test_who_asks_a_session_may_take_a_refusal_for_any_failed_request(ear):
    with pytest.raises(requests.RequestException) as caught:
        guarded_session().get(f"http://127.0.0.1:{ear.port}/")

    assert isinstance(caught.value, OSError)
    assert str(caught.value) == THIS_COMPUTER
    assert ear.heard() == (0, b"")
