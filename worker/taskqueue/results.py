"""Results of jobs in Celery's result backend, for clients that wait for `newsdrop.enqueue`."""

from celery import Celery, states
from celery.backends.base import DisabledBackend

from worker.pipeline.job_results import JobResult, StoreResult
from worker.taskqueue.shell import TaskFailed


def stores_results(app: Celery) -> bool:
    """Whether a result backend is configured, by newsdrop or by Celery's own variable."""
    return not isinstance(app.backend, DisabledBackend)


def result_writer(app: Celery, hostname: str) -> StoreResult:
    """Stores the result of a job as that of its task, and sends the event that its task ended:
    Celery sends none for a task that left its result to others. `hostname` is this worker's."""

    def store(result: JobResult) -> None:
        if result.failure is None:
            app.backend.store_result(result.job, result.counts, states.SUCCESS)
            fields = {"result": repr(result.counts), "runtime": 0.0}
        else:
            failure = TaskFailed(result.failure, result.counts)
            app.backend.store_result(result.job, failure, states.FAILURE)
            fields = {"exception": repr(failure), "traceback": ""}
        event = "task-failed" if result.failure else "task-succeeded"
        with app.events.default_dispatcher(hostname=hostname) as dispatcher:
            dispatcher.send(event, uuid=result.job, **fields)

    return store
