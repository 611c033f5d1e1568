"""What a deployment decides about a graph, given in as values: the settings' part of resolving it."""

from __future__ import annotations

from dataclasses import dataclass, field

from messagefoundry.wiring.values import BuildupThreshold, InternalErrorPolicy, OrderingMode, RetryPolicy


@dataclass(frozen=True, slots=True)
class Deployment:
    """`retry`, `ordering`, `internal_error` and `buildup` apply to Connections that declare none of their own.

    So do the times for reference sets. `api_port` None means that no API is served. `values_path` is shown where a
    value of the environment is missing.
    """

    bind_host: str = "127.0.0.1"
    allow_insecure_bind: bool = False
    simulate_all_egress: bool = False
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    ordering: OrderingMode = OrderingMode.FIFO
    internal_error: InternalErrorPolicy = InternalErrorPolicy.CONTINUE
    buildup: BuildupThreshold = field(default_factory=BuildupThreshold)
    api_host: str = "127.0.0.1"
    api_port: int | None = 8765
    values_path: str = ""
    max_correlation_depth: int = 8
    reference_refresh_seconds: float = 3600
    reference_max_staleness_seconds: float = 0
