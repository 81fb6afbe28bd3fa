"""What every route may ask for. Wired once by `create_app`; nothing here is global."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from app.settings import Settings
from app.storage.blobs import BlobStore
from app.storage.cloud import Clouds
from app.storage.engine import Database
from app.storage.queue import Queue
from app.web.addresses import Addresses
from app.web.assets import Assets
from app.web.kept import Kept


@dataclass(frozen=True)
class Site:
    settings: Settings
    database: Database
    queue: Queue
    blobs: BlobStore
    assets: Assets
    addresses: Addresses
    clouds: Clouds
    kept: Kept


def site_of(request: Request) -> Site:
    return cast(Site, request.app.state.site)


SiteDep = Annotated[Site, Depends(site_of)]
