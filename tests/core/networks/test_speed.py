"""How fast networks are here. What is measured differs by machine; how it is kept does not."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from core.errors import NetworkError
from core.networks import speed
from core.networks.speed import SAFE, Speed, TrainingPath, known_speed, measure_job, training_path

ROOT = Path(__file__).parents[3]
FOUND = {"device": "cpu", "channels_last": True, "bf16": True, "training": 15.5, "looking": 60.0}
WAY = TrainingPath(device="cpu", channels_last=True, bf16=True, training=15.5)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("WINNOW_CACHE_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def measuring(monkeypatch):
    """In place of measuring: says FOUND, and notes what was asked for."""
    asked = []

    def measured(arguments, report):
        asked.append(arguments)
        yield report
        return measured.found

    measured.found = FOUND
    monkeypatch.setattr(speed, "_measured", measured)
    measured.asked = asked
    return measured


def finish(task):
    reports = []
    while True:
        try:
            reports.append(next(task))
        except StopIteration as end:
            return reports, end.value


def test_the_way_to_train_is_measured_once_for_each_network_and_size(measuring):
    first = training_path("resnet34", 224)
    again = training_path("resnet34", 224)
    smaller = training_path("resnet34", 128)

    assert first == again == smaller == WAY
    assert measuring.asked == [["path", "resnet34", "224"], ["path", "resnet34", "128"]]


def test_where_measuring_fails_a_safe_way_is_taken_and_measured_next_time(measuring):
    measuring.found = None

    assert training_path("lite0", 224) == SAFE
    assert training_path("lite0", 224) == SAFE
    assert len(measuring.asked) == 2


def test_a_record_that_is_damaged_is_measured_anew(measuring, cache):
    training_path("lite0", 224)
    next(cache.glob("speed/*.json")).write_bytes(b"{")

    training_path("lite0", 224)

    assert len(measuring.asked) == 2


def test_another_machine_or_other_libraries_are_measured_anew(measuring, monkeypatch):
    training_path("lite0", 224)
    monkeypatch.setattr(speed, "_machine", lambda: "another")

    training_path("lite0", 224)

    assert len(measuring.asked) == 2


def test_an_unknown_network_is_refused():
    with pytest.raises(NetworkError, match="no network 'alexnet'"):
        training_path("alexnet", 224)


def test_the_speed_is_unknown_until_it_is_measured_for_all_that_want_it(measuring):
    before = known_speed("lite0")

    reports, result = finish(measure_job(["lite0", "resnet18"]))
    _, second = finish(measure_job(["lite0", "resnet18"]))

    assert before is None
    assert asdict(known_speed("lite0")) == asdict(Speed(looking=60.0, training=15.5))
    assert [(one.done, one.total, one.message) for one in reports] == [
        (0, 2, "Measuring EfficientNet-Lite0."),
        (1, 2, "Measuring ResNet-18."),
    ]
    assert result == {"measured": 2, "failed": []}
    assert second == {"measured": 0, "failed": []}


def test_measuring_the_speed_finds_the_way_to_train_too(measuring):
    finish(measure_job(["lite0"]))

    assert training_path("lite0", 224).bf16
    assert len(measuring.asked) == 1


def test_networks_that_cannot_be_measured_are_named(measuring):
    measuring.found = None

    assert finish(measure_job(["lite0"]))[1] == {"measured": 0, "failed": ["lite0"]}


def test_a_process_that_prints_no_answer_is_no_measurement(monkeypatch):
    monkeypatch.setattr(speed.sys, "executable", "/bin/false")

    assert finish(speed._measured([], "a report"))[1] is None


def test_leaving_early_ends_the_process(monkeypatch):
    begun = []
    popen = subprocess.Popen

    def sleeping(_, **options):
        begun.append(popen([sys.executable, "-c", "import time; time.sleep(600)"], **options))
        return begun[0]

    monkeypatch.setattr(speed.subprocess, "Popen", sleeping)
    task = speed._measured([], "a report")
    next(task)

    task.close()

    assert begun[0].poll() is not None


def test_what_is_measured_for_real_makes_sense():
    ended = subprocess.run(
        [sys.executable, "-m", "core.networks.speed", "speed", "mobilenetv3", "64"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )

    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["device"] in {"cuda", "mps", "cpu"}
    assert found["looking"] > 0
    assert found["training"] in found["rates"].values()
    exact = max(rate for way, rate in found["rates"].items() if way.endswith("float32"))
    assert found["bf16"] == (found["training"] > 1.08 * exact)
