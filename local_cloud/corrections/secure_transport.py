"""Requests over loopback count as secure transport.

Wrong: the emulator serves plain HTTP, so `aws:SecureTransport` is false, and a TLS-only policy of a bucket or a queue
denies every request.

AWS: service endpoints are reached over TLS and the key is true.
Source: IAM user guide, "AWS global condition context keys", `aws:SecureTransport`.

A loopback connection never leaves the machine, so it is as safe as TLS, and the policies stay in the templates as they
are.
"""

from __future__ import annotations

from ipaddress import ip_address

from ministack import app

from local_cloud.corrections import _seam


def apply() -> None:
    """Report loopback requests as secure."""
    pin = _seam.original(app, "pin_request_origin", "source_ip", "secure_transport")

    def pin_request_origin(source_ip: str, secure_transport: bool) -> None:
        pin(source_ip, secure_transport or ip_address(source_ip).is_loopback)

    app.pin_request_origin = pin_request_origin
