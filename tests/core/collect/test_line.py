import threading
import time

from core.collect.line import Line


def test_hosts_take_turns_however_long_one_s_line_is():
    line = Line[str](a_host=8)
    for number in range(3):
        line.put("a", f"a{number}")
    line.put("b", "b0")

    assert [line.take()[1] for _ in range(4)] == ["a0", "b0", "a1", "a2"]


def test_a_busy_host_keeps_nobody_waiting_but_its_own():
    line = Line[str](a_host=1)
    line.put("a", "a0")
    line.put("a", "a1")
    line.put("b", "b0")

    assert [line.take()[1], line.take()[1]] == ["a0", "b0"]
    line.give_back("a")
    assert line.take() == ("a", "a1")


def test_one_for_later_is_taken_when_its_time_has_come():
    line = Line[str](a_host=8)
    started = time.monotonic()
    line.put("a", "later", in_seconds=0.2)
    line.put("a", "now")

    assert line.take() == ("a", "now")
    assert line.take() == ("a", "later")
    assert time.monotonic() - started >= 0.2


def test_closing_lets_those_go_who_wait():
    line = Line[str](a_host=8)
    taken = []
    thread = threading.Thread(target=lambda: taken.append(line.take()))
    thread.start()

    line.close()
    thread.join(timeout=10)

    assert taken == [None]
