"""The installed package `newsdrop`, beside a user's own `worker.py`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis

import newsdrop
from newsdrop.consumer import Consumer
from tests.home import article
from tests.newsdrop.stream import publish
from tests.servers import Server
from worker import api

ROOT = Path(__file__).parents[2]
THEIRS = "print('the user module ran')\napp = None\n"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with newsdrop from its wheel; its libraries come from this environment."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    built = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*built, "-w", str(target), str(ROOT)], check=True)
    (wheel,) = target.glob("*.whl")
    site = target / "site"
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", str(site), str(wheel)], check=True
    )
    return site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder with a `worker.py` and an article."""
    (tmp_path / "worker.py").write_text(THEIRS, "utf-8")
    (tmp_path / "a.md").write_text(article("甲"), "utf-8")
    return tmp_path


def run(installed: Path, folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run in the user's folder, with the installed package before any checkout."""
    env = os.environ | {"PYTHONPATH": str(installed), "NEWSDROP_STATE_DIR": str(folder / "state")}
    env.pop("PYTHONSAFEPATH", None)
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=100
    )


def test_the_wheel_holds_both_packages(installed: Path) -> None:
    """`newsdrop` with its types beside `worker`."""
    assert {"newsdrop/py.typed", "newsdrop/app.py", "worker/py.typed"} <= {
        str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()
    }


def test_it_works_without_the_folder_on_the_path(installed: Path, folder: Path) -> None:
    """`python -P` finds our `worker`, wherever it starts."""
    code = "from newsdrop import parse; print(parse('a.md')[0].title)"
    done = run(installed, folder, sys.executable, "-P", "-c", code)
    assert (done.stdout, done.returncode) == ("甲\n", 0), done.stderr


def test_a_foreign_worker_is_refused_before_it_runs(installed: Path, folder: Path) -> None:
    """One sentence names the file that Python found and says what to do."""
    done = run(installed, folder, sys.executable, "-c", "from newsdrop import parse")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert str(folder / "worker.py") in last
    assert "rename the other one, or start Python with -P" in last
    assert "the user module ran" not in done.stdout


def test_celery_ends_in_one_sentence(installed: Path, folder: Path) -> None:
    """`celery -A newsdrop.app` in such a folder: no traceback, and their module does not run."""
    celery = [sys.executable, "-m", "celery", "-A", "newsdrop.app", "report"]
    done = run(installed, folder, *celery)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert str(folder / "worker.py") in line
    assert "run celery in another folder" in line
    assert "the user module ran" not in done.stdout


def test_celery_runs_elsewhere(installed: Path, tmp_path: Path) -> None:
    """In any other folder the same command loads the application."""
    done = run(installed, tmp_path, sys.executable, "-m", "celery", "-A", "newsdrop.app", "report")
    assert done.returncode == 0, done.stderr
    assert "newsdrop.ingest" in done.stdout


def test_the_functions_are_those_of_worker() -> None:
    """Same objects, same help; an unknown name is an AttributeError."""
    assert newsdrop.parse is api.parse
    assert newsdrop.enqueue is api.enqueue
    assert newsdrop.Consumer is Consumer
    assert {"parse", "enqueue"} <= set(dir(newsdrop))
    with pytest.raises(AttributeError):
        newsdrop.nothing  # noqa: B018


BARE = """
import sys
from {module} import Consumer
consumer = Consumer({url!r}, group="bare", block_seconds=0.05)
for record in consumer:
    print(record.article.tickers[0].symbol)
    consumer.stop()
print(sorted(name for name in ("pydantic", "celery", "httpx", "worker") if name in sys.modules))
"""


@pytest.mark.parametrize("module", ["newsdrop", "newsdrop.consumer", "copied"])
def test_a_consumer_needs_redis_alone(
    module: str, installed: Path, tmp_path: Path, redis_server: Server, redis_client: redis.Redis
) -> None:
    """It works in an environment with redis but without newsdrop's libraries, also as a copied
    file."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (site / "redis").symlink_to(Path(redis.__file__).parent)
    if module == "copied":
        (site / "copied.py").write_bytes((ROOT / "newsdrop" / "consumer.py").read_bytes())
    else:
        for name in ("newsdrop", "worker"):
            (site / name).symlink_to(installed / name)
    publish(redis_client, 1)
    done = subprocess.run(
        [tmp_path / "venv/bin/python", "-c", BARE.format(module=module, url=redis_server.url)],
        cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True,
        check=False, timeout=100,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("605999.SH\n[]\n", 0), done.stderr
