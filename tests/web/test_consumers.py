"""The page of consumers and its API: what a group has not handled, and what can be done with it."""

import re
from typing import Any

import redis

from tests.cli.conftest import home, lonely
from tests.cli.test_groups import consume
from tests.home import article
from tests.newsdrop.stream import STREAM
from tests.web.pages import enqueue_files, ours, text, words
from tests.web.served import Served
from worker.pipeline.retention import feed_past

__all__ = ["home", "lonely", "ours"]

GROUP = 'nlp/<b>"x'
ADDRESS = "/consumers/nlp%2F%3Cb%3E%22x"


def send(one: Served, path: str, **fields: Any) -> Any:
    token = re.search(r'name="form_token" value="([^"]+)"', text(one, "/consumers"))
    assert token is not None
    return one.client.post(path, data={"form_token": token[1], **fields})


def confirmed(one: Served, question: str, **fields: Any) -> str:
    """Send a change, check its question, and confirm it; the address of the next page."""
    question_page = send(one, f"{ADDRESS}/ask", **fields)
    assert question in words(question_page.text)
    hidden = dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', question_page.text)
    )
    location: str = send(one, f"{ADDRESS}/change", **hidden | fields).headers["location"]
    return location


def test_a_group_is_managed_on_its_page(ours: Served, redis_client: redis.Redis) -> None:
    """Every change needs a confirmation, and a group's name breaks neither page nor address."""
    assert "No consumer groups yet." in words(text(ours, "/consumers"))
    enqueue_files(ours, a=article("甲"), b=article("乙"), c=article("丙"))
    assert send(ours, "/consumers", group=GROUP, start="0").headers["location"].endswith("created")
    assert 'nlp/<b>"x 3 0 0 0 – nothing yet' in words(text(ours, "/consumers"))
    redis_client.xreadgroup(GROUP, "slow", {STREAM: ">"})
    ids = re.findall(r'name="id" value="([\d-]+)"', text(ours, ADDRESS))
    assert len(ids) == 3

    def owners() -> dict[str, str]:
        found = redis_client.xpending_range(STREAM, GROUP, "-", "+", 10)
        return {one["message_id"].decode(): one["consumer"].decode() for one in found}

    assert confirmed(ours, "Hand over 1 entry?", what="claim", id=ids[0], to="fast")
    assert owners() == {ids[0]: "fast", ids[1]: "slow", ids[2]: "slow"}
    assert confirmed(ours, "Hand over 2 entries?", what="claim", **{"from": "slow"})
    assert owners()[ids[2]] == "unassigned"
    assert confirmed(ours, "Remove the consumer slow?", what="remove", **{"from": "slow"})
    assert send(ours, f"{ADDRESS}/change", what="remove", **{"from": "fast"}).status_code == 422
    assert confirmed(ours, "Acknowledge 1 entry?", what="acknowledge", id=ids[0])
    assert confirmed(ours, "Move 2 entries to the dead letters?", what="dead_letter", id=ids[1:])
    assert owners() == {}
    page = text(ours, ADDRESS)
    dead_letters = re.findall(r'form="dead" type="checkbox" name="id" value="([\d-]+)"', page)
    assert len(dead_letters) == 2
    assert "moved to the dead letters by a person" in page
    assert confirmed(ours, "Give 1 dead letter back", what="retry", id=dead_letters[0])
    assert owners() == {ids[1]: "unassigned"}
    assert confirmed(ours, "Delete 1 dead letter permanently?", what="discard", all="yes")
    assert "No dead letters." in words(text(ours, ADDRESS))
    assert confirmed(ours, "Set the position to 0?", what="reset", to="0")
    assert 'nlp/<b>"x 3 1 ' in words(text(ours, "/consumers"))
    redis_client.xtrim(STREAM, maxlen=0, approximate=False)
    ours.home.json("groups", "create", "late", "--since", "2000-01-01")
    assert "late past: 0 to read" in words(text(ours, "/consumers"))
    assert "0 of them are not finished yet. The archive has more." in words(
        text(ours, "/consumers/late")
    )
    nothing = send(ours, f"{ADDRESS}/ask", what="acknowledge")
    assert nothing.headers["location"].endswith("unselected")
    assert send(ours, f"{ADDRESS}/ask", what="reset", to="yesterday").status_code == 422
    assert confirmed(ours, "Delete the group", what="delete") == "/consumers?done=deleted"
    assert ours.client.get(ADDRESS).status_code == 404


def test_a_group_with_the_name_of_a_folder_has_a_page(ours: Served) -> None:
    """Clients shorten `/consumers/..` to `/`: addresses have another form of such names."""
    names = ("..", ".", "~..", "a/../b", "~")
    for name in names:
        assert ours.post("/groups", {"group": name}, 201)["name"] == name
    html = text(ours, "/consumers")
    addresses = re.findall(r'class="name" href="([^"]+)"', html)
    assert sorted(addresses) == sorted(f"/consumers/{part}" for part in (
        "~..", "~.", "~~..", "a%2F..%2Fb", "~~"
    ))  # fmt: skip
    titles = [re.findall(r"<h1>(.*?)</h1>", text(ours, one))[0] for one in addresses]
    assert sorted(titles) == sorted(names)
    assert send(ours, "/consumers/~../change", what="delete").status_code == 303
    assert ours.get("/groups/~..", 404)["detail"].startswith("no group ..")
    assert ours.get("/groups/~~..")["name"] == "~.."


def test_a_group_begins_in_the_past(ours: Served, redis_client: redis.Redis) -> None:
    """By form and API, which refuses two beginnings; pending entries of the past are listed."""
    enqueue_files(ours, a=article("甲"))
    redis_client.xtrim(STREAM, maxlen=0, approximate=False)
    send(ours, "/consumers", group="late", start="0", since="2000-01-01")
    assert ours.post("/groups", {"group": "api", "since": "3d"}, 201)["past"]["read"] == 0
    assert (
        "either" in ours.post("/groups", {"group": "x", "since": "3d", "start": "0"}, 422)["detail"]
    )
    assert "not a time" in ours.post("/groups", {"group": "x", "since": "soon"}, 422)["detail"]
    feed_past(ours.home.context())
    redis_client.xreadgroup("late", "slow", {f"{{{STREAM}}}:past:late": ">"})
    page = text(ours, "/consumers/late")
    (entry,) = re.findall(r'name="id" value="([\d-]+)"', page)
    assert f"{entry} past slow 1" in words(page)
    assert ours.get("/groups/late/pending")["pending"][0]["in_past"] is True
    send(ours, "/consumers/late/change", what="acknowledge", id=entry)
    assert "Nothing is pending." in words(text(ours, "/consumers/late"))


def test_a_form_of_another_site_changes_no_group(ours: Served) -> None:
    """Every change needs the page's token."""
    for path in ("/consumers", f"{ADDRESS}/ask", f"{ADDRESS}/change"):
        assert ours.client.post(path, data={"group": "nlp", "what": "delete"}).status_code == 403


def test_the_api_does_the_same(ours: Served) -> None:
    """Entries of a stopped consumer go to a running one, and a dead letter is retried."""
    enqueue_files(ours, a=article("甲"), b=article("乙"))
    assert ours.post("/groups", {"group": "nlp"}, 201)["lag"] == 2
    assert "groups reset" in ours.post("/groups", {"group": "nlp"}, 409)["detail"]
    failed = consume(ours.home, 2, is_bad=True)[0]
    (letter,) = ours.get("/groups/nlp/dead-letters")["dead_letters"]
    assert letter["data"].encode() == failed.data
    assert ours.post("/groups/nlp/dead-letters", {"change": "retry", "all": True})["changed"] == 1
    (entry,) = ours.get("/groups/nlp/pending?consumer=unassigned")["pending"]
    body = {"change": "dead_letter", "ids": [entry["stream_id"], "1-1"]}
    assert ours.post("/groups/nlp/pending", body) == {"changed": 1}
    assert ours.get("/groups/nlp")["dead_letters"] == 1
    assert ours.get("/groups/none", 404)["detail"].startswith("no group none")
    assert ours.post("/groups/nlp/pending", {"change": "claim"}, 422)
