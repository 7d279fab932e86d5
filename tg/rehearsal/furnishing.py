"""What an account has before anybody uses it: a bucket, and a role for training jobs."""

from __future__ import annotations

import json
from typing import Any

from .account import ACCOUNT

__all__ = ["BUCKET", "ROLE_ARN", "make_bucket", "make_role"]

BUCKET = "training-grounds-rehearsal"
_ROLE = "training-grounds-rehearsal"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{_ROLE}"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
# what a training job needs (developer guide of Amazon SageMaker, CreateTrainingJob API: Execution
# Role Permissions)
_PERMISSIONS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "cloudwatch:PutMetricData",
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
                "s3:AbortMultipartUpload",
                "s3:GetBucketLocation",
                "s3:GetObject",
                "s3:ListBucket",
                "s3:PutObject",
                "s3:DeleteObject",
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetAuthorizationToken",
                "ecr:GetDownloadUrlForLayer",
            ],
            "Resource": "*",
        }
    ],
}


def make_bucket(storage: Any, name: str, region: str) -> None:
    """Make a bucket in a region.

    Parameters
    ----------
    storage
        A client of S3 in that region.
    name
        What it is called.
    region
        The region; the first one may not be named in such a request.
    """
    place = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    storage.create_bucket(Bucket=name, **({} if region == "us-east-1" else place))


def make_role(roles: Any) -> None:
    """Make a role that training jobs may take, with what they need.

    Parameters
    ----------
    roles
        A client of IAM.
    """
    roles.create_role(RoleName=_ROLE, AssumeRolePolicyDocument=json.dumps(_TRUST))
    document = json.dumps(_PERMISSIONS)
    roles.put_role_policy(RoleName=_ROLE, PolicyName="training", PolicyDocument=document)
