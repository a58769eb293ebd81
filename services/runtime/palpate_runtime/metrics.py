"""What Prometheus can scrape: counts and durations, labelled by verdict, stream and outcome; never by claim."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry(auto_describe=True)

ENTRIES = Counter(
    "palpate_entries", "Stream entries handled, by stream and outcome.", ("stream", "outcome"), registry=REGISTRY
)
VERDICTS = Counter("palpate_verdicts", "Verdicts published.", ("verdict",), registry=REGISTRY)
BATCH_SECONDS = Histogram(
    "palpate_batch_seconds",
    "From a batch read to its commit.",
    ("stream",),
    registry=REGISTRY,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
RULE_FAILURES = Counter("palpate_rule_failures", "Rules that raised.", ("rule",), registry=REGISTRY)
RECLAIMED = Counter("palpate_reclaimed", "Entries taken over from another consumer.", ("stream",), registry=REGISTRY)
DEAD = Counter("palpate_dead_letters", "Entries given up.", ("stream",), registry=REGISTRY)
WAITING = Gauge(
    "palpate_waiting",
    "Entries not delivered yet, up to five hundred; -1 for more.",
    ("stream",),
    registry=REGISTRY,
)
PENDING = Gauge("palpate_pending", "Entries delivered and not finished.", ("stream",), registry=REGISTRY)
VANISHED = Counter("palpate_vanished", "Entries that somebody else took away unread.", ("stream",), registry=REGISTRY)
TRIMMED = Counter("palpate_trimmed", "Finished entries that were trimmed.", ("stream",), registry=REGISTRY)
CONSUMING = Gauge("palpate_consuming", "1 while the stream is being read.", ("stream",), registry=REGISTRY)
DELIVERIES = Counter("palpate_deliveries", "Messages sent to people.", ("channel", "status"), registry=REGISTRY)
CASES = Counter("palpate_case_steps", "Steps of correction cases.", ("step",), registry=REGISTRY)
REQUESTS = Counter("palpate_requests", "HTTP requests answered.", ("path", "status"), registry=REGISTRY)
TAKEN_IN = Counter("palpate_taken_in", "Claims that came over HTTP.", ("outcome",), registry=REGISTRY)
WEBHOOKS = Counter("palpate_webhooks", "Attempts at webhooks of sources.", ("status",), registry=REGISTRY)
