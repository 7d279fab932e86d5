from __future__ import annotations

import concurrent.futures
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("boto3", reason="needs the extra [aws]")

from tg.common._core.errors import (
    AwsConnectionError,
    AwsCredentialsError,
    AwsError,
    AwsNotFoundError,
    AwsPermissionError,
    AwsQuotaError,
    AwsServiceError,
    AwsThrottledError,
    ConfigError,
)
from tg.common.delivery.sagemaker.aws import AwsClients
from tg.common.delivery.sagemaker.aws_errors import aws_error, translated

S3_ERROR = "<Error><Code>{code}</Code><Message>{message}</Message></Error>"
QUERY_ERROR = (
    '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
    "<Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
)
JSON = "application/x-amz-json-1.1"


# ------------------------------------------------------------------ clients


def test_the_library_starts_without_loading_boto3():
    code = "import sys, tg.common.delivery.sagemaker.aws; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_who_asks_is_known(cloud):
    identity = AwsClients().identity()
    assert identity.account == "123456789012"
    assert identity.arn.startswith("arn:aws:sts::123456789012:")


def test_clients_are_made_once_also_by_many_threads(cloud):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        clients = list(pool.map(lambda _: AwsClients().client("s3"), range(64)))
    assert len({id(client) for client in clients}) == 1


def test_clients_of_other_regions_are_others(cloud):
    assert AwsClients().client("s3") is not AwsClients(region="us-east-1").client("s3")
    assert AwsClients(region="us-east-1").region == "us-east-1"


def test_requests_are_repeated_as_often_as_throttling_asks_for(cloud):
    config = AwsClients().client("sagemaker").meta.config
    assert config.retries["mode"] == "adaptive"
    assert config.retries["total_max_attempts"] == 10
    assert (config.connect_timeout, config.read_timeout) == (10, 60)


def test_clients_follow_the_environment(cloud, monkeypatch):
    before = AwsClients().client("s3")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    after = AwsClients().client("s3")
    assert after is not before
    assert after.meta.endpoint_url == "http://127.0.0.1:9"


def test_credentials_that_were_renewed_in_the_file_are_used(cloud, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    file = tmp_path / "aws-credentials"
    seen = []
    for key in ("first", "a-second-one"):
        file.write_text(f"[default]\naws_access_key_id={key}\naws_secret_access_key=x\n")
        seen.append(AwsClients().client("s3")._request_signer._credentials.access_key)
    assert seen == ["first", "a-second-one"]


def test_the_region_that_other_aws_tools_read_is_used(cloud, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    assert AwsClients().region == "ap-south-1"


def test_they_can_be_sent_to_another_process(cloud):
    copy = pickle.loads(pickle.dumps(AwsClients("default-not-read", "eu-west-1")))
    assert (copy.profile, repr(copy)) == (
        "default-not-read",
        "AwsClients(profile='default-not-read', region='eu-west-1')",
    )


# ------------------------------------------------------------------ what is not set up


def test_missing_region_is_told_with_the_way_out(aws_settings, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(ConfigError, match=r"no AWS region is set.*AWS_REGION"):
        AwsClients().client("s3")


def test_missing_credentials_are_told_with_the_way_out(no_aws):
    with pytest.raises(AwsCredentialsError, match=r"no AWS credentials.*aws sso login"):
        AwsClients(region="eu-west-1").client("s3")


def test_a_profile_that_is_not_there_is_told_with_those_that_are(aws_settings, tmp_path):
    (tmp_path / "aws-config").write_text("[profile research]\nregion=eu-west-1\n")
    with pytest.raises(ConfigError, match=r"'reserch'.*'research'"):
        AwsClients("reserch").client("s3")


def test_an_unknown_service_is_told(aws_settings):
    with pytest.raises(ConfigError, match="sagemakr"):
        AwsClients().client("sagemakr")


def test_without_boto3_the_message_says_what_to_install(aws_settings):
    code = (
        "import sys; sys.modules['boto3'] = None\n"
        "from tg.common.delivery.sagemaker.aws import AwsClients\n"
        "try: AwsClients(region='eu-west-1').client('s3')\n"
        "except ImportError as e: print(e)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "training-grounds[aws]"' in run.stdout


# ------------------------------------------------------------------ what AWS answers


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "ExpiredToken", AwsCredentialsError),
        (403, "InvalidAccessKeyId", AwsCredentialsError),
        (403, "SignatureDoesNotMatch", AwsCredentialsError),
        (403, "RequestTimeTooSkewed", AwsCredentialsError),
        (403, "AccessDenied", AwsPermissionError),
        (404, "NoSuchBucket", AwsNotFoundError),
        (400, "TooManyBuckets", AwsQuotaError),
        (409, "BucketAlreadyExists", AwsError),
    ],
)
def test_answers_of_s3_have_types(answers, status, code, kind):
    answers.give(status, S3_ERROR.format(code=code, message="as it is"))
    with pytest.raises(AwsError) as caught, translated("CreateBucket"):
        AwsClients().client("s3").create_bucket(
            Bucket="tea-data", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.operation) == (code, "CreateBucket")
    assert type(caught.value.__cause__).__module__.startswith("botocore")
    assert pickle.loads(pickle.dumps(caught.value)).code == code


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ResourceLimitExceeded", AwsQuotaError),
        ("AccessDeniedException", AwsPermissionError),
        ("ExpiredTokenException", AwsCredentialsError),
        ("UnrecognizedClientException", AwsCredentialsError),
        ("ResourceNotFound", AwsNotFoundError),
        ("ResourceInUse", AwsError),
        ("InternalFailure", AwsServiceError),
        ("com.amazonaws.sagemaker#ResourceLimitExceeded", AwsQuotaError),
    ],
)
def test_answers_of_sagemaker_have_types(answers, code, kind):
    answers.give(400, f'{{"__type": "{code}", "message": "limit of 0 ml.p4d"}}', JSON)
    with pytest.raises(AwsError, match=r"limit of 0 ml\.p4d") as caught, translated("Describe"):
        AwsClients().client("sagemaker").describe_training_job(TrainingJobName="tea")
    assert type(caught.value) is kind


def test_expired_credentials_are_told_by_the_identity(answers):
    answers.give(403, QUERY_ERROR.format(code="ExpiredToken", message="The token has expired"))
    with pytest.raises(AwsCredentialsError, match="aws sso login"):
        AwsClients().identity()


def test_throttling_is_waited_out(answers):
    for _ in range(2):
        answers.give(400, '{"__type": "ThrottlingException", "message": "Rate exceeded"}', JSON)
    answers.give(200, '{"TrainingJobStatus": "Completed"}', JSON)
    client = AwsClients().client("sagemaker")
    found = client.describe_training_job(TrainingJobName="tea")
    assert found["TrainingJobStatus"] == "Completed"
    assert len(answers.requests) == 3


def test_a_failure_of_the_service_is_told_from_a_refusal_also_without_a_known_code():
    from botocore.exceptions import ClientError

    answer = {
        "Error": {"Code": "Oops", "Message": "we fail"},
        "ResponseMetadata": {"HTTPStatusCode": 502},
    }
    with pytest.raises(AwsServiceError, match="Ask again later"), translated("Describe"):
        raise ClientError(answer, "DescribeTrainingJob")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("RequestTimeTooSkewed", "The difference is too large."),
        ("InvalidSignatureException", "Signature expired: 20260101T0 is now earlier than 2026"),
        ("SignatureDoesNotMatch", "Signature not yet current: 20260101T0 is still later than"),
    ],
)
def test_a_clock_that_is_wrong_is_not_taken_for_wrong_credentials(code, message):
    error = aws_error(code, message, "s3.PutObject")
    assert isinstance(error, AwsCredentialsError)
    assert "Set this machine's clock" in error.hint


def test_who_wants_fewer_attempts_gets_a_client_of_its_own(answers):
    answers.give(500, '{"__type": "InternalFailure", "message": "we fail"}', JSON)
    patient, hasty = AwsClients(), AwsClients(attempts=2)
    with pytest.raises(AwsServiceError), translated("Describe"):
        hasty.client("sagemaker").describe_training_job(TrainingJobName="tea")
    assert len(answers.requests) == 2
    assert patient.client("sagemaker") is not hasty.client("sagemaker")
    assert pickle.loads(pickle.dumps(hasty)).attempts == 2
    with pytest.raises(ConfigError, match="attempts=0"):
        AwsClients(attempts=0)


def test_throttling_that_does_not_end_has_a_type():
    from botocore.exceptions import ClientError

    answer = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}
    with pytest.raises(AwsThrottledError, match="Rate exceeded"), translated("Describe"):
        raise ClientError(answer, "DescribeTrainingJob")  # type: ignore[arg-type]


def quick(service):
    """A client that gives up at once."""
    import boto3
    from botocore.config import Config

    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}, read_timeout=1))


def test_an_endpoint_that_is_not_there_is_told(aws_settings, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(AwsConnectionError, match="AWS_ENDPOINT_URL") as caught, translated("List"):
        quick("s3").list_buckets()
    assert caught.value.code == "EndpointConnectionError"


def test_a_connection_that_breaks_is_told(answers):
    answers.give(0, "")
    with pytest.raises(AwsConnectionError), translated("ListBuckets"):
        quick("s3").list_buckets()


def test_wrong_arguments_are_errors_of_configuration(aws_settings):
    with pytest.raises(ConfigError, match="Bucket"), translated("HeadBucket"):
        AwsClients().client("s3").head_bucket(Bucket="no bucket")


def test_errors_of_others_stay_as_they_are():
    with pytest.raises(KeyError), translated("PutObject"):
        raise KeyError("mine")
    with pytest.raises(KeyboardInterrupt), translated("PutObject"):
        raise KeyboardInterrupt


def test_the_error_of_an_upload_has_the_type_of_its_reason(answers, tmp_path: Path):
    answers.give(404, S3_ERROR.format(code="NoSuchBucket", message="no such bucket"))
    file = tmp_path / "tea"
    file.write_bytes(b"leaves")
    with pytest.raises(AwsNotFoundError) as caught, translated("PutObject"):
        AwsClients().client("s3").upload_file(str(file), "tea-data", "tea")
    assert caught.value.code == "NoSuchBucket"


def test_secrets_in_answers_are_not_shown(answers, monkeypatch):
    said = (
        "key AKIAIOSFODNN7EXAMPLE and rehearsed-secret-key with "
        "?X-Amz-Signature=abcdef0123&amp;X-Amz-Security-Token=tok/en"
    )
    answers.give(403, S3_ERROR.format(code="AccessDenied", message=said))
    with pytest.raises(AwsPermissionError) as caught, translated("ListBuckets"):
        AwsClients().client("s3").list_buckets()
    text = str(caught.value)
    for secret in ("AKIAIOSFODNN7EXAMPLE", "rehearsed-secret-key", "abcdef0123", "tok/en"):
        assert secret not in text
