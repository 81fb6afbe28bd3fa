"""Prints the path of a Chromium for the browser tests, after installing one if this machine has none.

Prints nothing if there is none to be had; then says so on standard error, and fails where CI is set.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ON_MACOS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
PLAYWRIGHT = "from playwright.sync_api import sync_playwright as p\nwith p() as it: print(it.chromium.executable_path)"


def main() -> int:
    path = find()
    if path is None:
        install()
        path = find()
    if path is not None:
        print(path)
        return 0
    print(
        "\n*** NO CHROMIUM: the browser tests cannot run on this machine. Install Chromium or Google Chrome, "
        "or name one in CHROMIUM. ***\n",
        file=sys.stderr,
    )
    return 1 if os.environ.get("CI") else 0


def find() -> str | None:
    return next((path for path in candidates() if os.access(path, os.X_OK)), None)


def candidates() -> Iterator[str]:
    """The one that is named, those on the path, macOS's, Playwright's own."""
    yield os.environ.get("CHROMIUM", "")
    yield from filter(None, map(shutil.which, NAMES))
    yield from ON_MACOS
    own = subprocess.run([sys.executable, "-c", PLAYWRIGHT], capture_output=True, text=True, check=False)
    yield own.stdout.strip()


def install() -> None:
    """Debian's package where we may, else Playwright's download (Ubuntu's package is a snap)."""
    print("No Chromium found: installing one for the browser tests.", file=sys.stderr)
    if is_debian() and (root := as_root()) is not None:
        run(*root, "apt-get", "update", "-qq")
        if run(*root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"):
            return
    run(sys.executable, "-m", "playwright", "install", "chromium")


def is_debian() -> bool:
    release = Path("/etc/os-release")
    return release.exists() and "ID=debian" in release.read_text().splitlines()


def as_root() -> list[str] | None:
    """How to run a command as root without being asked for a password, or None."""
    if os.geteuid() == 0:
        return []
    has_sudo = shutil.which("sudo") and run("sudo", "-n", "true")
    return ["sudo", "-n"] if has_sudo else None


def run(*command: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environment, check=False)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
