import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import NetworkError
from core.networks import features
from core.networks.backbones import BACKBONES
from core.networks.features import RECORD, ROWS_PER_SHARD, FeatureStore

ROOT = Path(__file__).parents[3]
D = 16

# A process that adds made features for the numbers it is told, batch after batch.
WRITER = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.core.networks.test_features import contents, made, small_store

store = small_store(Path(sys.argv[1]))
first, last = int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
for start in range(first, last, 37):
    chosen = contents(start, min(start + 37, last))
    store.add(chosen, made(chosen))
"""


@pytest.fixture
def store(tmp_path):
    return small_store(tmp_path)


def small_store(home):
    """A store of rows so short that a test can fill several shards."""
    features.backbone_named = lambda name: replace(BACKBONES[name], dimensions=D)
    return FeatureStore(home, "lite0")


@pytest.fixture(autouse=True)
def _dimensions_as_they_were(monkeypatch):
    monkeypatch.setattr(features, "backbone_named", features.backbone_named)


def contents(first, last):
    return [hashlib.md5(str(number).encode()).hexdigest() for number in range(first, last)]


def made(chosen):
    """Features that follow from the content, so that any mix-up shows."""
    seeds = [int(content[:8], 16) for content in chosen]
    rows = [np.random.default_rng(seed).standard_normal((2, D)) for seed in seeds]
    return np.array(rows, np.float16).reshape(-1, 2, D)


def writer(home, first, last):
    command = [sys.executable, "-c", WRITER.format(root=str(ROOT)), str(home)]
    return subprocess.Popen([*command, str(first), str(last)], stdout=subprocess.PIPE)


def test_features_come_back_in_the_order_asked_for(store):
    chosen = contents(0, 10)
    store.add(chosen, made(chosen))
    asked = [chosen[7], chosen[0], chosen[7], chosen[3]]

    assert np.array_equal(store.get(asked), made(asked))
    assert store.get([]).shape == (0, 2, D)


def test_what_is_missing_is_said_once_and_in_order(store):
    chosen = contents(0, 3)
    store.add(chosen, made(chosen))
    new = contents(3, 5)

    assert store.missing([new[1], chosen[0], new[0], new[1]]) == [new[1], new[0]]
    with pytest.raises(KeyError):
        store.get(new)


def test_features_are_still_there_for_another_process_and_fill_several_shards(store, tmp_path):
    reader = small_store(tmp_path)
    chosen = contents(0, 2 * ROWS_PER_SHARD + 5)

    store.add(chosen[:100], made(chosen[:100]))
    assert len(reader) == 100
    store.add(chosen, made(chosen))

    assert np.array_equal(reader.get(chosen), made(chosen))
    assert len(list(store.folder.glob("shard-*"))) == 3


def test_adding_a_content_twice_keeps_the_first(store):
    chosen = contents(0, 2)
    store.add(chosen, made(chosen))

    store.add([chosen[0], chosen[0]], np.zeros((2, 2, D), np.float16))

    assert len(store) == 2
    assert np.array_equal(store.get(chosen), made(chosen))


def test_a_wrong_shape_is_refused(store):
    with pytest.raises(ValueError, match="shape"):
        store.add(contents(0, 2), np.zeros((2, 1, D), np.float16))


def test_a_record_cut_short_is_written_over(store, tmp_path):
    chosen = contents(0, 3)
    store.add(chosen, made(chosen))
    index = store.folder / "index"
    index.write_bytes(index.read_bytes()[:-5])
    again = small_store(tmp_path)

    assert again.missing(chosen) == [chosen[2]]
    again.add(chosen[2:], made(chosen[2:]))

    assert np.array_equal(small_store(tmp_path).get(chosen), made(chosen))


def test_a_damaged_record_costs_only_its_own_photo(store, tmp_path):
    chosen = contents(0, 3)
    store.add(chosen, made(chosen))
    index = store.folder / "index"
    raw = bytearray(index.read_bytes())
    raw[RECORD.itemsize + 2] ^= 1
    index.write_bytes(raw)

    again = small_store(tmp_path)

    assert again.missing(chosen) == [chosen[1]]
    assert np.array_equal(again.get([chosen[0], chosen[2]]), made([chosen[0], chosen[2]]))


def test_a_deleted_shard_makes_its_photos_missing_and_never_zero(store, tmp_path):
    chosen = contents(0, 5)
    store.add(chosen, made(chosen))
    (store.folder / "shard-00000").unlink()
    again = small_store(tmp_path)

    assert again.missing(chosen) == chosen
    again.add(chosen[:2], made(chosen[:2]))

    last = small_store(tmp_path)
    assert last.missing(chosen) == chosen[2:]
    assert np.array_equal(last.get(chosen[:2]), made(chosen[:2]))


@pytest.mark.parametrize("cut", [1, 2, 3 * D])
def test_a_shard_cut_anywhere_costs_only_the_rows_cut_off(store, tmp_path, cut):
    chosen = contents(0, 5)
    store.add(chosen, made(chosen))
    os.truncate(store.folder / "shard-00000", 5 * 2 * D * 2 - cut)
    again = small_store(tmp_path)

    assert again.missing(chosen) == chosen[4:]
    assert np.array_equal(again.get(chosen[:4]), made(chosen[:4]))


def test_a_shard_cut_while_open_is_a_sentence_and_then_missing(store):
    chosen = contents(0, 5)
    store.add(chosen, made(chosen))
    os.truncate(store.folder / "shard-00000", 3 * 2 * D * 2 + 1)

    with pytest.raises(NetworkError, match="Train again"):
        store.get(chosen)

    assert store.missing(chosen) == chosen[3:]


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_no_network_says_are_refused_and_made_anew(store, tmp_path, number):
    chosen = contents(0, 4)
    damaged = made(chosen)
    damaged[2, 1, 3] = number
    store.add(chosen, damaged)

    with pytest.raises(NetworkError, match="damaged"):
        store.get(chosen)

    again = small_store(tmp_path)
    assert store.missing(chosen) == again.missing(chosen) == [chosen[2]]
    again.add(chosen[2:3], made(chosen[2:3]))
    assert np.array_equal(small_store(tmp_path).get(chosen), made(chosen))


def test_a_file_where_the_folder_should_be_is_a_sentence(store):
    store.folder.parent.parent.mkdir(parents=True, exist_ok=True)
    store.folder.parent.write_text("a file")

    with pytest.raises(NetworkError, match="cannot be read"):
        store.missing(contents(0, 1))
    with pytest.raises(NetworkError, match="cannot be read"):
        store.get(contents(0, 1))


def test_a_folder_where_the_index_should_be_is_a_sentence(store):
    (store.folder / "index").mkdir(parents=True)
    (store.folder / "index" / "something").write_text("so that it has a size anywhere")

    with pytest.raises(NetworkError, match="cannot be read"):
        store.missing(contents(0, 1))


def test_a_folder_deleted_while_open_begins_anew(store):
    chosen = contents(0, 5)
    store.add(chosen, made(chosen))
    for file in store.folder.iterdir():
        file.unlink()

    store.add(chosen[:1], made(chosen[:1]))

    assert store.missing(chosen) == chosen[1:]
    assert np.array_equal(store.get(chosen[:1]), made(chosen[:1]))


def test_two_writers_at_once_lose_nothing_and_mix_nothing_up(tmp_path):
    both = [writer(tmp_path, 0, 600), writer(tmp_path, 300, 900)]
    for process in both:
        process.communicate(timeout=60)

    everything = contents(0, 900)
    assert [process.returncode for process in both] == [0, 0]
    assert np.array_equal(small_store(tmp_path).get(everything), made(everything))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_a_writer_killed_at_any_moment_leaves_only_right_features(tmp_path):
    random.seed(0)
    everything = contents(0, 50_000)
    for _ in range(12):
        process = writer(tmp_path, 0, 50_000)
        process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(random.uniform(0.0, 0.08))
        process.kill()
        process.communicate()

        store = small_store(tmp_path)
        missing = set(store.missing(everything))
        kept = [content for content in everything if content not in missing]
        assert np.array_equal(store.get(kept), made(kept))

    store.add(everything[:50], made(everything[:50]))
    assert np.array_equal(store.get(everything[:50]), made(everything[:50]))
    assert len(kept) > 37


def test_a_hundred_thousand_contents_are_found_at_once(store, tmp_path):
    everything = contents(0, 100_000)
    store.add(everything, np.ones((100_000, 2, D), np.float16))
    opened_at = time.perf_counter()

    missing = small_store(tmp_path).missing(everything[:1])

    assert missing == []
    assert time.perf_counter() - opened_at < 2  # 0.15 s on a quiet machine
