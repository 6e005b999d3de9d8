from __future__ import annotations

import email.utils
import enum
import http.client
import socket
import time
import urllib.error
import urllib.request

import httpx
import pytest

from scoregate.runner.candidates import CandidateError, TransientError, classify


class StatusError(Exception):
    """As the SDKs of model services have them: a status on the exception itself."""

    def __init__(self, message: str, **attributes: object) -> None:
        super().__init__(message)
        self.__dict__.update(attributes)


def unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def test_an_error_that_says_nothing_is_final_and_keeps_type_and_message() -> None:
    error = classify(ValueError("no such order\nsecond line"))
    assert not isinstance(error, TransientError)
    assert str(error) == "ValueError: no such order"


def test_an_error_without_a_message_is_its_type() -> None:
    assert str(classify(ZeroDivisionError())) == "ZeroDivisionError"


def test_a_candidate_error_stays_itself() -> None:
    own = TransientError("busy", retry_after=3)
    assert classify(own) is own


@pytest.mark.parametrize("error", [ConnectionResetError("reset"), BrokenPipeError(), TimeoutError("slow")])
def test_connection_errors_and_timeouts_are_transient(error: Exception) -> None:
    assert isinstance(classify(error), TransientError)


@pytest.mark.parametrize("error", [PermissionError("no"), FileNotFoundError("gone"), OSError("disk")])
def test_other_errors_of_the_system_are_final(error: Exception) -> None:
    assert not isinstance(classify(error), TransientError)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 529])
@pytest.mark.parametrize("attribute", ["status_code", "status", "code"])
def test_a_transient_status_on_the_error_is_transient(status: int, attribute: str) -> None:
    error = classify(StatusError("try later", **{attribute: status}))
    assert isinstance(error, TransientError)
    assert error.rate_limited is (status in (429, 529))


@pytest.mark.parametrize(
    "status", [400, 401, 404, 422, 200, 1006, True, "429s", "404", http.client.NOT_FOUND]
)
def test_any_other_status_is_final(status: object) -> None:
    assert not isinstance(classify(StatusError("no", status_code=status)), TransientError)


def test_an_httpx_status_error_is_judged_by_its_response() -> None:
    request = httpx.Request("POST", "http://localhost/")
    response = httpx.Response(429, headers={"retry-after": "7"}, request=request)
    error = classify(httpx.HTTPStatusError("too many", request=request, response=response))
    assert isinstance(error, TransientError)
    assert (error.retry_after, error.rate_limited) == (7.0, True)


def test_an_httpx_transport_error_is_transient_but_a_wrong_scheme_is_not() -> None:
    with pytest.raises(httpx.ConnectError) as refused:
        httpx.get(f"http://127.0.0.1:{unused_port()}/")
    assert isinstance(classify(refused.value), TransientError)
    with pytest.raises(httpx.UnsupportedProtocol) as wrong:
        httpx.get("ftp://127.0.0.1/")
    assert not isinstance(classify(wrong.value), TransientError)


def test_urllib_names_the_cause_in_its_reason() -> None:
    with pytest.raises(urllib.error.URLError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{unused_port()}/", timeout=5)
    assert isinstance(classify(refused.value), TransientError)


def test_an_error_raised_from_a_transient_one_is_transient() -> None:
    try:
        try:
            raise ConnectionResetError("reset by peer")
        except ConnectionResetError as cause:
            raise RuntimeError("the model did not answer") from cause
    except RuntimeError as wrapped:
        error = classify(wrapped)
    assert isinstance(error, TransientError)
    assert str(error) == "RuntimeError: the model did not answer"


def test_the_outer_error_has_the_first_word() -> None:
    final = StatusError("bad request", status_code=400)
    final.__cause__ = ConnectionResetError()
    assert not isinstance(classify(final), TransientError)


def test_an_error_that_was_raised_while_another_was_handled_is_not_its_consequence() -> None:
    unrelated = KeyError("order")
    unrelated.__context__ = TimeoutError("slow")
    assert not isinstance(classify(unrelated), TransientError)


@pytest.mark.parametrize(("value", "seconds"), [(3, 3.0), (1.5, 1.5), ("2", 2.0), (0, 0.0)])
def test_retry_after_on_the_error_is_seconds(value: object, seconds: float) -> None:
    error = classify(StatusError("wait", retry_after=value))
    assert isinstance(error, TransientError)
    assert error.retry_after == seconds


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "soon", None, True])
def test_a_retry_after_that_is_no_time_is_none(value: object) -> None:
    error = classify(StatusError("wait", status_code=503, retry_after=value))
    assert isinstance(error, TransientError)
    assert error.retry_after is None


def test_retry_after_in_a_header_may_be_a_date() -> None:
    date = email.utils.formatdate(time.time() + 60, usegmt=True)
    error = classify(StatusError("wait", status_code=503, headers={"Retry-After": date}))
    assert isinstance(error, TransientError)
    assert error.retry_after == pytest.approx(60, abs=5)


def test_a_date_in_the_past_is_no_wait() -> None:
    error = classify(
        StatusError("wait", status_code=429, headers={"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"})
    )
    assert isinstance(error, TransientError)
    assert error.retry_after == 0.0


def test_exit_is_final_and_named() -> None:
    assert str(classify(SystemExit(3))) == "the candidate called exit(3)"
    assert str(classify(SystemExit())) == "the candidate called exit()"


def test_a_group_of_one_is_that_one() -> None:
    error = classify(ExceptionGroup("in a task group", [ConnectionResetError("reset")]))
    assert isinstance(error, TransientError)
    assert str(error) == "ConnectionResetError: reset"


def test_a_long_or_unprintable_message_becomes_a_short_safe_line() -> None:
    reason = str(classify(ValueError("\n \x1b[31mcut \ud83d " + "x" * 5000)))
    assert reason.startswith("ValueError: \N{REPLACEMENT CHARACTER}[31mcut \N{REPLACEMENT CHARACTER} x")
    assert len(reason) == 300


def test_an_error_that_cannot_be_shown_is_still_an_error() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError

        @property
        def response(self) -> object:
            raise RuntimeError

    assert str(classify(Broken())) == "Broken: (its message cannot be shown)"


def test_errors_can_be_raised_by_a_task_to_say_which_kind_it_is() -> None:
    assert isinstance(classify(CandidateError("no")), CandidateError)
    assert not isinstance(classify(CandidateError("no")), TransientError)


def test_a_key_of_the_environment_is_hidden_in_what_an_exception_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = "sk-made-up-" + "0123456789" * 4
    monkeypatch.setenv("MODEL_API_KEY", key)
    assert str(classify(RuntimeError(f"refused: Authorization: Bearer {key}"))) == (
        "RuntimeError: refused: Authorization: Bearer ***"
    )
    cut = str(classify(RuntimeError("x" * 280 + key)))
    assert "sk-made" not in cut


def an_error(module: str, name: str, *bases: type[BaseException], **attributes: object) -> BaseException:
    """An error as a library of this name raises it, of a class that derives from `bases`."""
    kind = type(name, bases or (Exception,), {"__module__": module})
    error: BaseException = kind("said nothing more")
    error.__dict__.update(attributes)
    return error


def of_aws(code: str, status: int, **headers: str) -> BaseException:
    answer = {
        "Error": {"Code": code, "Message": "slow down"},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }
    return an_error("botocore.exceptions", "ClientError", response=answer)


@pytest.mark.parametrize(
    ("code", "status", "limited"),
    [
        ("ThrottlingException", 429, True),
        ("ThrottlingException", 400, True),
        ("ProvisionedThroughputExceededException", 400, True),
        ("TooManyRequestsException", 429, True),
        ("SlowDown", 503, True),
        ("ServiceUnavailableException", 503, False),
        ("InternalServerException", 500, False),
        ("ModelTimeoutException", 408, False),
        ("Unknown", 502, False),
    ],
)
def test_what_aws_answers_is_judged_by_its_code_and_its_status(code: str, status: int, limited: bool) -> None:
    error = classify(of_aws(code, status))
    assert isinstance(error, TransientError)
    assert error.rate_limited is limited


@pytest.mark.parametrize(
    ("code", "status"), [("ValidationException", 400), ("AccessDeniedException", 403), ("NotFound", 404)]
)
def test_what_aws_refuses_stays_refused(code: str, status: int) -> None:
    assert not isinstance(classify(of_aws(code, status)), TransientError)


def test_aws_may_say_how_long_to_wait() -> None:
    error = classify(of_aws("ThrottlingException", 429, **{"retry-after": "9"}))
    assert isinstance(error, TransientError)
    assert error.retry_after == 9.0


class RpcStatus(enum.Enum):
    UNAVAILABLE = (14, "unavailable")
    RESOURCE_EXHAUSTED = (8, "resource exhausted")
    DEADLINE_EXCEEDED = (4, "deadline exceeded")
    INVALID_ARGUMENT = (3, "invalid argument")


@pytest.mark.parametrize("status", RpcStatus)
def test_a_remote_procedure_call_says_its_status_by_a_method(status: RpcStatus) -> None:
    error = classify(an_error("grpc.aio", "AioRpcError", code=lambda: status))
    assert isinstance(error, TransientError) is (status is not RpcStatus.INVALID_ARGUMENT)
    if isinstance(error, TransientError):
        assert error.rate_limited is (status is RpcStatus.RESOURCE_EXHAUSTED)


def test_or_as_a_text() -> None:
    assert isinstance(classify(StatusError("no room", status="RESOURCE_EXHAUSTED")), TransientError)
    assert not isinstance(classify(StatusError("no", status="INVALID_ARGUMENT")), TransientError)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("requests.exceptions", "ConnectionError"),
        ("requests.exceptions", "ReadTimeout"),
        ("requests.exceptions", "ChunkedEncodingError"),
        ("urllib3.exceptions", "ProtocolError"),
        ("urllib3.exceptions", "NameResolutionError"),
        ("aiohttp.client_exceptions", "ServerDisconnectedError"),
        ("aiohttp.client_exceptions", "ClientPayloadError"),
        ("aiohttp.client_exceptions", "ClientConnectorDNSError"),
        ("botocore.exceptions", "EndpointConnectionError"),
        ("botocore.exceptions", "ReadTimeoutError"),
        ("botocore.exceptions", "ConnectionClosedError"),
        ("openai", "APIConnectionError"),
        ("anthropic", "APITimeoutError"),
        ("http.client", "IncompleteRead"),
        ("some_client.of_tomorrow", "ReadTimeout"),
    ],
)
def test_no_answer_is_known_by_the_kind_of_the_error_and_of_what_it_derives_from(
    module: str, name: str
) -> None:
    bases = (type(an_error("aiohttp", "ClientConnectionError")),) if module.startswith("aiohttp") else ()
    error = an_error(module, name, *bases)
    assert isinstance(classify(error), TransientError)
    derived = an_error("mine", "Wrapped", type(error))
    assert isinstance(classify(derived), TransientError)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("requests.exceptions", "InvalidURL"),
        ("requests.exceptions", "TooManyRedirects"),
        ("httpx", "DecodingError"),
        ("aiohttp.client_exceptions", "InvalidURL"),
        ("pydantic", "ValidationError"),
        ("gql.transport.exceptions", "TransportQueryError"),
    ],
)
def test_a_wrong_request_stays_wrong(module: str, name: str) -> None:
    assert not isinstance(classify(an_error(module, name)), TransientError)


def test_a_name_that_cannot_be_resolved_is_transient() -> None:
    error = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    assert isinstance(classify(error), TransientError)
    assert isinstance(classify(urllib.error.URLError(error)), TransientError)


@pytest.mark.parametrize("name", ["reason", "inner_exception", "cause"])
def test_an_error_may_keep_the_error_of_its_transport(name: str) -> None:
    assert isinstance(classify(StatusError("gave up", **{name: ConnectionResetError()})), TransientError)


def test_a_used_up_quota_is_final_although_its_status_is_429() -> None:
    assert not isinstance(
        classify(StatusError("pay", status_code=429, code="insufficient_quota")), TransientError
    )


def test_a_group_of_transient_errors_is_transient() -> None:
    lost = ConnectionResetError("reset")
    assert isinstance(classify(ExceptionGroup("two", [lost, TimeoutError()])), TransientError)
    assert not isinstance(classify(ExceptionGroup("two", [lost, ValueError()])), TransientError)


@pytest.mark.parametrize(
    "attributes",
    [
        {"status_code": "503"},
        {"statusCode": 503},
        {"http_status_code": 503},
        {"response": {"status_code": 503}},
        {"response": {"status": 503}},
        {"resp": StatusError("answer", status="503")},
        {"status": "503 Service Unavailable"},
    ],
)
def test_a_status_may_be_a_text_or_stand_in_a_mapping(attributes: dict[str, object]) -> None:
    assert isinstance(classify(StatusError("busy", **attributes)), TransientError)


@pytest.mark.parametrize(
    ("attributes", "limited"),
    [
        ({"status_code": 200, "body": {"error": {"type": "overloaded_error"}}}, False),
        ({"body": {"type": "error", "error": {"type": "rate_limit_error"}}}, True),
        ({"code": "rate_limit_exceeded", "body": None}, True),
        ({"type": "server_error"}, False),
    ],
)
def test_a_stream_that_breaks_off_says_why_without_a_status(
    attributes: dict[str, object], limited: bool
) -> None:
    error = classify(StatusError("in a stream", **attributes))
    assert isinstance(error, TransientError)
    assert error.rate_limited is limited
    refused = StatusError("wrong", status_code=400, body={"error": {"type": "api_error"}})
    assert not isinstance(classify(refused), TransientError)


def test_an_error_of_retries_is_that_of_the_last_attempt() -> None:
    last = StatusError("attempt", exception=lambda: StatusError("busy", status_code=429))
    assert isinstance(classify(StatusError("gave up", last_attempt=last)), TransientError)
    last = StatusError("attempt", exception=lambda: StatusError("wrong", status_code=400))
    assert not isinstance(classify(StatusError("gave up", last_attempt=last)), TransientError)


@pytest.mark.parametrize(
    ("headers", "seconds"), [({b"Retry-After": b"5"}, 5.0), ({"Retry-After": 10**400}, None)]
)
def test_a_retry_after_may_be_bytes_and_is_none_beyond_all_time(
    headers: object, seconds: float | None
) -> None:
    error = classify(StatusError("busy", status_code=429, response={"headers": headers}))
    assert isinstance(error, TransientError)
    assert error.retry_after == seconds
