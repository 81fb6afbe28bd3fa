"""Everything that differs between deployments, read once at the entry points (`PROOFBOARD_*` in the environment)."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from proofs.devices import COMPILED, NAMES


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PROOFBOARD_", frozen=True, extra="forbid")

    data_dir: Path = Path("data")
    """Folder of blobs, lock files and, by default, the SQLite database. Made if it is missing."""

    database_url: str = Field(default_factory=lambda data: f"sqlite:///{data['data_dir'] / 'proofboard.db'}")
    """`sqlite:///file` (one machine) or `postgresql://user:password@host/name` (many workers)."""

    host: str = "127.0.0.1"
    """Address to listen on."""

    trusted_network: bool = False
    """Allow an address that other machines reach, though there is no login: something else must guard the port (a proxy
    with authentication, or a container whose port is published on loopback only)."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """TCP port to listen on; 0 takes a free one."""

    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ("localhost", "127.0.0.1", "[::1]")
    """Host names that the server answers to, without ports; separated by commas in the environment."""

    upload_max_bytes: Annotated[int, Field(ge=1)] = 64 * 2**20
    """Largest checkpoint that is accepted, in bytes."""

    proof_time_limit_s: Annotated[float, Field(gt=0)] = 3600.0
    """Wall-clock seconds after which a proof, or a shard of a long one, is stopped."""

    proof_memory_limit_mb: Annotated[int, Field(ge=64)] = 4096
    """Memory in MiB that one proof, or shard, may use beyond what its process needs to start."""

    worker_slots: Annotated[int, Field(ge=1, le=256)] = 2
    """Proofs, or shards of long ones, that one worker runs at the same time."""

    device: Annotated[str, Field(pattern=f"^({NAMES})$")] = COMPILED
    """Where a worker's dynamic programmes run: `compiled` for the processor, or in torch on `cpu`, `cuda` or `cuda:1`. The
    results are the same. On CUDA there is no limit of memory: a child could not even map what the driver reserves."""

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _separate(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @property
    def blob_dir(self) -> Path:
        return self.data_dir / "blobs"

    @property
    def lock_dir(self) -> Path:
        return self.data_dir / "locks"
