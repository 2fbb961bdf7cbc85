"""Wake-up messages from other processes than workers."""

import os
import subprocess
import sys
from pathlib import Path

from tests.servers import Server

SCRIPT = """
import os, sys
import newsdrop
from worker.settings import load
settings = load()
os.environ["NEWSDROP_NO_SUCH_SETTING"] = os.environ["NEWSDROP_WORKER_PROCESSES"] = "wrong"
print(newsdrop.enqueue(sys.argv[1], settings=settings))
assert "worker.app" not in sys.modules, "the environment's application was imported"
"""


def test_explicit_settings_need_no_environment(redis_server: Server, tmp_path: Path) -> None:
    """`enqueue` works although a variable is wrong: only `worker.app` reads the environment."""
    article = tmp_path / "a.md"
    article.write_text("---\ntitle: One\n---\nText.\n")
    environment = {
        **os.environ,
        "NEWSDROP_STATE_DIR": str(tmp_path / "state"),
        "NEWSDROP_REDIS_URL": redis_server.url,
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(article)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("enqueue-")
