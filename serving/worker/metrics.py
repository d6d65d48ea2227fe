"""Prometheus metrics; ``PROMETHEUS_MULTIPROC_DIR``, which prometheus-client reads, joins those of all workers."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


class Metrics:
    """The metrics of one worker; no label ever holds a token, an id or a client's text."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.decisions = Counter(
            "antifraud_decisions", "Decisions made", ["decision", "release"], registry=self._registry
        )
        self.replays = Counter("antifraud_replays", "Repeats answered from the store", registry=self._registry)
        self.labels = Counter("antifraud_labels", "Labels stored", ["status"], registry=self._registry)
        self.problems = Counter("antifraud_problems", "Refusals", ["problem"], registry=self._registry)
        self.refused = Counter(
            "antifraud_candidates_refused", "Releases and states that did not verify", ["kind"], registry=self._registry
        )
        self.dropped_lines = Counter(
            "antifraud_log_lines_dropped", "Log lines that standard output did not take", registry=self._registry
        )
        # The minimum over live workers: a worker that stays behind shows.
        self.cutoff = Gauge(
            "antifraud_state_cutoff_day", "Day number of the oldest cut-off in use", registry=self._registry,
            multiprocess_mode="livemin",
        )  # fmt: skip
        self.guard_heartbeat = Gauge(
            "antifraud_guard_heartbeat_timestamp_seconds", "Time of the guard's last inspection",
            registry=self._registry, multiprocess_mode="livemax",
        )  # fmt: skip
        self.seconds = Histogram(
            "antifraud_decision_seconds", "Time to decide", registry=self._registry, buckets=SECONDS
        )

    def render(self) -> bytes:
        """Return the exposition text: of all workers under Gunicorn, else of this process."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
