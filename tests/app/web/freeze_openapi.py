"""Writes the API's description into the tree: run it when the API is meant to change."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from app.asgi import build
from app.settings import Settings
from tests.app.web.test_openapi import FROZEN

if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        description = build(Settings(data_dir=Path(folder))).openapi()
    FROZEN.parent.mkdir(parents=True, exist_ok=True)
    FROZEN.write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n")
