import errno
import socket

import pytest

from core.collect.web import names
from core.collect.web.fetch import Fetcher
from core.collect.web.reasons import NO_NETWORK
from tests.core.collect.web.conftest import picture

UNKNOWN = "There is no site of this name, or it cannot be found at the moment."


@pytest.fixture
def lookups(monkeypatch):
    """Let names lead to this computer or fail: {"name": error number}."""
    real, failing = socket.getaddrinfo, {}

    def lookup(host, port, *_):
        number = failing.get(host, failing.get("*"))
        if number is not None:
            raise socket.gaierror(number, "looked up in vain")
        return real("127.0.0.1", port, 0, socket.SOCK_STREAM)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(names, "has_route", lambda: True)
    return failing


def reasons(folder, *hosts):
    fetcher = Fetcher(folder)
    return [fetcher.fetch(f"http://{host}/a.jpg").reason for host in hosts]


def test_one_name_that_leads_nowhere_is_no_lack_of_a_network(lookups, tmp_path):
    lookups["*"] = socket.EAI_NONAME

    assert reasons(tmp_path, *["gone.example"] * 4) == [UNKNOWN] * 4


def test_where_every_name_fails_there_is_no_network(lookups, tmp_path):
    lookups["*"] = socket.EAI_NONAME

    found = reasons(tmp_path, "one.example", "two.example", "three.example", "four.example")

    assert found == [UNKNOWN, UNKNOWN, NO_NETWORK, NO_NETWORK]


def test_where_no_name_server_answers_there_is_no_network(lookups, tmp_path):
    lookups["*"] = socket.EAI_AGAIN

    assert reasons(tmp_path, "one.example") == [NO_NETWORK]


def test_a_name_server_that_fails_for_one_of_many_names_is_its_own(lookups, site, tmp_path):
    lookups["gone.example"] = socket.EAI_AGAIN
    site.answers["*"] = lambda handler: handler.say(200, picture())
    fetcher = Fetcher(tmp_path)

    assert fetcher.fetch(site.url("/", host="here.example")).reason is None
    found = fetcher.fetch("http://gone.example/a.jpg")

    assert (found.reason, found.again) == (UNKNOWN, True)


def test_without_a_way_out_there_is_no_network(lookups, tmp_path, monkeypatch):
    lookups["*"] = socket.EAI_NONAME
    monkeypatch.setattr(names, "has_route", lambda: False)

    assert reasons(tmp_path, "one.example") == [NO_NETWORK]


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.ENETDOWN])
def test_a_connection_without_a_way_out_means_no_network(tmp_path, monkeypatch, number):
    monkeypatch.setattr(socket.socket, "connect_ex", lambda *_: number)

    found = Fetcher(tmp_path).fetch("http://8.8.8.8/a.jpg")

    assert (found.reason, found.again) == (NO_NETWORK, True)


def test_no_message_repeats_a_name(lookups, tmp_path):
    lookups["*"] = socket.EAI_NONAME

    assert not any("secret" in words for words in reasons(tmp_path, "secret.intern", "b.secret"))
