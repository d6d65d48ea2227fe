"""Prometheus metrics; ``PROMETHEUS_MULTIPROC_DIR``, which prometheus-client reads, joins those of all workers."""

import functools
import os
from collections import Counter as Counts
from threading import Lock
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

from antifraud.api.decisions import RULE, Answer
from serving.store.outcome_port import AddedOutcomes
from serving.worker.gauges import Gauges
from serving.worker.recent import SECONDS, Recent

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
        self.recent = Recent()
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
        self._waiting, self._lock = Counts[tuple[str, ...]](), Lock()
        self._outcomes = functools.cache(outcomes.labels)
        self._items = functools.cache(items.labels)

    def count_request(self, client: str | None, status: int) -> None:
        """Count an answer; `client` is the name of an access entry, None for a request without a known token."""
        self._requests(client or "", status).inc()

    def count_decision(self, answer: Answer) -> None:
        """Count a decision that was made; the rules that it has hit are counted by `count_hits`."""
        self._decisions(answer.decision, answer.release or "").inc()
        if answer.policy and answer.reasons:
            # A decision may hit a hundred rules, and a series of each costs more than looking at the rule.
            with self._lock:
                self._waiting[answer.reasons] += 1

    def count_hits(self) -> None:
        """Count the hits of the decisions since the last call, each rule once."""
        with self._lock:
            waiting, self._waiting = self._waiting, Counts()
        hits = Counts[str]()
        for reasons, times in waiting.items():
            hits.update({reason.removeprefix(RULE): times for reason in reasons if reason.startswith(RULE)})
        for rule, times in hits.items():
            self._hits(rule).inc(times)

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
        self.recent.add(outcome, seconds)

    def render(self) -> bytes:
        """Return the exposition text: of all workers under Gunicorn, else of this process."""
        self.count_hits()
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
