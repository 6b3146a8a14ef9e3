"""How a command ends: the exit codes, and what becomes of an error. A user's error never shows a traceback."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

import botocore.exceptions as aws
from botocore.parsers import ResponseParserError

from local_cloud.errors import LocalCloudError, NotSetUpError, PortTakenError, UnresponsiveError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Code(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    REFUSED = 3
    NOT_FOUND = 4
    PARTLY = 5
    UNAVAILABLE = 6


MEANINGS: Final = {
    Code.DONE: "done",
    Code.FAULT: "a fault of ours: please report it",
    Code.USAGE: "the command was not understood: the message says what is missing",
    Code.REFUSED: "refused: by a role, by a rule, or because nobody confirmed",
    Code.NOT_FOUND: "not found: the stage, the table, the person, the run, the object",
    Code.PARTLY: "partly done, or not verified: what was done stays done",
    Code.UNAVAILABLE: "the service is busy or does not answer: run the same command again",
}
"""What each exit code says, as the help of the command and its page tell it."""


class Failure(Exception):  # noqa: N818 - it is how a command ends, not what went wrong
    """The command ends here: why, field by field where it is about fields, and what to do next."""

    def __init__(self, code: Code, message: str, *, remedy: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy
        self.details = details


@dataclass(frozen=True, slots=True)
class _Meaning:
    code: Code
    message: str
    remedy: str


_ACCESS: Final = _Meaning(
    Code.REFUSED, "These credentials may not do this.", "Use a role that may: give --profile, or sign in again."
)
_CREDENTIALS: Final = _Meaning(
    Code.REFUSED, "AWS does not accept these credentials.", "Sign in again, or give --profile of a role that may."
)
_CLOCK: Final = _Meaning(
    Code.REFUSED, "AWS does not accept this machine's time.", "Set the clock, and run the same command again."
)
_BUSY: Final = _Meaning(Code.UNAVAILABLE, "AWS is busy or unreachable.", "Run the same command again in a moment.")
_TOO_LARGE: Final = _Meaning(Code.REFUSED, "The request is larger than a function accepts.", "Send fewer records.")
_GONE: Final = _Meaning(
    Code.NOT_FOUND, "What the stage published does not exist.", "Is the stage deployed? Deploy it again."
)
_CHANGING: Final = _Meaning(
    Code.UNAVAILABLE, "What the command needs is just being changed.", "Run the same command again in a moment."
)
_CODES: Final = {
    _ACCESS: ("AccessDenied", "AccessDeniedException", "KMSAccessDeniedException", "UnauthorizedOperation"),
    _CREDENTIALS: (
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ),
    _CLOCK: ("RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"),
    _BUSY: (
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    ),
    _CHANGING: ("ResourceConflictException", "ResourceInUseException"),
    _TOO_LARGE: ("RequestEntityTooLargeException", "RequestTooLargeException"),
    _GONE: ("404", "NoSuchBucket", "NoSuchEntity", "ResourceNotFoundException"),
}
"""The codes of AWS by what they mean. Those of throttling are what botocore itself sends again (botocore.retries)."""
_MEANINGS: Final = {code: meaning for meaning, codes in _CODES.items() for code in codes}
_SERVER_FAULT: Final = 500
REPORT: Final = "This is ours: report it with the command, and with its output but for other people's data."
"""What to do about a fault of ours."""


_BY_TYPE: Final = (
    (
        aws.ProfileNotFound,
        _Meaning(Code.REFUSED, "There is no such profile.", "`aws configure list-profiles` lists them."),
    ),
    ((aws.SSOError, aws.TokenRetrievalError), _Meaning(Code.REFUSED, "The sign-in has ended.", "Run `aws sso login`.")),
    (aws.LoginError, _Meaning(Code.REFUSED, "The sign-in has ended.", "Run `aws login`.")),
    (
        (aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError),
        _Meaning(Code.REFUSED, "There are no usable AWS credentials.", _CREDENTIALS.remedy),
    ),
    (
        (aws.ConnectionError, aws.HTTPClientError),
        _Meaning(Code.UNAVAILABLE, "The endpoint does not answer.", "Is it running, and is the address right?"),
    ),
    (
        ResponseParserError,
        _Meaning(Code.UNAVAILABLE, "What answers at the endpoint is not AWS.", "Is the address right?"),
    ),
    (
        EOFError,
        _Meaning(
            Code.REFUSED,
            "Nobody is there to type what was asked for.",
            "Run the command in a terminal, or sign in first.",
        ),
    ),
    (
        aws.InvalidRegionError,
        _Meaning(Code.USAGE, "There is no such region.", "Write it like eu-central-1: --region, or AWS_REGION."),
    ),
    (
        aws.ParamValidationError,
        _Meaning(Code.USAGE, "AWS takes no such name.", "Is one of the names that were given empty, or too long?"),
    ),
)


_OF_CONFIGURATION: Final = (
    aws.ConfigNotFound,
    aws.ConfigParseError,
    aws.InvalidChecksumConfigError,
    aws.InvalidConfigError,
    aws.InvalidDefaultsMode,
    aws.InvalidEndpointConfigurationError,
    aws.InvalidIMDSEndpointError,
    aws.InvalidIMDSEndpointModeError,
    aws.InvalidProxiesConfigError,
    aws.InvalidRetryConfigurationError,
    aws.InvalidS3AddressingStyleError,
    aws.InvalidS3UsEast1RegionalEndpointConfigError,
    aws.InvalidSTSRegionalEndpointsConfigError,
    aws.MissingDependencyException,
    aws.UnknownCredentialError,
)
"""What botocore says of a person's own files and variables; its sentence names the file, the profile or the setting."""


def failure_of(error: Exception) -> Failure | None:
    """What an error of AWS or of the local cloud means for the person at the terminal; None for a fault of ours."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, LocalCloudError):
        return _failure_of_local_cloud(error)
    if isinstance(error, aws.ClientError):
        return _failure_of_aws(error)
    if isinstance(error, OSError) and error.filename:
        message = f"{error.filename} cannot be used: {error.strerror}."
        return Failure(Code.USAGE, message, remedy="Give a file that may be read, or a place that may be written to.")
    if isinstance(error, _OF_CONFIGURATION):
        return Failure(
            Code.USAGE,
            "The configuration of the AWS CLI cannot be used.",
            remedy="Correct ~/.aws/config, or what AWS_CONFIG_FILE and AWS_PROFILE name; or give another --profile.",
            details=(str(error),),
        )
    return _failure_by_type(error)


def _failure_by_type(error: Exception) -> Failure | None:
    for types, meaning in _BY_TYPE:
        if isinstance(error, types):
            return Failure(meaning.code, meaning.message, remedy=meaning.remedy)
    return None


def _failure_of_local_cloud(error: LocalCloudError) -> Failure:
    if isinstance(error, PortTakenError | NotSetUpError):
        return Failure(Code.REFUSED, str(error), remedy="Then run the same command again.")
    if isinstance(error, UnresponsiveError):
        remedy = "Run the same command again in a moment. `switchboard local down` ends it, and what it holds with it."
        return Failure(Code.UNAVAILABLE, str(error), remedy=remedy)
    return Failure(Code.FAULT, str(error), remedy=REPORT)


def _failure_of_aws(error: aws.ClientError) -> Failure:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    meaning = _MEANINGS.get(code) or (_BUSY if status >= _SERVER_FAULT else None)
    if meaning is None:
        return Failure(Code.FAULT, f"{error.operation_name} was refused with {code}.", remedy=REPORT)
    return Failure(meaning.code, f"{meaning.message} ({error.operation_name}: {code})", remedy=meaning.remedy)


_INVALID: Final = frozenset({"InvalidEnvelope", "InvalidQuery"})
_UNAVAILABLE: Final = frozenset({"QueryUnavailable", "Sandbox.Timedout"})


def failure_of_function(function: str, payload: Mapping[str, Any]) -> Failure:
    """What a function error means. `payload` is Lambda's `{"errorType", "errorMessage", …}`."""
    kind = payload.get("errorType", "")
    message = payload.get("errorMessage", "")
    if kind in _INVALID:
        return Failure(
            Code.REFUSED,
            f"{function} refused the request.",
            remedy="Correct these fields and send it again.",
            details=_fields(message),
        )
    if kind in _UNAVAILABLE or message.endswith("seconds"):
        return Failure(Code.UNAVAILABLE, f"{function} could not answer now.", remedy=_BUSY.remedy)
    return Failure(
        Code.FAULT, f"{function} failed with {kind or 'an unnamed error'}.", remedy=f"The log of {function} says why."
    )


def _fields(message: str) -> tuple[str, ...]:
    try:
        return tuple(field_error(error) for error in json.loads(message)["errors"])
    except (ValueError, TypeError, KeyError):
        return ()


def field_error(error: Mapping[str, str]) -> str:
    """One line of a refusal: where, the code, what is expected."""
    return f"{error['path'] or 'the whole request'}: {error['code']}: {error['message']}"
