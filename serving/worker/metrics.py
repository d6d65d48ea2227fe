"""Prometheus metrics; ``PROMETHEUS_MULTIPROC_DIR``, which prometheus-client reads, joins those of all workers."""

import functools
import os
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

from antifraud.api.decisions import RULE, Answer
from serving.store.outcome_port import AddedOutcomes
from serving.worker.gauges import Gauges

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
CANDIDATES: Final = ("release", "state", "policy")
OUTCOMES: Final = ("approve", "review", "flag", "replay", "suspended", "not-ready", "refused", "failed")
"""How a request for a decision ends: *refused* is the client's fault, *failed* is the scorer's or its store's."""


class Metrics:
    """The metrics of one worker; no label ever holds a token, an id or a client's text."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        count = functools.partial(Counter, registry=self._registry)
        decisions = count("antifraud_decisions", "Decisions made", ["decision", "release"])
        hits = count("antifraud_rule_hits", "Decisions that hit a rule of the policy", ["rule"])
        self.replays = count("antifraud_replays", "Repeats answered from the store")
        self.labels = count("antifraud_labels", "Labels stored", ["status"])
        outcomes = count("antifraud_outcomes", "Outcomes of payments by what they do", ["outcome", "effect"])
        items = count("antifraud_batch_items", "Results in answers to batches", ["status"])
        self.batch_chunks = count("antifraud_batch_chunks", "Chunks of batches")
        self.problems = count("antifraud_problems", "Refusals", ["problem"])
        self.refused = count(
            "antifraud_candidates_refused", "Releases, states and policies that did not verify", ["kind"]
        )
        for kind in CANDIDATES:
            # A rule about increases sees none in a series that begins with 1.
            self.refused.labels(kind)
        self.dropped_lines = count("antifraud_log_lines_dropped", "Log lines that standard output did not take")
        self.gauges = Gauges(self._registry)
        requests = count("antifraud_requests", "Answers by access entry and status", ["client", "status"])
        seconds = Histogram(
            "antifraud_decision_seconds", "Time to answer a request for a decision", ["outcome"],
            registry=self._registry, buckets=SECONDS,
        )  # fmt: skip
        # Bound once: finding a series by its labels takes as long as counting.
        self._seconds = {outcome: seconds.labels(outcome) for outcome in OUTCOMES}
        self._requests = functools.cache(requests.labels)
        self._decisions = functools.cache(decisions.labels)
        self._hits = functools.cache(hits.labels)
        self._outcomes = functools.cache(outcomes.labels)
        self._items = functools.cache(items.labels)

    def count_request(self, client: str | None, status: int) -> None:
        """Count an answer; `client` is the name of an access entry, None for a request without a known token."""
        self._requests(client or "", status).inc()

    def count_decision(self, answer: Answer) -> None:
        """Count a decision that was made, and the rules that it has hit."""
        self._decisions(answer.decision, answer.release or "").inc()
        for reason in answer.reasons:
            if reason.startswith(RULE):
                self._hits(reason.removeprefix(RULE)).inc()

    def count_item(self, status: int) -> None:
        """Count a result in the answer to a batch."""
        self._items(status).inc()

    def count_outcomes(self, added: AddedOutcomes) -> None:
        """Count outcomes by their effect; of one that is not stored, the kind is left empty."""
        for outcome, effect in added.effects:
            self._outcomes(outcome, effect).inc()
        for rejected in added.rejected:
            self._outcomes("", rejected.fault).inc()
        if added.unknown:
            self._outcomes("", "unknown").inc(len(added.unknown))

    def time_decision(self, outcome: str, seconds: float) -> None:
        """Note how long the answer to a request for a decision has taken, by one of `OUTCOMES`."""
        self._seconds[outcome].observe(seconds)

    def render(self) -> bytes:
        """Return the exposition text: of all workers under Gunicorn, else of this process."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
