"""Open pages hear of changes, once, and from where they are."""

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi.testclient import TestClient
from sse_starlette import ServerSentEvent

from app.storage import proofs
from app.web import events
from app.web.site import Site
from tests.app.web import scenes

DEADLINE_S = 10


async def first(stream: AsyncIterator[ServerSentEvent]) -> ServerSentEvent:
    return await asyncio.wait_for(anext(stream), DEADLINE_S)


def revision(site: Site) -> int:
    with site.database.reading() as session:
        return proofs.revision(session)


def test_a_page_hears_what_was_written_after_it_was_read(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    scenes.request(client, digest, "brute-force")
    since = revision(site)
    changed = scenes.request(client, digest, "cubic")
    event = asyncio.run(first(events._changes(site, since)))
    assert json.loads(str(event.data)) == {"proofs": [changed]}
    assert event.id == str(revision(site))


def test_a_change_that_comes_while_listening_is_heard(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    proof = scenes.request(client, digest, "cubic")
    since = revision(site)

    async def listen() -> ServerSentEvent:
        waiting = asyncio.create_task(first(events._changes(site, since)))
        await asyncio.to_thread(scenes.finish, site, proof, correct=15)
        return await waiting

    assert json.loads(str(asyncio.run(listen()).data)) == {"proofs": [proof]}


def test_the_page_starts_to_listen_where_it_was_read(client: TestClient, site: Site) -> None:
    scenes.request(client, scenes.upload(client), "cubic")
    assert f'<meta name="revision" content="{revision(site)}">' in client.get("/").text


def test_an_address_that_is_no_revision_is_refused(client: TestClient) -> None:
    assert client.get("/events?since=-1").json()["code"] == "invalid-request"
    assert client.get("/events?since=0", headers={"last-event-id": "x"}).json()["code"] == "invalid-request"
