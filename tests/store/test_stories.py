"""Stories: near-duplicates are marked in the stream, by the script that publishes."""

from tests.servers import Server
from tests.store.conftest import STREAM
from worker.model import Story
from worker.store.articles import ArticleStore
from worker.store.connection import connect


def test_an_entry_names_its_story(redis_server: Server, store: ArticleStore) -> None:
    """An entry's story is read; an entry without one, as all were before, has none."""
    client = connect(redis_server.url)
    copy = {"story": "20211126-a", "near_duplicate_of": "20211126-b", "similarity": "0.81"}
    for fields in ({}, {"story": "20211126-a"}, copy, {**copy, "similarity": "nan"}):
        client.xadd(STREAM, {"type": "article.published", "id": "x", "data": "{}", **fields})
    assert [entry.story for entry in store.read()] == [
        None,
        Story("20211126-a"),
        Story("20211126-a", "20211126-b", 0.81),
        Story("20211126-a", "20211126-b", None),
    ]
