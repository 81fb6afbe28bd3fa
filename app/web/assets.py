"""Our CSS and JavaScript, and plotly.js out of the Python package: from our own origin, compressed once, cached for ever.

An address carries a digest or a version, so a changed file has a new address. A name is a key of a dictionary, never a path.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.errors import NotFound

FOLDER = Path(__file__).parents[2] / "static"
PLOTLY = f"plotly-{version('plotly')}.min.js"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Asset:
    path: Path
    media_type: str

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()[:12]

    @cached_property
    def compressed(self) -> bytes:
        """Kept after the first request: compressing plotly.js takes most of a second."""
        return gzip.compress(self.path.read_bytes(), mtime=0)


@dataclass(frozen=True)
class Assets:
    files: Mapping[str, Asset] = field(default_factory=dict)

    @classmethod
    def found(cls) -> "Assets":
        ours = {path.name: Asset(path, TYPES[path.suffix]) for path in FOLDER.iterdir() if path.suffix in TYPES}
        return cls({**ours, PLOTLY: Asset(_plotly_js(), TYPES[".js"])})

    def query(self, name: str) -> str:
        """`?v=…` for a file of ours; plotly.js has its version in its name and is not read until it is asked for."""
        return "" if name == PLOTLY else f"?v={self.files[name].digest}"


@router.api_route("/static/{name}", name="static", methods=["GET", "HEAD"])
def static(request: Request, name: str) -> Response:
    asset = request.app.state.site.assets.files.get(name)
    if asset is None:
        raise NotFound
    headers = {"cache-control": FOR_EVER, "vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.compressed, media_type=asset.media_type, headers={**headers, "content-encoding": "gzip"})
    return Response(asset.path.read_bytes(), media_type=asset.media_type, headers=headers)


def _plotly_js() -> Path:
    """Found without importing plotly, which would cost the web process time and memory."""
    package = find_spec("plotly")
    if package is None or package.origin is None:
        raise RuntimeError("The plotly package is not installed: pip install plotly.")
    return Path(package.origin).parent / "package_data" / "plotly.min.js"
