"""What Prometheus is told: the gateway's own counts, and each channel's health as its worker last told it."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.gateway.relay import Relay

STATES = ("connecting", "live", "degraded", "stream_down", "ended", "silent")


class Metrics:
    """One registry per gateway."""

    def __init__(self, relay: Relay) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(Channels(relay))
        self.clients = Gauge("bodywatch_gateway_clients", "Websocket clients that said hello", registry=self.registry)
        self.clients.set_function(lambda: len(relay.listeners))
        self.sockets = Gauge("bodywatch_gateway_sockets", "Open sockets, websockets and others", registry=self.registry)
        self.dropped = Counter(
            "bodywatch_gateway_dropped_total", "Sockets dropped at once: too many were open", registry=self.registry
        )
        self.closed = Counter(
            "bodywatch_gateway_closed_total", "Sessions that the gateway closed", ["code"], registry=self.registry
        )
        self.requests = Counter("bodywatch_gateway_requests_total", "HTTP requests", ["status"], registry=self.registry)
        self.webhooks = Counter(
            "bodywatch_webhooks_total", "Webhook deliveries", ["form", "result"], registry=self.registry
        )
        self.delay = Histogram(
            "bodywatch_alert_relay_seconds",
            "Time from the Redis entry of an alert to the clients' queues",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
            registry=self.registry,
        )
        relay.observe = self.delay.observe

    def delivered(self, form: str, result: str) -> None:
        """Count a webhook's delivery."""
        self.webhooks.labels(form, result).inc()

    def page(self) -> bytes:
        """Write all of it as text."""
        return generate_latest(self.registry)


class Channels(Collector):
    """Every number of every health hash as bodywatch_channel_<field>, and the state as a one among zeros."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def collect(self) -> Iterator[Metric]:
        """Give the metrics of now."""
        yield GaugeMetricFamily("bodywatch_redis_up", "1 while Redis answers the gateway", 0 if self._relay.away else 1)
        state = GaugeMetricFamily(
            "bodywatch_channel_state", "1 for the state of the channel", labels=["channel", "state"]
        )
        families: dict[str, GaugeMetricFamily] = {}
        for channel, health in self._relay.healths.items():
            for name in STATES:
                state.add_metric([channel, name], float(health.get("state") == name))
            for field, value in health.items():
                if isinstance(value, float) and field.isidentifier():
                    family = families.setdefault(
                        field,
                        GaugeMetricFamily(f"bodywatch_channel_{field}", f"Health field {field}", labels=["channel"]),
                    )
                    family.add_metric([channel], value)
        yield state
        yield from families.values()
