"""The faults, in the order of their rows: name, the round, and its part of the time."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.torture.faults import (
    calls,
    consumers,
    hosts,
    kernel,
    machine,
    nodes,
    power,
    processes,
    redis,
    replies,
    surroundings,
)
from tests.torture.round import Round


@dataclass(frozen=True, slots=True)
class Fault:
    """`share` is its part of the time, beside the others' shares; `seconds` bounds a round. With
    `in_memory` its files are on a file system in memory, where a sync costs nothing."""

    name: str
    run: Callable[[Round], None]
    share: float = 1
    seconds: float = 15
    in_memory: bool = False


FAULTS = (
    Fault("kill -9 at random", processes.kills, share=2),
    Fault("kill -9 after publishing", processes.kills_after_publishing, share=2),
    Fault("SIGSTOP", processes.suspends),
    Fault("queue emptied", processes.queue_emptied),
    Fault("a file system call fails", calls.failures, share=3, seconds=90, in_memory=True),
    Fault("system calls fail at random", kernel.calls_fail),
    Fault("power cut", power.power_cuts, share=1.5, seconds=60, in_memory=True),
    Fault("replies lost", replies.lost),
    Fault("connections cut", replies.cut),
    Fault("Redis killed", redis.killed),
    Fault("Redis' last records cut off", redis.last_second, share=1.5, seconds=60),
    Fault("Redis failed over", redis.failed_over, share=0.5),
    Fault("Sentinels: primary killed", nodes.primary_killed, seconds=420),
    Fault("Cluster: node killed, slot moved", nodes.cluster_changed, seconds=240),
    Fault("RabbitMQ: one of three killed", nodes.rabbitmq_killed, seconds=240),
    Fault("Redis frozen", redis.frozen, seconds=20),
    Fault("Redis full", redis.full),
    Fault("Redis emptied, replay", redis.emptied),
    Fault("disk full", surroundings.disk_full),
    Fault("clock steps", surroundings.clock_steps),
    Fault("writers of every kind", surroundings.writers),
    Fault("two services, one stream", surroundings.two_services),
    Fault(
        "any order of steps (Hypothesis)", machine.machine, share=1.5, seconds=60, in_memory=True
    ),
    Fault("two workers, two schedulers", surroundings.two_schedulers),
    Fault("a host cut off", hosts.cut_off, seconds=900),
    Fault("two hosts, one killed, a wrong clock", hosts.schedulers, seconds=60),
    Fault("consumer killed 50 times", consumers.killed, share=0.5, seconds=60),
    Fault("consumer and trimming killed", consumers.killed_with_retention, share=0.5, seconds=60),
    Fault("killed in a group's past", consumers.killed_in_the_past, share=0.5, seconds=60),
    Fault("replies delayed", replies.delayed),
)
