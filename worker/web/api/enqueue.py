"""`POST /api/v1/enqueue`: accept files, addresses, lists of addresses or a bucket as a job."""

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions.backfill import BackfillJob, enqueue_bucket, enqueue_list, is_bucket
from worker.actions.enqueue import Upload, enqueue_addresses, enqueue_files
from worker.errors import UsageError
from worker.escape import printable
from worker.settings import Settings
from worker.sources.enqueue import EnqueueOptions
from worker.web.api.endpoint import Names, Parameters, check_change, parse_body, validate
from worker.web.responses import json_response
from worker.web.uploads import is_upload, receive_upload


class EnqueueBody(Parameters):
    addresses: Names = Field(default=[])
    source: str | None = None
    force: bool = False
    strict: bool = False


class UploadFields(Parameters):
    """The fields beside the files of a form. With `urls` each file is a list of addresses."""

    urls: Literal["true", "false", ""] = ""
    source: str = ""
    force: Literal["true", "false", ""] = ""
    strict: Literal["true", "false", ""] = ""


async def enqueue(request: Request) -> Response:
    """202 with the job's id: everything sent is in the spool, durably; lists and buckets are
    fetched from now on."""
    check_change(request)
    settings: Settings = request.app.state.settings
    if is_upload(request):
        async with receive_upload(request, is_program=True) as upload:
            stripped = {name: text.strip() for name, text in upload.fields.items()}
            fields = validate(UploadFields, stripped, status=422)
            options = EnqueueOptions(
                fields.source or None, force=fields.force == "true", strict=fields.strict == "true"
            )
            if fields.urls == "true":
                backfill = await run_in_threadpool(_enqueue_lists, settings, upload.files, options)
                return _job_response(backfill.job, backfill)
            job = await run_in_threadpool(enqueue_files, settings, upload.files, options)
            return _job_response(job, {"job": job, "files": len(upload.files)})
    body = await parse_body(request, EnqueueBody)
    urls = list(dict.fromkeys(body.addresses))
    options = EnqueueOptions(body.source, force=body.force, strict=body.strict)
    if any(map(is_bucket, urls)):
        if len(urls) > 1:
            raise UsageError("a bucket is enqueued alone: send one request for each")
        backfill = await run_in_threadpool(enqueue_bucket, settings, urls[0], options)
        return _job_response(backfill.job, backfill)
    job = await run_in_threadpool(enqueue_addresses, settings, urls, options)
    return _job_response(job, {"job": job, "files": len(urls)})


def _enqueue_lists(
    settings: Settings, files: Sequence[Upload], options: EnqueueOptions
) -> BackfillJob:
    names = ", ".join(printable(file.name, 80) for file in files[:3])
    return enqueue_list(settings, _lines(files), options, names)


def _lines(files: Sequence[Upload]) -> Iterator[str]:
    for file in files:
        with file.path.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
            yield from lines


def _job_response(job: str, body: object) -> Response:
    return json_response(body, 202, location=f"/api/v1/jobs/{job}")


routes = [Route("/api/v1/enqueue", enqueue, methods=["POST"])]
