"""Settings and graph as a command needs them: one place that turns options into what they name."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry.contracts.specs import load
from messagefoundry.contracts.stores import StoreFactory, StoreLocation
from messagefoundry.plugins import installed, offer
from messagefoundry.settings import DEFAULT_FILE, Loaded, Settings, load_settings, posture_of
from messagefoundry.wiring.environments import beside, read_values
from messagefoundry.wiring.load import Deployment, load_graph
from messagefoundry.wiring.values import BuildupThreshold, InternalErrorPolicy, OrderingMode, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from messagefoundry.wiring.graph import Graph


@dataclass(frozen=True, slots=True)
class Call:
    """What the command line says of an instance; None is "not said"."""

    config: Path | None = None
    service_config: Path | None = None
    db: str | None = None
    env: str | None = None
    project_root: str | None = None
    host: str | None = None
    port: int | None = None
    log_level: str | None = None
    allow_insecure_bind: bool = False

    def by_section(self) -> Mapping[str, Mapping[str, Any]]:
        """The same as settings have it."""
        return {
            "store": {"path": None if self.db is None else os.path.abspath(self.db)},
            "ai": {"environment": self.env},
            "environments": {"base_dir": self.project_root},
            "api": {"host": self.host, "port": self.port},
            "logging": {"level": self.log_level},
        }


@dataclass(frozen=True)
class Configured:
    """An instance as configured. What fails raises ConfigurationError, when it is first asked for."""

    call: Call = field(default_factory=Call)

    @cached_property
    def loaded(self) -> Loaded:
        """The settings and what is to be warned of."""
        return load_settings(self.call.service_config, environ=os.environ, command_line=self.call.by_section())

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.loaded.settings

    @property
    def environment(self) -> str:
        """The active environment."""
        return posture_of(self.settings).environment

    @property
    def directory(self) -> Path:
        """The directory of the graph's modules."""
        if self.call.config is None:
            raise ValueError("this command takes no --config")
        return self.call.config

    def graph(self, connections: str | None = None) -> Graph:
        """Load and check the graph for the active environment, with `connections` as connections.toml if given."""
        return self._load_graph(self.environment, self.deployment, connections)

    def graph_for_reading(self) -> Graph:
        """The graph for a command that binds nothing: whether its listeners may be reached is not judged."""
        return self._load_graph(self.environment, self._bound_anywhere)

    def graph_for_rehearsal(self) -> Graph:
        """The graph for a dry run: current_environment() is None unless --env says which.

        The values of env() are those of the settings' environment, if they name one.
        """
        return self._load_graph(self.call.env, self._bound_anywhere)

    def _load_graph(self, environment: str | None, deployment: Deployment, connections: str | None = None) -> Graph:
        named = self.settings.ai.environment
        path = None if named is None else self.settings.values_path(named)
        values, problems = read_values(path, os.environ)
        try:
            graph = load_graph(
                self.directory,
                installed=installed(),
                environment=environment,
                values=values,
                deployment=deployment,
                connections=connections,
            )
        except ConfigurationError as error:
            mend = "" if path is None else beside(self.directory, path)
            found = [_with_mend(each, mend) if str(path) in each.mend else each for each in error.problems]
            raise ConfigurationError([*problems, *found]) from error
        if problems:
            raise ConfigurationError(problems)
        return graph

    @cached_property
    def deployment(self) -> Deployment:
        """What the settings say to a graph."""
        settings, delivery = self.settings, self.settings.delivery
        return Deployment(
            bind_host=settings.inbound.bind_host,
            allow_insecure_bind=self.call.allow_insecure_bind,
            simulate_all_egress=settings.shadow.simulate_all_egress,
            retry=RetryPolicy(
                delivery.retry_max_attempts,
                delivery.retry_backoff_seconds,
                delivery.retry_backoff_multiplier,
                delivery.retry_max_backoff_seconds,
            ),
            ordering=OrderingMode(delivery.ordering),
            internal_error=InternalErrorPolicy(delivery.internal_error),
            buildup=BuildupThreshold(delivery.buildup_max_depth, delivery.buildup_max_oldest_seconds),
            api_host=settings.api.host,
            api_port=settings.api.port,
            max_correlation_depth=settings.pipeline.max_correlation_depth,
            reference_refresh_seconds=settings.reference.refresh_interval_seconds,
            reference_max_staleness_seconds=settings.reference.max_staleness_seconds,
            values_path="" if settings.ai.environment is None else str(settings.values_path(settings.ai.environment)),
        )

    @property
    def _bound_anywhere(self) -> Deployment:
        return replace(self.deployment, allow_insecure_bind=True)

    @cached_property
    def location(self) -> StoreLocation:
        """Where the store is."""
        store, embedded = self.settings.store, self.settings.store.backend == "sqlite"
        options = {} if embedded else self.settings.store_options()
        return StoreLocation(store.backend, str(self.settings.store_path()), store.synchronous, options)

    @cached_property
    def stores(self) -> StoreFactory:
        """What opens the store. Raises ConfigurationError when its plugin is not installed."""
        here, backend = installed(), self.settings.store.backend
        if backend in here.stores:
            factory: StoreFactory = load(here.stores[backend].spec.store)
            return factory
        problem = offer("store", backend, here.broken) or Problem(
            f"there is no store named {backend!r}", f"known are {', '.join(here.stores) or 'none'}"
        )
        raise ConfigurationError([Problem(problem.text, problem.mend, self.settings_file, 0, "[store] backend")])

    @property
    def settings_file(self) -> str:
        """The settings' file, for people."""
        return str(self.loaded.file or DEFAULT_FILE)


def _with_mend(problem: Problem, mend: str) -> Problem:
    return replace(problem, mend=f"{problem.mend}, {mend}") if mend else problem
