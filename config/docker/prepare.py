"""Before the first start: secrets are made, and the mounts belong to whoever writes into them.

Runs as root, once, without a network, and ends; all that works afterwards is not root. Standard
library only.

    prepare.py UID GID

UID and GID are those of the containers that work: the owner of the drop folder on the host. Ends
with 2 and one sentence where that cannot be.
"""

import os
import secrets
import sys
from pathlib import Path

SECRETS = Path("/secrets")
STATE = Path("/state")
DROP = Path("/drop")
NEEDED = ("redis-password", "broker-password", "web-token", "grafana-password")


class Unprepared(Exception):
    """What its reader has to do before newsdrop can start."""


def main() -> int:
    try:
        uid, gid = _identity(sys.argv[1:])
        made = make_secrets(SECRETS)
        give(STATE, uid, gid)
        take_over(DROP, uid, gid)
        try_folder(DROP, uid, gid)
    except (Unprepared, OSError) as error:
        print(f"newsdrop: {error}", file=sys.stderr)
        return 2
    if made:
        print(f"newsdrop: made {', '.join(made)}")
    print("newsdrop: the status page's token: docker compose exec web cat /secrets/web-token")
    return 0


def _identity(words: list[str]) -> tuple[int, int]:
    try:
        uid, gid = (int(word) for word in words)
    except ValueError:
        raise Unprepared(
            "HOST_UID and HOST_GID are numbers, as `id -u` and `id -g` print"
        ) from None
    return uid, gid


def make_secrets(folder: Path) -> list[str]:
    """The names of those that were missing and are there now.

    They can be read by every user of the containers that mount the folder, as the secrets of a
    compose file can: Redis, newsdrop and Prometheus are three different users. On the host the
    folder is below Docker's own, which only root may enter.
    """
    made = []
    for name in NEEDED:
        path = folder / name
        if path.exists():
            continue
        unfinished = folder / f".{name}"
        unfinished.write_text(secrets.token_urlsafe(32) + "\n", encoding="ascii")
        unfinished.chmod(0o444)
        unfinished.rename(path)
        made.append(name)
    return made


def give(folder: Path, uid: int, gid: int) -> None:
    """`folder` and what is in it belong to `uid`: walked once, after the number has changed."""
    if folder.stat().st_uid == uid:
        return
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(parent, name), uid, gid, follow_symlinks=False)
    # Last, so that a walk that was cut off is done again.
    os.chown(folder, uid, gid)


def take_over(folder: Path, uid: int, gid: int) -> None:
    """Where the drop folder is root's (Docker makes a missing one so), it becomes `uid`'s.

    Root on the host can write into it all the same. Anybody else's is left alone.
    """
    owner = folder.stat().st_uid
    if owner == uid:
        return
    if owner != 0:
        return  # perhaps its group may write: tried next
    if not _is_the_hosts_root():
        raise Unprepared(
            "this engine is rootless, so root in a container is you: "
            "write HOST_UID=0 and HOST_GID=0 into the file .env beside docker-compose.yml"
        )
    os.chown(folder, uid, gid)


def _is_the_hosts_root() -> bool:
    """False inside a user namespace, where our root is some user of the host."""
    # The host's own map is one line, of all numbers there are; a namespace's maps but some.
    count = Path("/proc/self/uid_map").read_text("ascii").split()[2]
    return int(count) > 1 << 31


def try_folder(folder: Path, uid: int, gid: int) -> None:
    """Make and rename a folder in `folder` as `uid`: what a claim does there."""
    os.setgroups([])
    os.setegid(gid)
    os.seteuid(uid)
    probe, renamed = folder / ".newsdrop-try", folder / ".newsdrop-tried"
    try:
        probe.mkdir()
        probe.rename(renamed)
        renamed.rmdir()
    except OSError as error:
        owner = folder.stat()
        raise Unprepared(
            f"the drop folder is user {owner.st_uid}'s, and newsdrop runs as {uid}, who cannot "
            f"write there ({error.strerror}): write HOST_UID={owner.st_uid} and "
            f"HOST_GID={owner.st_gid} into the file .env beside docker-compose.yml"
        ) from error
    finally:
        os.seteuid(0)
        os.setegid(0)


if __name__ == "__main__":
    sys.exit(main())
