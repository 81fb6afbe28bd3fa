"""Loaded first by the fork server, before anything that takes time: from here on it cannot outlive its worker."""

from worker.limits import become_server

become_server()
