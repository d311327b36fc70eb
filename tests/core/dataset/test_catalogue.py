"""The catalogue's file: brought up from an older version without losing anything."""

import sqlite3

from core.dataset.catalogue import SCHEMA, TABLES, VERSIONS, Catalogue


def test_a_catalogue_of_the_first_version_is_brought_up_and_keeps_its_rows(tmp_path):
    path = tmp_path / "catalog.sqlite"
    old = sqlite3.connect(path)
    old.executescript(SCHEMA)
    old.execute("INSERT INTO setting VALUES('unsorted', 'new ones')")
    old.execute("PRAGMA user_version=1")
    old.commit()
    old.close()

    catalogue = Catalogue(path)
    connection = catalogue.connection()

    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    assert tables >= TABLES
    assert connection.execute("SELECT value FROM setting").fetchall() == [("new ones",)]
    assert connection.execute("PRAGMA user_version").fetchone() == (len(VERSIONS),)
