"""A DynamoDB endpoint on loopback in front of another, whose scans and PartiQL batches pass a throttle.

A request is answered by a client of the engine behind it, so that what is passed on is signed anew: the throttle takes
members out of batches.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.exceptions import ClientError

from tests.models.throttling import ThrottledTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.models.throttling import Throttle

NAMESPACE = "com.amazonaws.dynamodb.v20120810"
BAD_REQUEST = 400


def _refused(code: str) -> ClientError:
    error: Any = {
        "Error": {"Code": code, "Message": "The level of configured provisioned throughput was exceeded"},
        "ResponseMetadata": {"HTTPStatusCode": BAD_REQUEST},
    }
    return ClientError(error, "Throttled")


@contextmanager
def throttling_proxy(client: Any, throttle: Throttle) -> Iterator[str]:
    """The URL of an endpoint that answers as `client` does, throttled; it is gone afterwards."""
    table = ThrottledTable(client, throttle, refuse=_refused)
    one_at_a_time = Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            try:
                with one_at_a_time:
                    answer = getattr(table, xform_name(operation))(**request)
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
                self._answer(status, {"__type": f"{NAMESPACE}#{code}", "message": message})
            else:
                answer.pop("ResponseMetadata", None)
                self._answer(200, answer)

        def _answer(self, status: int, answer: dict[str, Any]) -> None:
            body = json.dumps(answer, default=str).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
