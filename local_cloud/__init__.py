"""The cloud on a laptop: an emulator of AWS as a process of this machine, and the real CDK app deployed to it.

Command, demo and tests use it the same way. For the time of a block:

    from local_cloud.cloud import LocalCloud
    from local_cloud.deployment import synthesize

    assembly = synthesize(Path("cdk.out"))         # about ten seconds; any folder; atomic
    with LocalCloud.start() as cloud:              # half a second; a free port, or LocalCloud.start(4567)
        cloud.deploy(assembly, progress=show)      # three seconds; show(event: deployment.StackEvent) -> None
        cloud.endpoint_url, cloud.port             # "http://127.0.0.1:<port>"
        cloud.environment()                        # AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION, root's keys
        cloud.client("dynamodb")                   # boto3 client as the account's root
        keys = cloud.assume(role_arn)              # temporary credentials of a role
        cloud.client("lambda", keys)               # boto3 client as that role

What was deployed, as a caller sees it (the fixture `local` of `tests/integration` yields one):

    from local_cloud.stage import DeployedStage

    local = DeployedStage(cloud)
    local.parameter("cdr/writer-function")         # a published parameter by its path; local.parameters has all
    local.client("lambda", "qm-service")           # boto3 client as a role by its short name; without one: as root

A cloud ends, with every function process and every file of it, when its block ends or when the process that started it
ends in whatever way. Any number may run at once; they share nothing.

The one that stays until it is told to go (`make local-up`, `switchboard local up|down|status`):

    from local_cloud import standing

    cloud, is_new = standing.up(port, progress=show)   # deploys `cdk.out`, writes `.local/env` last
    LocalCloud.running()                               # it, or None; from any process; waits until it answers
    standing.down()                                    # true if one was stopped

Account, region and root's keys stand in `local_cloud.identity`. Everything raised is a
`local_cloud.errors.LocalCloudError` whose message is fit for a person. `local_cloud.cdk` is the CDK CLI without a Node
of the machine.

What the emulator gets wrong and this system rests on is corrected by `local_cloud.corrections`, one module per fault.
This module imports nothing, because the emulator's own environment imports it too.
"""
