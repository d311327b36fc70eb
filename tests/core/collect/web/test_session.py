import shutil
import socket
import ssl
import subprocess
import threading
import time
import zlib

import pytest
import requests

from core.collect.web.fetch import Fetcher
from core.collect.web.guard import RefusedAddress
from core.collect.web.limits import Limits
from core.collect.web.reasons import explain
from core.collect.web.session import RequestHalted, guarded_session
from tests.core.collect.web.conftest import picture


def saying(*args, **kwargs):
    return lambda handler: handler.say(*args, **kwargs)


def test_proxies_and_passwords_of_the_environment_are_ignored(site, ear, tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{ear.port}")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    site.answers["*"] = saying(200, picture())

    assert guarded_session().get(site.url("/")).ok
    assert Fetcher(tmp_path / "new").fetch(site.url("/")).reason is None

    assert ear.heard() == (0, b"")
    assert len(site.requests) == 2
    assert not any("Authorization" in headers for _, headers in site.requests)


def test_a_proxy_set_in_winnow_is_asked_though_it_stands_in_a_private_network(
    new_site, tmp_path, monkeypatch
):
    monkeypatch.delenv("WINNOW_ALLOW_LOOPBACK", raising=False)
    proxy = new_site()
    proxy.answers["http://photos.example/a.png"] = saying(200, picture())
    session = guarded_session(proxies={"http": proxy.url("")})

    found = Fetcher(tmp_path, session=session).fetch("http://photos.example/a.png")

    assert found.reason is None


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0x7f.1", "2130706433", "localhost.", "[::1]", "169.254.169.254", "10.1"]
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_is_not_sent_to_private_addresses(host, scheme, ear, monkeypatch):
    monkeypatch.delenv("WINNOW_ALLOW_LOOPBACK", raising=False)
    proxy = f"http://127.0.0.1:{ear.port}"

    with pytest.raises(RefusedAddress):
        guarded_session(proxies={"http": proxy, "https": proxy}).get(f"{scheme}://{host}/a.jpg")

    assert ear.heard() == (0, b"")


def test_a_proxy_is_asked_for_a_tunnel_to_a_secure_site(ear, tmp_path):
    session = guarded_session(proxies={"https": f"http://127.0.0.1:{ear.port}"})
    limits = Limits(read_seconds=0.3, connect_seconds=0.3)

    found = Fetcher(tmp_path, session=session, limits=limits).fetch("https://photos.example/a.png")

    assert ear.heard()[1].startswith(b"CONNECT photos.example:443 HTTP/1.")
    assert found.reason.endswith(".")


def test_a_proxy_that_is_down_is_said(tmp_path, new_site):
    proxy = new_site()
    url = proxy.url("")
    proxy.shutdown()
    proxy.server_close()

    found = Fetcher(tmp_path, session=guarded_session(proxies={"http": url})).fetch(
        "http://a.example/"
    )

    assert (found.reason, found.again) == (
        "The proxy set in Winnow did not answer, or refused.",
        True,
    )


def test_a_proxy_of_another_kind_is_not_used(tmp_path):
    with pytest.raises(requests.RequestException):
        guarded_session(proxies={"http": "socks5://127.0.0.1:1080"}).get("http://a.example/")


@pytest.mark.parametrize("verify", [False, None, "", "/etc/my-authorities.pem"])
def test_certificates_cannot_be_waived(site, verify):
    session = guarded_session()
    session.verify = verify

    with pytest.raises(ValueError, match="always checked"):
        session.get(site.url("/"))


def test_an_answer_that_is_read_at_once_has_a_limit_too(site):
    packer = zlib.compressobj(wbits=31)
    bomb = packer.compress(b"\0" * 50_000_000) + packer.flush()
    site.answers["*"] = saying(200, bomb, content_encoding="gzip")

    with pytest.raises(RequestHalted) as caught:
        guarded_session(limits=Limits(file_bytes=1_000_000)).get(site.url("/"))

    assert str(caught.value) == "The file is larger than 1 MB."


def test_a_page_is_read_as_any_session_reads_it(site):
    site.answers["/old"] = saying(301, b"moved", location="/new")
    site.answers["/new"] = saying(200, b'{"found": "\xc3\xa9"}', content_type="application/json")

    answer = guarded_session().get(site.url("/old"))

    assert answer.json() == {"found": "é"}
    assert answer.url == site.url("/new")
    assert [one.status_code for one in answer.history] == [301]


def test_a_session_follows_a_limited_number_of_redirects(site):
    site.answers["*"] = saying(302, location="/again")

    with pytest.raises(requests.TooManyRedirects) as caught:
        guarded_session().get(site.url("/"))

    assert sum(site.asked.values()) == 6
    assert not explain(caught.value).again


def test_a_session_does_not_read_what_comes_with_a_redirect(site):
    def endless(handler):
        handler.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: /new\r\n\r\n")
        while not site.over.is_set():
            handler.wfile.write(b"x" * 65536)

    site.answers["/old"] = endless
    site.answers["/new"] = saying(200, b"here")

    assert guarded_session().get(site.url("/old")).content == b"here"


def trickling(site):
    def answer(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n")
        while not site.over.wait(0.05):
            handler.wfile.write(b"x")

    return answer


@pytest.mark.parametrize("stream", [False, True])
def test_a_site_that_trickles_does_not_hold_a_session(site, stream):
    site.answers["*"] = trickling(site)
    start = time.monotonic()

    with pytest.raises(requests.RequestException) as caught:
        _ = (
            guarded_session(limits=Limits(seconds_a_file=0.5))
            .get(site.url("/"), stream=stream)
            .content
        )

    assert time.monotonic() - start < 2
    assert explain(caught.value, limits=Limits(seconds_a_file=0.5)).reason == (
        "The site was too slow: it took more than 0.5 seconds."
    )


def test_a_session_can_be_stopped_from_elsewhere(site):
    site.answers["*"] = lambda handler: site.over.wait(30)
    stop = threading.Event()
    caught = []

    def ask():
        try:
            guarded_session(stopped=stop.is_set).get(site.url("/"))
        except requests.RequestException as error:
            caught.append(explain(error).reason)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not site.asked["/"] and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    stop.set()
    thread.join(1)

    assert caught == ["Stopped before it was finished."]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for photos.example that is its own authority, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl to make a certificate")
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        + ["-nodes", "-days", "2", "-subj", "/CN=photos.example"]
        + ["-addext", "subjectAltName=DNS:photos.example"]
        + ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def secure_site(site, certificate, monkeypatch):
    """The site behind TLS, to which every name leads; it notes the names in ``asked_names``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    site.asked_names = []
    context.sni_callback = lambda _, name, __: site.asked_names.append(name)
    site.socket = context.wrap_socket(site.socket, server_side=True)
    site.answers["*"] = saying(200, picture())
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, *_: real("127.0.0.1", port, 0, socket.SOCK_STREAM)
    )
    return site


@pytest.mark.parametrize("host", ["photos.example", "photos.example."])
def test_tls_is_asked_for_the_name_and_not_for_the_address(
    secure_site, certificate, tmp_path, host
):
    session = guarded_session(authorities=certificate[0])

    found = Fetcher(tmp_path, session=session).fetch(f"https://{host}:{secure_site.port}/a.png")

    assert found.reason is None
    assert found.path.read_bytes() == picture()
    assert secure_site.asked_names == ["photos.example"]


@pytest.mark.parametrize(("host", "trusted"), [("other.example", True), ("photos.example", False)])
def test_a_certificate_of_another_name_or_authority_is_not_believed(
    secure_site, certificate, tmp_path, host, trusted
):
    session = guarded_session(authorities=certificate[0] if trusted else None)

    found = Fetcher(tmp_path, session=session).fetch(f"https://{host}:{secure_site.port}/a.png")

    assert found.reason == "The site cannot prove that it is the site of this name."
    assert not secure_site.asked


def test_a_secure_site_that_trickles_is_cut_off(secure_site, certificate, tmp_path):
    secure_site.answers["*"] = trickling(secure_site)
    session = guarded_session(authorities=certificate[0])
    start = time.monotonic()

    found = Fetcher(tmp_path, session=session, limits=Limits(seconds_a_file=0.6)).fetch(
        f"https://photos.example:{secure_site.port}/a.png"
    )

    assert time.monotonic() - start < 2.5
    assert found.reason.startswith("The site was too slow")


def test_no_secure_connection_where_none_is_offered(site, tmp_path):
    found = Fetcher(tmp_path).fetch(site.url("/").replace("http:", "https:"))

    assert found.reason == "The site offers no secure connection."
