"""The settings that this release acts on, section by section. Units are in the names; None means "not set"."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]


def _folded(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _unset(value: Any) -> Any:
    """What a variable says to unset a number: nothing, or the word."""
    return None if isinstance(value, str) and value.strip().lower() in ("", "none", "unset") else value


def _off_at_zero(value: float | None) -> float | None:
    return value or None


def _name(value: str | None) -> str | None:
    """The name of an environment is that of a file too."""
    if value is None or re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", value):
        return value
    raise ValueError("must be letters, digits, '_', '.' and '-'")


Word = BeforeValidator(_folded)
Unset = BeforeValidator(_unset)


class Section(BaseModel):
    """One section of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StoreSection(Section):
    """[store]: where messages and work are kept."""

    backend: Text = "sqlite"
    path: Text = "./messagefoundry.db"
    synchronous: Annotated[Literal["full", "normal"], Word] = "full"


class ApiSection(Section):
    """[api]: where the HTTP pages are served."""

    host: Text = "127.0.0.1"
    port: Port = 8765


class InboundSection(Section):
    """[inbound]: what listeners have in common."""

    bind_host: Text = "127.0.0.1"


class DeliverySection(Section):
    """[delivery]: what applies to outbound Connections that declare none of their own."""

    retry_max_attempts: Annotated[int | None, Field(ge=1), Unset] = None
    retry_backoff_seconds: Seconds = 5
    retry_backoff_multiplier: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 2
    retry_max_backoff_seconds: Seconds = 300
    ordering: Annotated[Literal["fifo", "unordered"], Word] = "fifo"
    internal_error: Annotated[Literal["continue", "stop"], Word] = "continue"
    buildup_max_depth: Annotated[int | None, Field(ge=1), Unset] = None
    buildup_max_oldest_seconds: Annotated[Seconds | None, Unset, AfterValidator(_off_at_zero)] = 300


class PipelineSection(Section):
    """[pipeline]: how far a FIFO lane may run ahead of durable settlement, the message in flight included."""

    unsettled: Annotated[int, Field(ge=1, le=1000)] = 32


class EnvironmentsSection(Section):
    """[environments]: where the values behind env() are."""

    dir: Text = "environments"
    base_dir: str = ""


class LoggingSection(Section):
    """[logging]: what the log looks like."""

    level: Annotated[Literal["debug", "info", "warning", "error", "critical"], Word] = "info"
    format: Annotated[Literal["text", "json"], Word] = "text"


class ShadowSection(Section):
    """[shadow]: a whole instance that delivers nothing."""

    simulate_all_egress: bool = False


class AlertsSection(Section):
    """[alerts]: how often the same event of the same Connection alerts again."""

    realert_seconds: Seconds = 300


class EngineSection(Section):
    """[engine]: how long work may take to end, and what relative paths are relative to."""

    shutdown_timeout_seconds: Seconds = 30
    data_dir: Text = "."


class AiSection(Section):
    """[ai]: the name of the active environment and what it says of the data in it."""

    environment: Annotated[str | None, AfterValidator(_name)] = None
    data_class: Annotated[Literal["synthetic", "phi"] | None, Word] = None
    production: bool | None = None


class Settings(BaseSettings):
    """Everything, frozen."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    store: StoreSection = StoreSection()
    api: ApiSection = ApiSection()
    inbound: InboundSection = InboundSection()
    delivery: DeliverySection = DeliverySection()
    pipeline: PipelineSection = PipelineSection()
    environments: EnvironmentsSection = EnvironmentsSection()
    logging: LoggingSection = LoggingSection()
    shadow: ShadowSection = ShadowSection()
    alerts: AlertsSection = AlertsSection()
    engine: EngineSection = EngineSection()
    ai: AiSection = AiSection()

    def data_path(self, path: str) -> Path:
        """A path of the settings as an absolute one: relative ones start at `[engine] data_dir`."""
        return (Path(self.engine.data_dir) / path).absolute()

    def store_path(self) -> Path:
        """The file of the embedded store."""
        return self.data_path(self.store.path)

    def values_path(self, environment: str) -> Path:
        """The file behind env(): `<base_dir>/<dir>/<environment>.toml`, from the working directory if relative."""
        return (Path(self.environments.base_dir) / self.environments.dir / f"{environment}.toml").absolute()


def sections() -> dict[str, type[BaseModel]]:
    """The model of every section, by name."""
    found = {name: each.annotation for name, each in Settings.model_fields.items()}
    return {name: each for name, each in found.items() if isinstance(each, type) and issubclass(each, BaseModel)}
