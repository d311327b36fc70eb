"""Settings kept with a data set."""

import sqlite3


def load_setting(
    connection: sqlite3.Connection, key: str, default: str | None = None
) -> str | None:
    """A setting, or the default where it was never made."""
    row = connection.execute("SELECT value FROM setting WHERE key=?", (key,)).fetchone()
    return default if row is None else str(row[0])


def save_setting(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Keep a setting."""
    connection.execute(
        "INSERT INTO setting VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value=excluded.value",
        (key, value),
    )
