"""Why the local cloud could not do what it was asked: a closed set."""

from __future__ import annotations


class LocalCloudError(Exception):
    """Base of everything this package raises; the message is fit to be shown to a person."""


class NotSetUpError(LocalCloudError):
    """An environment or the CDK CLI is missing; the message names the remedy."""


class PortTakenError(LocalCloudError):
    """Another program listens on the wanted port."""


class StartError(LocalCloudError):
    """The emulator ended, or did not answer, while it was started; the message carries the end of its log."""


class UnresponsiveError(LocalCloudError):
    """The cloud that was left running is there, and does not answer."""


class SynthesisError(LocalCloudError):
    """The CDK app did not synthesize; the message carries the end of the command's output."""


class DeploymentError(LocalCloudError):
    """The CDK CLI could not deploy; the message carries the end of its output."""
