import numpy as np
import pytest

from core.errors import TrainingError
from core.train import kept_arrays
from core.train.kept_arrays import RECORD, KeptArrays


def opened(folder):
    return KeptArrays(folder, (2, 3), np.uint8)


def rows(*values):
    return np.stack([np.full((2, 3), value, np.uint8) for value in values])


def test_rows_come_back_in_the_order_asked_for(tmp_path):
    kept = opened(tmp_path)
    kept.add(["a", "b", "c"], rows(1, 2, 3))

    again = opened(tmp_path)

    assert again.rows(again.places(["c", "a", "c"])).tolist() == rows(3, 1, 3).tolist()
    assert again.missing(["b", "d", "d", "e"]) == ["d", "e"]


def test_a_key_is_written_once(tmp_path):
    kept = opened(tmp_path)
    kept.add(["a"], rows(1))
    kept.add(["a", "b"], rows(9, 2))

    assert kept.rows(kept.places(["a", "b"])).tolist() == rows(1, 2).tolist()


def test_rows_added_later_are_seen_by_whoever_reads_already(tmp_path):
    kept = opened(tmp_path)
    kept.add(["a"], rows(1))
    kept.rows(kept.places(["a"]))

    kept.add(["b"], rows(2))

    assert kept.rows(kept.places(["b"])).tolist() == rows(2).tolist()


@pytest.mark.parametrize("cut", [1, RECORD.itemsize - 1, RECORD.itemsize])
def test_what_a_kill_left_half_written_is_missing_and_written_again(tmp_path, cut):
    opened(tmp_path).add(["a", "b"], rows(1, 2))
    index = tmp_path / "index"
    index.write_bytes(index.read_bytes()[:-cut])

    kept = opened(tmp_path)
    assert kept.missing(["a", "b"]) == ["b"]
    kept.add(["b"], rows(5))

    again = opened(tmp_path)
    assert again.rows(again.places(["a", "b"])).tolist() == rows(1, 5).tolist()


def test_rows_that_somebody_cut_off_are_missing(tmp_path):
    opened(tmp_path).add(["a", "b"], rows(1, 2))
    (tmp_path / "rows").write_bytes((tmp_path / "rows").read_bytes()[:6])

    assert opened(tmp_path).missing(["a", "b"]) == ["b"]


def test_a_damaged_index_record_names_nothing(tmp_path):
    opened(tmp_path).add(["a", "b"], rows(1, 2))
    raw = bytearray((tmp_path / "index").read_bytes())
    raw[3] ^= 1
    (tmp_path / "index").write_bytes(raw)

    assert opened(tmp_path).missing(["a", "b"]) == ["a"]


def test_too_little_room_is_said_before_long_work(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_arrays, "SPARE_BYTES", 1 << 62)

    with pytest.raises(TrainingError, match="Make room, choose a smaller image size"):
        opened(tmp_path).refuse_if_no_room(3)
