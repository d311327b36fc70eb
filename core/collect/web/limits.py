"""How much Winnow asks of the web, and for how long."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    file_bytes: int = 30_000_000  # of one file, as sent and as unpacked
    total_bytes: int = 2_000_000_000  # of all files of one Fetcher
    files: int = 100_000  # addresses one Fetcher asks for
    seconds_a_file: float = 60  # from the first request to the last byte, redirects included
    connect_seconds: float = 10
    read_seconds: float = 20  # without a single byte
    redirects: int = 5
    connections: int = 16  # requests under way at once
    a_host: int = 8  # of these, to one host
    wait_seconds: float = 120  # the longest wait a site may ask for; beyond it Winnow gives up
