"""The settings that this release acts on, section by section. Units are in the names; None means "not set"."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
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
    """Which store, as its plugin names it."""
    path: Text = "./messagefoundry.db"
    """File of the embedded store; a relative one starts at `[engine] data_dir`."""
    synchronous: Annotated[Literal["full", "normal"], Word] = "full"
    """`full`: what was acknowledged survives a power cut; `normal`: only a crash of the engine."""
    server: str | None = None
    """Host of a server database; several with commas between them, or the folder of its Unix socket."""
    port: Annotated[int | None, Field(ge=1, le=65535), Unset] = None
    """Its TCP port; the database's usual one unless given."""
    database: str | None = None
    """Name of the database."""
    username: str | None = None
    """Who logs in."""
    password: SecretStr | None = None
    """Password; in the environment alone, as MEFOR_STORE_PASSWORD."""
    db_schema: str | None = None
    """Schema that holds the tables; `public` unless given."""
    application_name: Text = "messagefoundry"
    """What the database calls the sessions of this engine."""
    encrypt: bool = True
    """Talk to the server through TLS, and verify its certificate and name."""
    trust_server_certificate: bool = False
    """Take any certificate of the server."""
    tls_ca_file: str | None = None
    """Certificates of the authorities to trust for it; the system's unless given."""
    pool_size: Annotated[int, Field(ge=1, le=100)] = 5
    """Most sessions for reading that the HTTP pages and a command have open at once."""
    connect_timeout: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 15
    """Seconds in which a session must be open."""
    command_timeout: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 30
    """Seconds in which a statement must be done."""
    lease_ttl_seconds: Annotated[float, Field(ge=3, allow_inf_nan=False)] = 30
    """Seconds for which an engine that does not answer keeps another from taking its store over."""


class ApiSection(Section):
    """[api]: where the HTTP pages are served."""

    host: Text = "127.0.0.1"
    """Interface of the pages; this release serves them on loopback alone."""
    port: Port = 8765
    """Their TCP port; 0 lets the system choose one."""


class InboundSection(Section):
    """[inbound]: what listeners have in common."""

    bind_host: Text = "127.0.0.1"
    """Interface on which inbounds listen that have no `bind_address` of their own."""


class DeliverySection(Section):
    """[delivery]: what applies to outbound Connections that declare none of their own."""

    retry_max_attempts: Annotated[int | None, Field(ge=1), Unset] = None
    """Attempts before a message becomes a dead letter; without, it is tried for ever."""
    retry_backoff_seconds: Seconds = 5
    """Seconds to wait after the first attempt that failed."""
    retry_backoff_multiplier: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 2
    """How many times longer each further wait is."""
    retry_max_backoff_seconds: Seconds = 300
    """Longest wait in seconds."""
    ordering: Annotated[Literal["fifo", "unordered"], Word] = "fifo"
    """`fifo`: a message waits for the one before it; `unordered`: others pass one that is tried again."""
    internal_error: Annotated[Literal["continue", "stop"], Word] = "continue"
    """After a fault of a connector itself: `continue` dead-letters the message and goes on, `stop` stops the lane."""
    buildup_max_depth: Annotated[int | None, Field(ge=1), Unset] = None
    """Waiting messages beyond which `queue_buildup` alerts; no such limit unless given."""
    buildup_max_oldest_seconds: Annotated[Seconds | None, Unset, AfterValidator(_off_at_zero)] = 300
    """Age in seconds of the oldest waiting message beyond which it alerts; 0 for no such limit."""


class PipelineSection(Section):
    """[pipeline]: how far lanes and messages may go."""

    unsettled: Annotated[int, Field(ge=1, le=1000)] = 32
    """Deliveries of a lane whose outcome may not be on disk yet: so many may be repeated after a crash."""
    max_correlation_depth: Annotated[int, Field(ge=1, le=1000)] = 8
    """How often a message may go on to a PassThrough or Loopback inbound; the hop beyond is a dead letter."""


class ReferenceSection(Section):
    """[reference]: reference sets that declare none of this themselves, and what the start waits for."""

    refresh_interval_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3600
    """Seconds between two readings of a set's source."""
    sync_on_startup: bool = True
    """Read every set before the inbounds start; without, those of which a copy is kept are read when they are due."""
    max_staleness_seconds: Seconds = 0
    """Age in seconds of the last good copy beyond which it alerts; 0 for no such limit."""


class EnvironmentsSection(Section):
    """[environments]: where the values behind env() are."""

    dir: Text = "environments"
    """Folder with a file `<environment>.toml` for each environment."""
    base_dir: str = ""
    """Where that folder is; the working directory, if empty."""


class LoggingSection(Section):
    """[logging]: what the log looks like."""

    level: Annotated[Literal["debug", "info", "warning", "error", "critical"], Word] = "info"
    """Least severe records to write; production refuses `debug`."""
    format: Annotated[Literal["text", "json"], Word] = "text"
    """Lines for people, or one JSON document a line."""


class ShadowSection(Section):
    """[shadow]: a whole instance that delivers nothing."""

    simulate_all_egress: bool = False
    """Run everything and deliver nothing: every outbound is simulated."""


class AlertsSection(Section):
    """[alerts]: how often the same event of the same Connection alerts again."""

    realert_seconds: Seconds = 300
    """Seconds in which the same kind of event of one Connection alerts once."""


class EngineSection(Section):
    """[engine]: how long work may take to end, and what relative paths are relative to."""

    shutdown_timeout_seconds: Seconds = 30
    """Seconds that work in flight gets at a stop; the rest waits in the store."""
    data_dir: Text = "."
    """Folder at which relative paths of the store start."""


class AiSection(Section):
    """[ai]: the name of the active environment and what it says of the data in it."""

    environment: Annotated[str | None, AfterValidator(_name)] = None
    """Which environment is active; `--env` wins over it, and one of the two is needed."""
    data_class: Annotated[Literal["synthetic", "phi"] | None, Word] = None
    """Whether patient data is in it; derived for dev (synthetic), staging and prod (phi)."""
    production: bool | None = None
    """Whether it is production; derived for dev and staging (false), and prod (true)."""


_OF_ANY_STORE = {"backend", "path", "synchronous"}


class Settings(BaseSettings):
    """Everything, frozen."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    store: StoreSection = StoreSection()
    api: ApiSection = ApiSection()
    inbound: InboundSection = InboundSection()
    delivery: DeliverySection = DeliverySection()
    pipeline: PipelineSection = PipelineSection()
    reference: ReferenceSection = ReferenceSection()
    environments: EnvironmentsSection = EnvironmentsSection()
    logging: LoggingSection = LoggingSection()
    shadow: ShadowSection = ShadowSection()
    alerts: AlertsSection = AlertsSection()
    engine: EngineSection = EngineSection()
    ai: AiSection = AiSection()

    def store_options(self) -> dict[str, Any]:
        """What a server database needs besides, as plain values: those keys that were set."""
        given = {key: getattr(self.store, key) for key in sorted(self.store.model_fields_set - _OF_ANY_STORE)}
        return {
            key: value.get_secret_value() if isinstance(value, SecretStr) else value for key, value in given.items()
        }

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
