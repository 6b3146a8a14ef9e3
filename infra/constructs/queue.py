"""SQS queues: one in front of a function, and those of what could not be delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, Stack, Tags
from aws_cdk.aws_sqs import DeadLetterQueue, Queue, QueueEncryption, RedriveAllowPolicy, RedrivePermission
from constructs import Construct

from switchboard.schema.deployment import FAILED_INVOCATIONS, queue_name

if TYPE_CHECKING:
    from infra.config_types import StageConfig

LONGEST_RETENTION = Duration.days(14)
"""The longest that SQS keeps a message."""


class FailedInvocations(Queue):
    """Where Lambda leaves what a function failed that nobody waits for: the dead-letter queue of every function."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: StageConfig) -> None:
        super().__init__(
            scope,
            construct_id,
            queue_name=queue_name(stage.name, FAILED_INVOCATIONS),
            encryption=QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=LONGEST_RETENTION,
            redrive_allow_policy=RedriveAllowPolicy(redrive_permission=RedrivePermission.DENY_ALL),
        )
        Tags.of(self).add("purpose", "Asynchronous invocations that a function failed for good")


class IngestQueue(Construct):
    """A queue in front of a function, and its dead-letter queue, which takes messages from no other queue.

    `visibility_timeout` is at least six times the function's timeout, so that a message is not delivered again while
    Lambda still retries it (Lambda Developer Guide, "Using Lambda with Amazon SQS").
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: StageConfig, name: str, visibility_timeout: Duration
    ) -> None:
        super().__init__(scope, construct_id)
        full_name = queue_name(stage.name, name)
        arn = Stack.of(self).format_arn(service="sqs", resource=full_name)
        self.dead_letters = Queue(
            self,
            "DeadLetters",
            queue_name=f"{full_name}-dead-letters",
            encryption=QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=LONGEST_RETENTION,
            redrive_allow_policy=RedriveAllowPolicy(
                redrive_permission=RedrivePermission.BY_QUEUE,
                # By its name: a reference would run in a circle with the redrive policy.
                source_queues=[Queue.from_queue_arn(self, "SourceByName", arn)],
            ),
        )
        self.queue = Queue(
            self,
            "Queue",
            queue_name=full_name,
            encryption=QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=visibility_timeout,
            retention_period=LONGEST_RETENTION,
            dead_letter_queue=DeadLetterQueue(queue=self.dead_letters, max_receive_count=5),
        )
        Tags.of(self.queue).add("purpose", f"Work for the function behind {name}")
        Tags.of(self.dead_letters).add("purpose", f"Messages of {name} that were delivered five times in vain")
