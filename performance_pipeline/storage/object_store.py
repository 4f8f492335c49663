"""Clients of object stores: how they are made, and what their errors mean to an operator."""

import os
import re
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Final, cast

from obstore.store import from_url

from performance_pipeline.errors import PipelineError
from performance_pipeline.places import StoreUrl
from performance_pipeline.storage.aws_profile import profile_config
from performance_pipeline.storage.store import StoreError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig, S3Config

# A tick of a sensor may take a minute, so that it is told of a store that stays away.
_RETRIES: Final["RetryConfig"] = {
    "max_retries": 10,
    "retry_timeout": timedelta(seconds=45),
    "backoff": {"max_backoff": timedelta(seconds=5)},
}
_CONNECT: Final = timedelta(seconds=5)
_ANSWER: Final = timedelta(seconds=60)

_CREDENTIALS: Final = {
    "s3": "credentials that may read, write and list there, in the environment (AWS_ACCESS_KEY_ID"
    " and AWS_SECRET_ACCESS_KEY), in the profile of AWS_PROFILE, or those of the machine",
    "gs": "credentials that may read, write and list there, in the file that"
    " GOOGLE_APPLICATION_CREDENTIALS names, or those of the machine",
    "az": "credentials that may read, write and list there, in the environment"
    " (AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY), or those of the machine",
}
_STATUS: Final = re.compile(r"status code: ([0-9]{3} [A-Za-z ]+[a-z])")
_NO_BUCKET: Final = re.compile(
    "NoSuchBucket|ContainerNotFound|bucket does not exist|container does not exist", re.IGNORECASE
)
_REFUSED: Final = re.compile(
    "InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|ExpiredToken|status code: 40[13]"
)
# Where the machine's own credentials are asked for, once there are no others.
_ASKED_THE_MACHINE: Final = re.compile("169[.]254[.]|metadata[.]google[.]internal|MissingAccount")


def client_of(place: StoreUrl) -> "ObjectStore":
    """The client of the bucket that `place` is in; raises PipelineError."""
    try:
        return _client(place.scheme, place.bucket)
    except Exception as error:  # noqa: BLE001
        raise told(error, place) from None


@cache
def _client(scheme: str, bucket: str) -> "ObjectStore":
    options: ClientConfig = {"connect_timeout": _CONNECT, "timeout": _ANSWER}
    config: S3Config | None = None
    if scheme == "s3":
        options["allow_http"] = os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("true", "1", "yes")
        config = cast("S3Config", profile_config())
    url = f"{scheme}://{bucket}"
    return from_url(url, config=config, client_options=options, retry_config=_RETRIES)


def missing_bucket(error: Exception, place: StoreUrl) -> StoreError | None:
    """What to raise where it is not an object that is missing, but its bucket."""
    if _NO_BUCKET.search(str(error)) is None:
        return None
    return StoreError(place, f"there is no bucket {place.bucket!r}", "one that exists")


def told(error: Exception, place: StoreUrl) -> PipelineError:
    """What to raise for an `error` of a client, which may quote what nobody should read."""
    if isinstance(error, PipelineError):
        return error
    said = str(error)
    if (missing := missing_bucket(error, place)) is not None:
        return missing
    if _ASKED_THE_MACHINE.search(said):
        return StoreError(place, "no credentials were found", _CREDENTIALS[place.scheme])
    if _REFUSED.search(said):
        return StoreError(place, "the credentials are refused", _CREDENTIALS[place.scheme])
    if "BadScheme" in said:
        accepted = "https, or http where AWS_ALLOW_HTTP=true says so"
        return StoreError(place, "AWS_ENDPOINT_URL begins with http", accepted)
    if (status := _STATUS.search(said)) is not None:
        return StoreError(place, f"the object store answers {status[1]}", "one that serves it")
    return StoreError(
        place,
        f"the object store cannot be reached ({type(error).__name__})",
        "one that answers; AWS_ENDPOINT_URL names one that is not Amazon's"
        if place.scheme == "s3"
        else "one that answers",
    )
