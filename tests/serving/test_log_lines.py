"""Logging never fails a request: lines that nobody takes are dropped and counted, and later lines are whole."""

import json
import os
import threading
from unittest.mock import Mock

import pytest

from serving.logs import LineWriter
from serving.worker.metrics import Metrics


@pytest.fixture
def drops():
    """A counter of dropped lines."""
    return Mock()


@pytest.fixture
def pipe():
    """Both ends of a pipe."""
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def test_a_full_disk_drops_lines(drops):
    """Every write to /dev/full fails with ENOSPC."""
    descriptor = os.open("/dev/full", os.O_WRONLY)
    writer = LineWriter(descriptor, drops)

    writer.msg("one")
    writer.info("two")

    assert drops.call_count == 2
    os.close(descriptor)


def test_a_closed_pipe_and_a_closed_descriptor_drop_lines(drops, pipe):
    """EPIPE and EBADF are no errors of the request."""
    os.close(pipe[0])
    LineWriter(pipe[1], drops).msg("one")
    os.close(pipe[1])
    LineWriter(pipe[1], drops).msg("two")

    assert drops.call_count == 2


def test_a_reader_that_stopped_reading_makes_nobody_wait(drops, pipe):
    """A full pipe takes no line, and once it is read, the next line begins on a line of its own."""
    writer = LineWriter(pipe[1], drops)
    for _ in range(200):
        writer.msg("x" * 999)
    taken = os.read(pipe[0], 1 << 20)
    dropped = drops.call_count

    writer.msg("after")

    lines = (taken + os.read(pipe[0], 1 << 20)).decode().split("\n")
    assert (dropped, drops.call_count) == (200 - lines.count("x" * 999), dropped)
    assert dropped > 100
    assert lines[-2:] == ["after", ""]


def test_a_line_that_was_cut_does_not_spoil_the_next(drops, tmp_path, monkeypatch):
    """The disk is full after half a line; when there is room again, the next line is whole."""
    descriptor = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    writer, write = LineWriter(descriptor, drops), os.write
    room = [3, 0]
    monkeypatch.setattr(os, "write", lambda file, content: write(file, content[: room.pop(0)]) or raise_full())
    writer.msg("first")
    monkeypatch.setattr(os, "write", write)

    writer.msg("second")

    assert ((tmp_path / "log").read_text(), drops.call_count) == ("fir\nsecond\n", 1)
    os.close(descriptor)


def raise_full():
    raise OSError(28, "No space left on device")


def test_lines_of_threads_do_not_mix(drops, pipe):
    """Eight threads write lines of their own, and each line arrives whole."""
    writer = LineWriter(pipe[1], drops)
    threads = [
        threading.Thread(target=lambda n=n: [writer.msg(json.dumps({"n": n, "text": "x" * 50})) for _ in range(50)])
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    lines = [json.loads(line) for line in os.read(pipe[0], 1 << 20).decode().splitlines()]

    assert sorted(line["n"] for line in lines) == sorted(list(range(8)) * 50)
    assert drops.call_count == 0


def test_dropped_lines_are_a_metric():
    """Prometheus sees how many lines are missing."""
    metrics = Metrics()
    descriptor = os.open("/dev/full", os.O_WRONLY)

    LineWriter(descriptor, metrics.dropped_lines.inc).msg("one")

    assert "antifraud_log_lines_dropped_total 1.0" in metrics.render().decode()
    os.close(descriptor)
