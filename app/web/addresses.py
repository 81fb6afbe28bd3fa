"""Addresses of our own pages by route name.

A router looks a name up among all its routes each time, which took two thirds of a page of links; here each name is looked up
once and then filled in.
"""

from collections.abc import Callable
from urllib.parse import quote

from app.web.assets import Assets


class Addresses:
    def __init__(self, look_up: Callable[..., str], assets: Assets) -> None:
        """`look_up` is the application's `url_path_for`."""
        self._look_up = look_up
        self._assets = assets
        self._patterns: dict[tuple[str, ...], str] = {}

    def __call__(self, name: str, /, **parts: object) -> str:
        """The path of a page. Raises the router's error for an unknown name or a missing part."""
        key = (name, *parts)
        pattern = self._patterns.get(key)
        if pattern is None:
            pattern = self._patterns[key] = str(self._look_up(name, **{part: f"{{{part}}}" for part in parts}))
        return pattern.format_map({part: _quoted(str(value)) for part, value in parts.items()})

    def asset(self, name: str) -> str:
        """The path of a file of ours, with what makes it immutable."""
        return f"{self('static', name=name)}{self._assets.query(name)}"


def _quoted(text: str) -> str:
    """Most parts are numbers and digests, which stay as they are."""
    return text if text.isalnum() and text.isascii() else quote(text, safe="")
