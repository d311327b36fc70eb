"""Settings kept with a data set."""

import sqlite3

from core.dataset.names import class_of, decoded, encoded


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


def rename_unsorted(connection: sqlite3.Connection, name: str, *, version: int) -> None:
    """Have another folder count as the one for photos without a class. No file is moved."""
    rows = connection.execute("SELECT id, path, class FROM file WHERE place<2").fetchall()
    for file_id, path, before in rows:
        class_name = class_of(decoded(path), name)
        after = None if class_name is None else encoded(class_name)
        if after != before:
            connection.execute(
                "UPDATE file SET class=?, changed=? WHERE id=?", (after, version, file_id)
            )
